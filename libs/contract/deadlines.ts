// When a machine acts by itself: a pure function of its state, so that a late timer changes nothing.

import {
  ACCEPT_MS,
  ACCEPT_RESEND_MS,
  ANSWER_MS,
  CANCEL_MS,
  CLOSE_MS,
  MAX_ACK_MS,
  RECEIPT_MS,
  REPEAT_EVERY_MS,
  REPEAT_MS,
  SILENT_TICKS,
  SLACK_MS,
  STOP_MS,
  SYNC_MS,
  THINK_MS,
} from './constants.ts'
import { meterEveryMs, paysAhead } from './paying.ts'
import type { DeadlineName } from './phase.ts'
import type { State } from './state.ts'

/** A deadline of this moment's state. */
export interface Deadline {
  /** What is due. */
  readonly name: DeadlineName
  /** Ms of this side's monotonic clock. */
  readonly atMs: number
}

/** When a message that was first sent at `fromMs` is sent again for the `repeats`-th time. */
function repeatAt(fromMs: number, repeats: number): number {
  const step = REPEAT_MS[repeats]
  const last = REPEAT_MS.at(-1) ?? 0
  return fromMs + (step ?? last + REPEAT_EVERY_MS * (repeats - REPEAT_MS.length + 1))
}

function beforeContract(state: State): Deadline[] {
  const { phase, times, init, mine } = state
  const renter = init.role === 'renter'
  const turn = (ms: number): Deadline => ({ name: 'turn', atMs: times.phase + ms })
  switch (phase) {
    case 'asked':
    case 'countered':
      return [turn(renter ? ANSWER_MS : THINK_MS)]
    case 'quoted': {
      if (renter) return [turn(mine.walk.validMs)]
      const hold: Deadline[] = state.done.capacity === 'held' ? [{ name: 'hold', atMs: times.phase + mine.walk.holdMs }] : []
      return [turn(mine.walk.validMs + SLACK_MS), ...hold]
    }
    case 'accepted': {
      const again = ACCEPT_RESEND_MS[state.repeats]
      return renter && again !== undefined ? [turn(ACCEPT_MS), { name: 'repeat', atMs: times.phase + again }] : [turn(ACCEPT_MS)]
    }
    default:
      return []
  }
}

function providing(state: State): Deadline[] {
  const { times, mine, phase, done } = state
  const terms = mine.inForce?.terms
  if (terms === undefined) return []
  const all: Deadline[] = []
  if (phase === 'confirmed') all.push({ name: 'turn', atMs: times.phase + terms.tickMs })
  if (phase === 'staging') all.push({ name: 'turn', atMs: times.confirm + terms.stagingMs })
  if (mine.ready && state.over === null) {
    all.push({ name: 'tick', atMs: times.measure + meterEveryMs(terms) })
    if (done.maxed !== terms.maxMs) all.push({ name: 'max', atMs: times.ready + terms.maxMs })
  }
  // Paid for is what ran up to the METER that the last VOUCHER acknowledges, and a tick more: whatever else the renter says pays nothing.
  if (phase === 'running') all.push({ name: 'silence', atMs: paysAhead(terms) ? times.paid + terms.graceMs : times.heard + terms.idleMs })
  if (mine.walk.phase !== 'none' && mine.walk.phase !== 'quoted') all.push({ name: 'answer', atMs: times.walk + THINK_MS })
  return all
}

function renting(state: State): Deadline[] {
  const { times, mine, phase } = state
  const terms = mine.inForce?.terms
  if (terms === undefined) return []
  const all: Deadline[] = []
  if (!mine.bound && !state.done.paid) all.push({ name: 'ack', atMs: times.confirm + Math.min(MAX_ACK_MS, Math.floor(terms.tickMs / 4)) })
  if (phase === 'staging') all.push({ name: 'turn', atMs: times.phase + terms.stagingMs + SLACK_MS })
  else all.push({ name: 'silence', atMs: times.meter + SILENT_TICKS * terms.tickMs + terms.graceMs })
  return all
}

function cancelling(state: State): Deadline[] {
  const { times, mine, init } = state
  const own = mine.cancel[init.role]
  const repeat: Deadline[] =
    own !== null && state.peerHas <= own.seq ? [{ name: 'repeat', atMs: repeatAt(times.phase, state.repeats) }] : []
  if (init.role === 'provider' && mine.bound) return [...repeat, { name: 'stop', atMs: times.phase + STOP_MS }]
  return [...repeat, { name: 'turn', atMs: times.phase + CANCEL_MS }]
}

function closing(state: State): Deadline[] {
  const { times, mine, init, repeats } = state
  if (init.role === 'renter') {
    if (mine.receipt.renter === null) return [{ name: 'turn', atMs: times.phase + RECEIPT_MS }]
    return [
      { name: 'turn', atMs: times.receipt + CLOSE_MS },
      { name: 'repeat', atMs: repeatAt(times.receipt, repeats) },
    ]
  }
  if (mine.receipt.renter !== null) return [{ name: 'turn', atMs: times.heard + RECEIPT_MS }]
  return [
    { name: 'turn', atMs: times.phase + CLOSE_MS },
    { name: 'repeat', atMs: repeatAt(times.phase, repeats) },
  ]
}

function planned(state: State): Deadline[] {
  switch (state.phase) {
    case 'cancelling':
      return cancelling(state)
    case 'closing':
      return closing(state)
    case 'confirmed':
    case 'staging':
    case 'running':
      return state.init.role === 'provider' ? providing(state) : renting(state)
    default:
      return beforeContract(state)
  }
}

/** What a side that has not SYNCed may still do by itself: give up, and stop the job. A job that nobody acknowledged gets one more tick, not more. */
function alone(state: State, deadlines: readonly Deadline[]): Deadline[] {
  const tickMs = state.mine.inForce?.terms.tickMs ?? SYNC_MS
  const earliest = state.times.restored + (state.phase === 'confirmed' ? Math.min(tickMs, SYNC_MS) : SYNC_MS)
  const ends = deadlines.filter(({ name }) => name === 'turn' || name === 'silence' || name === 'stop' || name === 'max' || name === 'hold')
  return [
    ...ends.map(({ name, atMs }) => ({ name, atMs: name === 'max' || name === 'hold' ? atMs : Math.max(atMs, earliest) })),
    { name: 'repeat', atMs: repeatAt(state.times.restored, state.repeats) },
  ]
}

/** Every deadline of `state`, in no order. Empty when nothing is to come by itself. */
export function deadlinesOf(state: State): readonly Deadline[] {
  const deadlines = planned(state)
  return state.synced || deadlines.length === 0 ? deadlines : alone(state, deadlines)
}
