// The machine of one side of one thread: events in, effects out, nothing else.

import { equalBytes, fromHex } from '@haggle/wire'
import { type Deadline, deadlinesOf } from './deadlines.ts'
import type { Effect } from './effect.ts'
import type { Event, ThreadMessage } from './event.ts'
import { learn, metered, NO_FACTS } from './facts.ts'
import { believes, owedFor } from './metering.ts'
import { outcomeOf } from './outcome.ts'
import { isEnd, type Move } from './phase.ts'
import { brokenRule } from './rules.ts'
import type { Chain, ContractView, State, ThreadInit } from './state.ts'
import { obey, obeyLater } from './_commands.ts'
import { believed, close, fire } from './_deadline_actions.ts'
import { ackIndex, isContractMessage, takeHeads, takeOwn, takePeer } from './_incoming.ts'
import { settle } from './_settle.ts'
import { clock, emitSign, heads, type MachineRules, set, type Work, workOn } from './_work.ts'

/** What {@link step} gives back. */
export interface Step {
  /** The state afterwards. */
  readonly state: State
  /** To be carried out in order. */
  readonly effects: readonly Effect[]
  /** The rows of the machine's table that this step took. */
  readonly moves: readonly Move[]
}

/** The stored envelopes of a thread, each chain in the order of seq. */
export interface StoredThread {
  /** This side's messages. */
  readonly own: readonly ThreadMessage[]
  /** The other side's messages. */
  readonly peer: readonly ThreadMessage[]
}

/** What a process that starts again has to say. */
export interface RestoreOptions {
  /** The new monotonic clock. */
  readonly nowMs: number
  /** The wall clock, unix seconds. */
  readonly nowS: number
  /** True when this side had ended before, by its timeouts too: such an end is kept by the driver, and no message undoes it. */
  readonly ended?: boolean
}

/** A machine made of certain rules. */
export interface Machine {
  /** See {@link begin}. */
  readonly begin: (init: ThreadInit, options: { readonly atMs: number }) => State
  /** See {@link step}. */
  readonly step: (state: State, event: Event) => Step
  /** See {@link restore}. */
  readonly restore: (init: ThreadInit, stored: StoredThread, options: RestoreOptions) => Step
  /** See {@link viewOf}. */
  readonly viewOf: (state: State, options?: { readonly nowMs?: number }) => ContractView
}

const NO_CHAIN: Chain = { next: 0, ids: [], base: 0, iat: 0 }

/** Deadlines of one moment that are carried out before one event at most; more would be a fault of the machine. */
const MAX_FIRED = 64

function fresh(init: ThreadInit, atMs: number): State {
  const at = atMs
  return {
    init,
    phase: 'idle',
    wakeAtMs: null,
    mine: NO_FACTS,
    theirs: NO_FACTS,
    lag: [],
    own: NO_CHAIN,
    peer: NO_CHAIN,
    outbox: [],
    signing: false,
    peerHas: 0,
    synced: true,
    need: null,
    parked: [],
    closed: false,
    times: {
      phase: at,
      walk: at,
      heard: at,
      since: at,
      confirm: at,
      ready: at,
      meter: at,
      measure: at,
      paid: at,
      receipt: at,
      asked: -Infinity,
      restored: at,
    },
    repeats: 0,
    done: {
      capacity: 'none',
      started: false,
      mayRun: false,
      stopped: false,
      paid: false,
      maxed: 0,
      opened: false,
      entered: null,
      voided: [],
    },
    over: null,
    meteredAt: [],
    unbilledMs: 0n,
  }
}

function earliest(deadlines: readonly Deadline[]): Deadline | undefined {
  return deadlines.reduce<Deadline | undefined>((first, next) => (first === undefined || next.atMs < first.atMs ? next : first), undefined)
}

function fireDue(work: Work): void {
  for (let fired = 0; fired < MAX_FIRED; fired++) {
    const due = earliest(work.rules.deadlinesOf(work.state))
    if (due === undefined || due.atMs > work.nowMs) return
    fire(work, due.name)
    settle(work)
  }
}

function finish(work: Work): Step {
  settle(work)
  fireDue(work)
  emitSign(work)
  const wakeAtMs = earliest(work.rules.deadlinesOf(work.state))?.atMs ?? null
  if (wakeAtMs !== work.state.wakeAtMs) {
    set(work, { wakeAtMs })
    work.effects.push({ kind: 'wake', atMs: wakeAtMs })
  }
  return { state: work.state, effects: work.effects, moves: work.moves }
}

function take(work: Work, event: Extract<Event, { type: 'message' }>): void {
  const { message, unixS } = event
  const { self, peer } = work.state.init
  if (!isContractMessage(message.type)) work.effects.push({ kind: 'ignored', reason: 'rule', detail: `type ${message.type}` })
  else if (equalBytes(message.signer, peer)) takePeer(work, message, { unixS })
  else if (equalBytes(message.signer, self)) takeOwn(work, message)
  else work.effects.push({ kind: 'ignored', reason: 'rule', detail: 'the signer is neither party' })
}

function happen(work: Work, event: Event): void {
  switch (event.type) {
    case 'message':
      return take(work, event)
    case 'sync':
      return takeHeads(work, event)
    case 'wake':
      return
    case 'command':
      return work.state.synced ? obey(work, event.command) : obeyLater(work, event.command)
  }
}

