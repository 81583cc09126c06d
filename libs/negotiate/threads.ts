// All threads of one node: opens them, finds the one a frame belongs to, brings them back after a restart, and keeps them in step with their peers.

import { peerIdOf } from '@haggle/identity'
import type { PeerTarget } from '@haggle/mesh'
import { equalBytes, errorCode, fromHex, HaggleError, type Message, toHex } from '@haggle/wire'
import type { ControlFrame, SyncFrame } from './control_frame.ts'
import { type ControlLinks, type ControlPeer, type ControlSource, createControlLinks } from './control_links.ts'
import { Thread } from './thread.ts'
import type { ThreadContext } from './thread_context.ts'
import { type ThreadRecord, threadStore, type ThreadStore } from './thread_store.ts'
import type { Threads, ThreadsInit } from './threads_init.ts'
import { openArrived, openStored } from './_arrivals.ts'
import { threadOfEnvelope } from './_envelope_thread.ts'
import { Numbers, type TakenNumber } from './_numbers.ts'
import { Reconnector } from './_reconnector.ts'

/** Threads that one peer may have open here at once: beyond it QUOTE_REQ and ACCEPT of new threads are dropped. */
const MAX_OPEN_PER_PEER = 64
/** The same for all peers together. */
const MAX_OPEN = 4_096
/** Threads that are over and kept in memory for late repeats; older ones are read from the store when asked about. */
const MAX_ENDED_IN_MEMORY = 64
/** Stands where a type could have no thread: those of a contract all have one. */
const NO_ID = new Uint8Array(0)
/** Messages of a stored thread that cost as much to read back as one frame. */
const LOADED_PER_FRAME = 4
/** Threads that peers know and this node has lost: nothing is signed in them again. */
const MAX_LOST = 1_024

/** Starts serving control streams, and brings back the threads that were open. */
export async function createThreads(init: ThreadsInit): Promise<Threads> {
  const store = threadStore(init.store)
  const table = new ThreadTable(init, store, await Numbers.read(store, init.leastNumber))
  await table.start()
  return table
}

class ThreadTable implements Threads {
  readonly #init: ThreadsInit
  readonly #store: ThreadStore
  readonly #numbers: Numbers
  /** Those in memory, by id. */
  readonly #threads = new Map<string, Thread>()
  /** Those that are not over, by peer. */
  readonly #open = new Map<string, Set<Thread>>()
  #openCount = 0
  /** Ids of those that are over and in memory, oldest first. */
  readonly #ended = new Set<string>()
  readonly #loading = new Map<string, Promise<Thread | undefined>>()
  readonly #lost = new Set<string>()
  /** Peers to whom frames may have been lost: the next time that they are there, every open thread with them says SYNC. */
  readonly #outOfStep = new Set<string>()
  readonly #reconnector: Reconnector
  #links: ControlLinks | undefined
  #stopped = false

