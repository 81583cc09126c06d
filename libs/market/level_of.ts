// The service level of a thread's terms, read once: what was bought, whose case it is.

import type { Thread } from '@haggle/negotiate'
import { type Bought, caseOfContract, decodeSla } from '@haggle/witness'
import { toHex } from '@haggle/wire'

/** A service level that a contract carries. */
export interface Level extends Omit<Bought, 'renterCommit'> {
  /** Id of its case, 32 bytes. */
  readonly id: Uint8Array
}

/** The service level of the terms in force; null when none is bought. `self` is this node's key, 32 bytes. */
export function levelOf(thread: Thread, self: Uint8Array): Level | null {
  const { terms, contract, role } = thread.view()
  if (terms === null || contract === null || terms.sla === null) return null
  const sla = decodeSla(terms.sla)
  const other = thread.record.peerKey
  const bought = {
    sla,
    // Not the hash of the terms: two contracts may have the same ones, and each has its own case.
    contract,
    renterKey: role === 'renter' ? self : other,
    providerKey: role === 'renter' ? other : self,
  }
  return { ...bought, id: caseOfContract(bought) }
}

/** The case as people are shown it, 64 hex digits; null without one. */
export function caseOf(level: Level | null): string | null {
  return level === null ? null : toHex(level.id)
}
