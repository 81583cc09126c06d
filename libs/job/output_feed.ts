// Puts the pieces of one output channel together, whatever way they come, into one stream without gaps or repeats.

import { HaggleError } from '@haggle/wire'

/** Octets held for a reader that does not read; more waits at the provider, who keeps the output in a file. */
const MAX_HELD_BYTES = 1024 * 1024

/** One channel of a job as the renter reads it. */
export interface OutputFeed {
  /** The channel from octet `from` on; may be iterated once. A reader that leaves ends the feed: what comes later is dropped. */
  readonly content: AsyncIterable<Uint8Array>
  /** The octet that is expected next. */
  readonly nextOffset: number
  /** True when every octet up to the known end has come. */
  readonly complete: boolean
  /** Resolves when the channel's length is known, or the feed failed. */
  readonly ended: Promise<void>
  /**
   * Takes octets that start at `offset`; what is there already is dropped. Resolves when there is room for more.
   *
   * @throws HaggleError `E_JOB_GAP` when octets before `offset` are missing.
   */
  push(offset: number, bytes: Uint8Array): Promise<void>
  /** Says how long the channel is; the last word counts. */
  end(totalBytes: number): void
  /** Ends the stream with an error after what has come. */
  fail(error: Error): void
}

/**
 * A feed that starts at octet `from`.
 *
 * @example
 * ```ts
 * import { outputFeed } from "@haggle/job";
 * import { utf8 } from "@haggle/wire";
 * import { expect } from "vitest";
 *
 * const feed = outputFeed();
 * await feed.push(0, utf8("hel"));
 * await feed.push(1, utf8("ello"));
 * feed.end(5);
 * let text = "";
 * for await (const chunk of feed.content) text += new TextDecoder().decode(chunk);
 * expect(text).toBe("hello");
 * ```
 */
export function outputFeed(from = 0): OutputFeed {
  const held: Uint8Array[] = []
  let heldBytes = 0
  let nextOffset = from
  let totalBytes: number | undefined
  let failure: Error | undefined
  let abandoned = false
  let wakeReader: (() => void) | undefined
  const writers: (() => void)[] = []
  const known = Promise.withResolvers<void>()

  const isComplete = (): boolean => totalBytes !== undefined && nextOffset >= totalBytes
  const wakeWriters = (): void => {
    for (const wake of writers.splice(0)) wake()
  }

  async function* read(): AsyncIterable<Uint8Array> {
    try {
      for (;;) {
        const chunk = held.shift()
        if (chunk !== undefined) {
          heldBytes -= chunk.length
          wakeWriters()
          yield chunk
          continue
        }
        if (isComplete()) return
        if (failure !== undefined) throw failure
        await new Promise<void>((resolve) => (wakeReader = resolve))
      }
    } finally {
      abandoned = true
      held.length = 0
      heldBytes = 0
      wakeWriters()
    }
  }

  return {
    content: read(),
    get nextOffset() {
      return nextOffset
    },
    get complete() {
      return isComplete()
    },
    ended: known.promise,
    async push(offset, bytes) {
      if (offset > nextOffset) throw new HaggleError('E_JOB_GAP', `Output goes on at ${offset}, expected ${nextOffset}`)
      const fresh = bytes.subarray(nextOffset - offset)
      if (fresh.length === 0) return
      nextOffset += fresh.length
      if (abandoned || failure !== undefined) return
      held.push(fresh)
      heldBytes += fresh.length
      wakeReader?.()
      while (heldBytes > MAX_HELD_BYTES && failure === undefined) await new Promise<void>((resolve) => void writers.push(resolve))
    },
    end(total) {
      totalBytes = total
      known.resolve()
      wakeReader?.()
    },
    fail(error) {
      failure ??= error
      known.resolve()
      wakeReader?.()
      wakeWriters()
    },
  }
}
