// What stands between a file and a stream: steps for it-pipe, each over chunks of octets as they pass.

import type { ByteStream } from '@haggle/mesh'
import type { Hasher } from './files.ts'

type Chunks = AsyncIterable<Uint8Array>

/** Passes exactly `count` octets on. What is longer is cut, and then, as for what is shorter, `wrong` says what is thrown, or null for nothing. */
export function exactly(count: number, wrong: (octets: 'missing' | 'too many') => Error | null): (source: Chunks) => Chunks {
  return async function* (source) {
    let left = count
    for await (const chunk of source) {
      const part = chunk.subarray(0, left)
      left -= part.length
      if (part.length > 0) yield part
      if (part.length === chunk.length) continue
      const error = wrong('too many')
      if (error !== null) throw error
      return
    }
    const error = left > 0 ? wrong('missing') : null
    if (error !== null) throw error
  }
}

/** Feeds all that passes to `hasher`. */
export function hashed(hasher: Hasher): (source: Chunks) => Chunks {
  return async function* (source) {
    for await (const chunk of source) {
      hasher.update(chunk)
      yield chunk
    }
  }
}

/** Sends everything on `stream`, no faster than it takes it. `sent` is told the octets of each chunk. */
export function sentOn(stream: ByteStream, sent: (octets: number) => void = () => undefined): (source: Chunks) => Promise<void> {
  return async (source) => {
    for await (const chunk of source) {
      await stream.send(chunk)
      sent(chunk.length)
    }
  }
}
