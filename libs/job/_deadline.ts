// Ends a stream that keeps its reader waiting, and one whose caller has lost interest.

import type { ByteStream } from '@haggle/mesh'
import { type Clock, HaggleError } from '@haggle/wire'

/** What `work` gives; when it takes longer than `ms`, the stream is dropped with `E_JOB_SILENT`, which is what the work then sees. */
export async function within<T>(
  work: Promise<T>,
  stream: ByteStream,
  { clock, ms, what }: { clock: Clock; ms: number; what: string },
): Promise<T> {
  const cancel = clock.after(ms, () => stream.abort(new HaggleError('E_JOB_SILENT', `${what} did not come within ${ms} ms`)))
  try {
    return await work
  } finally {
    cancel()
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
