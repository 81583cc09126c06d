// How the machine of a thread begins: who talks to whom, and what was said before a restart.

import { restore, type Step, type ThreadInit } from '@haggle/contract'
import { equalBytes, HaggleError } from '@haggle/wire'
import type { StoredThreadState, ThreadContext } from './thread_context.ts'
import type { ThreadRecord } from './thread_store.ts'

/** The parties of a thread. Throws `E_THREAD_SELF` when they are one. */
export function initOf(record: ThreadRecord, context: ThreadContext): ThreadInit {
  const self = context.signer.publicKey
  if (equalBytes(self, record.peerKey)) throw new HaggleError('E_THREAD_SELF', 'Cannot negotiate with oneself')
  return { role: record.role, self, peer: record.peerKey }
}

/** The machine of a thread from its stored chains. One that is closed stays so, whatever comes. */
export function restoredOf(record: ThreadRecord, stored: StoredThreadState, context: ThreadContext): Step {
  const { clock } = context
  const now = { nowMs: clock.monotonicMs(), nowS: Math.floor(clock.now() / 1000), ended: stored.closed }
  return restore(initOf(record, context), { own: stored.own, peer: stored.theirs }, now)
}
