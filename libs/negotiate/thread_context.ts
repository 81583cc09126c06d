// What a thread needs of its node, and what goes in and out of it.

import type { Effect } from '@haggle/contract'
import type { Write } from '@haggle/store'
import type { Clock, Message, Signer, Suite } from '@haggle/wire'
import type { ControlFrame } from './control_frame.ts'
import type { OnFault } from './fault_point.ts'
import type { Thread } from './thread.ts'
import type { ThreadStore } from './thread_store.ts'

/** The effects that are not the driver's own business. */
export type HostEffect = Extract<Effect, { kind: 'capacity' | 'job' | 'measure' | 'pay' | 'ledger' | 'notify' | 'ignored' | 'evidence' }>

/** What a thread needs of its node. */
export interface ThreadContext {
  /** 32 bytes, see `networkId` of `@haggle/wire`. */
  readonly network: Uint8Array
  /** The cryptography. */
  readonly suite: Suite
  /** This node's key. */
  readonly signer: Signer
  /** Time of every deadline. */
  readonly clock: Clock
  /** Where chains are kept. */
  readonly store: ThreadStore
  /** Hands frames to the peer's stream; what can't be sent comes again by SYNC. Must not throw. */
  readonly send: (thread: Thread, frames: readonly ControlFrame[]) => void
  /** Carries out an effect. Called in order; must not throw. A thread is closed only when what this returned for its effects has settled. */
  readonly onEffect: (thread: Thread, effect: HostEffect) => void | Promise<void>
  /** A message of the peer was taken. Called after its effects; must not throw. */
  readonly onMessage: (thread: Thread, message: Message) => void
  /** Something that nobody waits for failed: the disk is full, or the machine is wrong. Must not throw. */
  readonly onFailure: (thread: Thread, error: unknown) => void
  /** Tests end the process there. */
  readonly onFault?: OnFault
}

/** What goes with a command. */
export interface CommandOptions {
  /** Notes written in the same synced batch as the message that the command signs. */
  readonly notes?: Readonly<Record<string, Uint8Array>>
  /** Writes of the caller in that batch. */
  readonly writes?: readonly Write[]
  /** Frames sent right behind the message, and again with each resend of it. */
  readonly beside?: readonly ControlFrame[]
}

/** A thread as it was stored. */
export interface StoredThreadState {
  /** This side's messages, from 0 without a gap. */
  readonly own: readonly Message[]
  /** The other side's messages, from 0 without a gap. */
  readonly theirs: readonly Message[]
  /** This side had ended before; such an end is kept, whatever comes. */
  readonly closed: boolean
  /** Frames that go behind own messages, by sequence number. */
  readonly beside?: ReadonlyMap<number, readonly ControlFrame[]>
}
