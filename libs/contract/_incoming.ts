// What arrives: messages of the peer, own messages that were signed, and the peer's heads.

import { errorCode, fromHex, toHex } from '@haggle/wire'
import { ACCEPT_MS, ASK_MS } from './constants.ts'
import type { IgnoreReason } from './effect.ts'
import type { ThreadMessage } from './event.ts'
import { live, metered, other, walking } from './facts.ts'
import { CONTRACT_MESSAGES, type ContractMessageName, type Role } from './messages.ts'
import { usedMs } from './metering.ts'
import { isEnd } from './phase.ts'
import { type Rec, recordOf } from './record.ts'
import type { Chain, State } from './state.ts'
import { obey } from './_commands.ts'
import { clock, extensionOf, heads, move, must, partiesOf, read, set, type Work } from './_work.ts'

/** Ids that a chain keeps besides those that may still be acknowledged. */
const KEPT_IDS = 64

function longer(chain: Chain, id: string, options: { readonly iat: number; readonly keepFrom: number }): Chain {
  const ids = [...chain.ids, id]
  const drop = Math.min(Math.max(0, options.keepFrom - chain.base), Math.max(0, ids.length - KEPT_IDS))
  return { next: chain.next + 1, ids: drop === 0 ? ids : ids.slice(drop), base: chain.base + drop, iat: options.iat }
}

function ignore(work: Work, reason: IgnoreReason, detail: string): void {
  work.effects.push({ kind: 'ignored', reason, detail })
}

/** Shows the peer what this side has, and so what it lacks. */
function ask(work: Work): void {
  if (work.nowMs - work.state.times.asked < ASK_MS) return
  clock(work, { asked: work.nowMs })
  work.effects.push(heads(work.state))
}

/** Index of the message that `ack` names in `chain`; -1 for none, undefined when the chain does not know it. */
export function ackIndex(chain: Chain, ack: Uint8Array | null): number | undefined {
  if (ack === null) return -1
  const at = chain.ids.lastIndexOf(toHex(ack))
  return at === -1 ? undefined : chain.base + at
}

/** Writes the id of an own message into everything that was decided before it was signed. */
function name(work: Work, seq: number, id: string): void {
  const { state } = work
  const named = (rec: Rec): Rec => (rec.seq === seq ? { ...rec, id } : rec)
  const { walk, accept } = state.mine
  const mine =
    state.init.role === 'renter'
      ? {
          ...state.mine,
          walk: walk.stepSeq === seq ? { ...walk, stepId: id } : walk,
          accept: accept !== null && accept.seq === seq ? { ...accept, id } : accept,
        }
      : state.mine
  set(work, { mine, lag: state.lag.map(named) })
}

/** An own message was signed, or the peer gave it back. */
export function takeOwn(work: Work, message: ThreadMessage): void {
  const { state } = work
  const { role } = state.init
  const id = toHex(message.id)
  if (message.seq !== state.own.next) return ignore(work, message.seq < state.own.next ? 'duplicate' : 'gap', `own message ${message.seq}`)
  const own = longer(state.own, id, { iat: message.iat, keepFrom: state.mine.acks[other(role)] })
  const decided = state.outbox[0]
  if (decided !== undefined && state.signing && decided.type === message.type) {
    set(work, { own, outbox: state.outbox.slice(1), signing: false })
    return name(work, message.seq, id)
  }
  const ack = ackIndex(state.peer, message.ack)
  if (decided !== undefined || ack === undefined) return ignore(work, 'rule', `own message ${message.seq} was not decided here`)
  const rec = recordOf({ by: role, seq: message.seq, ack, id }, message.type as ContractMessageName, message.body)
  set(work, { own, lag: [...state.lag, rec] })
  work.cause = 'restore'
  read(work, rec)
  return settleSync(work)
}

function chainFault(state: State, message: ThreadMessage): { readonly reason: IgnoreReason; readonly detail: string } | null {
  const { peer } = state
  const last = peer.ids.at(-1) ?? null
  if ((message.prev === null ? null : toHex(message.prev)) !== last) return { reason: 'prev', detail: `message ${message.seq}` }
  const ack = ackIndex(state.own, message.ack)
  if (ack === undefined || ack < state.mine.acks[other(state.init.role)]) return { reason: 'ack', detail: `message ${message.seq}` }
  return message.iat < peer.iat ? { reason: 'time', detail: `message ${message.seq}` } : null
}

/** What the peer knew when it signed something that acknowledges `ack` of ours. */
function caughtUp(work: Work, ack: number): void {
  const { state, rules } = work
  const seen = state.lag.filter((rec) => rec.seq <= ack)
  if (seen.length === 0) return
  set(work, { theirs: seen.reduce((facts, rec) => rules.learn(facts, rec), state.theirs), lag: state.lag.slice(seen.length) })
}

function repeated(work: Work, message: ThreadMessage): void {
  const { peer } = work.state
  const id = toHex(message.id)
  const known = peer.ids[message.seq - peer.base]
  if (known !== undefined && known !== id) {
    work.effects.push({ kind: 'evidence', seq: message.seq, knownId: fromHex(known), otherId: message.id })
    return ignore(work, 'equivocation', `message ${message.seq}`)
  }
  ignore(work, 'duplicate', `message ${message.seq}`)
  ask(work)
}

