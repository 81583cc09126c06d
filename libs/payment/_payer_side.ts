// The renter's half of a rail with channels: opens and tops up, and signs only what is in its book on disk.

import { aheadOf } from '@haggle/contract'
import { formatAmount, HaggleError, toHex } from '@haggle/wire'
import type { BookStore } from './_book_store.ts'
import type { KnownChannels } from './_known_channels.ts'
import { Turns } from './_turns.ts'
import type { Channels, ChannelState, SignedVoucher } from './channels.ts'
import { endPayer, neededOf, type PayerBook, payerBook, type PromiseOf, promise, promisedOf } from './payer_book.ts'
import type { ContractEnd, FundedThread, PaidContract, RailOptions } from './rail.ts'

/** What a deposit is decided on. Base units. */
export interface DepositNeed {
  /** What is missing so that every open contract, and the next one, can reach its cap. */
  readonly missing: bigint
  /** What the wallet holds. */
  readonly balance: bigint
}

/** What this half needs. */
export interface PayerSideInit {
  readonly channels: Channels
  readonly known: KnownChannels
  readonly store: BookStore
  /** How much to pay in; at least `missing`. */
  readonly depositFor: (need: DepositNeed) => bigint
}

/** See the file's first line. */
export class PayerSide {
  readonly #init: PayerSideInit
  readonly #books = new Map<string, PayerBook>()
  /** Channel by thread, both hex. */
  readonly #channelOf = new Map<string, string>()
  readonly #turns = new Turns()

  constructor(init: PayerSideInit) {
    this.#init = init
  }

