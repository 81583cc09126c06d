// What is known of a thread once certain messages have been read. Facts only grow; both sides that have read the same messages know the same.

import { toHex } from '@haggle/wire'
import type { Exit } from './bodies.ts'
import type { Role } from './messages.ts'
import { noUsage } from './metering.ts'
import type { WalkPhase } from './phase.ts'
import type { CancelReason, ReceiptReason, RejectReason } from './reasons.ts'
import type { Proposal, Rec, RecOf } from './record.ts'

/** Usage and what it comes to. */
export interface Figures {
  /** Cumulative amounts, in the order of the terms' meters. */
  readonly usage: readonly bigint[]
  /** What they come to, base units. */
  readonly owed: bigint
}

/** The walk of quotes and counters that is under way: the first one, or an extension's. */
export interface Walk {
  /** Whose turn it is. */
  readonly phase: WalkPhase
  /** COUNTERs so far. */
  readonly counters: number
  /** Terms last proposed. */
  readonly proposal: Proposal | null
  /** Seq and id of the renter's last step: what CONFIRM and REJECTED answer. */
  readonly stepSeq: number
  /** Hex id of the renter's last step; null while it is not signed. */
  readonly stepId: string | null
  /** How long the quote on the table is firm, ms. */
  readonly validMs: number
  /** How long capacity is held for it, ms. */
  readonly holdMs: number
}

/** A CANCEL in its place. */
export interface CancelFact {
  /** Its place in the chain of its signer. */
  readonly seq: number
  /** Seq of the other side that it acknowledges; -1: none. */
  readonly ack: number
  /** The reason it gives. */
  readonly reason: CancelReason
}

/** A RECEIPT in its place. */
export interface ReceiptFact extends Figures {
  /** Its place in the chain of its signer. */
  readonly seq: number
  /** Seq of the other side that it acknowledges; -1: none. */
  readonly ack: number
  /** The reason it gives. */
  readonly reason: ReceiptReason | null
}

/** A METER in its place; `n` 0 stands for "nothing used yet". */
export interface MeterFact extends Figures {
  /** Its place in the chain of its signer. */
  readonly seq: number
  /** Its number. */
  readonly n: number
}

/** What is known of a thread. */
export interface Facts {
  /** The walk under way. */
  readonly walk: Walk
  /** Messages of each side that were read. */
  readonly count: Readonly<Record<Role, number>>
  /** Highest seq of the other side that each side has acknowledged; -1: none. */
  readonly acks: Readonly<Record<Role, number>>
  /** The last ACCEPT of the first walk. */
  readonly accept: { readonly seq: number; readonly id: string | null; readonly number: number } | null
  /** CONFIRMs: the contract's, then its extensions'. */
  readonly confirms: readonly { readonly seq: number; readonly ack: number; readonly number: number; readonly hash: string }[]
  /** Terms of the last CONFIRM. */
  readonly inForce: Proposal | null
  /** REJECTED without a fresh quote in the first walk. */
  readonly rejected: { readonly reason: RejectReason } | null
  /** The renter acknowledged CONFIRM, and had not taken its ACCEPT back before. */
  readonly bound: boolean
  /** Hex; from ACCEPT or START. */
  readonly specHash: string | null
  /** True from READY on. */
  readonly ready: boolean
  /** METERs that no VOUCHER has acknowledged yet, oldest first. */
  readonly meters: readonly MeterFact[]
  /** What the last VOUCHER stands for: the METER that it acknowledges. */
  readonly voucher: MeterFact
  /** RESULT in its place. */
  readonly result:
    | (Figures & { readonly seq: number; readonly ack: number; readonly exit: Exit; readonly output: Uint8Array | null })
    | null
  /** CANCEL of each side. */
  readonly cancel: Readonly<Record<Role, CancelFact | null>>
  /** RECEIPT of each side. */
  readonly receipt: Readonly<Record<Role, ReceiptFact | null>>
  /** RECLAIM_NOTICE's duration, ms. */
  readonly reclaimMs: number | null
}

const NO_WALK: Walk = { phase: 'none', counters: 0, proposal: null, stepSeq: -1, stepId: null, validMs: 0, holdMs: 0 }
const NOTHING: MeterFact = { seq: -1, n: 0, usage: [], owed: 0n }

/** Before any message. */
export const NO_FACTS: Facts = {
  walk: NO_WALK,
  count: { renter: 0, provider: 0 },
  acks: { renter: -1, provider: -1 },
  accept: null,
  confirms: [],
  inForce: null,
  rejected: null,
  bound: false,
  specHash: null,
  ready: false,
  meters: [],
  voucher: NOTHING,
  result: null,
  cancel: { renter: null, provider: null },
  receipt: { renter: null, provider: null },
  reclaimMs: null,
}

/** The other party. */
export function other(role: Role): Role {
  return role === 'renter' ? 'provider' : 'renter'
}

/** True from CONFIRM on. */
export function confirmed(facts: Facts): boolean {
  return facts.confirms.length > 0
}

/** The renter's CANCEL does not acknowledge CONFIRM: there is no contract, whatever else was said. */
export function takenBack(facts: Facts): boolean {
  const cancel = facts.cancel.renter
  const confirm = facts.confirms[0]
  return cancel !== null && (confirm === undefined || cancel.ack < confirm.seq)
}

