// The machine of one side of one thread: events in, effects out, nothing else.

import { HaggleError } from '@haggle/wire'
import type { Effect } from './effect.ts'
import type { Event, ThreadMessage } from './event.ts'
import type { ContractView, ThreadInit } from './state.ts'

/** One side of one thread: plain data that `structuredClone` copies. Read it with {@link viewOf}. */
export interface State {
  readonly init: ThreadInit
  /** When the driver has to call with `wake`; null: no need. */
  readonly wakeAtMs: number | null
}

/** What {@link step} gives back. */
export interface Step {
  readonly state: State
  /** To be carried out in order. */
  readonly effects: readonly Effect[]
}

/** A fresh thread in phase `idle`. */
export function begin(init: ThreadInit, options: { readonly atMs: number }): State {
  return { init, wakeAtMs: options.atMs }
}

/**
 * What happens next. Pure: neither `state` nor `event` is changed, and no clock is read. A peer's message is never an error: what breaks a rule is
 * `ignored` with its reason.
 *
 * @throws `E_CONTRACT_STATE` for a command that this phase does not allow; `details.phase` says which it is.
 */
export function step(state: State, event: Event): Step {
  throw new HaggleError('E_CONTRACT_STATE', `Cannot handle ${event.type} of ${state.init.role} yet`)
}

/**
 * The state after a restart, from the stored envelopes of both chains, each in the order of seq. It signs nothing until the peer's SYNC frame has come;
 * commands wait for it. `nowMs` is the new monotonic clock, `nowS` the wall clock: deadlines go on from the envelopes' iat. The effects repeat what
 * must hold (capacity, job, ledger), all of it idempotent.
 */
export function restore(
  init: ThreadInit,
  stored: { readonly own: readonly ThreadMessage[]; readonly peer: readonly ThreadMessage[] },
  options: { readonly nowMs: number; readonly nowS: number },
): Step {
  throw new HaggleError('E_CONTRACT_STATE', `Cannot restore ${init.role} from ${stored.own.length} messages at ${options.nowMs} yet`)
}

/** What a driver may read of a state. */
export function viewOf(state: State): ContractView {
  throw new HaggleError('E_CONTRACT_STATE', `Cannot read ${state.init.role} yet`)
}
