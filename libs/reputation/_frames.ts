// How the journal holds entries: a header that names the log, then one checksummed frame for each entry, readable from any frame on.

import { concat, equalBytes, utf8 } from '@haggle/wire'
import type { Journal } from './journal.ts'

/** `magic ‖ u32 log ‖ 32-byte key ‖ u32 crc`. */
const MAGIC = /* @__PURE__ */ utf8('haggle-ledger-journal/1\n')
export const HEADER_BYTES: number = MAGIC.length + 4 + 32 + 4

/** `u32 crc ‖ u32 length ‖ u32 index` before the payload; the checksum covers everything behind itself. */
export const FRAME_HEAD_BYTES = 12

/** Longest payload: an entry is at most a document, and its salt is before it. */
const MAX_PAYLOAD_BYTES = 64 * 1024 + 16

/** Bytes asked of the journal at a time. */
const READ_BYTES = 1 << 20

/** One entry as the journal has it. */
export interface Frame {
  readonly index: number
  /** `salt ‖ entry`. */
  readonly payload: Uint8Array
  /** Where the frame begins in the journal. */
  readonly offset: number
}

export function journalHeader(log: number, key: Uint8Array, journal: Journal): Uint8Array {
  const head = concat(MAGIC, u32(log), key)
  return concat(head, u32(journal.checksum(head)))
}

/** Writes a frame for `index` and `payload` into `target` at `at`. Returns the offset behind it. */
export function writeFrame(target: Uint8Array, at: number, frame: { index: number; payload: Uint8Array }, journal: Journal): number {
  const end = at + FRAME_HEAD_BYTES + frame.payload.length
  setU32(target, at + 4, frame.payload.length)
  setU32(target, at + 8, frame.index)
  target.set(frame.payload, at + FRAME_HEAD_BYTES)
  setU32(target, at, journal.checksum(target.subarray(at + 4, end)))
  return end
}

/** The frame for `index` and `payload`. */
export function encodeFrame(frame: { index: number; payload: Uint8Array }, journal: Journal): Uint8Array {
  const bytes = new Uint8Array(FRAME_HEAD_BYTES + frame.payload.length)
  writeFrame(bytes, 0, frame, journal)
  return bytes
}

/** Reads frames forward from a place in the journal, a megabyte at a time. */
export class FrameReader {
  readonly #journal: Journal
  #buffer: Uint8Array = new Uint8Array(0)
  /** Journal offset of the buffer's first byte. */
  #start = 0
  #ahead: { readonly start: number; readonly bytes: Promise<Uint8Array> } | undefined

  constructor(journal: Journal) {
    this.#journal = journal
  }

  /** The frame at `offset` when it is whole, checks and is that of `index`; undefined otherwise. */
  async frameAt(offset: number, index: number): Promise<Frame | undefined> {
    const head = this.view(offset, FRAME_HEAD_BYTES) ?? (await this.#load(offset, FRAME_HEAD_BYTES))
    if (head === undefined) return undefined
    const length = getU32(head, 4)
    if (getU32(head, 8) !== index || length > MAX_PAYLOAD_BYTES) return undefined
    const whole = FRAME_HEAD_BYTES + length
    const bytes = this.view(offset, whole) ?? (await this.#load(offset, whole))
    return bytes === undefined ? undefined : this.#sound(bytes, { offset, index })
  }

  #sound(bytes: Uint8Array, place: { offset: number; index: number }): Frame | undefined {
    if (this.#journal.checksum(bytes.subarray(4)) !== getU32(bytes, 0)) return undefined
    return { ...place, payload: bytes.subarray(FRAME_HEAD_BYTES) }
  }

  /** The same from what is loaded already, without waiting; undefined when that isn't enough or the frame isn't sound. */
  loaded(offset: number, index: number): Frame | undefined {
    const head = this.view(offset, FRAME_HEAD_BYTES)
    if (head === undefined || getU32(head, 8) !== index) return undefined
    const bytes = this.view(offset, FRAME_HEAD_BYTES + getU32(head, 4))
    return bytes === undefined ? undefined : this.#sound(bytes, { offset, index })
  }

  /** Searches forward from `offset` for the next whole frame with an index of at least `least`, as after a damaged length. */
  async resync(offset: number, least: number): Promise<Frame | undefined> {
    for (let at = offset; at + FRAME_HEAD_BYTES <= this.#journal.length; at++) {
      const head = this.view(at, FRAME_HEAD_BYTES) ?? (await this.#load(at, FRAME_HEAD_BYTES))
      if (head === undefined) return undefined
      const index = getU32(head, 8)
      // A plausible index: no entry is shorter than its salt, so the rest of the file bounds how many can follow.
      if (index < least || index - least > this.#journal.length / 16 || getU32(head, 4) > MAX_PAYLOAD_BYTES) continue
      const frame = await this.frameAt(at, index)
      if (frame) return frame
    }
    return undefined
  }

  /** Bytes that are loaded already, or undefined. */
  view(offset: number, length: number): Uint8Array | undefined {
    const from = offset - this.#start
    return from >= 0 && from + length <= this.#buffer.length ? this.#buffer.subarray(from, from + length) : undefined
  }

  async #load(offset: number, length: number): Promise<Uint8Array | undefined> {
    if (offset + length > this.#journal.length) return undefined
    const end = this.#start + this.#buffer.length
    const ahead = this.#ahead
    this.#ahead = undefined
    if (ahead && ahead.start === end && offset >= this.#start && offset <= end) {
      this.#buffer = concat(this.#buffer.subarray(offset - this.#start), await ahead.bytes)
    } else {
      this.#buffer = new Uint8Array(0)
    }
    this.#start = offset
    if (this.#buffer.length < length) this.#buffer = await this.#journal.read(offset, Math.max(length, READ_BYTES))
    const start = offset + this.#buffer.length
    // The next megabyte is read while this one is looked at.
    if (start < this.#journal.length) {
      this.#ahead = { start, bytes: this.#journal.read(start, READ_BYTES) }
      this.#ahead.bytes.catch(() => undefined)
    }
    return this.view(offset, length)
  }
}

/** Is this file the journal of `log` under `key`? `other` says that it is a sound journal of something else. */
export async function checkHeader(journal: Journal, log: number, key: Uint8Array): Promise<'ok' | 'damaged' | 'other'> {
  const found = await journal.read(0, HEADER_BYTES)
  if (equalBytes(found, journalHeader(log, key, journal))) return 'ok'
  if (found.length < HEADER_BYTES) return 'damaged'
  const sound = getU32(found, HEADER_BYTES - 4) === journal.checksum(found.subarray(0, HEADER_BYTES - 4))
  return sound ? 'other' : 'damaged'
}

export function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4)
  setU32(bytes, 0, value)
  return bytes
}

export function setU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24
  bytes[at + 1] = value >>> 16
  bytes[at + 2] = value >>> 8
  bytes[at + 3] = value
}

export function getU32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
}