  constructor(init: ThreadsInit, store: ThreadStore, numbers: Numbers) {
    this.#init = init
    this.#store = store
    this.#numbers = numbers
    const { clock, random } = init
    this.#reconnector = new Reconnector({
      clock,
      random,
      isWanted: (peerId) => this.#open.has(peerId),
      reach: async (peerId) => {
        const [thread] = this.#open.get(peerId) ?? []
        if (thread !== undefined) await this.#link().open(targetOf(thread))
        this.#step(peerId)
      },
    })
  }

  async start(): Promise<void> {
    const { network, clock, limits } = this.#init
    this.#links = await createControlLinks({
      network,
      clock,
      onFrame: (frame, source) => this.#take(frame, source),
      onClosed: (peer, left) => this.#closed(peer, left),
      onRefused: (peer, error) => this.#tell(() => this.#init.handler.refused(peer, errorCode(error))),
      ...(limits === undefined ? {} : { limits }),
    })
    for (const record of await this.#store.open())
      await this.get(toHex(record.thread)).catch((error: unknown) => this.#failed(record, error))
  }

  begin({ peerId, addresses, key }: PeerTarget & { readonly key: Uint8Array }): Thread {
    const { clock, random } = this.#init
    if (peerIdOf(key) !== peerId) throw new HaggleError('E_THREAD_PEER', `The key is not that of ${peerId}`)
    const startedAt = Math.floor(clock.now() / 1000)
    const record: ThreadRecord = { thread: random(16), role: 'renter', peerKey: key, addresses: addresses ?? [], startedAt }
    return this.#add(Thread.begin(record, this.#context()))
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
    return [...this.#open.values()].flatMap((threads) => [...threads])
  }

  all(): AsyncIterable<ThreadRecord> {
    return this.#store.all()
  }

  async prepare(target: PeerTarget, options: { signal?: AbortSignal } = {}): Promise<void> {
    await this.#link().open(target, options)
  }

  async post(target: PeerTarget, frames: readonly ControlFrame[]): Promise<void> {
    await this.#link().send(target, frames)
  }

  takeNumber(): TakenNumber {
    return this.#numbers.take()
  }

  async close(): Promise<void> {
    this.#stopped = true
    this.#reconnector.stop()
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
      send: (thread, frames) => void this.#sent(thread, this.#link().send(targetOf(thread), frames)),
      onEffect: (thread, effect) => this.#tell(() => handler.effect(thread, effect), thread),
      onMessage: (thread, message) => void this.#tell(() => handler.message(thread, message), thread),
      onFailure: (thread, error) => this.#failed(thread.record, error),
      ...(onFault === undefined ? {} : { onFault }),
    }
  }

  /** Calls the handler. A fault of its own is told, and stops nothing here. */
  #tell<T>(call: () => T, thread?: Thread): T | undefined {
    try {
      return call()
    } catch (error) {
      if (thread !== undefined) this.#failed(thread.record, error)
      return undefined
    }
  }

  #failed(record: ThreadRecord, error: unknown): void {
    if (!this.#stopped) this.#init.handler.failed?.({ id: toHex(record.thread), record }, error)
  }

  #add(thread: Thread): Thread {
    const { peerId } = thread
    this.#threads.set(thread.id, thread)
    if (thread.isClosed) {
      this.#keepEnded(thread)
      return thread
    }
    this.#open.set(peerId, (this.#open.get(peerId) ?? new Set()).add(thread))
    this.#openCount++
    void thread.ended.then(() => {
      this.#openCount--
      const open = this.#open.get(peerId)
      open?.delete(thread)
      if (open?.size === 0) this.#open.delete(peerId)
      this.#keepEnded(thread)
    })
    return thread
  }

  /** Keeps the last ones that are over; the store has them all. */
  #keepEnded({ id }: Thread): void {
    this.#ended.add(id)
    const oldest = this.#ended.values().next()
    if (this.#ended.size <= MAX_ENDED_IN_MEMORY || oldest.done === true) return
    this.#ended.delete(oldest.value)
    this.#threads.delete(oldest.value)
  }

  async #load(id: string): Promise<Thread | undefined> {
    const known = await this.#store.record(fromHex(id, 16))
    if (known === undefined) return undefined
    const { record, closed } = known
    const chains = await this.#store.chains(record.thread)
    const read = (bytes: Uint8Array): Message => openStored(bytes, this.#init)
    const own = chains.own.map(read)
    const stored = { own, theirs: chains.theirs.map(read), closed, beside: closed ? new Map() : await this.#besideOf(record, own) }
    const thread = this.#add(Thread.resume(record, stored, this.#context()))
    if (!closed) {
      this.#tell(() => this.#init.handler.resumed(thread), thread)
      thread.start()
    }
    return thread
  }

  /** A repeated ACCEPT brings its spec along, also after a restart. */
  async #besideOf(record: ThreadRecord, own: readonly Message[]): Promise<ReadonlyMap<number, readonly ControlFrame[]>> {
    const accept = own.find(({ type }) => type === 'accept')
    if (record.role !== 'renter' || accept === undefined || accept !== own.at(-1)) return new Map()
    const [spec, salt] = [await this.#store.note(record.thread, 'spec'), await this.#store.note(record.thread, 'salt')]
    if (spec === undefined || salt === undefined) return new Map()
    return new Map([[accept.seq, [{ kind: 'spec', thread: record.thread, salt, spec }]]])
  }

  /** What can't be sent now is asked for by SYNC, or repeated by the machine's own deadlines. */
  #sent({ peerId }: Thread, sending: Promise<void>): Promise<void> {
    return sending.catch(() => this.#missed(peerId))
  }

  #missed(peerId: string): void {
    if (this.#stopped || !this.#open.has(peerId)) return
    this.#outOfStep.add(peerId)
    this.#reconnector.want(peerId)
  }

  /** The peer is there: what may have been lost on the way is asked for. */
  #step(peerId: string): void {
    if (!this.#outOfStep.delete(peerId)) return
    for (const thread of this.#open.get(peerId) ?? []) thread.sendSync()
  }

  #closed(peer: ControlPeer, left: number): void {
    if (this.#stopped) return
    this.#missed(peer.peerId)
    if (left > 0) return this.#step(peer.peerId)
    for (const thread of this.#open.get(peer.peerId) ?? []) this.#tell(() => this.#init.handler.reachable(thread, false), thread)
  }

  /** Finds what a frame is for; a peer's frames find it in their order. A frame that can't be used costs the peer more than one that can. */
  async #take(frame: ControlFrame, source: ControlSource): Promise<() => Promise<void>> {
    const refuse = (error: unknown): void => {
      if (this.#stopped) return
      this.#link().charge(source.peerId, null)
      this.#tell(() => this.#init.handler.refused(source, errorCode(error)))
    }
    this.#reconnector.heard(source.peerId)
    this.#step(source.peerId)
    try {
      const work = await this.#route(frame, source)
      return () => work().catch(refuse)
    } catch (error) {
      refuse(error)
      return async () => undefined
    }
  }

  async #route(frame: ControlFrame, source: ControlSource): Promise<() => Promise<void>> {
    const { handler } = this.#init
    switch (frame.kind) {
      case 'envelope':
        return this.#routeEnvelope(frame.bytes, source)
      case 'sync': {
        const thread = await this.#threadOf(frame.thread, source)
        return () => this.#takeSync(thread, frame, source)
      }
      case 'spec': {
        const thread = await this.#threadOf(frame.thread, source)
        return async () => void (thread === undefined ? undefined : handler.spec(thread, frame))
      }
      case 'output':
        return async () => handler.output(frame, source)
      case 'end':
        return async () => handler.end(frame, source)
    }
  }

  async #routeEnvelope(bytes: Uint8Array, peer: ControlPeer): Promise<() => Promise<void>> {
    const { networkId, suite, signer, clock } = this.#init
    const id = threadOfEnvelope(bytes)
    const thread = id === null ? undefined : await this.#threadOf(id, peer)
    const nowS = Math.floor(clock.now() / 1000)
    const admitOpener = (): void => this.#admitOpener(peer, id)
    const message = openArrived(bytes, peer, thread, { networkId, suite, signer, nowS, admitOpener })
    // Another stream may have brought the first message of the same thread meanwhile: two threads of one id would sign twice.
    const opened = thread ?? this.#inMemory(message.thread ?? NO_ID, peer) ?? this.#opened(message, peer)
    return () => opened.receive(message)
  }

  /** The thread that a frame names. Its chains are read for nobody but its peer, who pays for it. */
  async #threadOf(id: Uint8Array, peer: ControlPeer): Promise<Thread | undefined> {
    const known = this.#inMemory(id, peer)
    if (known !== undefined) return known
    const stored = await this.#store.record(id)
    if (stored === undefined) return undefined
    checkPeer(stored.record, peer)
    const thread = await this.get(toHex(id))
    this.#link().charge(peer.peerId, Math.ceil((thread?.length ?? 0) / LOADED_PER_FRAME))
    return thread
  }

  #inMemory(id: Uint8Array, peer: ControlPeer): Thread | undefined {
    const thread = this.#threads.get(toHex(id))
    if (thread !== undefined) checkPeer(thread.record, peer)
    return thread
  }

  #admitOpener(peer: ControlPeer, id: Uint8Array | null): void {
    if (this.#lost.has(toHex(id ?? NO_ID))) throw lostThread(id ?? NO_ID)
    const most = this.#init.limits?.maxOpenPerPeer ?? MAX_OPEN_PER_PEER
    if ((this.#open.get(peer.peerId)?.size ?? 0) >= most) {
      throw new HaggleError('E_THREAD_LIMIT', `A peer may have at most ${most} open threads`)
    }
    if (this.#openCount >= MAX_OPEN) throw new HaggleError('E_THREAD_LIMIT', `This node has ${MAX_OPEN} open threads`)
  }

  /** A thread that the peer opens. A message that the machine would not take opens none: such a thread would have no deadline, and never end. */
  #opened(message: Message, peer: ControlPeer): Thread {
    const thread = message.thread ?? NO_ID
    const record: ThreadRecord = { thread, role: 'provider', peerKey: peer.key, addresses: [], startedAt: message.iat }
    const opened = Thread.begin(record, this.#context())
    if (!opened.isOpenedBy(message))
      throw new HaggleError('E_THREAD_UNKNOWN', 'The message breaks the rules of a first one: it opens no thread')
    this.#add(opened)
    this.#tell(() => this.#init.handler.opened(opened), opened)
    return opened
  }

  async #takeSync(thread: Thread | undefined, frame: SyncFrame, source: ControlSource): Promise<void> {
    const reply = (frames: readonly ControlFrame[]): void => void source.reply(frames).catch(() => this.#missed(source.peerId))
    if (thread === undefined) {
      if (frame.yours > 0) {
        // The peer holds words of ours that we do not know: signing in this thread could contradict them.
        const oldest = this.#lost.values().next()
        if (this.#lost.size >= MAX_LOST && oldest.done !== true) this.#lost.delete(oldest.value)
        this.#lost.add(toHex(frame.thread))
        throw lostThread(frame.thread)
      }
      // Never heard of: say so, and the peer sends its chain from the start.
      if (frame.mine > 0) reply([{ kind: 'sync', thread: frame.thread, mine: 0, yours: 0 }])
      return
    }
    const count = await thread.sync(frame, { answer: !source.hasSaid(frame.thread), reply })
    this.#link().charge(source.peerId, count)
    this.#init.handler.reachable(thread, true)
  }
}

function checkPeer({ peerKey }: ThreadRecord, { key }: ControlPeer): void {
  if (!equalBytes(peerKey, key)) throw new HaggleError('E_THREAD_PEER', 'The thread belongs to other parties')
}

function targetOf({ peerId, record }: Thread): PeerTarget {
  return { peerId, addresses: record.addresses }
}

function lostThread(thread: Uint8Array): HaggleError {
  return new HaggleError('E_THREAD_LOST', `This node has signed in thread ${toHex(thread)} and lost it: it signs nothing there again`)
}
