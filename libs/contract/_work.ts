// One call of `step` while it works: the state as it becomes, and what came of it so far.

import { fromHex, HaggleError } from '@haggle/wire'
import type { Deadline } from './deadlines.ts'
import type { Effect, SignEffect } from './effect.ts'
import { confirmed, type Facts, takenBack } from './facts.ts'
import { type Bodies, type ContractMessageName, LIFETIME_S } from './messages.ts'
import type { Outcome } from './outcome.ts'
import { type Cause, isEnd, type Move, type Phase, type WalkPhase } from './phase.ts'
import { type Rec, recordOf } from './record.ts'
import type { Parties, Rule } from './rules.ts'
import type { Done, State, Times } from './state.ts'
import type { Terms } from './terms.ts'

/** The rules that a machine is made of. Tests put wrong ones in, to see them caught. */
export interface MachineRules {
  /** {@link learn} of facts. */
  readonly learn: (facts: Facts, rec: Rec) => Facts
  /** Which rule a message breaks. */
  readonly brokenRule: (facts: Facts, rec: Rec, parties: Parties) => Rule | null
  /** What became of a thread. */
  readonly outcomeOf: (facts: Facts, options: { readonly silent: boolean }) => Outcome
  /** What usage comes to. */
  readonly owedFor: (terms: Pick<Terms, 'meters' | 'cap'>, usage: readonly bigint[]) => bigint
  /** Whether a renter's own time allows a usage. */
  readonly believes: (usedMs: bigint, ownMs: number) => boolean
  /** When the machine acts by itself. */
  readonly deadlinesOf: (state: State) => readonly Deadline[]
}

/** A state being worked on. */
export interface Work {
  state: State
  readonly effects: Effect[]
  readonly moves: Move[]
  readonly nowMs: number
  /** What moves the machine at this moment. */
  cause: Cause
  readonly rules: MachineRules
}

/** Starts work on `state` at `nowMs`. */
export function workOn(state: State, nowMs: number, rules: MachineRules): Work {
  return { state, effects: [], moves: [], nowMs, cause: 'driver', rules }
}

/** Replaces parts of the state. */
export function set(work: Work, part: Partial<State>): void {
  work.state = { ...work.state, ...part }
}

/** Replaces times. */
export function clock(work: Work, times: Partial<Times>): void {
  work.state = { ...work.state, times: { ...work.state.times, ...times } }
}

/** Notes what was asked of the driver. */
export function note(work: Work, done: Partial<Done>): void {
  work.state = { ...work.state, done: { ...work.state.done, ...done } }
}

/** The two keys by role. */
export function partiesOf(state: State): Parties {
  const { role, self, peer } = state.init
  return role === 'renter' ? { renter: self, provider: peer } : { renter: peer, provider: self }
}

/** True for a contract that still has to be ended properly: CONFIRM, and nobody got out of it before it bound. */
export function hasContract(facts: Facts): boolean {
  const cancelled = facts.cancel.renter !== null || facts.cancel.provider !== null
  return confirmed(facts) && !takenBack(facts) && (facts.bound || !cancelled)
}

/** Where an extension is; `none` before there is a contract to extend. */
export function extensionOf(state: State): WalkPhase {
  return confirmed(state.mine) ? state.mine.walk.phase : 'none'
}

/** The phase that follows from what is known. An end is never left: what comes later only says more exactly which one it is. */
export function phaseOf(state: State, rules: MachineRules): Phase {
  const { mine, init, peerHas } = state
  const closed = state.closed || isEnd(state.phase)
  const { cancel, receipt } = mine
  const cancelled = cancel.renter !== null || cancel.provider !== null
  const end = (): Phase => {
    const { kind } = rules.outcomeOf(mine, { silent: true })
    return kind === 'open' ? 'failed' : kind
  }
  if (closed || (mine.rejected !== null && !confirmed(mine))) return end()
  if (!hasContract(mine)) {
    if (!cancelled) return mine.walk.phase === 'none' ? 'idle' : mine.walk.phase
    const own = cancel[init.role]
    const theirs = cancel[init.role === 'renter' ? 'provider' : 'renter']
    return own !== null && theirs === null && peerHas <= own.seq ? 'cancelling' : end()
  }
  const own = receipt[init.role]
  if (own !== null && (init.role === 'provider' || receipt.provider !== null || own.reason === 'silent')) return end()
  if (mine.result !== null || receipt.renter !== null) return 'closing'
  if (cancelled) return 'cancelling'
  if (init.role === 'provider' && !mine.bound) return 'confirmed'
  return mine.ready ? 'running' : 'staging'
}

