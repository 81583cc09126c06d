// The state of one side of one thread: plain immutable data, rebuilt at any time from the stored envelopes.

import type { Exit } from './bodies.ts'
import type { Command } from './event.ts'
import type { Facts } from './facts.ts'
import type { Role } from './messages.ts'
import type { Outcome } from './outcome.ts'
import type { Phase, WalkPhase } from './phase.ts'
import type { Rec } from './record.ts'
import type { Terms } from './terms.ts'

/** Who talks to whom. */
export interface ThreadInit {
  /** Which side this machine is. */
  readonly role: Role
  /** Own 32-byte key. */
  readonly self: Uint8Array
  /** The other side's 32-byte key. */
  readonly peer: Uint8Array
}

/** The end of one side's chain, as far as this side has it. */
export interface Chain {
  /** How many messages there are, without a gap. */
  readonly next: number
  /** Hex ids of the last ones; older ones can't be acknowledged any more. */
  readonly ids: readonly string[]
  /** Seq of `ids[0]`. */
  readonly base: number
  /** `iat` of the last one, unix seconds. */
  readonly iat: number
}

/** When things happened, ms of this side's monotonic clock. */
export interface Times {
  /** The phase was entered. */
  readonly phase: number
  /** The last step of an extension. */
  readonly walk: number
  /** The last message of the peer. */
  readonly heard: number
  /** Renter: from when on the job could be running at the earliest. */
  readonly since: number
  /** CONFIRM was said. */
  readonly confirm: number
  /** READY was said. */
  readonly ready: number
  /** The last METER, or READY. */
  readonly meter: number
  /** Provider: the last `measure`. */
  readonly measure: number
  /** Provider: the METER that the last VOUCHER acknowledges was said; READY before there is one. */
  readonly paid: number
  /** Own RECEIPT. */
  readonly receipt: number
  /** The last SYNC frame that a gap or a repeated message asked for. */
  readonly asked: number
  /** The process started, for a restored state. */
  readonly restored: number
}

/** What was already asked of the driver: so that nothing is asked twice. */
export interface Done {
  /** What was asked about capacity: nothing, held by a QUOTE, taken by CONFIRM, given back. */
  readonly capacity: 'none' | 'held' | 'taken' | 'released'
  /** The job was to be started. */
  readonly started: boolean
  /** Provider, after a restart: an earlier process may have started the job. */
  readonly mayRun: boolean
  /** The job was to be stopped. */
  readonly stopped: boolean
  /** Renter: `pay` 0 was asked. */
  readonly paid: boolean
  /** The maxMs for which the job was stopped; 0: it was not. */
  readonly maxed: number
  /** The ledger entry `opened` was asked for. */
  readonly opened: boolean
  /** The last `closed` or `void` entry, as one string; null: none. */
  readonly entered: string | null
  /** Ids of ACCEPTs that came to nothing and were entered as void. */
  readonly voided: readonly string[]
}

/** The job's end as the provider's driver told it, kept until RESULT may be signed. */
export interface Over {
  /** How the job ended. */
  readonly exit: Exit
  /** What was used, as measured. */
  readonly usage: readonly bigint[]
  /** Digest of the kept output. */
  readonly output: Uint8Array | null
}

/** One side of one thread: plain data that `structuredClone` copies. Drivers read it with `viewOf`. */
export interface State {
  /** Who talks to whom. */
  readonly init: ThreadInit
  /** Where this side is. */
  readonly phase: Phase
  /** When the driver has to call with `wake`; null: no need. */
  readonly wakeAtMs: number | null
  /** What this side knows. */
  readonly mine: Facts
  /** What the peer knew when it signed its last message. */
  readonly theirs: Facts
  /** Own messages that the peer had not acknowledged by then. */
  readonly lag: readonly Rec[]
  /** This side's chain. */
  readonly own: Chain
  /** The other side's chain. */
  readonly peer: Chain
  /** Decided but not yet signed; the first one is with the driver. */
  readonly outbox: readonly Rec[]
  /** True while the first of `outbox` is with the driver. */
  readonly signing: boolean
  /** How many own messages the peer is known to hold. */
  readonly peerHas: number
  /** False after a restart until SYNC. */
  readonly synced: boolean
  /** What SYNC promised that each chain will have. */
  readonly need: { readonly own: number; readonly peer: number } | null
  /** Commands that wait for SYNC. */
  readonly parked: readonly Command[]
  /** True when this side has ended by its timeouts alone. */
  readonly closed: boolean
  /** When things happened. */
  readonly times: Times
  /** How often the last message was repeated. */
  readonly repeats: number
  /** What was already asked of the driver. */
  readonly done: Done
  /** How the job ended, until RESULT says so. */
  readonly over: Over | null
  /** Provider: when each METER was said that no VOUCHER acknowledges yet, oldest first. */
  readonly meteredAt: readonly { readonly n: number; readonly atMs: number }[]
  /** Provider: milliseconds that were measured but must not be billed, because no METER was said for two ticks. */
  readonly unbilledMs: bigint
}

/** What a driver may read of a {@link State} to show it or to decide. */
export interface ContractView {
  /** Which side this is. */
  readonly role: Role
  /** Where this side is. */
  readonly phase: Phase
  /** The extension under way, if any. */
  readonly extension: WalkPhase
  /** False after a restart until SYNC: nothing is signed before. */
  readonly synced: boolean
  /** Terms on the table (quoted, countered or accepted); null when there are none. */
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
  /** Usage of RESULT, else of the last METER. */
  readonly usage: readonly bigint[]
  /** What RESULT, else the last METER, comes to. */
  readonly metered: bigint
  /** What the last VOUCHER promised. */
  readonly vouched: bigint
  /** Renter: false when RESULT claims more time than the renter's own clock allows. */
  readonly believed: boolean
  /** How the job ended. */
  readonly exit: Exit | null
  /** Digest of the kept output, from RESULT. */
  readonly output: Uint8Array | null
  /** What all this comes to if nobody says another word. */
  readonly outcome: Outcome
}
