// One thread as its driver runs it: the pure machine of @haggle/contract, its chains on disk, and the frames that carry them.

import {
  begin,
  type Command,
  type ConfirmBody,
  CONTRACT_MESSAGES,
  type ContractMessageName,
  type ContractView,
  type Effect,
  type Event,
  isEnd,
  restore,
  type Role,
  type SignEffect,
  type State,
  step,
  type ThreadInit,
  viewOf,
} from '@haggle/contract'
import type { Write } from '@haggle/store'
import { type Clock, equalBytes, HaggleError, type Message, type MessageType, seal, type Signer, type Suite, toHex } from '@haggle/wire'
import type { ControlFrame } from './control_frame.ts'
import type { ThreadRecord, ThreadStore } from './thread_store.ts'

/** A step of the driver at which a process may die; tests kill it there. The moments that matter are around every write and every send. */
export type FaultPoint = `${'before' | 'after'}-${'write' | 'send'}:${ContractMessageName | 'take'}`

/** The effects that are not the driver's own business. */
export type HostEffect = Extract<Effect, { kind: 'capacity' | 'job' | 'measure' | 'pay' | 'ledger' | 'notify' | 'ignored' | 'evidence' }>

/** What a thread needs of its node. */
export interface ThreadContext {
  readonly network: Uint8Array
  readonly suite: Suite
  readonly signer: Signer
  readonly clock: Clock
  readonly store: ThreadStore
  readonly send: (thread: Thread, frames: readonly ControlFrame[]) => Promise<void>
  /** Carries out an effect. Called in order; must not throw. */
  readonly onEffect: (thread: Thread, effect: HostEffect) => void
  /** A message of the peer was taken. Called after its effects. */
  readonly onMessage: (thread: Thread, message: Message) => void
  readonly onFault?: (point: FaultPoint) => void
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

/** One thread of this node. */
export class Thread {
  readonly record: ThreadRecord
  /** 32 hex digits. */
  readonly id: string
  readonly #context: ThreadContext
  readonly #own: Message[] = []
  readonly #theirs: Message[] = []
  readonly #beside = new Map<number, readonly ControlFrame[]>()
  readonly #ended = Promise.withResolvers<void>()
  #state: State
  #queue: Promise<void> = Promise.resolve()
  #unwritten: Write[] = []
  #begun = false
  #closed = false
  #cancelWake: () => void = () => undefined

  private constructor(record: ThreadRecord, state: State, context: ThreadContext) {
    this.record = record
    this.id = toHex(record.thread)
    this.#state = state
    this.#context = context
  }

  /** A fresh thread. Nothing is written before its first own message. */
  static begin(record: ThreadRecord, context: ThreadContext): Thread {
    return new Thread(record, begin(initOf(record, context), { atMs: context.clock.monotonicMs() }), context)
  }

  /** A thread from its stored chains, after a restart. */
  static resume(record: ThreadRecord, chains: { own: readonly Message[]; theirs: readonly Message[] }, context: ThreadContext): Thread {
    const { clock } = context
    const stored = { own: chains.own, peer: chains.theirs }
    const { state, effects } = restore(initOf(record, context), stored, { nowMs: clock.monotonicMs(), nowS: Math.floor(clock.now() / 1000) })
    const thread = new Thread(record, state, context)
    thread.#own.push(...chains.own)
    thread.#theirs.push(...chains.theirs)
    thread.#begun = true
    void thread.#enqueue(() => thread.#carryOut(effects, {}))
    return thread
  }

  get role(): Role {
    return this.record.role
  }

