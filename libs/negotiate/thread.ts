// One thread as its driver runs it: the pure machine of @haggle/contract, its chains on disk, and the frames that carry them.

import {
  begin,
  type Command,
  type ContractView,
  type Effect,
  type Event,
  isEnd,
  type Phase,
  type Role,
  type SignEffect,
  type State,
  type Step,
  step,
  SYNC_MS,
  viewOf,
} from '@haggle/contract'
import { peerIdOf } from '@haggle/identity'
import type { Write } from '@haggle/store'
import { equalBytes, type Message, toHex } from '@haggle/wire'
import type { ControlFrame } from './control_frame.ts'
import type { FaultPoint } from './fault_point.ts'
import type { CommandOptions, HostEffect, StoredThreadState, ThreadContext } from './thread_context.ts'
import type { StoredChains, ThreadRecord } from './thread_store.ts'
import { limitedBy } from './_chain_limits.ts'
import { Chains, type Sealed } from './_chains.ts'
import { initOf, restoredOf } from './_thread_init.ts'
import { ThreadTimers } from './_thread_timers.ts'

/** How long a refused write waits before it is tried again. Ms. */
const STORE_RETRY_MS = 1_000

/** One thread of this node. All that happens in it happens in one order; nothing in it waits for the other side. */
export class Thread {
  /** How it began. */
  readonly record: ThreadRecord
  /** 32 hex digits. */
  readonly id: string
  /** The other side's PeerId. */
  readonly peerId: string
  readonly #context: ThreadContext
  readonly #chains: Chains
  readonly #timers: ThreadTimers
  readonly #ended = Promise.withResolvers<void>()
  /** Effects of a restart, until {@link Thread.start}. */
  #restored: readonly Effect[] = []
  #state: State
  /** The phase before the last step. */
  #from: Phase
  #queue: Promise<void> = Promise.resolve()
  #unwritten: Write[] = []
  /** Decided, and not on disk yet: these very bytes, however often the disk refuses them. */
  #unsent: Sealed | undefined
  /** Effects that are still being carried out. */
  readonly #underWay = new Set<Promise<void>>()
  #begun = false
  #closed = false
  #failure: unknown

  private constructor(record: ThreadRecord, state: State, context: ThreadContext) {
    this.record = record
    this.id = toHex(record.thread)
    this.peerId = peerIdOf(record.peerKey)
    this.#state = state
    this.#from = state.phase
    this.#context = context
    this.#chains = new Chains(record, context)
    this.#timers = new ThreadTimers(context.clock)
  }

  /** A fresh thread. Nothing is written before its first own message. */
  static begin(record: ThreadRecord, context: ThreadContext): Thread {
    return new Thread(record, begin(initOf(record, context), { atMs: context.clock.monotonicMs() }), context)
  }

  /** A thread from its stored chains, after a restart. Does nothing before {@link Thread.start}. */
  static resume(record: ThreadRecord, stored: StoredThreadState, context: ThreadContext): Thread {
    const { state, effects } = restoredOf(record, stored, context)
    const thread = new Thread(record, state, context)
    thread.#chains.put(stored)
    thread.#begun = true
    thread.#closed = stored.closed
    // What a thread that is over had to say was said before it was closed.
    if (stored.closed) thread.#ended.resolve()
    else thread.#restored = effects
    return thread
  }