/** Takes the phase that follows from what is known now, and says so. `before` is what was known before the step that is being taken. */
export function move(work: Work, before: Facts): void {
  const { state, cause, rules } = work
  const from = state.phase
  const to = phaseOf(state, rules)
  const extending = confirmed(before) && !isEnd(to)
  const walked = { from: before.walk.phase, to: state.mine.walk.phase }
  const steps = extending && walked.from !== walked.to
  const counts = !isEnd(from) && cause !== 'restore'
  if (counts && (from !== to || cause.startsWith('own:') || cause.startsWith('peer:')))
    work.moves.push({ machine: 'contract', from, on: cause, to })
  if (steps) work.moves.push({ machine: 'extension', ...walked, on: cause })
  if (from === to && !steps) return
  set(work, { phase: to, ...(from === to ? {} : { repeats: 0 }) })
  if (from !== to) clock(work, { phase: work.nowMs })
  work.effects.push({ kind: 'notify', phase: to, extension: extensionOf(state), on: cause })
}

/** Keeps up from when on a job has not been paid for: since the METER that the last VOUCHER acknowledges. */
function paid(work: Work, rec: Rec): void {
  const { meteredAt, mine, times } = work.state
  if (rec.type === 'meter') set(work, { meteredAt: [...meteredAt, { n: rec.body.n, atMs: work.nowMs }] })
  if (rec.type !== 'voucher') return
  const acknowledged = meteredAt.findLast(({ n }) => n <= mine.voucher.n)
  set(work, { meteredAt: meteredAt.filter(({ n }) => n > mine.voucher.n) })
  if (acknowledged !== undefined) clock(work, { paid: Math.max(times.paid, acknowledged.atMs) })
}

/** Reads one more message of either side into what this side knows, with the times that hang on it. */
export function read(work: Work, rec: Rec): void {
  const { state, nowMs, rules } = work
  const before = state.mine
  const times: Partial<Times> = {
    ...(rec.by === state.init.role ? {} : { heard: nowMs }),
    ...(rec.type === 'accept' && !confirmed(before) ? { since: nowMs } : {}),
    ...(rec.type === 'start' ? { since: nowMs } : {}),
    ...(rec.type === 'confirm' && !confirmed(before) ? { confirm: nowMs } : {}),
    ...(rec.type === 'ready' ? { ready: nowMs, meter: nowMs, measure: nowMs, paid: nowMs } : {}),
    ...(rec.type === 'meter' ? { meter: nowMs } : {}),
    ...(rec.type === 'receipt' && rec.by === state.init.role ? { receipt: nowMs } : {}),
    walk: rec.type === 'quote-req' || rec.type === 'counter' || rec.type === 'accept' ? nowMs : state.times.walk,
  }
  set(work, { mine: rules.learn(before, rec) })
  clock(work, times)
  paid(work, rec)
  if (rec.type === 'receipt' && rec.by === state.init.role) set(work, { repeats: 0 })
  move(work, before)
}

/** Decides on an own message. Returns the rule that it would break instead, or null. */
export function decide<N extends ContractMessageName>(work: Work, type: N, body: Bodies[N]): Rule | null {
  const { state, rules, cause } = work
  const { role } = state.init
  const rec = recordOf({ by: role, seq: state.mine.count[role], ack: state.peer.next - 1, id: null }, type, body)
  const broken = rules.brokenRule(state.mine, rec, partiesOf(state))
  if (broken !== null) return broken
  set(work, { outbox: [...state.outbox, rec], lag: [...state.lag, rec] })
  if (!cause.startsWith('deadline:')) work.cause = `own:${type}`
  read(work, rec)
  work.cause = cause
  return null
}

/** Decides on an own message that this machine's own logic asks for: breaking a rule would be a fault of the machine. */
export function must<N extends ContractMessageName>(work: Work, type: N, body: Bodies[N]): void {
  const broken = decide(work, type, body)
  if (broken === null) return
  const { phase } = work.state
  throw new HaggleError('E_CONTRACT_FAULT', `Cannot sign ${type} in phase ${phase}: it breaks the rule "${broken}"`, {
    details: { phase, rule: broken },
  })
}

/** Hands the first decided message to the driver, when none is with it. */
export function emitSign(work: Work): void {
  const { state } = work
  const rec = state.outbox[0]
  if (rec === undefined || state.signing) return
  const { own, peer } = state
  const last = own.ids.at(-1)
  const acked = peer.ids[rec.ack - peer.base]
  work.effects.push({
    kind: 'sign',
    type: rec.type,
    body: rec.body,
    seq: rec.seq,
    prev: last === undefined ? null : fromHex(last),
    ack: acked === undefined ? null : fromHex(acked),
    lifetimeS: LIFETIME_S[rec.type],
  } as SignEffect)
  set(work, { signing: true })
}

/** Own messages from the one that the peer lacks on; `atLeastLast` repeats the last one even when the peer holds it. */
export function unheld(state: State, options: { readonly atLeastLast: boolean }): number[] {
  const from = options.atLeastLast ? Math.min(state.peerHas, state.own.next - 1) : state.peerHas
  const seqs: number[] = []
  for (let seq = Math.max(0, from); seq < state.own.next; seq++) seqs.push(seq)
  return seqs
}

/** A SYNC frame with this side's heads. */
export function heads(state: State): Effect {
  return { kind: 'sync', mine: state.own.next, yours: state.peer.next }
}
