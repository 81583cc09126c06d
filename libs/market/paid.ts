// A thread as its rail sees it: what is paid, and how it ended.

import type { Outcome } from '@haggle/contract'
import type { Thread } from '@haggle/negotiate'
import type { ContractEnd, PaidContract } from '@haggle/payment'

/** A thread's contract as its rail knows it; null before there is one. */
export function paidOf(thread: Thread): PaidContract | null {
  const { contract, terms } = thread.view()
  return contract === null || terms === null ? null : { thread: thread.record.thread, contract, terms }
}

/** How a contract ended, for its rail. */
export function endOf(thread: Thread, { owed, claimed, signedBy }: Pick<Outcome, 'owed' | 'claimed' | 'signedBy'>): ContractEnd {
  const { own, theirs } = thread.chains()
  const renters = thread.role === 'renter' ? own : theirs
  const last = (type: string): Uint8Array | undefined => renters.findLast((message) => message.type === type)?.id
  const evidence = last('receipt') ?? last('voucher') ?? last('accept') ?? new Uint8Array(32)
  return { owed, claimed, agreed: signedBy === 'both', evidence }
}

/** A contract that never bound its renter, of which the provider says that its job has `used` so much. */
export function unboundEnd(thread: Thread, used: bigint): ContractEnd {
  return { ...endOf(thread, { owed: 0n, claimed: used, signedBy: 'none' }), agreed: false }
}

/** An ACCEPT that came to nothing owes nothing, and that is final. */
export const NOTHING_OWED: ContractEnd = { owed: 0n, claimed: 0n, agreed: true, evidence: new Uint8Array(32) }
