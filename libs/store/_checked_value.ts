// What LevelDB keeps for a value: the bytes and a CRC-32 over key and bytes, because LevelDB doesn't verify its blocks when it reads them.

import { crc32 } from 'node:zlib'
import { HaggleError } from '@haggle/wire'

const CRC_BYTES = 4

/** `value` with its checksum behind it. */
export function seal(key: string, value: Uint8Array): Uint8Array {
  const sealed = new Uint8Array(value.length + CRC_BYTES)
  sealed.set(value)
  writeU32(sealed, value.length, crc32(value, crc32(key)))
  return sealed
}

/** The value inside `sealed`. Throws `E_STORE_CORRUPT` when key, value or checksum changed on disk. */
export function unseal(key: string, sealed: Uint8Array): Uint8Array {
  const end = sealed.length - CRC_BYTES
  const value = new Uint8Array(sealed.buffer, sealed.byteOffset, Math.max(end, 0))
  if (end < 0 || crc32(value, crc32(key)) !== readU32(sealed, end)) throw corruptError(key)
  return value
}

/** The error of a value that is not what was written. */
export function corruptError(key: string, cause?: unknown): HaggleError {
  return new HaggleError('E_STORE_CORRUPT', 'Cannot read a value: the database file is damaged', {
    cause,
    details: { key },
    next: 'run `haggle ledger check`, and check the disk',
  })
}

function writeU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24
  bytes[at + 1] = value >>> 16
  bytes[at + 2] = value >>> 8
  bytes[at + 3] = value
}

function readU32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
}
