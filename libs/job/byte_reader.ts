// Reads frames and exact counts of raw octets from one stream of chunks, holding at most one chunk.

import { concat, HaggleError } from '@haggle/wire'

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

/** Reads `source` as frames and raw octets. */
export function byteReader(source: AsyncIterable<Uint8Array>): ByteReader {
  const chunks = source[Symbol.asyncIterator]()
  let held: Uint8Array = new Uint8Array(0)

  async function more(): Promise<boolean> {
    const { done, value } = await chunks.next()
    if (done === true) return false
    held = held.length === 0 ? value : concat(held, value)
    return true
  }

  async function* take(count: number): AsyncIterable<Uint8Array> {
    let left = count
    while (left > 0) {
      if (held.length === 0 && !(await more())) throw new HaggleError('E_JOB_CUT', `The stream ended ${left} bytes too early`)
      const chunk = held.subarray(0, left)
      held = held.subarray(chunk.length)
      left -= chunk.length
      yield chunk
    }
  }

  return {
    async frame(maxBytes) {
      while (held.length < 4) {
        if (await more()) continue
        if (held.length === 0) return null
        throw new HaggleError('E_JOB_FRAME', 'The stream ended inside the length of a frame')
      }
      const length = new DataView(held.buffer, held.byteOffset).getUint32(0)
      if (length > maxBytes) throw new HaggleError('E_JOB_FRAME', `A frame must be <= ${maxBytes} bytes, is ${length}`)
      while (held.length < 4 + length) {
        if (!(await more())) throw new HaggleError('E_JOB_FRAME', 'The stream ended inside a frame')
      }
      const frame = held.slice(4, 4 + length)
      held = held.subarray(4 + length)
      return frame
    },
    take,
    async *rest() {
      if (held.length > 0) {
        const chunk = held
        held = new Uint8Array(0)
        yield chunk
      }
      for (;;) {
        const { done, value } = await chunks.next()
        if (done === true) return
        yield value
      }
    },
  }
}

/** A frame: u32be length and the octets. */
export function frameOf(data: Uint8Array): Uint8Array {
  const frame = new Uint8Array(4 + data.length)
  new DataView(frame.buffer).setUint32(0, data.length)
  frame.set(data, 4)
  return frame
}
