// The two chains of a thread: what was signed and taken, how the next own message is sealed, and which frames carry each one.

import { type ConfirmBody, CONTRACT_MESSAGES, MAX_RESEND, type SignEffect, type Terms } from '@haggle/contract'
import type { Write } from '@haggle/store'
import { HaggleError, type Message, type MessageType, seal } from '@haggle/wire'
import type { ControlFrame } from './control_frame.ts'
import type { CommandOptions, StoredThreadState, ThreadContext } from './thread_context.ts'
import type { ThreadRecord } from './thread_store.ts'
import { Chain } from './_chain.ts'
import { checkChainLimit } from './_chain_limits.ts'

/** An own message, and what goes with it. */
export interface Sealed {
  readonly message: Message
  readonly options: CommandOptions
}

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
    for (const message of own) this.own.push(message)
    for (const message of theirs) this.theirs.push(message)
    for (const [seq, frames] of beside ?? []) this.#beside.set(seq, frames)
  }

  /** How much of both chains this side holds. */
  get heads(): ControlFrame {
    return { kind: 'sync', thread: this.#record.thread, mine: this.own.length, yours: this.theirs.length }
  }

  /** Throws `E_THREAD_LIMIT` when a side may add no more messages of that type under the terms in force. */
  checkLimit(side: 'own' | 'theirs', type: string, terms: Terms | null): void {
    checkChainLimit(type, { chain: this[side], other: side === 'own' ? this.theirs : this.own, terms })
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

  /**
   * What a peer with those heads lacks, at most `MAX_RESEND` messages of each chain, and whether one of the two sides lacks more. What the peer has signed
   * and lost is its own word, and it may not sign again before it has it.
   */
  async lackingBy({ mine, yours }: { readonly mine: number; readonly yours: number }): Promise<{ frames: ControlFrame[]; more: boolean }> {
    const { own, theirs } = this
    const lacking = await this.framesFrom(yours, MAX_RESEND)
    const lost = (await theirs.bytesFrom(mine, MAX_RESEND)).map((bytes): ControlFrame => ({ kind: 'envelope', bytes }))
    const missing = mine > theirs.length || yours > own.length
    const more = own.length - yours > MAX_RESEND || theirs.length - mine > MAX_RESEND
    return { frames: [...lacking, ...lost], more: missing || more }
  }

  /** What the peer signed twice, as two envelopes of one sequence number. */
  async equivocations(): Promise<readonly { readonly first: Uint8Array; readonly other: Uint8Array }[]> {
    const found: { first: Uint8Array; other: Uint8Array }[] = []
    for (const { seq, other } of await this.#context.store.equivocations(this.#record.thread)) {
      const [first] = await this.theirs.bytesFrom(seq, 1)
      if (first !== undefined) found.push({ first, other })
    }
    return found
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
