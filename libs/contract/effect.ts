// What comes out of the machine: all that its driver has to do, in order.

import type { Bodies, ContractMessageName } from './messages.ts'
import type { Outcome } from './outcome.ts'
import type { Cause, Phase, WalkPhase } from './phase.ts'
import type { CancelReason } from './reasons.ts'

/** Why a peer's message was not taken. It must not be stored. */
export type IgnoreReason =
  | 'duplicate'
  /** Another message of this signer at this seq is known: see the effect `evidence`. */
  | 'equivocation'
  /** A message before it is missing; `sync` asks for it. */
  | 'gap'
  /** `prev` does not name the message before it. */
  | 'prev'
  /** `ack` names nothing of ours, or goes back. */
  | 'ack'
  /** `iat` falls along the chain. */
  | 'time'
  /** Not this signer's message, or not its turn: the rule broken is in `detail`. */
  | 'rule'
  /** CONFIRM after its ACCEPT's end, while this side may not sign yet: it comes again once CANCEL is signed. */
  | 'late'

/** Asks for one signature: the driver asks its sign-once table for (thread, seq), stores the envelope synced, feeds it back as `message`, sends it. */
export type SignEffect = {
  readonly [N in ContractMessageName]: {
    readonly kind: 'sign'
    readonly type: N
    readonly body: Bodies[N]
    /** Own next seq. */
    readonly seq: number
    /** Id of the own last message, or null. */
    readonly prev: Uint8Array | null
    /** Id of the peer's last message that was processed when this was decided, or null. */
    readonly ack: Uint8Array | null
    /** exp - iat, seconds. */
    readonly lifetimeS: number
  }
}[ContractMessageName]

/** An entry for this side's ledger. At least once: `contract` and `kind` name it, except that a later `closed` replaces an earlier one. */
export type LedgerEntry =
  /** The renter is bound: the contract counts. */
  | {
      readonly kind: 'opened'
      readonly contract: Uint8Array
      readonly number: number
      readonly peer: Uint8Array
      readonly termsHash: Uint8Array
    }
  /** The contract is over for this side. */
  | {
      readonly kind: 'closed'
      readonly contract: Uint8Array
      readonly number: number
      readonly peer: Uint8Array
      readonly termsHash: Uint8Array
      readonly outcome: Outcome
    }
  /** The number was used in an ACCEPT (or CONFIRM) that never bound anybody. `contract` is that ACCEPT's id. */
  | { readonly kind: 'void'; readonly contract: Uint8Array; readonly number: number; readonly peer: Uint8Array }

/**
 * One thing to do.
 *
 * - `sign`: see {@link SignEffect}. At most one is open at a time: the next one comes when the message was fed back. What the peer says while it is open
 *   was said after it: such a message may be on disk with it or after it, never before
 * - `resend`: send these own messages again, byte for byte, in order
 * - `sync`: send a SYNC frame with these heads
 * - `wake`: call `step` with `wake` at `atMs` (replaces the last one; null: no need)
 * - `capacity`: reserve the devices and the slot of `terms` until `untilMs` (null: until released), or release them. Idempotent per thread
 * - `job`: start the job of the contract, or stop it. Idempotent. A stop is answered with `result`
 * - `measure`: answer with `meter`
 * - `pay`: METER `n` was found right (0: only CONFIRM is to be acknowledged): answer with `voucher`
 * - `ledger`: see {@link LedgerEntry}
 * - `notify`: the phase, or the extension's step, is now this. `on` says what moved it, as in the machine's table
 * - `ignored`: a message of the peer was not taken
 * - `evidence`: the peer signed two messages for one seq: `knownId` and `otherId`
 *
 * Effects that come from feeding back an own message are carried out when it is on disk.
 */
export type Effect =
  | SignEffect
  | { readonly kind: 'resend'; readonly seqs: readonly number[] }
  | { readonly kind: 'sync'; readonly mine: number; readonly yours: number }
  | { readonly kind: 'wake'; readonly atMs: number | null }
  | { readonly kind: 'capacity'; readonly action: 'reserve'; readonly termsHash: Uint8Array; readonly untilMs: number | null }
  | { readonly kind: 'capacity'; readonly action: 'release' }
  | { readonly kind: 'job'; readonly action: 'start'; readonly contract: Uint8Array }
  | { readonly kind: 'job'; readonly action: 'stop'; readonly contract: Uint8Array; readonly reason: CancelReason | 'time' | 'cap' }
  | { readonly kind: 'measure'; readonly n: number }
  | { readonly kind: 'pay'; readonly n: number; readonly owed: bigint }
  | { readonly kind: 'ledger'; readonly entry: LedgerEntry }
  | { readonly kind: 'notify'; readonly phase: Phase; readonly extension: WalkPhase; readonly on: Cause }
  | { readonly kind: 'ignored'; readonly reason: IgnoreReason; readonly detail: string }
  | { readonly kind: 'evidence'; readonly seq: number; readonly knownId: Uint8Array; readonly otherId: Uint8Array }
