// What became of a thread: a pure function of what both sides signed, ordered by seq and ack, never by arrival.

import type { EndPhase } from './phase.ts'
import type { Role } from './messages.ts'

/** What became of a thread. Amounts are base units of the rail's money. */
export interface Outcome {
  /** `open`: more must come before this can be said. */
  readonly kind: EndPhase | 'open'
  /** Who cancelled, refused, let a turn pass or failed; null where nobody did, or nobody can say who. */
  readonly by: Role | null
  /** The reason of the message that ended it (REJECTED, CANCEL or RECEIPT), or null. */
  readonly reason: string | null
  /** True when the renter acknowledged CONFIRM: a contract in money and reputation. */
  readonly bound: boolean
  /** Cumulative usage that `owed` is for, in the order of the terms' meters; empty without a contract. */
  readonly usage: readonly bigint[]
  /** What the renter has signed for. No unsigned claim is in it. */
  readonly owed: bigint
  /** What the provider has signed as used, at least `owed`: beyond `owed` it is one side's word. */
  readonly claimed: bigint
  /** Whose RECEIPTs with these figures there are. */
  readonly signedBy: 'both' | 'renter' | 'provider' | 'none'
}
