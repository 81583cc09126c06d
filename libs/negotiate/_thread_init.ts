// Who talks to whom in a thread, as the machine wants to know it.

import type { ThreadInit } from '@haggle/contract'
import { equalBytes, HaggleError } from '@haggle/wire'
import type { ThreadContext } from './thread_context.ts'
import type { ThreadRecord } from './thread_store.ts'

/** The parties of a thread. Throws `E_THREAD_SELF` when they are one. */
export function initOf(record: ThreadRecord, context: ThreadContext): ThreadInit {
  const self = context.signer.publicKey
  if (equalBytes(self, record.peerKey)) throw new HaggleError('E_THREAD_SELF', 'Cannot negotiate with oneself')
  return { role: record.role, self, peer: record.peerKey }
}
