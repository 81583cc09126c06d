// What became of a thread: a pure function of what both sides signed, ordered by seq and ack, never by arrival.

import { type CancelFact, confirmed, type Facts, metered, other } from './facts.ts'
import type { Role } from './messages.ts'
import type { EndPhase } from './phase.ts'
import type { CancelReason } from './reasons.ts'

/** What became of a thread. Amounts are base units of the rail's money. */
export interface Outcome {
  /** `open`: more must come before this can be said. */
  readonly kind: EndPhase | 'open'
  /** Who cancelled, refused, let a turn pass or failed; null where nobody did, or nobody can say who. */
  readonly by: Role | null
  /** The reason of the message that ended it (REJECTED, CANCEL or RECEIPT), or null. */
  readonly reason: string | null
  /** True when the renter acknowledged CONFIRM: a contract in money and reputation. */
  readonly bound: boolean
  /** Cumulative usage that `owed` is for, in the order of the terms' meters; empty without a contract. */
  readonly usage: readonly bigint[]
  /** What the renter has signed for. No unsigned claim is in it. */
  readonly owed: bigint
  /** What the provider has signed as used, at least `owed`: beyond `owed` it is one side's word. */
  readonly claimed: bigint
  /** Whose RECEIPTs with these figures there are. */
  readonly signedBy: 'both' | 'renter' | 'provider' | 'none'
}

/** What a CANCEL of a bound contract comes to: who failed, where the reason says so; else its signer just cancelled. */
const FAILED: Readonly<Partial<Record<CancelReason, Role>>> = {
  silent: 'provider',
  staging: 'provider',
  lost: 'provider',
  idle: 'renter',
  unpaid: 'renter',
}

type Ending = Pick<Outcome, 'kind' | 'by' | 'reason'>

const OPEN: Ending = { kind: 'open', by: null, reason: null }

/** The CANCEL that counts: the renter's when both crossed, and none that a RESULT did not know of. */
function effectiveCancel(facts: Facts): { readonly by: Role; readonly fact: CancelFact } | null {
  const { renter, provider } = facts.cancel
  const { result } = facts
  if (renter !== null && (result === null || result.ack >= renter.seq)) return { by: 'renter', fact: renter }
  return provider === null ? null : { by: 'provider', fact: provider }
}

function unboundEnding(facts: Facts, silent: boolean): Ending {
  if (facts.rejected !== null && !confirmed(facts)) return { kind: 'rejected', by: 'provider', reason: facts.rejected.reason }
  const { renter, provider } = facts.cancel
  const cancel = renter ?? provider
  if (cancel !== null) {
    const signer: Role = renter === null ? 'provider' : 'renter'
    if (cancel.reason === 'expired') return { kind: 'expired', by: other(signer), reason: 'expired' }
    if (cancel.reason === 'lapsed') return { kind: 'expired', by: 'renter', reason: 'lapsed' }
    if (cancel.reason === 'unacked') return { kind: 'expired', by: null, reason: 'unacked' }
    return { kind: 'cancelled', by: signer, reason: cancel.reason }
  }
  if (!silent) return OPEN
  if (confirmed(facts) || facts.walk.phase === 'none') return { kind: 'expired', by: null, reason: null }
  return { kind: 'expired', by: facts.walk.phase === 'quoted' ? 'renter' : 'provider', reason: null }
}

/** Both have signed a RECEIPT, or one has closed alone because the other is silent. */
function closed({ receipt: { renter, provider } }: Facts): boolean {
  return (renter !== null && provider !== null) || renter?.reason === 'silent' || provider?.reason === 'silent'
}

function boundEnding(facts: Facts, silent: boolean): Ending {
  const { result, receipt, voucher, specHash } = facts
  const signed = receipt.renter
  const agreedByProvider = signed !== null && receipt.provider !== null && receipt.provider.reason === null
  const agreed = result !== null && signed !== null && (signed.reason === null || agreedByProvider)
  if (!silent && !closed(facts)) return OPEN
  const cancel = effectiveCancel(facts)
  if (cancel !== null) {
    const { reason } = cancel.fact
    const failed = reason === 'staging' && specHash === null ? 'renter' : FAILED[reason]
    return failed === undefined ? { kind: 'cancelled', by: cancel.by, reason } : { kind: 'failed', by: failed, reason }
  }
  if (result?.exit.kind === 'lost') return { kind: 'failed', by: 'provider', reason: 'lost' }
  if (agreed) return { kind: 'settled', by: null, reason: null }
  if (signed !== null) {
    return signed.reason === 'silent'
      ? { kind: 'failed', by: 'provider', reason: 'silent' }
      : { kind: 'disputed', by: 'renter', reason: signed.reason }
  }
  if (result !== null)
    return voucher.owed === result.owed ? { kind: 'settled', by: null, reason: null } : { kind: 'failed', by: 'renter', reason: 'silent' }
  return { kind: 'failed', by: metered(facts).n > voucher.n ? 'renter' : 'provider', reason: 'silent' }
}

function signedBy(facts: Facts): Outcome['signedBy'] {
  const { renter, provider } = facts.receipt
  if (renter === null) return provider === null ? 'none' : 'provider'
  return provider !== null && provider.owed === renter.owed && provider.usage.every((amount, at) => amount === renter.usage[at])
    ? 'both'
    : 'renter'
}

/**
 * What became of a thread in which these messages were signed. The same for both sides once they have the same messages, in whatever order they came.
 * With `silent`, nobody is expected to say another word, and there is always an end.
 */
export function outcomeOf(facts: Facts, options: { readonly silent: boolean }): Outcome {
  if (!facts.bound) return { ...unboundEnding(facts, options.silent), bound: false, usage: [], owed: 0n, claimed: 0n, signedBy: 'none' }
  const { usage, owed } = facts.receipt.renter ?? facts.voucher
  const said = facts.result ?? metered(facts)
  const claimed = said.owed > owed ? said.owed : owed
  return { ...boundEnding(facts, options.silent), bound: true, usage, owed, claimed, signedBy: signedBy(facts) }
}
