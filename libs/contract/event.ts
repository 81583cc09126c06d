// What goes into the machine: messages of either side, the peer's heads, the passing of time, and what this side's driver wants.

import type { Demand } from '@haggle/offer'
import type { Message } from '@haggle/wire'
import type { Exit } from './bodies.ts'
import type { CancelReason, ReceiptReason, RejectReason } from './reasons.ts'
import type { Terms } from './terms.ts'

/** The part of a {@link Message} that the machine reads. Whoever calls has opened (or sealed) it: signature, network and thread are good. */
export type ThreadMessage = Pick<Message, 'id' | 'type' | 'signer' | 'seq' | 'prev' | 'ack' | 'iat' | 'exp' | 'body'>

/**
 * What this side wants. Each one becomes a message, except `staged`. A command that the phase does not allow throws `E_CONTRACT_STATE`.
 *
 * Renter:
 * - `request`: QUOTE_REQ in a fresh thread, or in a running contract to ask for an extension
 * - `counter`: COUNTER with other terms, when the renter has the turn
 * - `accept`: ACCEPT. With `terms` in a fresh thread it takes a standing offer; with null it accepts what was quoted
 * - `extend`: ACCEPT of the terms in force with a higher cap or a longer run, without asking first
 * - `start`: START, when ACCEPT named no spec
 * - `staged`: the renter has put its last file; its own time starts (at the latest) now
 * - `voucher`: VOUCHER for the last METER, in answer to the effect `pay`; the rail's parts are null on the free rail. Nothing happens when another METER
 *   has come since: that one asked again
 * - `grant`: GRANT
 *
 * Provider:
 * - `quote`: QUOTE, in answer to QUOTE_REQ or COUNTER
 * - `confirm`: CONFIRM. Emits `capacity reserve` and the signature in one step
 * - `reject`: REJECTED, with a fresh quote or without
 * - `ready`: READY: the job's process exists
 * - `meter`: METER, in answer to the effect `measure`: cumulative usage as measured
 * - `result`: RESULT: the job is over
 * - `reclaim`: RECLAIM_NOTICE
 *
 * Either: `cancel`, and `receipt` in phase `closing`. With reason null it agrees with the figures; a renter whose own time does not allow them says
 * `meter` all the same
 */
export type Command =
  | { readonly do: 'request'; readonly demand: Demand; readonly offer: Uint8Array | null }
  | { readonly do: 'counter'; readonly terms: Terms }
  | {
      readonly do: 'accept'
      readonly terms: Terms | null
      readonly specHash: Uint8Array | null
      readonly number: number
      readonly funding: Uint8Array | null
    }
  | { readonly do: 'extend'; readonly cap: bigint; readonly maxMs: number; readonly funding: Uint8Array | null }
  | { readonly do: 'start'; readonly specHash: Uint8Array }
  | { readonly do: 'staged' }
  | {
      readonly do: 'voucher'
      /** `owed` of the METER that it was made for, as the effect `pay` said. */
      readonly owed: bigint
      readonly channel: Uint8Array | null
      readonly channelCumulative: bigint | null
      readonly evmSig: Uint8Array | null
    }
  | { readonly do: 'grant'; readonly grantee: Uint8Array; readonly right: 'read' | 'control'; readonly until: number }
  | { readonly do: 'quote'; readonly terms: Terms; readonly holdMs: number; readonly validMs: number }
  | { readonly do: 'confirm'; readonly number: number }
  | {
      readonly do: 'reject'
      readonly reason: RejectReason
      readonly path: string | null
      readonly fresh: { readonly terms: Terms; readonly validMs: number } | null
    }
  | { readonly do: 'ready' }
  | { readonly do: 'meter'; readonly usage: readonly bigint[] }
  | { readonly do: 'result'; readonly exit: Exit; readonly usage: readonly bigint[]; readonly output: Uint8Array | null }
  | { readonly do: 'reclaim'; readonly inMs: number }
  | { readonly do: 'cancel'; readonly reason: CancelReason }
  | { readonly do: 'receipt'; readonly reason: ReceiptReason | null }

/** Names of the commands. */
export type CommandName = Command['do']

/**
 * One thing that happened, at `atMs` of this side's monotonic clock. `atMs` never falls. Before it looks at the event, the machine does what its
 * deadlines up to `atMs` ask for, so that a late timer changes nothing.
 *
 * - `message`: a message of the peer arrived, or one of our own was signed (also one that the peer gave back to us in a SYNC). `unixS` is the wall
 *   clock: an ACCEPT that has expired by it is refused
 * - `sync`: the peer's SYNC frame arrived: it has signed `mine` messages and holds `yours` of ours. Sending what it lacks, and a SYNC frame where this
 *   side lacks something or the stream is new, is the driver's business
 * - `wake`: time passed; due when the effect `wake` said so
 * - `command`: see {@link Command}
 */
export type Event =
  | { readonly type: 'message'; readonly message: ThreadMessage; readonly atMs: number; readonly unixS: number }
  | { readonly type: 'sync'; readonly mine: number; readonly yours: number; readonly atMs: number }
  | { readonly type: 'wake'; readonly atMs: number }
  | { readonly type: 'command'; readonly command: Command; readonly atMs: number }
