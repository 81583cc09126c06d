// The two chains of a thread: what was signed and taken, how the next own message is sealed, and which frames carry each one.

import { type ConfirmBody, CONTRACT_MESSAGES, type SignEffect } from '@haggle/contract'
import type { Write } from '@haggle/store'
import { HaggleError, type Message, type MessageType, seal } from '@haggle/wire'
import type { ControlFrame } from './control_frame.ts'
import type { CommandOptions, StoredThreadState, ThreadContext } from './thread_context.ts'
import type { ThreadRecord } from './thread_store.ts'
import { Chain } from './_chain.ts'

/** Both chains of one thread. */
export class Chains {
  readonly own: Chain
  readonly theirs: Chain
  readonly #beside = new Map<number, readonly ControlFrame[]>()
  readonly #record: ThreadRecord
  readonly #context: ThreadContext

  constructor(record: ThreadRecord, context: ThreadContext) {
    this.#record = record
    this.#context = context
    this.own = new Chain(record.thread, 'own', context.store)
    this.theirs = new Chain(record.thread, 'theirs', context.store)
  }

  /** Takes what was stored. */
  put({ own, theirs, beside }: StoredThreadState): void {
    this.own.push(...own)
    this.theirs.push(...theirs)
    for (const [seq, frames] of beside ?? []) this.#beside.set(seq, frames)
  }

  /** Adds an own message that is on disk. */
  add(message: Message, beside: readonly ControlFrame[] | undefined): void {
    this.own.push(message)
    if (beside !== undefined) this.#beside.set(message.seq, beside)
  }

  /** Adds a message that came, and gives the writes that keep it. */
  take(message: Message, side: 'own' | 'theirs'): Write[] {
    this[side].push(message)
    return this.#writesOf(message, side)
  }

  /** Seals the message that the machine decided on. */
  seal(effect: SignEffect): Message {
    const { clock, network, signer, suite } = this.#context
    const { type, body, seq, prev, ack, lifetimeS } = effect
    if (seq !== this.own.length) throw new HaggleError('E_THREAD_SEQ', `Cannot sign message ${seq}: the next one is ${this.own.length}`)
    const iat = Math.max(Math.floor(clock.now() / 1000), this.own.last?.iat ?? 0)
    const { peerKey: audience, thread } = this.#record
    const messageType = CONTRACT_MESSAGES[type] as MessageType<typeof body>
    return seal(messageType, { network, audience, thread, seq, prev, ack, iat, exp: iat + lifetimeS, body }, signer, suite) as Message
  }

  /** What is written with an own message, in one batch. */
  batchOf(message: Message, { notes = {}, writes = [] }: CommandOptions): Write[] {
    const { store } = this.#context
    const kept = Object.entries(notes).map(([name, value]) => store.putNote(this.#record.thread, name, value))
    return [...this.#writesOf(message, 'own'), ...writes, ...kept]
  }

  /** The frames that carry `limit` own messages from `seq` on: each one, and what goes behind it. */
  async framesFrom(seq: number, limit: number): Promise<ControlFrame[]> {
    const all = await this.own.bytesFrom(seq, limit)
    return all.flatMap((bytes, at) => this.#framesOf(bytes, seq + at))
  }

  /** The frames that carry an own message in memory. */
  framesOf({ bytes, seq }: Message): ControlFrame[] {
    return this.#framesOf(bytes, seq)
  }

  #framesOf(bytes: Uint8Array, seq: number): ControlFrame[] {
    return [{ kind: 'envelope', bytes }, ...(this.#beside.get(seq) ?? [])]
  }

  #writesOf(message: Message, side: 'own' | 'theirs'): Write[] {
    const { store } = this.#context
    const { thread } = this.#record
    const contract = side === 'own' ? contractOf(message) : null
    const write = store.message(thread, side, message.seq, message.bytes)
    return contract === null ? [write] : [write, store.putContract(contract, thread)]
  }
}

/** The contract that an own message names first: an ACCEPT by its id, a CONFIRM by that of the ACCEPT. */
function contractOf({ type, id, body }: Message): Uint8Array | null {
  if (type === 'accept') return id
  return type === 'confirm' ? (body as ConfirmBody).accept : null
}