  /** What the machine says of the contract now. */
  view(): ContractView {
    return viewOf(this.#state)
  }

  /** Messages of both chains, in the order of each. */
  chains(): { readonly own: readonly Message[]; readonly theirs: readonly Message[] } {
    return { own: this.#own, theirs: this.#theirs }
  }

  /** Resolves once this side signs nothing more in this thread. */
  get ended(): Promise<void> {
    return this.#ended.promise
  }

  /** How much of both chains this side holds, as a SYNC frame. */
  syncFrame(): ControlFrame {
    return { kind: 'sync', thread: this.record.thread, mine: this.#own.length, yours: this.#theirs.length }
  }

  /**
   * Carries out a command: resolves when what it signed is on disk and handed to the stream.
   *
   * @throws HaggleError `E_CONTRACT_STATE` when the phase does not allow it.
   */
  command(command: Command, options: CommandOptions = {}): Promise<void> {
    return this.#enqueue(() => this.#run({ type: 'command', command, atMs: this.#context.clock.monotonicMs() }, options))
  }

  /** Takes a message of the peer that was opened and found good. */
  receive(message: Message): Promise<void> {
    return this.#enqueue(async () => {
      const { clock } = this.#context
      const known = this.#theirs.length
      const event: Event = { type: 'message', message, atMs: clock.monotonicMs(), unixS: Math.floor(clock.now() / 1000) }
      const { state, effects } = step(this.#state, event)
      const taken = !effects.some((effect) => effect.kind === 'ignored')
      if (taken && message.seq === known) {
        this.#theirs.push(message)
        this.#unwritten.push(this.#context.store.message(this.record.thread, 'theirs', message.seq, message.bytes))
      }
      this.#state = state
      await this.#carryOut(effects, {})
      if (taken) this.#context.onMessage(this, message)
      await this.#settle()
    })
  }

  /** Takes the peer's SYNC frame: answers with what it lacks. */
  sync(frame: { readonly mine: number; readonly yours: number }, options: { readonly answer: boolean }): Promise<void> {
    return this.#enqueue(async () => {
      const lacking = this.#own.slice(frame.yours).flatMap((message) => this.#framesOf(message))
      const frames = options.answer || frame.mine > this.#theirs.length ? [...lacking, this.syncFrame()] : lacking
      if (frames.length > 0) await this.#context.send(this, frames)
      await this.#run({ type: 'sync', mine: frame.mine, yours: frame.yours, atMs: this.#context.clock.monotonicMs() }, {})
    })
  }

  /** Sends frames behind whatever this thread is doing now. */
  post(frames: readonly ControlFrame[]): Promise<void> {
    return this.#context.send(this, frames)
  }

  /** Reads a note of this thread. */
  note(name: string): Promise<Uint8Array | undefined> {
    return this.#context.store.note(this.record.thread, name)
  }

  /** Keeps a note of this thread, written with its next message or at the end of the current step. */
  keep(name: string, value: Uint8Array): void {
    this.#unwritten.push(this.#context.store.putNote(this.record.thread, name, value))
  }

  /** Stops timers; the chains stay on disk. */
  stop(): Promise<void> {
    this.#cancelWake()
    return this.#enqueue(() => this.#settle())
  }

  #enqueue(work: () => Promise<void>): Promise<void> {
    const done = this.#queue.then(work)
    this.#queue = done.catch(() => undefined)
    return done
  }

  async #run(event: Event, options: CommandOptions): Promise<void> {
    const { state, effects } = step(this.#state, event)
    this.#state = state
    await this.#carryOut(effects, options)
    await this.#settle()
  }