/**
 * Puts stored messages back in the order in which this side knew them: each own one after what it acknowledges. Own times are by the own clock; what a
 * peer's clock says of its messages never moves an own one.
 */
function replay(
  work: Work,
  stored: StoredThread,
  options: { readonly nowMs: number; readonly atMs: (message: ThreadMessage) => number },
): Work {
  let at = work
  let peers = 0
  const next = (atMs: number, run: (work: Work) => void): void => {
    at = workOn(at.state, Math.max(at.nowMs, atMs), at.rules)
    run(at)
  }
  const nextPeer = (beforeMs: number): void => {
    const message = stored.peer[peers++]
    if (message !== undefined)
      next(Math.min(options.atMs(message), beforeMs), (w) => takePeer(w, message, { unixS: message.iat, quiet: true }))
  }
  for (const message of stored.own) {
    const ownMs = options.atMs(message)
    while (ackIndex(at.state.peer, message.ack) === undefined && peers < stored.peer.length) nextPeer(ownMs)
    next(ownMs, (w) => takeOwn(w, message))
  }
  while (peers < stored.peer.length) nextPeer(options.nowMs)
  return at
}

/**
 * A machine made of `rules`; what is left out is the product's own. Only tests give any, to see that a wrong rule is found.
 */
export function createMachine(rules: Partial<MachineRules> = {}): Machine {
  const all: MachineRules = { learn, brokenRule, outcomeOf, owedFor, believes, deadlinesOf, ...rules }

  return {
    begin: (init, { atMs }) => fresh(init, atMs),

    step: (state, event) => {
      const work = workOn(state, event.atMs, all)
      fireDue(work)
      work.cause = 'driver'
      happen(work, event)
      return finish(work)
    },

    restore: (init, stored, { nowMs, nowS, ended = false }) => {
      const first = workOn({ ...fresh(init, nowMs - 86_400_000 * 365), synced: false }, -Infinity, all)
      // Seconds are whole: a second more makes every deadline early rather than late.
      const replayed = replay(first, stored, { nowMs, atMs: (message) => nowMs - (Math.max(0, nowS - message.iat) + 1) * 1_000 })
      const { state } = replayed
      const work = workOn(state, nowMs, all)
      clock(work, { restored: nowMs, measure: nowMs })
      const taken = !ended && init.role === 'provider' && state.mine.confirms.length > 0
      set(work, {
        repeats: 0,
        done: { ...state.done, capacity: taken ? 'taken' : 'none', mayRun: init.role === 'provider' && state.mine.confirms.length > 0 },
      })
      const { inForce } = state.mine
      if (taken && inForce !== null && !isEnd(state.phase)) {
        work.effects.push({ kind: 'capacity', action: 'reserve', termsHash: fromHex(inForce.hash), untilMs: null })
      }
      work.cause = 'restore'
      if (ended && !isEnd(state.phase)) close(work)
      if (!isEnd(work.state.phase)) work.effects.push(heads(work.state))
      return finish(work)
    },

    viewOf: (state, options = {}) => {
      const { mine, init } = state
      const { walk, accept, inForce, result } = mine
      const last = result ?? metered(mine)
      return {
        role: init.role,
        phase: state.phase,
        extension: inForce === null ? 'none' : walk.phase,
        synced: state.synced,
        proposed: walk.proposal?.terms ?? null,
        terms: inForce?.terms ?? null,
        termsHash: inForce === null ? null : fromHex(inForce.hash),
        contract: accept === null || accept.id === null ? null : fromHex(accept.id),
        specHash: mine.specHash === null ? null : fromHex(mine.specHash),
        ready: mine.ready,
        bound: mine.bound,
        meters: metered(mine).n,
        usage: last.usage,
        metered: last.owed,
        vouched: mine.voucher.owed,
        believed: believed(state, options.nowMs ?? state.times.phase, all.believes),
        exit: result?.exit ?? null,
        output: result?.output ?? null,
        outcome: all.outcomeOf(mine, { silent: true }),
      }
    },
  }
}

const machine: Machine = /* @__PURE__ */ createMachine()

/** A fresh thread in phase `idle`. */
export function begin(init: ThreadInit, options: { readonly atMs: number }): State {
  return machine.begin(init, options)
}

/**
 * What happens next. Pure: neither `state` nor `event` is changed, and no clock is read. A peer's message is never an error: what breaks a rule is
 * `ignored` with its reason.
 *
 * @throws `E_CONTRACT_STATE` for a command that this phase does not allow; `details.phase` and `details.why` say which and why.
 */
export function step(state: State, event: Event): Step {
  return machine.step(state, event)
}

/**
 * The state after a restart, from the stored envelopes of both chains. It signs nothing until the peer's SYNC frame has come; commands wait for it.
 * `nowMs` is the new monotonic clock, `nowS` the wall clock: deadlines go on from the envelopes' iat. The effects repeat what must hold (capacity, job,
 * ledger), all of it idempotent.
 */
export function restore(init: ThreadInit, stored: StoredThread, options: RestoreOptions): Step {
  return machine.restore(init, stored, options)
}

/** What a driver may read of a state. */
export function viewOf(state: State, options?: { readonly nowMs?: number }): ContractView {
  return machine.viewOf(state, options)
}