/**
 * A CONFIRM that comes after its ACCEPT's end, before this side may sign again: it is not processed, so that CANCEL, once it may be signed, does not
 * acknowledge it. A side that may sign has signed that CANCEL already.
 */
function isLate(work: Work, message: ThreadMessage): boolean {
  const { init, phase, synced, times } = work.state
  return message.type === 'confirm' && init.role === 'renter' && phase === 'accepted' && !synced && work.nowMs >= times.phase + ACCEPT_MS
}

/** A message of the peer. `quiet` leaves out all answers: for messages that were stored before a restart. */
export function takePeer(work: Work, message: ThreadMessage, options: { readonly unixS: number; readonly quiet?: boolean }): void {
  const { state, rules } = work
  if (message.seq < state.peer.next) return repeated(work, message)
  if (message.seq > state.peer.next) {
    ignore(work, 'gap', `message ${message.seq}, expected ${state.peer.next}`)
    return ask(work)
  }
  if (options.quiet !== true && isLate(work, message)) return ignore(work, 'late', `message ${message.seq}`)
  const fault = chainFault(state, message)
  if (fault !== null) return ignore(work, fault.reason, fault.detail)
  const ack = ackIndex(state.own, message.ack) ?? -1
  const by: Role = other(state.init.role)
  const rec = recordOf({ by, seq: message.seq, ack, id: toHex(message.id) }, message.type as ContractMessageName, message.body)
  caughtUp(work, ack)
  const broken = rules.brokenRule(work.state.theirs, rec, partiesOf(state))
  if (broken !== null) return ignore(work, 'rule', `message ${message.seq} (${message.type}): ${broken}`)
  set(work, {
    theirs: rules.learn(work.state.theirs, rec),
    peer: longer(state.peer, toHex(message.id), { iat: message.iat, keepFrom: state.mine.acks[state.init.role] }),
    peerHas: Math.max(state.peerHas, ack + 1),
  })
  work.cause = `peer:${rec.type}`
  read(work, rec)
  if (options.quiet !== true) answer(work, rec, message.exp < options.unixS - 30)
  return settleSync(work)
}

/** What a message asks of this side at once. */
function answer(work: Work, rec: Rec, expired: boolean): void {
  const { state } = work
  if (isEnd(state.phase) || rec.type === 'cancel') {
    if (rec.type === 'cancel') work.effects.push(heads(state))
    return
  }
  if (!state.synced) return
  if (rec.type === 'meter') return pay(work)
  if (rec.type === 'accept' && expired && rec.id !== null && walking(state.mine)) {
    return must(work, 'rejected', { reason: 'expired', path: null, of: fromHex(rec.id), terms: null, validMs: 0 })
  }
}

/** Renter: the last METER is right, and to be paid; or it is not. */
function pay(work: Work): void {
  const { state, rules, nowMs } = work
  const { mine, init, times } = state
  const { n, usage, owed } = metered(mine)
  if (init.role !== 'renter' || !live(mine) || mine.inForce === null || n === mine.voucher.n) return
  if (rules.believes(usedMs(mine.inForce.terms, usage), nowMs - times.since)) work.effects.push({ kind: 'pay', n, owed })
  else must(work, 'cancel', { reason: 'meter' })
}

/** The peer's SYNC frame: it has signed `mine` messages and holds `yours` of ours. */
export function takeHeads(work: Work, frame: { readonly mine: number; readonly yours: number }): void {
  const { state } = work
  const { own, peer, init, phase, times } = state
  work.cause = 'sync'
  const before = state.mine
  // Holding our CANCEL frees this side only when nothing that the peer signed before is still on its way.
  if (frame.mine <= peer.next) set(work, { peerHas: Math.max(state.peerHas, Math.min(frame.yours, own.next)) })
  if (!state.synced) set(work, { need: { own: Math.max(frame.yours, own.next), peer: Math.max(frame.mine, peer.next) } })
  move(work, before)
  if (
    !work.state.synced &&
    init.role === 'renter' &&
    phase === 'accepted' &&
    work.nowMs >= times.phase + ACCEPT_MS &&
    frame.yours <= own.next
  ) {
    // The ACCEPT is taken back before anything that answered it is read.
    synced(work)
    return must(work, 'cancel', { reason: 'expired' })
  }
  settleSync(work)
}

/** Once each side has what SYNC promised, this side may sign again, and does what waited. */
function settleSync(work: Work): void {
  const { need, own, peer, parked } = work.state
  if (work.state.synced || need === null || own.next < need.own || peer.next < need.peer) return
  synced(work)
  pay(work)
  for (const command of parked) {
    try {
      obey(work, command)
    } catch (error) {
      // What waited may have been overtaken by what SYNC brought.
      if (errorCode(error) !== 'E_CONTRACT_STATE') throw error
    }
  }
}

function synced(work: Work): void {
  set(work, { synced: true, need: null, parked: [], repeats: 0 })
  // What ran while nothing could be signed was this side's own risk: from here on there has to be a VOUCHER again.
  clock(work, { heard: work.nowMs, meter: Math.max(work.state.times.meter, work.nowMs), paid: work.nowMs })
  work.effects.push({ kind: 'notify', phase: work.state.phase, extension: extensionOf(work.state), on: 'sync' })
}

/** The names of the messages that the machine takes. */
export function isContractMessage(type: string): type is ContractMessageName {
  return Object.hasOwn(CONTRACT_MESSAGES, type)
}