  async #carryOut(effects: readonly Effect[], options: CommandOptions): Promise<void> {
    for (const effect of effects) {
      switch (effect.kind) {
        case 'sign':
          await this.#sign(effect, options)
          break
        case 'resend':
          await this.#context.send(
            this,
            effect.seqs.flatMap((seq) => this.#framesOf(this.#ownAt(seq))),
          )
          break
        case 'sync':
          await this.#context.send(this, [{ kind: 'sync', thread: this.record.thread, mine: effect.mine, yours: effect.yours }])
          break
        case 'wake':
          this.#wake(effect.atMs)
          break
        default:
          this.#context.onEffect(this, effect)
      }
    }
  }

  /** The one place that signs: a used sequence number gives the stored message, a fresh one is on disk before it is sent. */
  async #sign(effect: SignEffect, options: CommandOptions): Promise<void> {
    const { clock, onFault } = this.#context
    const known = this.#own[effect.seq]
    const message = known ?? this.#seal(effect)
    if (known === undefined) {
      if (effect.seq !== this.#own.length) {
        throw new HaggleError('E_THREAD_SEQ', `Cannot sign message ${effect.seq} of thread ${this.id}: the next one is ${this.#own.length}`)
      }
      this.#own.push(message)
      if (options.beside !== undefined) this.#beside.set(message.seq, options.beside)
      onFault?.(`before-write:${effect.type}`)
      await this.#write([...this.#batchOf(message, options)], { sync: true })
      onFault?.(`after-write:${effect.type}`)
    }
    const { state, effects } = step(this.#state, { type: 'message', message, atMs: clock.monotonicMs(), unixS: Math.floor(clock.now() / 1000) })
    this.#state = state
    onFault?.(`before-send:${effect.type}`)
    await this.#context.send(this, this.#framesOf(message))
    onFault?.(`after-send:${effect.type}`)
    await this.#carryOut(effects, {})
  }

  #seal(effect: SignEffect): Message {
    const { clock, network, signer, suite } = this.#context
    const { type, body, seq, prev, ack, lifetimeS } = effect
    const last = this.#own.at(-1)?.iat ?? 0
    const iat = Math.max(Math.floor(clock.now() / 1000), last)
    const { peerKey: audience, thread } = this.record
    const messageType = CONTRACT_MESSAGES[type] as MessageType<typeof body>
    return seal(messageType, { network, audience, thread, seq, prev, ack, iat, exp: iat + lifetimeS, body }, signer, suite) as Message
  }

  #batchOf(message: Message, { notes = {}, writes = [] }: CommandOptions): Write[] {
    const { store } = this.#context
    const { thread } = this.record
    const batch = [...this.#unwritten, store.message(thread, 'own', message.seq, message.bytes), ...writes]
    const contract = contractOf(message)
    if (contract !== null) batch.push(store.putContract(contract, thread))
    for (const [name, value] of Object.entries(notes)) batch.push(store.putNote(thread, name, value))
    if (!this.#begun) batch.unshift(...store.begin(this.record))
    this.#begun = true
    this.#unwritten = []
    return batch
  }

  async #write(batch: readonly Write[], options: { sync: boolean }): Promise<void> {
    await this.#context.store.write(batch, options)
  }

  /** Writes what was taken but not yet answered, and closes the thread once its machine has ended. */
  async #settle(): Promise<void> {
    const end = isEnd(this.view().phase)
    const closing = end && !this.#closed && this.#begun
    if (closing) this.#unwritten.push(this.#context.store.closed(this.record.thread))
    if (this.#begun && this.#unwritten.length > 0) {
      const batch = this.#unwritten
      this.#unwritten = []
      this.#context.onFault?.('before-write:take')
      await this.#write(batch, { sync: closing })
      this.#context.onFault?.('after-write:take')
    }
    if (end) {
      this.#closed = true
      this.#ended.resolve()
    }
  }

  #wake(atMs: number | null): void {
    this.#cancelWake()
    if (atMs === null) return
    const { clock } = this.#context
    this.#cancelWake = clock.after(Math.max(0, atMs - clock.monotonicMs()), () => {
      void this.#enqueue(() => this.#run({ type: 'wake', atMs: clock.monotonicMs() }, {}))
    })
  }

  #ownAt(seq: number): Message {
    const message = this.#own[seq]
    if (message === undefined) throw new HaggleError('E_THREAD_SEQ', `Thread ${this.id} has no own message ${seq}`)
    return message
  }

  #framesOf(message: Message): ControlFrame[] {
    return [{ kind: 'envelope', bytes: message.bytes }, ...(this.#beside.get(message.seq) ?? [])]
  }
}

/** The contract that an own message names first: an ACCEPT by its id, a CONFIRM by that of the ACCEPT. */
function contractOf({ type, id, body }: Message): Uint8Array | null {
  if (type === 'accept') return id
  return type === 'confirm' ? (body as ConfirmBody).accept : null
}

function initOf(record: ThreadRecord, context: ThreadContext): ThreadInit {
  const self = context.signer.publicKey
  if (equalBytes(self, record.peerKey)) throw new HaggleError('E_THREAD_SELF', 'Cannot negotiate with oneself')
  return { role: record.role, self, peer: record.peerKey }
}
