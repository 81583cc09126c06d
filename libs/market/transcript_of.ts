// The transcript file of a thread, from the chains that this node holds.

import { encodeTranscript } from '@haggle/contract'
import type { Thread } from '@haggle/negotiate'
import type { Suite } from '@haggle/wire'

/** The bytes of the thread's transcript file, as `haggle verify` reads it. */
export function transcriptOf(thread: Thread, suite: Suite): Uint8Array {
  const { own, theirs } = thread.chains()
  const [renter, provider] = thread.role === 'renter' ? [own, theirs] : [theirs, own]
  return encodeTranscript({ renter: renter.map(({ bytes }) => bytes), provider: provider.map(({ bytes }) => bytes) }, suite)
}
