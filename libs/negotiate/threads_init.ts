// What a node gives to its threads, what it is told of them, and what it can ask.

import type { Network, PeerTarget } from '@haggle/mesh'
import type { Store } from '@haggle/store'
import type { Clock, Message, Random, Signer, Suite } from '@haggle/wire'
import type { ControlFrame, EndFrame, OutputFrame, SpecFrame } from './control_frame.ts'
import type { ControlLimits, ControlPeer } from './control_links.ts'
import type { OnFault } from './fault_point.ts'
import type { Thread } from './thread.ts'
import type { HostEffect } from './thread_context.ts'
import type { ThreadRecord } from './thread_store.ts'
import type { TakenNumber } from './_numbers.ts'

/** What the market does about threads. None of these may throw; what one throws nevertheless is a failure. */
export interface ThreadsHandler {
  /** A peer opened a thread with a message that its machine takes: this node is its provider. */
  opened(thread: Thread): void
  /** A thread that was open when the last process ended. Comes before its first effect. */
  resumed(thread: Thread): void
  /** A promise says when the effect is carried out: a thread is closed after it, so that a ledger entry is not lost with the process. */
  effect(thread: Thread, effect: HostEffect): void | Promise<void>
  /** A message of the peer was taken; answer it with a command. */
  message(thread: Thread, message: Message): void
  /** A spec came for a known thread. Nobody has checked its hash. */
  spec(thread: Thread, frame: SpecFrame): void
  /** The first output of a contract came. Nobody has checked that the peer is its provider. */
  output(frame: OutputFrame, peer: ControlPeer): void
  /** The lengths of a contract's outputs came. Nobody has checked that the peer is its provider. */
  end(frame: EndFrame, peer: ControlPeer): void
  /** A frame was refused: the code, for counting. */
  refused(peer: ControlPeer, code: string): void
  /** The connection to the other side of an open thread came back or went. */
  reachable(thread: Thread, now: boolean): void
  /** Something of a thread failed that nobody waits for, such as a write to a full disk. It is tried again where that helps. */
  failed?(thread: Pick<Thread, 'id' | 'record'>, error: unknown): void
}

/** What {@link createThreads} needs. */
export interface ThreadsInit {
  /** The network on which peers are met. */
  readonly network: Network
  /** 32 bytes, see `networkId` of `@haggle/wire`. */
  readonly networkId: Uint8Array
  /** The cryptography. */
  readonly suite: Suite
  /** This node's key. */
  readonly signer: Signer
  /** Time of every deadline. */
  readonly clock: Clock
  /** Thread ids and the spread of retries. */
  readonly random: Random
  /** Where threads live; nobody else may write there. */
  readonly store: Store
  /** Whoever decides. */
  readonly handler: ThreadsHandler
  /** Contract numbers below it are taken, whatever the store says: a home put back from a backup knows older ones only. Default: 0. */
  readonly leastNumber?: () => number
  /** Called at each fault point; tests end the process there. */
  readonly onFault?: OnFault
  /** Bounds of what one peer may cost. Default `CONTROL_LIMITS` and 64 open threads. */
  readonly limits?: Partial<ControlLimits> & { readonly maxOpenPerPeer?: number }
}

/** The threads of one node. */
export interface Threads {
  /**
   * A new thread with this node as renter. Nothing is sent before its first command.
   *
   * @throws HaggleError `E_THREAD_PEER` when the key is not that of the PeerId, `E_THREAD_SELF` when it is this node's own.
   */
  begin(provider: PeerTarget & { readonly key: Uint8Array }): Thread
  /** The thread with this id (32 hex digits), from memory or from the store. */
  get(id: string): Promise<Thread | undefined>
  /** The thread of a contract (64 hex digits). */
  ofContract(contract: string): Promise<Thread | undefined>
  /** Threads that are not over. */
  open(): readonly Thread[]
  /** Records of every thread ever. */
  all(): AsyncIterable<ThreadRecord>
  /** Connects and opens the control stream ahead of need. Rejects with `E_DIAL`, `E_PROTOCOL_UNSUPPORTED` or `E_CONTROL_STALLED`. */
  prepare(target: PeerTarget, options?: { signal?: AbortSignal }): Promise<void>
  /** Sends frames that belong to no thread's chain: the first output and its end. Rejects like {@link Threads.prepare}, or with `E_STREAM_CLOSED`. */
  post(target: PeerTarget, frames: readonly ControlFrame[]): Promise<void>
  /** The next contract number of this node, and the write that takes it. */
  takeNumber(): TakenNumber
  /** Writes what is left, stops every timer and ends every stream. Threads go on with the next process. */
  close(): Promise<void>
}
