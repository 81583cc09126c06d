// Frames: byte strings one after another, each behind its length as u32 big-endian (streams and transcript files).

import { concat } from './bytes.ts'
import { HaggleError } from './errors.ts'

const HEAD_BYTES = 4

/** `payload` behind its length. Throws `E_FRAME_SIZE` above `maxBytes` (default 64 KiB). */
export function writeFrame(payload: Uint8Array, maxBytes: number = 64 * 1024): Uint8Array {
  if (payload.length > maxBytes) throw tooLarge(payload.length, maxBytes)
  const frame = new Uint8Array(HEAD_BYTES + payload.length)
  new DataView(frame.buffer).setUint32(0, payload.length)
  frame.set(payload, HEAD_BYTES)
  return frame
}

/**
 * Cuts chunks of any size into frames. Holds at most one frame: a length above `maxBytes` is refused before its payload is awaited.
 *
 * @example
 * ```ts
 * import { FrameReader, utf8, writeFrame } from "@haggle/wire";
 * import { expect } from "vitest";
 *
 * const reader = new FrameReader({ maxBytes: 1024 });
 * const bytes = writeFrame(utf8("hello"));
 * expect(reader.push(bytes.subarray(0, 3))).toEqual([]);
 * expect(reader.push(bytes.subarray(3))).toEqual([utf8("hello")]);
 * ```
 */
export class FrameReader {
  readonly #maxBytes: number
  #chunks: Uint8Array[] = []
  #held = 0
  #wanted = -1

  /** `maxBytes` is the longest payload, default 64 KiB. */
  constructor(options: { readonly maxBytes?: number } = {}) {
    this.#maxBytes = options.maxBytes ?? 64 * 1024
  }

  /** Bytes held that are not yet a whole frame, heads included. 0 means the input so far ended between two frames. */
  get pendingBytes(): number {
    return this.#held + (this.#wanted < 0 ? 0 : HEAD_BYTES)
  }

  /** The frames that `chunk` completes, in order; their payloads are copies. Throws `E_FRAME_SIZE`; the reader is then useless. */
  push(chunk: Uint8Array): Uint8Array[] {
    const frames: Uint8Array[] = []
    this.#chunks.push(chunk)
    this.#held += chunk.length
    for (;;) {
      if (this.#wanted < 0) {
        if (this.#held < HEAD_BYTES) return frames
        const head = this.#take(HEAD_BYTES)
        const length = new DataView(head.buffer).getUint32(0)
        if (length > this.#maxBytes) throw tooLarge(length, this.#maxBytes)
        this.#wanted = length
      }
      if (this.#held < this.#wanted) return frames
      frames.push(this.#take(this.#wanted))
      this.#wanted = -1
    }
  }

  /** What was pushed and is in no frame: the bytes that follow when a stream changes from frames to raw bytes. Empties the reader. */
  rest(): Uint8Array {
    const head = this.#wanted < 0 ? new Uint8Array(0) : new Uint8Array(HEAD_BYTES)
    if (this.#wanted >= 0) new DataView(head.buffer).setUint32(0, this.#wanted)
    const rest = concat(head, ...this.#chunks)
    this.#chunks = []
    this.#held = 0
    this.#wanted = -1
    return rest
  }

  /** Throws `E_FRAME_CUT` when the input ended inside a frame. */
  end(): void {
    if (this.pendingBytes > 0)
      throw new HaggleError('E_FRAME_CUT', 'Cannot read the stream: it ended inside a frame', { details: { pending: this.pendingBytes } })
  }

  #take(length: number): Uint8Array {
    const taken = new Uint8Array(length)
    let filled = 0
    let used = 0
    while (filled < length) {
      const chunk = this.#chunks[used] as Uint8Array
      const part = Math.min(chunk.length, length - filled)
      taken.set(chunk.subarray(0, part), filled)
      filled += part
      if (part === chunk.length) used++
      else this.#chunks[used] = chunk.subarray(part)
    }
    if (used > 0) this.#chunks.splice(0, used)
    this.#held -= length
    return taken
  }
}

/** The frames of a stream of chunks. Throws `E_FRAME_SIZE`, and `E_FRAME_CUT` when it ends inside a frame. */
export async function* readFrames(
  chunks: AsyncIterable<Uint8Array>,
  options: { readonly maxBytes?: number } = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = new FrameReader(options)
  for await (const chunk of chunks) yield* reader.push(chunk)
  reader.end()
}

function tooLarge(length: number, maxBytes: number): HaggleError {
  return new HaggleError('E_FRAME_SIZE', `Cannot read the frame: must be at most ${maxBytes} bytes, is ${length}`, {
    details: { size: length },
  })
}