/** A contract that nobody has ended: CONFIRM, and neither CANCEL nor RESULT nor RECEIPT. */
export function live(facts: Facts): boolean {
  const { cancel, receipt } = facts
  return (
    confirmed(facts) &&
    facts.result === null &&
    cancel.renter === null &&
    cancel.provider === null &&
    receipt.renter === null &&
    receipt.provider === null
  )
}

/** A walk may go on: the first one that nobody ended, or an extension of a live contract. */
export function walking(facts: Facts): boolean {
  return confirmed(facts) ? live(facts) : facts.cancel.renter === null && facts.cancel.provider === null && facts.rejected === null
}

/** The last METER up to the provider's seq `ack`, or what stands for none. */
export function meteredAt(facts: Facts, ack: number): MeterFact {
  return facts.meters.findLast((meter) => meter.seq <= ack) ?? facts.voucher
}

/** The last METER of all. */
export function metered(facts: Facts): MeterFact {
  return facts.meters.at(-1) ?? facts.voucher
}

function stepped(facts: Facts, rec: RecOf<'quote-req' | 'counter' | 'accept'>): Walk {
  const proposal = rec.proposal ?? facts.walk.proposal
  const place = { stepSeq: rec.seq, stepId: rec.id, proposal }
  if (rec.type === 'quote-req') return { ...NO_WALK, ...place, proposal: null, phase: 'asked' }
  if (rec.type === 'counter') return { ...facts.walk, ...place, phase: 'countered', counters: facts.walk.counters + 1 }
  return { ...facts.walk, ...place, phase: 'accepted' }
}

function afterAccept(facts: Facts, rec: RecOf<'accept'>): Facts {
  const walked = { ...facts, walk: stepped(facts, rec) }
  if (confirmed(facts)) return walked
  const { specHash, number } = rec.body
  return { ...walked, accept: { seq: rec.seq, id: rec.id, number }, specHash: specHash === null ? null : toHex(specHash) }
}

function afterConfirm(facts: Facts, rec: RecOf<'confirm'>): Facts {
  const inForce = facts.walk.proposal
  if (inForce === null) return facts
  const confirms = [...facts.confirms, { seq: rec.seq, ack: rec.ack, number: rec.body.number, hash: inForce.hash }]
  const fresh = confirmed(facts) ? {} : { voucher: { ...NOTHING, usage: noUsage(inForce.terms) } }
  return { ...facts, ...fresh, walk: NO_WALK, confirms, inForce }
}

function afterRejected(facts: Facts, rec: RecOf<'rejected'>): Facts {
  const { proposal } = rec
  if (proposal) return { ...facts, walk: { ...facts.walk, phase: 'quoted', proposal, validMs: rec.body.validMs, holdMs: 0 } }
  return confirmed(facts) ? { ...facts, walk: NO_WALK } : { ...facts, rejected: { reason: rec.body.reason } }
}

function told(facts: Facts, rec: Rec): Facts {
  switch (rec.type) {
    case 'quote-req':
    case 'counter':
      return { ...facts, walk: stepped(facts, rec) }
    case 'quote':
      return {
        ...facts,
        walk: { ...facts.walk, phase: 'quoted', proposal: rec.proposal ?? null, validMs: rec.body.validMs, holdMs: rec.body.holdMs },
      }
    case 'accept':
      return afterAccept(facts, rec)
    case 'confirm':
      return afterConfirm(facts, rec)
    case 'rejected':
      return afterRejected(facts, rec)
    case 'cancel':
      return { ...facts, cancel: { ...facts.cancel, [rec.by]: { seq: rec.seq, ack: rec.ack, reason: rec.body.reason } } }
    case 'start':
      return { ...facts, specHash: toHex(rec.body.specHash) }
    case 'ready':
      return { ...facts, ready: true }
    case 'meter':
      return { ...facts, meters: [...facts.meters, { seq: rec.seq, ...rec.body }] }
    case 'result':
      return { ...facts, result: { ...rec.body, seq: rec.seq, ack: rec.ack } }
    case 'receipt': {
      const { usage, owed, reason } = rec.body
      return { ...facts, receipt: { ...facts.receipt, [rec.by]: { seq: rec.seq, ack: rec.ack, usage, owed, reason } } }
    }
    case 'reclaim-notice':
      return { ...facts, reclaimMs: rec.body.inMs }
    case 'voucher':
      return { ...facts, voucher: meteredAt(facts, rec.ack), meters: facts.meters.filter((meter) => meter.seq > rec.ack) }
    case 'grant':
      return facts
  }
}

/** `facts` and one message more. The messages of each side come in the order of seq, and each one after what it acknowledges. */
export function learn(facts: Facts, rec: Rec): Facts {
  const next = told(facts, rec)
  const confirm = next.confirms[0]
  const binds = rec.by === 'renter' && confirm !== undefined && rec.ack >= confirm.seq && !takenBack(next)
  return {
    ...next,
    count: { ...facts.count, [rec.by]: rec.seq + 1 },
    acks: { ...facts.acks, [rec.by]: rec.ack },
    bound: facts.bound || binds,
  }
}
