// Reads frames and exact counts of raw octets from one stream of chunks, holding no more than what was asked for and one chunk.

import { HaggleError } from '@haggle/wire'

/** A reader over chunks of bytes. Nothing is read ahead of what is asked for. */
export interface ByteReader {
  /**
   * The next frame (u32be length and so many octets), or null at a clean end.
   *
   * @throws HaggleError `E_JOB_FRAME` when it is longer than `maxBytes` or cut short.
   */
  frame(maxBytes: number): Promise<Uint8Array | null>
  /**
   * Exactly `count` octets, in chunks.
   *
   * @throws HaggleError `E_JOB_CUT` when the stream ends before.
   */
  take(count: number): AsyncIterable<Uint8Array>
  /** Everything up to the end, in chunks. */
  rest(): AsyncIterable<Uint8Array>
}

/**
 * Reads `source` as frames and raw octets. What `source` throws comes out of the call that reads.
 *
 * @example
 * ```ts
 * import { byteReader } from "@haggle/job";
 * import { utf8, writeFrame } from "@haggle/wire";
 * import { expect } from "vitest";
 *
 * async function* chunks() {
 *   yield writeFrame(utf8("head"));
 *   yield utf8("raw octets");
 * }
 * const reader = byteReader(chunks());
 * expect(await reader.frame(1024)).toEqual(utf8("head"));
 * for await (const chunk of reader.rest()) expect(chunk).toEqual(utf8("raw octets"));
 * ```
 */
export function byteReader(source: AsyncIterable<Uint8Array>): ByteReader {
  const chunks = source[Symbol.asyncIterator]()
  /** Chunks that came and were not taken: a list, so that a frame of single octets costs no more than its length. */
  const held: Uint8Array[] = []
  let first = 0
  let heldBytes = 0

  async function more(): Promise<boolean> {
    const { done, value } = await chunks.next()
    if (done === true) return false
    if (value.length > 0) held.push(value)
    heldBytes += value.length
    return true
  }

  /** The next octets of one chunk, `most` at most; call only while some are held. */
  function cut(most: number): Uint8Array {
    const chunk = held[first] as Uint8Array
    const part = chunk.subarray(0, most)
    heldBytes -= part.length
    if (part.length < chunk.length) held[first] = chunk.subarray(part.length)
    else first++
    if (first === held.length) {
      held.length = 0
      first = 0
    }
    return part
  }

  /** `count` octets that are held, as an array of their own. */
  function joined(count: number): Uint8Array {
    const all = new Uint8Array(count)
    for (let at = 0; at < count;) {
      const part = cut(count - at)
      all.set(part, at)
      at += part.length
    }
    return all
  }

  return {
    async frame(maxBytes) {
      while (heldBytes < 4) {
        if (await more()) continue
        if (heldBytes === 0) return null
        throw new HaggleError('E_JOB_FRAME', 'The stream ended inside the length of a frame')
      }
      const length = new DataView(joined(4).buffer).getUint32(0)
      if (length > maxBytes) throw new HaggleError('E_JOB_FRAME', `A frame must be <= ${maxBytes} bytes, is ${length}`)
      while (heldBytes < length) {
        if (!(await more())) throw new HaggleError('E_JOB_FRAME', 'The stream ended inside a frame')
      }
      return joined(length)
    },
    async *take(count) {
      for (let left = count; left > 0;) {
        if (heldBytes === 0) {
          if (await more()) continue
          throw new HaggleError('E_JOB_CUT', `The stream ended ${left} bytes too early`)
        }
        const part = cut(left)
        left -= part.length
        yield part
      }
    },
    async *rest() {
      do {
        while (heldBytes > 0) yield cut(heldBytes)
      } while (await more())
    },
  }
}