  async load(): Promise<void> {
    for (const book of await this.#init.store.payers()) this.#keep({ ...book, deposit: 0n })
  }

  get books(): Iterable<PayerBook> {
    return this.#books.values()
  }

  has(thread: Uint8Array): boolean {
    return this.#channelOf.has(toHex(thread))
  }

  /** A voucher that pays the first tick, from a channel that can pay all of it. */
  fund({ thread, terms, payee }: FundedThread, options: RailOptions): Promise<SignedVoucher> {
    if (payee === null) return Promise.reject(new HaggleError('E_CHANNEL', 'The offer names no account to pay into'))
    return this.#turns.run(`to ${toHex(payee)}`, async () => {
      options.signal?.throwIfAborted()
      const book = await this.#bookTo(payee, { cap: terms.cap, thread: toHex(thread), options })
      return this.#promise(book.channel, { thread: toHex(thread), owed: 0n, ahead: aheadOf(terms, 0n), cap: terms.cap })
    })
  }

  /** The voucher that brings a contract to `owed`, one tick ahead. */
  async vouch({ thread, terms }: PaidContract, owed: bigint): Promise<SignedVoucher> {
    const id = this.#channelOf.get(toHex(thread))
    const book = id === undefined ? undefined : this.#books.get(id)
    if (book === undefined) throw new HaggleError('E_VOUCHER', `Cannot vouch for ${owed}: nothing was funded for this contract`)
    return this.#promise(book.channel, { thread: toHex(thread), owed, ahead: aheadOf(terms, owed), cap: terms.cap })
  }

  /** A contract is over. Resolves with what the channel promises for it; undefined when it was not paid here. */
  async end(thread: Uint8Array, end: ContractEnd): Promise<bigint | undefined> {
    const key = toHex(thread)
    const id = this.#channelOf.get(key)
    if (id === undefined) return undefined
    return this.#turns.run(id, async () => {
      const before = this.#books.get(id)
      const promised = before?.entries.get(key)?.promise
      if (before === undefined || promised === undefined) return undefined
      const after = endPayer(before, key, end)
      await this.#init.store.putPayer(after, before)
      this.#keep(after)
      if (end.agreed) this.#channelOf.delete(key)
      return promised
    })
  }

  /** Forgets the book of a channel that is closed. */
  async closed({ id }: ChannelState): Promise<void> {
    await this.#turns.run(toHex(id), async () => {
      const book = this.#books.get(toHex(id))
      if (book === undefined) return
      await this.#init.store.dropPayer(book)
      this.#books.delete(toHex(id))
      for (const thread of book.entries.keys()) this.#channelOf.delete(thread)
    })
  }

  /** What all channels promise and nobody has claimed, base units. */
  get promised(): bigint {
    let sum = 0n
    for (const book of this.#books.values()) {
      const open = promisedOf(book) - (this.#init.known.peek(book.channel)?.claimed ?? 0n)
      if (open > 0n) sum += open
    }
    return sum
  }

  /** Writes, then signs. */
  async #promise(channel: Uint8Array, asked: PromiseOf): Promise<SignedVoucher> {
    const { channels, known, store } = this.#init
    return this.#turns.run(toHex(channel), async () => {
      const before = this.#books.get(toHex(channel))
      const state = await known.get(channel)
      if (before === undefined || state === null || state.closed) throw new HaggleError('E_CHANNEL', 'The channel is closed')
      const after = promise({ ...before, deposit: state.deposit }, asked)
      await store.putPayer(after, before)
      this.#keep(after)
      const voucher = { channel, cumulative: after.signed }
      return { ...voucher, sig: await channels.sign(voucher) }
    })
  }

  /** The book of a channel to `payee` that holds enough for all its open contracts and one more. */
  async #bookTo(
    payee: Uint8Array,
    { cap, thread, options }: { readonly cap: bigint; readonly thread: string; readonly options: RailOptions },
  ): Promise<PayerBook> {
    const { known, store } = this.#init
    const state = await known.to(payee, options)
    if (state === null) return this.#open(payee, cap, options)
    if (state.closesAtS !== null) {
      throw new HaggleError('E_CHANNEL', 'Cannot pay over a channel that is being closed', {
        details: { channel: toHex(state.id), closesAtS: state.closesAtS },
        next: 'haggle channel withdraw once its delay is over, or pay another provider',
      })
    }
    const book = this.#books.get(toHex(state.id))
    if (book === undefined) {
      if (await store.isOpening(payee)) return this.#adopt(state)
      throw new HaggleError(
        'E_CHANNEL',
        'Cannot pay over a channel that another home of this wallet opened: what it promised is not known here',
        {
          details: { channel: toHex(state.id) },
          next: 'use that home, or haggle channel close',
        },
      )
    }
    // A second ACCEPT in one thread takes the place of the first.
    const missing = neededOf({ ...book, entries: new Map([...book.entries].filter(([id]) => id !== thread)) }) + cap - state.deposit
    if (missing > 0n) await this.#topUp(state, missing, options)
    return book
  }

  async #open(payee: Uint8Array, cap: bigint, options: RailOptions): Promise<PayerBook> {
    const { channels, known, store } = this.#init
    const deposit = await this.#deposit(cap > 0n ? cap : 1n)
    await store.opening(payee)
    return this.#adopt(known.put(await channels.open({ payee, deposit }, options)))
  }

  async #topUp(state: ChannelState, missing: bigint, options: RailOptions): Promise<void> {
    const { channels, known } = this.#init
    known.put(await channels.topUp(state.id, await this.#deposit(missing), options))
  }

  async #adopt(state: ChannelState): Promise<PayerBook> {
    const book = payerBook(state)
    await this.#init.store.adopt(book)
    this.#keep(book)
    return book
  }

  async #deposit(missing: bigint): Promise<bigint> {
    const { channels, depositFor } = this.#init
    const balance = await channels.balance()
    if (balance < missing) {
      const amount = (value: bigint): string => `${formatAmount(value, channels.decimals)} ${channels.unit}`
      throw new HaggleError(
        'E_FUNDS',
        `Cannot pay for this job: it may cost ${amount(missing)} more than its channel holds, and the wallet has ${amount(balance)}`,
        {
          details: { missing: String(missing), balance: String(balance), rail: channels.rail },
          next: 'put more into the wallet, or lower the budget or the time limit',
        },
      )
    }
    const wanted = depositFor({ missing, balance })
    return wanted < missing ? missing : wanted > balance ? balance : wanted
  }

  #keep(book: PayerBook): void {
    const id = toHex(book.channel)
    this.#books.set(id, book)
    for (const thread of book.entries.keys()) this.#channelOf.set(thread, id)
  }
}
