// The transcript file of a thread, from the chains that this node holds.

import { encodeTranscript } from '@haggle/contract'
import type { Thread } from '@haggle/negotiate'
import type { Suite } from '@haggle/wire'

/** The bytes of the thread's transcript file, as `haggle verify` reads it. */
export async function transcriptOf(thread: Thread, suite: Suite): Promise<Uint8Array> {
  const { own, theirs } = await thread.stored()
  const [renter, provider] = thread.role === 'renter' ? [own, theirs] : [theirs, own]
  return encodeTranscript({ renter, provider }, suite)
}
