// The phases of a thread, how it can end, and what moves it.

import type { ContractMessageName } from './messages.ts'

/**
 * Where one side is.
 *
 * - `idle`: nothing was said yet
 * - `asked`: QUOTE_REQ was sent (or came); the provider has the turn
 * - `quoted`: QUOTE (or REJECTED with a fresh quote) was said; the renter has the turn
 * - `countered`: COUNTER was said; the provider has the turn
 * - `accepted`: ACCEPT was said; the provider has until its exp
 * - `confirmed`: provider only: CONFIRM is signed, the renter has not acknowledged it; at most one tick at the provider's own risk
 * - `staging`: contract; files travel, the job does not run yet
 * - `running`: contract; READY was said, the meter runs
 * - `cancelling`: CANCEL was said; waits for its acknowledgement, and for RESULT where somebody is bound
 * - `closing`: RESULT was said; receipts are outstanding
 *
 * and at the end, when this side signs nothing more:
 *
 * - `settled`: RESULT, and the renter agreed to its figures
 * - `disputed`: RESULT, and the renter signed other figures
 * - `rejected`: REJECTED without a fresh quote
 * - `expired`: a turn or an ACCEPT passed without an answer; nobody owes anything
 * - `cancelled`: a side cancelled
 * - `failed`: a side that was bound went silent or lost the job
 */
export type Phase =
  | 'idle'
  | 'asked'
  | 'quoted'
  | 'countered'
  | 'accepted'
  | 'confirmed'
  | 'staging'
  | 'running'
  | 'cancelling'
  | 'closing'
  | EndPhase

/** The phases in which a side signs nothing more. */
export type EndPhase = 'settled' | 'disputed' | 'rejected' | 'expired' | 'cancelled' | 'failed'

/** Every {@link Phase}, in the order of the specification. */
export const PHASES: readonly Phase[] = [
  'idle',
  'asked',
  'quoted',
  'countered',
  'accepted',
  'confirmed',
  'staging',
  'running',
  'cancelling',
  'closing',
  'settled',
  'disputed',
  'rejected',
  'expired',
  'cancelled',
  'failed',
]

const ENDS: ReadonlySet<string> = /* @__PURE__ */ new Set(['settled', 'disputed', 'rejected', 'expired', 'cancelled', 'failed'])

/** True when a side in `phase` signs nothing more. */
export function isEnd(phase: Phase): phase is EndPhase {
  return ENDS.has(phase)
}

/** Where an extension of a running contract is: nowhere, or at the step of the same walk that the names say. */
export type WalkPhase = 'none' | 'asked' | 'quoted' | 'countered' | 'accepted'

/**
 * A point in time at which a machine acts by itself.
 *
 * - `turn`: the phase's own timeout
 * - `repeat`: time to send an unacknowledged message again
 * - `hold`: the hold of capacity that a QUOTE promised ends
 * - `ack`: the renter has not said a word since CONFIRM
 * - `tick`: METER is due
 * - `max`: the run reaches the terms' maxMs
 * - `silence`: the other side has been silent for too long
 * - `answer`: the provider owes an answer in an extension
 * - `stop`: the driver owes the figures of a stopped job
 */
export type DeadlineName = 'turn' | 'repeat' | 'hold' | 'ack' | 'tick' | 'max' | 'silence' | 'answer' | 'stop'

/**
 * What moved a machine: a message that this side decided (`own`) or got (`peer`), a deadline that needed no message, the peer's SYNC frame, a restart, or
 * what the driver said of the job.
 */
export type Cause =
  | `own:${ContractMessageName}`
  | `peer:${ContractMessageName}`
  | `deadline:${DeadlineName}`
  | 'sync'
  | 'restore'
  | 'driver'

/** One step of a machine, as its table lists them. */
export interface Move {
  /** The contract itself, or an extension of it. */
  readonly machine: 'contract' | 'extension'
  /** Where it was. */
  readonly from: Phase | WalkPhase
  /** What moved it. */
  readonly on: Cause
  /** Where it is now. */
  readonly to: Phase | WalkPhase
}
