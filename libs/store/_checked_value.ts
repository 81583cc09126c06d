// What LevelDB keeps for a value: the bytes and a CRC-32 over key and bytes, because LevelDB doesn't verify its blocks when it reads them.

import { crc32 } from 'node:zlib'
import { HaggleError } from '@haggle/wire'

const CRC_BYTES = 4

/** `value` with its checksum behind it. */
export function seal(key: string, value: Uint8Array): Uint8Array {
  return sealAll([{ key, value }])[0]!
}

/** Each value with its checksum behind it, all in one buffer: a buffer for each would cost more than the copying. */
export function sealAll(entries: readonly { readonly key: string; readonly value: Uint8Array }[]): Uint8Array[] {
  let length = 0
  for (const { value } of entries) length += value.length + CRC_BYTES
  const buffer = new Uint8Array(length)
  let at = 0
  return entries.map(({ key, value }) => {
    const from = at
    buffer.set(value, from)
    writeU32(buffer, from + value.length, crc32(value, crc32(key)))
    at += value.length + CRC_BYTES
    return buffer.subarray(from, at)
  })
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
