// Ends a stream that keeps its reader waiting, and one whose caller has lost interest.

import type { ByteStream } from '@haggle/mesh'
import { type Clock, HaggleError } from '@haggle/wire'

/** How long somebody waits, for what, and by which clock. */
export interface Patience {
  readonly clock: Clock
  readonly ms: number
  /** What is waited for, as a sentence begins with it. */
  readonly what: string
}

/** What `work` gives; when it takes longer than `ms`, the stream is dropped with `E_JOB_SILENT`, which is what the work then sees. */
export async function within<T>(work: Promise<T>, stream: ByteStream, { clock, ms, what }: Patience): Promise<T> {
  const cancel = clock.after(ms, () => stream.abort(new HaggleError('E_JOB_SILENT', `${what} did not come within ${ms} ms`)))
  try {
    return await work
  } finally {
    cancel()
  }
}

/**
 * Passes on what comes of `stream`. It is dropped with `E_JOB_SILENT` once its reader has waited `ms` for `bytes` octets, or for the end where fewer are
 * left: single octets now and then keep nobody waiting for ever. Time in which the reader asks for nothing does not count.
 */
export function paced(
  stream: ByteStream,
  { clock, ms, what, bytes }: Patience & { readonly bytes: number },
): (source: AsyncIterable<Uint8Array>) => AsyncGenerator<Uint8Array, void> {
  const tooSlow = (): void =>
    stream.abort(new HaggleError('E_JOB_SILENT', `${what} comes too slowly: less than ${bytes} bytes in ${ms} ms`))
  return async function* (source) {
    let waitedMs = 0
    let cameBytes = 0
    let askedMs: number | null = clock.monotonicMs()
    // One timer for all chunks: it finds out when it fires how long was waited, and goes on for the rest.
    const look = (): void => {
      const waited = waitedMs + (askedMs === null ? 0 : clock.monotonicMs() - askedMs)
      if (waited >= ms) tooSlow()
      else cancel = clock.after(ms - waited, look)
    }
    let cancel = clock.after(ms, look)
    try {
      for await (const chunk of source) {
        waitedMs += clock.monotonicMs() - askedMs
        cameBytes += chunk.length
        if (cameBytes >= bytes) waitedMs = cameBytes = 0
        askedMs = null
        yield chunk
        askedMs = clock.monotonicMs()
      }
    } finally {
      cancel()
    }
  }
}

/** Drops `stream` when `signal` is aborted. Returns the function that stops listening. */
export function abortWith(stream: ByteStream, signal: AbortSignal | undefined): () => void {
  if (signal === undefined) return () => undefined
  const abort = (): void =>
    stream.abort(signal.reason instanceof Error ? signal.reason : new HaggleError('E_ABORTED', 'The caller gave up'))
  if (signal.aborted) abort()
  signal.addEventListener('abort', abort)
  const stop = (): void => signal.removeEventListener('abort', abort)
  void stream.closed.then(stop)
  return stop
}
