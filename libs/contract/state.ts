// The state of one side of one thread: plain immutable data, rebuilt at any time from the stored envelopes.

import type { Exit } from './bodies.ts'
import type { Role } from './messages.ts'
import type { Outcome } from './outcome.ts'
import type { Phase, WalkPhase } from './phase.ts'
import type { Terms } from './terms.ts'

/** Who talks to whom about what. */
export interface ThreadInit {
  /** Which side this machine is. */
  readonly role: Role
  /** Own 32-byte key. */
  readonly self: Uint8Array
  /** The other side's 32-byte key. */
  readonly peer: Uint8Array
}

/** What a driver may read of a {@link State} to show it or to decide. */
export interface ContractView {
  readonly role: Role
  readonly phase: Phase
  /** The extension under way, if any. */
  readonly extension: WalkPhase
  /** False after a restart until SYNC: nothing is signed before. */
  readonly synced: boolean
  /** Terms on the table (quoted, countered or accepted), else those in force, else null. */
  readonly proposed: Terms | null
  /** Terms in force: those of the last CONFIRM; null before. */
  readonly terms: Terms | null
  /** Hash of the terms in force. */
  readonly termsHash: Uint8Array | null
  /** Contract id: id of the ACCEPT that is on the table or was confirmed. */
  readonly contract: Uint8Array | null
  /** Spec that ACCEPT or START committed to. */
  readonly specHash: Uint8Array | null
  /** True from READY on. */
  readonly ready: boolean
  /** True once the renter acknowledged CONFIRM. */
  readonly bound: boolean
  /** Number of the last METER; 0 before the first. */
  readonly meters: number
  /** Usage of the last METER or RESULT. */
  readonly usage: readonly bigint[]
  /** What the last METER or RESULT comes to. */
  readonly metered: bigint
  /** What the last VOUCHER promised. */
  readonly vouched: bigint
  readonly exit: Exit | null
  /** Digest of the kept output, from RESULT. */
  readonly output: Uint8Array | null
  /** What all this comes to if nobody says another word. */
  readonly outcome: Outcome
}
