// The rules of what may be said when: whether a message was right, given what its signer knew when it was signed.

import { equalBytes, toHex } from '@haggle/wire'
import { MAX_COUNTERS } from './constants.ts'
import { confirmed, type Facts, live, metered, meteredAt, other, takenBack, walking } from './facts.ts'
import { type Role, SIGNER_OF } from './messages.ts'
import { owedFor } from './metering.ts'
import type { CancelReason } from './reasons.ts'
import type { Proposal, Rec, RecOf } from './record.ts'
import { encodeTerms, type Terms, termsHash } from './terms.ts'

/**
 * A rule that a message breaks.
 *
 * - `signer`: this side never signs this type
 * - `turn`: not now
 * - `counters`: a fifth COUNTER
 * - `terms`: terms that do not decode, name other parties, are not the ones on the table, or extend what they must not
 * - `contract`: names another contract, ACCEPT or number
 * - `reason`: a reason that does not belong here
 * - `meter`: usage that falls, a number that is not the next, or another sum than the terms give
 * - `voucher`: not what the acknowledged METER says, or parts of another rail
 * - `result`: an exit that makes no sense, or usage without READY
 * - `receipt`: figures that are neither agreed nor signed for
 */
export type Rule = 'signer' | 'turn' | 'counters' | 'terms' | 'contract' | 'reason' | 'meter' | 'voucher' | 'result' | 'receipt'

/** Every {@link Rule}, in the order of the specification. */
export const RULES: readonly Rule[] = ['signer', 'turn', 'counters', 'terms', 'contract', 'reason', 'meter', 'voucher', 'result', 'receipt']

/** The keys of the two parties. */
export type Parties = Readonly<Record<Role, Uint8Array>>

/** Who may give each reason of CANCEL, and when: `before` CONFIRM, `after` it, or `any` time. */
export const CANCEL_RULES: Readonly<Record<CancelReason, { readonly by: Role | 'both'; readonly when: 'before' | 'after' | 'any' }>> = {
  user: { by: 'both', when: 'any' },
  elsewhere: { by: 'renter', when: 'before' },
  lapsed: { by: 'renter', when: 'before' },
  expired: { by: 'both', when: 'before' },
  unacked: { by: 'provider', when: 'after' },
  staging: { by: 'both', when: 'after' },
  meter: { by: 'renter', when: 'after' },
  silent: { by: 'renter', when: 'after' },
  idle: { by: 'provider', when: 'after' },
  unpaid: { by: 'provider', when: 'after' },
  reclaim: { by: 'provider', when: 'after' },
  lost: { by: 'provider', when: 'after' },
  shutdown: { by: 'both', when: 'any' },
}

/** True when `next` extends `now`: it names its hash and changes nothing but cap and maxMs, neither of them downwards. */
export function extendsTerms(next: Terms, now: Proposal): boolean {
  if (next.extends === null || toHex(next.extends) !== now.hash || next.cap < now.terms.cap || next.maxMs < now.terms.maxMs) return false
  const { cap, maxMs, extends: before } = now.terms
  return toHex(termsHash(encodeTerms({ ...next, cap, maxMs, extends: before }))) === now.hash
}

function wrongTerms(facts: Facts, proposal: Proposal | null | undefined, parties: Parties): boolean {
  if (!proposal) return true
  const { terms } = proposal
  if (!equalBytes(terms.renter, parties.renter) || !equalBytes(terms.provider, parties.provider)) return true
  return facts.inForce === null ? terms.extends !== null : !extendsTerms(terms, facts.inForce)
}

function sameFigures(a: { readonly usage: readonly bigint[]; readonly owed: bigint }, b: typeof a): boolean {
  return a.owed === b.owed && a.usage.length === b.usage.length && a.usage.every((amount, at) => amount === b.usage[at])
}