  /** Carries out what a restart asks for. Where the disk lost what began the thread, it ends unless the peer gives that back in time. */
  start(): void {
    const effects = this.#restored
    this.#restored = []
    this.#inTurn(async () => {
      await this.#carryOut(effects, {})
      await this.#settle()
    })
    if (this.#state.phase === 'idle') this.#timers.set('lost', SYNC_MS, () => this.#inTurn(() => this.#endIdle()))
  }

  /** Which side this node is. */
  get role(): Role {
    return this.record.role
  }

  /** How many messages both chains have. */
  get length(): number {
    return this.#chains.own.length + this.#chains.theirs.length
  }

  /** What the machine says of the contract now. */
  view(): ContractView {
    return viewOf(this.#state)
  }

  /** The last messages of both chains, in the order of each: all of them, unless there are very many. {@link Thread.stored} has all. */
  chains(): { readonly own: readonly Message[]; readonly theirs: readonly Message[] } {
    return { own: this.#chains.own.recent, theirs: this.#chains.theirs.recent }
  }

  /** Every envelope of both chains, from the store. */
  async stored(): Promise<StoredChains> {
    await this.#enqueue(() => this.#settle())
    return this.#context.store.chains(this.record.thread)
  }

  /** Resolves once this side signs nothing more in this thread. */
  get ended(): Promise<void> {
    return this.#ended.promise
  }

  /** True once its end is on disk. */
  get isClosed(): boolean {
    return this.#closed
  }

  /** How much of both chains this side holds, as a SYNC frame; undefined while nothing was said. */
  syncFrame(): ControlFrame | undefined {
    return this.length === 0 ? undefined : this.#chains.heads
  }

  /**
   * Carries out a command: resolves when what it signed is on disk and handed to the stream.
   *
   * @throws HaggleError `E_CONTRACT_STATE` when the phase does not allow it; `E_THREAD_LIMIT` when the peer would take no more messages like it; the store's
   * error when it can't be written. Nothing was sent then: the first message of a thread is given up, a later one is tried again until it is written.
   */
  command(command: Command, options: CommandOptions = {}): Promise<void> {
    return this.#enqueue(() => {
      this.#checkLimit('own', limitedBy(command.do))
      return this.#run({ type: 'command', command, atMs: this.#context.clock.monotonicMs() }, options)
    })
  }

  /** The message that is known at a sequence number of either chain. */
  known(side: 'own' | 'theirs', seq: number): Message | undefined {
    return this.#chains[side].at(seq)
  }

  /** True when the machine takes `message` as the first word of this thread: without it nothing would ever end the thread. */
  isOpenedBy(message: Message): boolean {
    return this.#stepOf(message).state.phase !== 'idle'
  }

  /** Takes a message that was opened and found good: the peer's, or an own one that comes back. Rejects with `E_THREAD_LIMIT` for one too many. */
  receive(message: Message): Promise<void> {
    return this.#enqueue(async () => {
      const { onMessage, store } = this.#context
      const isOwn = equalBytes(message.signer, this.#context.signer.publicKey)
      const side = isOwn ? 'own' : 'theirs'
      const { state, effects } = this.#stepOf(message)
      const isTaken = !effects.some((effect) => effect.kind === 'ignored') && message.seq === this.#chains[side].length
      if (isTaken && !isOwn) this.#checkLimit('theirs', message.type)
      if (isTaken) this.#unwritten.push(...this.#chains.take(message, side))
      if (effects.some((effect) => effect.kind === 'evidence'))
        this.#unwritten.push(store.putEquivocation(this.record.thread, { seq: message.seq, other: message.bytes }))
      ;[this.#from, this.#state] = [this.#state.phase, state]
      await this.#carryOut(effects, {})
      if (isTaken && !isOwn) onMessage(this, message)
      await this.#settle()
    })
  }

  /**
   * Takes the peer's SYNC frame: answers with what it lacks, at most `MAX_RESEND` messages at a time, and with a SYNC when `answer` says that the stream
   * had none, or one of the two sides lacks more. `reply` sends on the frame's own stream. Resolves with the number of frames that it caused.
   */
  async sync(
    frame: { readonly mine: number; readonly yours: number },
    options: { readonly answer: boolean; readonly reply: (frames: readonly ControlFrame[]) => void },
  ): Promise<number> {
    let count = 0
    await this.#enqueue(async () => {
      const { frames, more } = await this.#chains.lackingBy(frame)
      const heads = options.answer || more ? this.syncFrame() : undefined
      if (heads !== undefined) frames.push(heads)
      count = frames.length
      if (heads !== undefined) await this.#fault('before-send:sync')
      if (frames.length > 0) options.reply(frames)
      if (heads !== undefined) await this.#fault('after-send:sync')
      await this.#run({ type: 'sync', mine: frame.mine, yours: frame.yours, atMs: this.#context.clock.monotonicMs() }, {})
    })
    return count
  }

  /** Sends this side's heads, unless nothing was said yet. */
  sendSync(): void {
    this.#inTurn(async () => {
      const heads = this.syncFrame()
      if (heads !== undefined) await this.#sendSync(heads)
    })
  }

  /** Reads a note of this thread. */
  note(name: string): Promise<Uint8Array | undefined> {
    return this.#context.store.note(this.record.thread, name)
  }

  /** Keeps a note of this thread, written with its next message or at the end of the current step. */
  keep(name: string, value: Uint8Array): void {
    this.#unwritten.push(this.#context.store.putNote(this.record.thread, name, value))
  }

  /** What the peer signed twice, as two envelopes of one sequence number. */
  equivocations(): Promise<readonly { readonly first: Uint8Array; readonly other: Uint8Array }[]> {
    return this.#chains.equivocations()
  }

  /** Stops timers; the chains stay on disk. */
  async stop(): Promise<void> {
    this.#timers.stop()
    if (this.#failure !== undefined) return
    await this.#enqueue(() => this.#settle()).catch((error: unknown) => this.#context.onFailure(this, error))
  }

  #enqueue(work: () => Promise<void>): Promise<void> {
    const done = this.#queue.then(async () => {
      if (this.#failure !== undefined) throw this.#failure
      if (this.#unsent !== undefined) await this.#putUnsent(this.#unsent)
      await work()
    })
    this.#queue = done.catch(() => undefined)
    return done
  }

  /** Work that nobody waits for. */
  #inTurn(work: () => Promise<void>): void {
    this.#enqueue(work).catch((error: unknown) => this.#context.onFailure(this, error))
  }

  /** What a message would make of the machine: nothing is changed yet. */
  #stepOf(message: Message): Step {
    const { clock } = this.#context
    return step(this.#state, { type: 'message', message, atMs: clock.monotonicMs(), unixS: Math.floor(clock.now() / 1000) })
  }

  #checkLimit(side: 'own' | 'theirs', type: string | undefined): void {
    if (type !== undefined) this.#chains.checkLimit(side, type, this.#state.mine.inForce?.terms ?? null)
  }

  /** Ends a thread in which nothing is known to have been said: it has no deadline of its own, and may have been signed in. */
  async #endIdle(): Promise<void> {
    if (this.#state.phase !== 'idle') return
    this.#state = restoredOf(this.record, { ...this.chains(), closed: true }, this.#context).state
    await this.#settle()
  }

  async #run(event: Event, options: CommandOptions): Promise<void> {
    const { state, effects } = step(this.#state, event)
    ;[this.#from, this.#state] = [this.#state.phase, state]
    await this.#carryOut(effects, options)
    await this.#settle()
  }

  #tell(effect: HostEffect): void {
    const done = this.#context.onEffect(this, effect)
    if (done === undefined) return
    const settled = done.catch((error: unknown) => this.#context.onFailure(this, error)).finally(() => this.#underWay.delete(settled))
    this.#underWay.add(settled)
  }

  /** In order. A signature that can't be written holds up nothing but what follows from it. */
  async #carryOut(effects: readonly Effect[], options: CommandOptions): Promise<void> {
    const failures: unknown[] = []
    for (const effect of effects) {
      switch (effect.kind) {
        case 'sign':
          await this.#sign(effect, options).catch((error: unknown) => failures.push(error))
          break
        case 'resend':
          // Without gaps, in order, by the machine's own promise.
          this.#context.send(this, await this.#chains.framesFrom(effect.seqs[0] ?? 0, effect.seqs.length))
          break
        case 'sync':
          await this.#sendSync({ kind: 'sync', thread: this.record.thread, mine: effect.mine, yours: effect.yours })
          break
        case 'wake':
          this.#wake(effect.atMs)
          break
        default:
          this.#tell(effect)
      }
    }
    if (failures.length > 0) throw failures[0]
  }

  /** The one place that signs: a used sequence number gives the stored message, a fresh one is on disk before it is sent. */
  async #sign(effect: SignEffect, options: CommandOptions): Promise<void> {
    const known = this.#chains.own.at(effect.seq)
    if (known !== undefined) return this.#sent(known)
    this.#unsent = { message: this.#chains.seal(effect), options }
    await this.#putUnsent(this.#unsent)
  }

  async #putUnsent({ message, options }: Sealed): Promise<void> {
    const { store } = this.#context
    const begin = this.#begun ? [] : store.begin(this.record)
    await this.#fault(`before-write:${message.type}` as FaultPoint)
    await this.#write([...begin, ...this.#chains.batchOf(message, options)], { sync: true })
    this.#unsent = undefined
    this.#begun = true
    this.#chains.add(message, options.beside)
    await this.#fault(`after-write:${message.type}` as FaultPoint)
    await this.#sent(message)
  }

  /** An own message is on disk: the machine learns it, and the peer. */
  async #sent(message: Message): Promise<void> {
    const { state, effects } = this.#stepOf(message)
    ;[this.#from, this.#state] = [this.#state.phase, state]
    await this.#fault(`before-send:${message.type}` as FaultPoint)
    this.#context.send(this, this.#chains.framesOf(message))
    await this.#fault(`after-send:${message.type}` as FaultPoint)
    await this.#carryOut(effects, {})
  }

  /** The disk refused a message. The peer knows nothing of a thread whose first message it was: that is given up. */
  #refused(error: unknown): void {
    if (!this.#begun) {
      this.#failure = error
      this.#timers.clear('wake')
      this.#ended.resolve()
      return
    }
    this.#timers.set('retry', STORE_RETRY_MS, () => this.#inTurn(() => this.#settle()))
  }

  async #sendSync(heads: ControlFrame): Promise<void> {
    await this.#fault('before-send:sync')
    this.#context.send(this, [heads])
    await this.#fault('after-send:sync')
  }

  /** Awaits only what a test put there. */
  #fault(point: FaultPoint): void | Promise<void> {
    const isUnsaid = point.startsWith('before-write:') && point !== 'before-write:take'
    return this.#context.onFault?.(point, isUnsaid ? this.#from : this.#state.phase)
  }

  /** Writes what was taken but not yet answered, and closes the thread once its machine has ended and all that it asked for is done. */
  async #settle(): Promise<void> {
    const end = isEnd(this.#state.phase)
    // The ledger has its entry before the thread is forgotten. Nothing else waits for it: what it does may need this thread's turn.
    const isBusy = this.#underWay.size > 0
    if (end && isBusy && !this.#closed) void Promise.all(this.#underWay).then(() => this.#inTurn(() => this.#settle()))
    const closing = end && !isBusy && !this.#closed && this.#begun
    const writes = closing ? [this.#context.store.closed(this.record.thread)] : []
    if (this.#begun && this.#unwritten.length + writes.length > 0) {
      await this.#fault('before-write:take')
      await this.#write(writes, { sync: closing })
      await this.#fault('after-write:take')
    }
    if (!end || (isBusy && !this.#closed)) return
    this.#closed = true
    this.#ended.resolve()
  }

  /** Writes what is unwritten, and `writes` with it, in one batch. */
  async #write(writes: readonly Write[], options: { sync: boolean }): Promise<void> {
    const kept = this.#unwritten.length
    try {
      await this.#context.store.write([...this.#unwritten, ...writes], options)
    } catch (error) {
      this.#refused(error)
      throw error
    }
    this.#unwritten.splice(0, kept)
  }

  #wake(atMs: number | null): void {
    const { clock } = this.#context
    if (atMs === null) return this.#timers.clear('wake')
    this.#timers.set('wake', Math.max(0, atMs - clock.monotonicMs()), () => {
      this.#inTurn(() => this.#run({ type: 'wake', atMs: clock.monotonicMs() }, {}))
    })
  }
}
