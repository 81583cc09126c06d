// All threads of one node: opens them, finds the one a frame belongs to, brings them back after a restart, and keeps them in step with their peers.

import { CONTRACT_MESSAGES } from '@haggle/contract'
import { peerIdOf } from '@haggle/identity'
import type { Network, PeerTarget } from '@haggle/mesh'
import type { Store, Write } from '@haggle/store'
import {
  type Clock,
  equalBytes,
  errorCode,
  fromHex,
  type Header,
  HaggleError,
  MAX_SKEW_S,
  type Message,
  type MessageTypes,
  open,
  type Random,
  type Signer,
  type Suite,
  toHex,
} from '@haggle/wire'
import type { ControlFrame, EndFrame, OutputFrame, SpecFrame } from './control_frame.ts'
import { type ControlLinks, type ControlPeer, createControlLinks } from './control_links.ts'
import { type FaultPoint, type HostEffect, Thread, type ThreadContext } from './thread.ts'
import { type ThreadRecord, threadStore, type ThreadStore } from './thread_store.ts'

/** Threads that one peer may have open here at once: beyond it QUOTE_REQ and ACCEPT of new threads are dropped. */
const MAX_OPEN_PER_PEER = 64
/** Threads that are over and kept in memory for late repeats; older ones are read from the store when asked about. */
const MAX_ENDED_IN_MEMORY = 256
/** How long a node waits between tries to reach the other side of an open thread, ms: quick at first, then patient. */
const RECONNECT_MS: readonly number[] = [100, 300, 1_000, 3_000, 10_000]
/** A peer that takes no frame for this long is treated as gone, ms. */
const SEND_TIMEOUT_MS = 10_000

const TYPES = CONTRACT_MESSAGES as unknown as MessageTypes<unknown>

/** What the market does about threads. None of these may throw. */
export interface ThreadsHandler {
  /** A peer opened a thread: this node is its provider. */
  opened(thread: Thread): void
  /** A thread that was open when the last process ended. */
  resumed(thread: Thread): void
  effect(thread: Thread, effect: HostEffect): void
  message(thread: Thread, message: Message): void
  spec(thread: Thread, frame: SpecFrame): void
  output(frame: OutputFrame, peer: ControlPeer): void
  end(frame: EndFrame, peer: ControlPeer): void
  /** A frame was refused: the code, for counting. */
  refused(peer: ControlPeer, code: string): void
  /** The connection to the other side of an open thread came back or went. */
  reachable(thread: Thread, now: boolean): void
}

/** What {@link createThreads} needs. */
export interface ThreadsInit {
  readonly network: Network
  /** 32 bytes, see `networkId` of `@haggle/wire`. */
  readonly networkId: Uint8Array
  readonly suite: Suite
  readonly signer: Signer
  readonly clock: Clock
  readonly random: Random
  readonly store: Store
  readonly handler: ThreadsHandler
  /** Called at each {@link FaultPoint}; tests end the process there. */
  readonly onFault?: (point: FaultPoint) => void
}

/** The threads of one node. */
export interface Threads {
  /** A new thread with this node as renter. Nothing is sent before its first command. */
  begin(provider: PeerTarget & { readonly key: Uint8Array }): Thread
  /** The thread with this id (32 hex digits), from memory or from the store. */
  get(id: string): Promise<Thread | undefined>
  /** The thread of a contract (64 hex digits). */
  ofContract(contract: string): Promise<Thread | undefined>
  /** Threads that are not over. */
  open(): readonly Thread[]
  /** Records of every thread ever. */
  all(): AsyncIterable<ThreadRecord>
  /** Connects and opens the control stream ahead of need. */
  prepare(target: PeerTarget, options?: { signal?: AbortSignal }): Promise<void>
  /** Sends frames that belong to no thread's chain: the first output and its end. */
  post(target: PeerTarget, frames: readonly ControlFrame[]): Promise<void>
  /** The next contract number of this node in a role, and the write that takes it. */
  takeNumber(role: 'renter' | 'provider'): { readonly number: number; readonly write: Write }
  close(): Promise<void>
}