function brokenWalk(facts: Facts, rec: RecOf<'quote-req' | 'quote' | 'counter' | 'accept' | 'rejected'>, parties: Parties): Rule | null {
  const { walk } = facts
  const fresh = walk.phase === 'none' && (confirmed(facts) || facts.accept === null)
  if (!walking(facts)) return 'turn'
  switch (rec.type) {
    case 'quote-req':
      if (!fresh && !(confirmed(facts) && walk.phase === 'quoted')) return 'turn'
      return (rec.body.extends === null ? null : toHex(rec.body.extends)) === (facts.inForce?.hash ?? null) ? null : 'terms'
    case 'quote':
      if (walk.phase !== 'asked' && walk.phase !== 'countered') return 'turn'
      return wrongTerms(facts, rec.proposal, parties) ? 'terms' : null
    case 'counter':
      if (walk.phase !== 'quoted') return 'turn'
      if (walk.counters >= MAX_COUNTERS) return 'counters'
      return wrongTerms(facts, rec.proposal, parties) ? 'terms' : null
    case 'accept':
      return fresh || walk.phase === 'quoted' ? brokenAccept(facts, rec, parties) : 'turn'
    case 'rejected':
      return brokenRejected(facts, rec, parties)
  }
}

function brokenAccept(facts: Facts, rec: RecOf<'accept'>, parties: Parties): Rule | null {
  const { walk } = facts
  const { body, proposal } = rec
  const hash = toHex(body.termsHash)
  if (proposal === undefined || (proposal !== null && proposal.hash !== hash)) return 'terms'
  if (walk.phase === 'quoted') {
    if (walk.proposal?.hash !== hash) return 'terms'
  } else {
    if (wrongTerms(facts, proposal, parties)) return 'terms'
    if (!confirmed(facts) && proposal?.terms.offerDigest === null) return 'terms'
  }
  if (!confirmed(facts)) return null
  return body.specHash === null && body.number === facts.accept?.number ? null : 'contract'
}

function brokenRejected(facts: Facts, rec: RecOf<'rejected'>, parties: Parties): Rule | null {
  const { walk } = facts
  const { reason, path, of, validMs } = rec.body
  if (walk.phase === 'none' || walk.phase === 'quoted') return 'turn'
  if (toHex(of) !== walk.stepId) return 'contract'
  if ((path !== null) !== (reason === 'constraint')) return 'reason'
  if ((rec.proposal !== null) !== validMs > 0) return 'terms'
  return rec.proposal !== null && wrongTerms(facts, rec.proposal, parties) ? 'terms' : null
}

function brokenConfirm(facts: Facts, rec: RecOf<'confirm'>): Rule | null {
  const { walk } = facts
  if (walk.phase !== 'accepted' || !walking(facts)) return 'turn'
  if (toHex(rec.body.accept) !== walk.stepId) return 'contract'
  if (toHex(rec.body.termsHash) !== walk.proposal?.hash) return 'terms'
  const first = facts.confirms[0]
  return first === undefined || first.number === rec.body.number ? null : 'contract'
}

function brokenCancel(facts: Facts, rec: RecOf<'cancel'>): Rule | null {
  const { cancel, count, receipt } = facts
  if (count.renter === 0 || cancel.renter !== null || cancel.provider !== null || facts.result !== null) return 'turn'
  if (receipt.renter !== null || receipt.provider !== null) return 'turn'
  const { by, when } = CANCEL_RULES[rec.body.reason]
  if (by !== 'both' && by !== rec.by) return 'reason'
  if (when !== 'any' && (when === 'after') !== confirmed(facts)) return 'reason'
  const rentersTurn = facts.walk.phase === 'quoted'
  if (rec.body.reason === 'lapsed' && !rentersTurn) return 'reason'
  if (rec.body.reason === 'expired' && rentersTurn !== (rec.by === 'provider')) return 'reason'
  if (rec.body.reason === 'unacked' && facts.bound) return 'reason'
  if (rec.body.reason === 'reclaim' && facts.reclaimMs === null) return 'reason'
  return null
}

function brokenFigures(facts: Facts, body: { readonly usage: readonly bigint[]; readonly owed: bigint }): boolean {
  const terms = facts.inForce?.terms
  if (terms === undefined) return true
  const last = metered(facts).usage
  if (body.usage.length !== last.length || body.usage.some((amount, at) => amount < (last[at] ?? 0n))) return true
  // One case at most is opened for a contract.
  if (terms.meters.some(({ unit }, at) => unit === 'sla' && (body.usage[at] ?? 0n) > 1n)) return true
  return body.owed !== owedFor(terms, body.usage)
}

function brokenVoucher(facts: Facts, rec: RecOf<'voucher'>): Rule | null {
  if (!live(facts)) return 'turn'
  if (toHex(rec.body.contract) !== facts.accept?.id) return 'contract'
  const { contractOwed, channel, channelCumulative, evmSig } = rec.body
  const parts = [channel, channelCumulative, evmSig]
  if (!parts.every((part) => (part === null) === (facts.inForce?.terms.rail === 'free'))) return 'voucher'
  return contractOwed === meteredAt(facts, rec.ack).owed ? null : 'voucher'
}

