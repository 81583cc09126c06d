// The journal seam: a file of bytes that is appended to and synced, beside the database, so that each can rebuild the other.

import { equalBytes } from '@haggle/wire'
import { crc32 } from './crc32.ts'

/** The bytes of `ledger.journal`. On Node: `openJournal` of `@haggle/reputation/node`. */
export interface Journal {
  /** Bytes it holds now. */
  readonly length: number
  /** Bytes `[from, from + length)`; fewer when the file ends before. */
  read(from: number, length: number): Promise<Uint8Array>
  /** Writes `bytes` at the end. They are on disk when it resolves. When it rejects, any part of them may be. */
  append(bytes: Uint8Array): Promise<void>
  /** Writes over what is at `from`, to heal damage. On disk when it resolves. */
  overwrite(from: number, bytes: Uint8Array): Promise<void>
  /** Cuts the file to `length` bytes. On disk when it resolves. */
  truncate(length: number): Promise<void>
  /** CRC-32 of `bytes`, as fast as the platform has it. */
  checksum(bytes: Uint8Array): number
  /** True when both hold the same bytes, as fast as the platform has it: a full check compares every entry. */
  same(a: Uint8Array, b: Uint8Array): boolean
  /** Releases the file. */
  close(): Promise<void>
}

/** A journal in memory, for tests and for ledgers that need not last. `initial` is what it holds at first. */
export function memoryJournal(initial: Uint8Array = new Uint8Array(0)): Journal {
  let bytes = initial.slice()
  let length = bytes.length
  const grow = (needed: number): void => {
    if (needed <= bytes.length) return
    const larger = new Uint8Array(Math.max(needed, bytes.length * 2, 1024))
    larger.set(bytes.subarray(0, length))
    bytes = larger
  }
  return {
    get length(): number {
      return length
    },
    async read(from: number, count: number): Promise<Uint8Array> {
      return bytes.slice(from, Math.min(from + count, length))
    },
    async append(more: Uint8Array): Promise<void> {
      grow(length + more.length)
      bytes.set(more, length)
      length += more.length
    },
    async overwrite(from: number, replacement: Uint8Array): Promise<void> {
      grow(from + replacement.length)
      bytes.set(replacement, from)
      length = Math.max(length, from + replacement.length)
    },
    async truncate(shorter: number): Promise<void> {
      length = Math.min(length, shorter)
    },
    checksum: crc32,
    same: equalBytes,
    async close(): Promise<void> {
      // Nothing to release: the bytes go with the object.
    },
  }
}