/** Starts serving control streams, and brings back the threads that were open. */
export async function createThreads(init: ThreadsInit): Promise<Threads> {
  const store = threadStore(init.store)
  const table = new ThreadTable(init, store, {
    renter: await store.nextNumber('renter'),
    provider: await store.nextNumber('provider'),
  })
  await table.start()
  return table
}

class ThreadTable implements Threads {
  readonly #init: ThreadsInit
  readonly #store: ThreadStore
  readonly #numbers: { renter: number; provider: number }
  readonly #threads = new Map<string, Thread>()
  readonly #ended: string[] = []
  readonly #loading = new Map<string, Promise<Thread | undefined>>()
  readonly #reconnecting = new Map<string, () => void>()
  /** By peer: settles when its last frame has found its thread. */
  readonly #routing = new Map<string, Promise<void>>()
  /** `peerId thread` of the SYNC frames sent over the links that are open: a second one is no answer but an echo. */
  readonly #synced = new Set<string>()
  #links: ControlLinks | undefined
  #stopped = false

  constructor(init: ThreadsInit, store: ThreadStore, numbers: { renter: number; provider: number }) {
    this.#init = init
    this.#store = store
    this.#numbers = numbers
  }

  async start(): Promise<void> {
    const { network, handler } = this.#init
    this.#links = await createControlLinks({
      network,
      onFrame: (frame, peer) => this.#take(frame, peer),
      onClosed: (peer) => this.#lost(peer),
      onRefused: (peer, error) => handler.refused(peer, errorCode(error)),
    })
    for (const record of await this.#store.open()) {
      const thread = await this.#resume(record)
      handler.resumed(thread)
      this.#reconnect(record, 0)
    }
  }

  begin({ peerId, addresses, key }: PeerTarget & { readonly key: Uint8Array }): Thread {
    const { clock, random } = this.#init
    if (peerIdOf(key) !== peerId) throw new HaggleError('E_THREAD_PEER', `The key is not that of ${peerId}`)
    const startedAt = Math.floor(clock.now() / 1000)
    return this.#add(
      Thread.begin({ thread: random(16), role: 'renter', peerKey: key, addresses: (addresses ?? []).slice(0, 8), startedAt }, this.#context()),
    )
  }

  async get(id: string): Promise<Thread | undefined> {
    const known = this.#threads.get(id)
    if (known !== undefined) return known
    const pending = this.#loading.get(id)
    if (pending !== undefined) return pending
    const loading = this.#load(id).finally(() => this.#loading.delete(id))
    this.#loading.set(id, loading)
    return loading
  }

  async ofContract(contract: string): Promise<Thread | undefined> {
    const thread = await this.#store.ofContract(contract)
    return thread === undefined ? undefined : this.get(toHex(thread))
  }

  open(): readonly Thread[] {
    return [...this.#threads.values()].filter((thread) => !this.#ended.includes(thread.id))
  }

  all(): AsyncIterable<ThreadRecord> {
    return this.#store.all()
  }

  async prepare(target: PeerTarget, options: { signal?: AbortSignal } = {}): Promise<void> {
    await this.#link().open(target, options)
  }

  async post(target: PeerTarget, frames: readonly ControlFrame[]): Promise<void> {
    await this.#link().send(target, frames, { signal: AbortSignal.timeout(SEND_TIMEOUT_MS) })
  }

  takeNumber(role: 'renter' | 'provider'): { readonly number: number; readonly write: Write } {
    const number = this.#numbers[role]++
    return { number, write: this.#store.putNumber(role, number + 1) }
  }

  async close(): Promise<void> {
    this.#stopped = true
    for (const cancel of this.#reconnecting.values()) cancel()
    await Promise.all([...this.#threads.values()].map((thread) => thread.stop()))
    await this.#links?.close()
  }

  #link(): ControlLinks {
    if (this.#links === undefined) throw new HaggleError('E_THREADS_STOPPED', 'The threads are not started')
    return this.#links
  }

  #context(): ThreadContext {
    const { networkId, suite, signer, clock, handler, onFault } = this.#init
    return {
      network: networkId,
      suite,
      signer,
      clock,
      store: this.#store,
      send: (thread, frames) => this.#send(thread, frames),
      onEffect: (thread, effect) => handler.effect(thread, effect),
      onMessage: (thread, message) => handler.message(thread, message),
      ...(onFault === undefined ? {} : { onFault }),
    }
  }

  #add(thread: Thread): Thread {
    this.#threads.set(thread.id, thread)
    void thread.ended.then(() => {
      this.#ended.push(thread.id)
      const oldest = this.#ended.length > MAX_ENDED_IN_MEMORY ? this.#ended.shift() : undefined
      if (oldest !== undefined) this.#threads.delete(oldest)
    })
    return thread
  }

  async #load(id: string): Promise<Thread | undefined> {
    const record = await this.#store.record(fromHex(id, 16))
    return record === undefined ? undefined : this.#resume(record)
  }

  async #resume(record: ThreadRecord): Promise<Thread> {
    const chains = await this.#store.chains(record.thread)
    const read = (bytes: Uint8Array): Message => this.#openStored(bytes)
    return this.#add(Thread.resume(record, { own: chains.own.map(read), theirs: chains.theirs.map(read) }, this.#context()))
  }

  /** A stored message of either side: its window was judged when it arrived, and our own are for the peer. */
  #openStored(bytes: Uint8Array): Message {
    const { networkId: network, suite } = this.#init
    return open(bytes, TYPES, { network, suite })
  }

  /**
   * A message that arrives. Its window counts when it opens a thread: in a known thread the chain says whether it is new, and after an outage SYNC
   * brings messages that are older than any window. ACCEPT's own deadline is the machine's business.
   */
  #openArrived(bytes: Uint8Array): Message {
    const { networkId: network, suite, signer, clock } = this.#init
    const nowS = Math.floor(clock.now() / 1000)
    const admit = ({ thread, iat, exp }: Header): boolean => {
      if (iat > nowS + MAX_SKEW_S) throw new HaggleError('E_ENVELOPE_EARLY', `The message is from ${iat - nowS} s in the future`)
      const known = thread !== null && this.#threads.has(toHex(thread))
      if (!known && exp < nowS - MAX_SKEW_S) throw new HaggleError('E_ENVELOPE_EXPIRED', `The message expired ${nowS - exp} s ago`)
      return true
    }
    return open(bytes, TYPES, { network, suite, audience: signer.publicKey, admit })
  }

  /** Never rejects: what can't be sent now is asked for by SYNC, or repeated by the machine's own deadlines. */
  async #send(thread: Thread, frames: readonly ControlFrame[]): Promise<void> {
    const target = targetOf(thread.record)
    for (const frame of frames) if (frame.kind === 'sync') this.#synced.add(syncKey(target.peerId, frame.thread))
    try {
      await this.#link().send(target, frames, { signal: AbortSignal.timeout(SEND_TIMEOUT_MS) })
    } catch {
      // The other side is not there. Reconnecting is under way for every open thread, and ends in a SYNC.
      if (!this.#stopped) this.#reconnect(thread.record, 0)
    }
  }

  /** Frames of one peer find their threads in their order: a spec may follow the ACCEPT that opens its thread. The work on them goes on side by side. */
  async #take(frame: ControlFrame, peer: ControlPeer): Promise<void> {
    const before = this.#routing.get(peer.peerId) ?? Promise.resolve()
    const routed = before.then(() => this.#route(frame, peer))
    const settled = routed.then(
      () => undefined,
      () => undefined,
    )
    this.#routing.set(peer.peerId, settled)
    try {
      const work = await routed
      await work()
    } catch (error) {
      this.#init.handler.refused(peer, errorCode(error))
    } finally {
      if (this.#routing.get(peer.peerId) === settled) this.#routing.delete(peer.peerId)
    }
  }

  /** Finds or opens the thread of a frame; gives back the work on it. */
  async #route(frame: ControlFrame, peer: ControlPeer): Promise<() => Promise<void> | void> {
    const { handler } = this.#init
    switch (frame.kind) {
      case 'envelope':
        return this.#routeEnvelope(frame.bytes, peer)
      case 'sync': {
        const thread = await this.#threadOf(frame.thread, peer)
        return () => this.#takeSync(thread, frame, peer)
      }
      case 'spec': {
        const thread = await this.#threadOf(frame.thread, peer)
        return () => (thread === undefined ? undefined : handler.spec(thread, frame))
      }
      case 'output':
        return () => handler.output(frame, peer)
      case 'end':
        return () => handler.end(frame, peer)
    }
  }

  async #routeEnvelope(bytes: Uint8Array, peer: ControlPeer): Promise<() => Promise<void>> {
    const message = this.#openArrived(bytes)
    if (!equalBytes(message.signer, peer.key)) throw new HaggleError('E_THREAD_PEER', 'The envelope is not signed by the key of its connection')
    const id = message.thread ?? new Uint8Array(0)
    const thread = (await this.#threadOf(id, peer)) ?? this.#opened(id, message, peer)
    return () => thread.receive(message)
  }

  async #threadOf(id: Uint8Array, peer: ControlPeer): Promise<Thread | undefined> {
    const thread = await this.get(toHex(id))
    if (thread !== undefined && !equalBytes(thread.record.peerKey, peer.key)) {
      throw new HaggleError('E_THREAD_PEER', 'The thread belongs to other parties')
    }
    return thread
  }

  #opened(thread: Uint8Array, message: Message, peer: ControlPeer): Thread {
    if (message.seq !== 0) throw new HaggleError('E_THREAD_UNKNOWN', `No thread ${toHex(thread)} is known here`)
    const ofPeer = this.open().filter((other) => equalBytes(other.record.peerKey, peer.key)).length
    if (ofPeer >= MAX_OPEN_PER_PEER) throw new HaggleError('E_THREAD_LIMIT', `A peer may have at most ${MAX_OPEN_PER_PEER} open threads`)
    const record: ThreadRecord = { thread, role: 'provider', peerKey: peer.key, addresses: [], startedAt: message.iat }
    const opened = this.#add(Thread.begin(record, this.#context()))
    this.#init.handler.opened(opened)
    return opened
  }

  async #takeSync(thread: Thread | undefined, frame: Extract<ControlFrame, { kind: 'sync' }>, peer: ControlPeer): Promise<void> {
    if (thread === undefined) {
      // Never heard of: say so, and the peer sends its chain from the start.
      if (frame.mine > 0) await this.post(peer, [{ kind: 'sync', thread: frame.thread, mine: 0, yours: 0 }])
      return
    }
    await thread.sync(frame, { answer: !this.#synced.has(syncKey(peer.peerId, frame.thread)) })
    this.#init.handler.reachable(thread, true)
  }

  #lost(peer: ControlPeer): void {
    const prefix = `${peer.peerId} `
    for (const key of this.#synced) if (key.startsWith(prefix)) this.#synced.delete(key)
    if (this.#stopped) return
    for (const thread of this.open()) {
      if (!equalBytes(thread.record.peerKey, peer.key)) continue
      this.#init.handler.reachable(thread, false)
      this.#reconnect(thread.record, 0)
    }
  }

  /** Tries to reach the other side of its open threads until it is there or they are over; then sends SYNC for each. */
  #reconnect(record: ThreadRecord, attempt: number): void {
    const target = targetOf(record)
    if (this.#reconnecting.has(target.peerId) || this.#stopped) return
    const waitMs = RECONNECT_MS[Math.min(attempt, RECONNECT_MS.length - 1)] ?? 0
    const cancel = this.#init.clock.after(waitMs, () => {
      void this.#tryAgain(record, attempt)
    })
    this.#reconnecting.set(target.peerId, cancel)
  }

  async #tryAgain(record: ThreadRecord, attempt: number): Promise<void> {
    const target = targetOf(record)
    const threads = (): Thread[] => this.open().filter((thread) => equalBytes(thread.record.peerKey, record.peerKey))
    try {
      if (threads().length > 0) await this.#link().open(target, { signal: AbortSignal.timeout(SEND_TIMEOUT_MS) })
      this.#reconnecting.delete(target.peerId)
      for (const thread of threads()) await this.#send(thread, [thread.syncFrame()])
    } catch {
      // Not there yet: the threads' own deadlines decide how long this goes on.
      this.#reconnecting.delete(target.peerId)
      if (threads().length > 0) this.#reconnect(record, attempt + 1)
    }
  }
}

function targetOf(record: ThreadRecord): PeerTarget {
  return { peerId: peerIdOf(record.peerKey), addresses: record.addresses }
}

function syncKey(peerId: string, thread: Uint8Array): string {
  return `${peerId} ${toHex(thread)}`
}