function brokenResult(facts: Facts, rec: RecOf<'result'>): Rule | null {
  const { cancel, receipt } = facts
  if (!confirmed(facts) || facts.result !== null || receipt.provider !== null || receipt.renter !== null) return 'turn'
  if ((cancel.renter !== null || cancel.provider !== null) && !facts.bound) return 'turn'
  const { exit } = rec.body
  if ((exit.kind === 'exit') !== (exit.code !== null)) return 'result'
  if ((exit.kind === 'exit' || exit.kind === 'lost') !== (exit.word === null)) return 'result'
  if (brokenFigures(facts, rec.body)) return 'meter'
  return !facts.ready && rec.body.usage.some((amount) => amount > 0n) ? 'result' : null
}

/** A renter's RECEIPT binds it, when nothing else did; a provider's never binds the renter. */
function brokenReceipt(facts: Facts, rec: RecOf<'receipt'>): Rule | null {
  const { cancel, result, receipt } = facts
  if (!confirmed(facts) || (rec.by === 'provider' && !facts.bound)) return 'turn'
  if (!facts.bound && (cancel.provider !== null || takenBack(facts))) return 'turn'
  if (toHex(rec.body.contract) !== facts.accept?.id) return 'contract'
  if (toHex(rec.body.termsHash) !== facts.inForce?.hash) return 'terms'
  const theirs = receipt[other(rec.by)]
  const { reason } = rec.body
  if (rec.by === 'renter') {
    if (reason === null) return result !== null && sameFigures(rec.body, result) ? null : 'receipt'
    if ((reason === 'silent') !== (result === null)) return 'reason'
    return sameFigures(rec.body, facts.voucher) ? null : 'receipt'
  }
  if (reason === null) return theirs !== null && sameFigures(rec.body, theirs) ? null : 'receipt'
  if ((reason === 'silent') !== (theirs === null)) return 'reason'
  if (reason === 'silent') return sameFigures(rec.body, facts.voucher) ? null : 'receipt'
  return result !== null && sameFigures(rec.body, result) ? null : 'receipt'
}

function brokenRunning(facts: Facts, rec: Rec): Rule | null {
  switch (rec.type) {
    case 'start':
      return live(facts) && facts.specHash === null ? null : 'turn'
    case 'ready':
      return live(facts) && facts.specHash !== null && !facts.ready ? null : 'turn'
    case 'meter':
      if (!live(facts) || !facts.ready) return 'turn'
      return rec.body.n !== metered(facts).n + 1 || brokenFigures(facts, rec.body) ? 'meter' : null
    case 'reclaim-notice':
      if (!live(facts) || facts.reclaimMs !== null) return 'turn'
      return rec.body.inMs >= (facts.inForce?.terms.graceMs ?? 0) ? null : 'reason'
    case 'grant':
      if (!live(facts) && facts.result === null) return 'turn'
      return toHex(rec.body.contract) === facts.accept?.id ? null : 'contract'
    default:
      return 'turn'
  }
}

/**
 * The rule that `rec` breaks when its signer knew `facts`, or null. The same for a machine that receives it and for a verifier years later.
 */
export function brokenRule(facts: Facts, rec: Rec, parties: Parties): Rule | null {
  const signer = SIGNER_OF[rec.type]
  if (signer !== 'both' && signer !== rec.by) return 'signer'
  const spoken = facts.receipt[rec.by] !== null || (facts.rejected !== null && !confirmed(facts))
  const over = facts.cancel.renter !== null || facts.cancel.provider !== null
  if (spoken || (over && rec.type !== 'result' && rec.type !== 'receipt')) return 'turn'
  switch (rec.type) {
    case 'quote-req':
    case 'quote':
    case 'counter':
    case 'accept':
    case 'rejected':
      return brokenWalk(facts, rec, parties)
    case 'confirm':
      return brokenConfirm(facts, rec)
    case 'cancel':
      return brokenCancel(facts, rec)
    case 'voucher':
      return brokenVoucher(facts, rec)
    case 'result':
      return brokenResult(facts, rec)
    case 'receipt':
      return brokenReceipt(facts, rec)
    default:
      return brokenRunning(facts, rec)
  }
}
