// What the ledger keeps of a contract's end: the facts that scores count, no more than is known, and the signed words that back them.

import type { Outcome, Terms } from '@haggle/contract'
import type { HostEffect, Thread } from '@haggle/negotiate'
import { CREDIT_DECIMALS } from '@haggle/offer'
import type { PaymentRail } from '@haggle/payment'
import { type Facts, longestOf } from '@haggle/reputation'
import type { Message } from '@haggle/wire'
import type { LedgerLine } from './ledger_port.ts'

/** How a contract ended, and what this node saw of it. */
export interface EndedContract {
  readonly outcome: Outcome
  readonly terms: Terms
  /** What the other side was. */
  readonly peerRole: Facts['role']
  /** The rail of the terms. */
  readonly rail: Pick<PaymentRail, 'isMoney' | 'decimals'>
  /** What the rail settled, base units. */
  readonly settled: bigint
  /** How long the provider was out of reach while its meter ran, ms; null when nobody looked all the time. */
  readonly outMs: number | null
}

const MS_PER_S = 1000

/** The facts of an end. Speed is null: nothing that is signed says how much work a job is (spec/score.md). Amounts of a finer token are rounded down to millionths. */
export function factsOf({ outcome, terms, peerRole, outMs, rail, settled }: EndedContract): Facts {
  const { kind, by, usage } = outcome
  const ended = kind === 'settled' || kind === 'failed' || kind === 'disputed' ? kind : 'cancelled'
  const time = terms.meters.findIndex(({ unit }) => unit === 'ms')
  const meteredMs = Number(usage[time] ?? 0n)
  const upMs = outMs === null || peerRole !== 'provider' ? null : Math.max(0, meteredMs - outMs)
  return {
    role: peerRole,
    outcome: ended,
    // Who cancels as the terms allow breaks nothing.
    liable: ended === 'failed' ? (by ?? 'network') : null,
    rail: rail.isMoney ? 'evm' : 'free',
    settled: settled / 10n ** BigInt(rail.decimals - CREDIT_DECIMALS),
    meteredS: Math.floor(meteredMs / MS_PER_S),
    upS: upMs === null ? null : Math.floor(upMs / MS_PER_S),
    speedPermille: null,
  }
}

/**
 * The signed words behind an end: the last receipt of each side when both signed, which is all that a stranger needs; else what there is: a receipt, the
 * RESULT and the last voucher.
 */
export function evidenceOf({ own, theirs }: { readonly own: readonly Message[]; readonly theirs: readonly Message[] }): Uint8Array[] {
  const last = (chain: readonly Message[], type: string): readonly Message[] => chain.filter((message) => message.type === type).slice(-1)
  const receipts = [...last(own, 'receipt'), ...last(theirs, 'receipt')]
  const words =
    receipts.length === 2
      ? receipts
      : [...receipts, ...['result', 'voucher'].flatMap((type) => [...last(own, type), ...last(theirs, type)])]
  return words.map(({ bytes }) => bytes)
}

/** An entry of a thread as its line in the ledger. */
export function ledgerLineOf(
  thread: Pick<Thread, 'role' | 'view' | 'chains'>,
  entry: Extract<HostEffect, { kind: 'ledger' }>['entry'],
  seen: Pick<EndedContract, 'rail' | 'settled' | 'outMs'>,
): LedgerLine {
  const { kind, number, contract, peer } = entry
  const { terms } = thread.view()
  const peerRole = thread.role === 'renter' ? 'provider' : 'renter'
  return {
    kind,
    number,
    contract,
    peer,
    facts: entry.kind === 'closed' && terms !== null ? factsOf({ ...seen, outcome: entry.outcome, terms, peerRole }) : null,
    evidence: kind === 'closed' ? evidenceOf(thread.chains()) : [],
    longestS: terms === null ? null : longestOf(terms),
    isPublic: terms?.visibility === 'public',
  }
}
