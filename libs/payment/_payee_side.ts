// The provider's half of a rail with channels: takes vouchers that pay, writes them down before service goes on, and knows what it may claim.

import { aheadOf, type VoucherBody } from '@haggle/contract'
import { equalBytes, errorCode, toHex } from '@haggle/wire'
import type { BookStore } from './_book_store.ts'
import type { KnownChannels } from './_known_channels.ts'
import { Turns } from './_turns.ts'
import type { Channels, ChannelState, SignedVoucher } from './channels.ts'
import { decodeFunding } from './funding.ts'
import { claimableOf, claimedAll, dueOf, endPayee, type PayeeBook, payeeBook, receive } from './payee_book.ts'
import type { ContractEnd, PaidContract, RailVerdict, Settlement } from './rail.ts'

/** What this half needs. */
export interface PayeeSideInit {
  readonly channels: Channels
  readonly known: KnownChannels
  readonly store: BookStore
  /** Something may be due now. */
  readonly changed: () => void
}

const no = (why: string): RailVerdict => ({ ok: false, why })

/** See the file's first line. */
export class PayeeSide {
  readonly #init: PayeeSideInit
  readonly #books = new Map<string, PayeeBook>()
  /** Channel by thread, both hex. */
  readonly #channelOf = new Map<string, string>()
  /** What METER said of open contracts, by thread. */
  readonly #metered = new Map<string, bigint>()
  readonly #turns = new Turns()

  constructor(init: PayeeSideInit) {
    this.#init = init
  }

  async load(): Promise<void> {
    for (const book of await this.#init.store.payees()) this.#keep(book)
  }

  get books(): Iterable<PayeeBook> {
    return this.#books.values()
  }

  async checkFunding(paid: PaidContract, funding: Uint8Array | null): Promise<RailVerdict> {
    const voucher = funding === null ? null : decodeFunding(funding)
    if (voucher === null) return no('there is no voucher for the first tick')
    return this.#check(paid, { voucher, owed: 0n, evidence: paid.contract, opens: true })
  }

  async checkVoucher(
    paid: PaidContract,
    { contractOwed, channel, channelCumulative, evmSig }: VoucherBody,
    { evidence }: { readonly evidence: Uint8Array },
  ): Promise<RailVerdict> {
    if (channel === null || channelCumulative === null || evmSig === null) return no('there is no voucher of the channel')
    if (this.#channelOf.get(toHex(paid.thread)) !== toHex(channel)) return no('the contract was funded from another channel')
    const voucher = { channel, cumulative: channelCumulative, sig: evmSig }
    return this.#check(paid, { voucher, owed: contractOwed, evidence, opens: false })
  }

  metered({ thread }: PaidContract, owed: bigint): void {
    this.#metered.set(toHex(thread), owed)
  }

  /** A contract is over. Undefined when it was not paid here. */
  async end(thread: Uint8Array, end: ContractEnd): Promise<Settlement | undefined> {
    const key = toHex(thread)
    this.#metered.delete(key)
    const id = this.#channelOf.get(key)
    if (id === undefined) return undefined
    return this.#turns.run(id, async () => {
      const before = this.#books.get(id)
      const entry = before?.entries.get(key)
      if (before === undefined || entry === undefined) return undefined
      const after = endPayee(before, key, end)
      await this.#init.store.putPayee(after, before)
      this.#keep(after)
      this.#init.changed()
      const settled = entry.state === 'agreed' ? entry.due : dueOf(entry.promise, end)
      return { settled, lost: end.claimed > settled ? end.claimed - settled : 0n }
    })
  }

  /** `then` was claimed in full. */
  async claimed(then: PayeeBook): Promise<void> {
    const id = toHex(then.channel)
    await this.#turns.run(id, async () => {
      const before = this.#books.get(id)
      if (before === undefined) return
      const after = claimedAll(before, then)
      await this.#init.store.putPayee(after, before)
      this.#keep(after)
      for (const thread of before.entries.keys()) if (!after.entries.has(thread)) this.#channelOf.delete(thread)
    })
  }

  /** Used and not yet promised, base units. */
  get unpaid(): bigint {
    let sum = 0n
    for (const [thread, owed] of this.#metered) {
      const entry = this.#books.get(this.#channelOf.get(thread) ?? '')?.entries.get(thread)
      const open = owed - (entry?.promise ?? 0n)
      if (open > 0n) sum += open
    }
    return sum
  }

  /** Due and not yet claimed, base units. */
  get claimable(): bigint {
    let sum = 0n
    for (const book of this.#books.values()) {
      const open = claimableOf(book) - (this.#init.known.peek(book.channel)?.claimed ?? 0n)
      if (open > 0n) sum += open
    }
    return sum
  }

  async #check(
    paid: PaidContract,
    given: { readonly voucher: SignedVoucher; readonly owed: bigint; readonly evidence: Uint8Array; readonly opens: boolean },
  ): Promise<RailVerdict> {
    const { voucher, owed, evidence, opens } = given
    const state = await this.#stateFor(voucher).catch((error: unknown) => errorCode(error))
    if (state === null) return no('there is no such channel with enough confirmations')
    if (typeof state === 'string') return no(`the chain can't be asked: ${state}`)
    const { channels } = this.#init
    if (!equalBytes(state.payee, channels.account)) return no('the channel pays somebody else')
    if (state.closed || (opens && state.closesAtS !== null)) return no('the channel is closed, or is being closed')
    if (voucher.cumulative > state.deposit) return no('the voucher promises more than the channel holds')
    if (!channels.verify(voucher, state.signer)) return no("the voucher is not signed by the channel's signer")
    return this.#receive(paid, { voucher, owed, evidence, state })
  }

  /** Written down before it counts. */
  #receive(
    { thread, contract, terms }: PaidContract,
    { voucher, owed, evidence, state }: { voucher: SignedVoucher; owed: bigint; evidence: Uint8Array; state: ChannelState },
  ): Promise<RailVerdict> {
    const id = toHex(state.id)
    return this.#turns.run(id, async (): Promise<RailVerdict> => {
      const before = this.#books.get(id)
      const received = {
        thread: toHex(thread),
        contract,
        renter: terms.renter,
        voucher,
        owed,
        ahead: aheadOf(terms, owed),
        cap: terms.cap,
        evidence,
      }
      const result = receive(before ?? payeeBook(state), received)
      if ('why' in result) return no(result.why)
      await this.#init.store.putPayee(result.book, before)
      this.#keep(result.book)
      this.#init.changed()
      return { ok: true }
    })
  }

  /** The voucher's channel; asked of the chain once more when it promises more than the channel was known to hold. */
  async #stateFor({ channel, cumulative }: SignedVoucher): Promise<ChannelState | null> {
    const { known } = this.#init
    const state = await known.get(channel)
    return state !== null && cumulative > state.deposit ? known.fresh(channel) : state
  }

  #keep(book: PayeeBook): void {
    const id = toHex(book.channel)
    this.#books.set(id, book)
    for (const thread of book.entries.keys()) this.#channelOf.set(thread, id)
  }
}
