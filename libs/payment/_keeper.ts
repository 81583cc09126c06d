// What a rail with channels does by itself: claims when enough is due or the payer closes, and takes back what is left of its own closed channels.

import type { Store } from '@haggle/store'
import { big, bytes, type Clock, decodeAs, encodeAs, fields, list, type Schema, text, toHex, uint } from '@haggle/wire'
import type { Sha256 } from '@haggle/reputation'
import type { KnownChannels } from './_known_channels.ts'
import type { PayeeSide } from './_payee_side.ts'
import type { PayerSide } from './_payer_side.ts'
import { claimAtS } from './auto_claim.ts'
import type { ChainOptions, ChannelClaim, Channels, ChannelState } from './channels.ts'
import { claimableOf, type PayeeBook, unclaimedOf } from './payee_book.ts'
import { receiptRoot } from './receipt_root.ts'

/** A claim that is in the chain. */
export interface ClaimRecord {
  /** Unix seconds. */
  readonly atS: number
  /** Its hash. */
  readonly transaction: string
  /** Height of its block. */
  readonly block: number
  /** What all of it cost in gas. */
  readonly gasUsed: bigint
  /** What was taken from each channel, and the contracts that it was for. */
  readonly channels: readonly {
    readonly channel: Uint8Array
    /** Base units that this claim took. */
    readonly amount: bigint
    readonly receiptRoot: Uint8Array
    readonly contracts: readonly { readonly contract: Uint8Array; readonly amount: bigint }[]
  }[]
}

const hash = bytes({ length: 32 })
const amount = big({ maxBytes: 16 })
/** Contracts that a record names of one channel; more are claimed for and counted, and not named. */
const MAX_NAMED = 200
const recordSchema: Schema<ClaimRecord> = fields({
  atS: uint(),
  transaction: text({ max: 128 }),
  block: uint(),
  gasUsed: big({ maxBytes: 8 }),
  channels: list(
    fields({
      channel: hash,
      amount,
      receiptRoot: hash,
      contracts: list(fields({ contract: hash, amount }), { max: MAX_NAMED }),
    }),
    { max: 25 },
  ),
})

/** Channels of one claim: what the contract takes at once. */
const MAX_BATCH = 25
/** After a claim that failed, the next try waits so long, and twice as long each time. Ms. */
const RETRY_MS = 10_000
/** Longest wait between tries, and between looks at the clock. Ms. */
const MAX_WAIT_MS = 600_000

/** What a keeper needs. */
export interface KeeperInit {
  readonly channels: Channels
  readonly known: KnownChannels
  readonly payer: PayerSide
  readonly payee: PayeeSide
  /** Where claims are remembered. */
  readonly store: Store
  readonly clock: Clock
  readonly sha256: Sha256
  /** Base units. */
  readonly claimAt: bigint
  readonly onProblem: (error: unknown) => void
}

/** See the file's first line. */
export class Keeper {
  readonly #init: KeeperInit
  #cancel: () => void = () => undefined
  #working: Promise<void> = Promise.resolve()
  #waiting = false
  #failures = 0
  #stopped = false

  constructor(init: KeeperInit) {
    this.#init = init
  }

  /** Looks at what is due, soon. */
  poke(): void {
    // While the chain fails, only time brings the next try.
    if (this.#waiting || this.#stopped || this.#failures > 0) return
    this.#soon()
  }

  /** Claims all that is due now, whatever the policy says. Resolves with what was claimed. */
  async claimAll(options: ChainOptions): Promise<readonly ClaimRecord[]> {
    const due = await this.#due(() => true)
    const records: ClaimRecord[] = []
    for (let at = 0; at < due.length; at += MAX_BATCH) records.push(await this.#claim(due.slice(at, at + MAX_BATCH), options))
    return records
  }

  /** The last claims, newest first. */
  async records(limit: number): Promise<readonly ClaimRecord[]> {
    const found: ClaimRecord[] = []
    for await (const [, value] of this.#init.store.range({ gte: 'claim-', lt: 'claim.', reverse: true, limit })) {
      found.push(decodeAs(recordSchema, value))
    }
    return found
  }

  /** Ends what it does by itself; resolves when it is done with what it had begun. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#cancel()
    await this.#working
  }

  #soon(): void {
    this.#waiting = true
    this.#cancel()
    this.#working = this.#working.then(async () => {
      this.#waiting = false
      if (!this.#stopped) await this.#look()
    })
  }

  async #look(): Promise<void> {
    const { clock, onProblem } = this.#init
    let waitMs = MAX_WAIT_MS
    try {
      const nowS = clock.now() / 1000
      const atS = (await this.#keepClaims(nowS)) ?? Infinity
      const backS = (await this.#takeBack(nowS)) ?? Infinity
      this.#failures = 0
      waitMs = Math.min(waitMs, Math.max(1, Math.ceil((Math.min(atS, backS) - nowS) * 1000)))
    } catch (error) {
      onProblem(error)
      waitMs = Math.min(waitMs, RETRY_MS * 2 ** this.#failures++)
    }
    if (this.#stopped || this.#waiting) return
    this.#cancel()
    this.#cancel = clock.after(waitMs, () => this.#soon())
  }

  /** Claims what the policy says; resolves with when the next claim is due, unix seconds. */
  async #keepClaims(nowS: number): Promise<number | undefined> {
    let next: number | undefined
    const due = await this.#due((book, state) => {
      const { claimed, closesAtS } = state
      const running = [...book.entries.values()].some((entry) => entry.state === 'open')
      const { claimAt, channels } = this.#init
      const at = claimAtS({ claimable: claimableOf(book), claimed, running, closesAtS }, { claimAt, closeDelayS: channels.closeDelayS })
      if (at !== null && at > nowS) next = Math.min(next ?? at, at)
      return at !== null && at <= nowS
    })
    for (let at = 0; at < due.length; at += MAX_BATCH) await this.#claim(due.slice(at, at + MAX_BATCH), {})
    return next
  }

  async #due(wanted: (book: PayeeBook, state: ChannelState) => boolean): Promise<{ book: PayeeBook; state: ChannelState }[]> {
    const { payee, known } = this.#init
    const due: { book: PayeeBook; state: ChannelState }[] = []
    for (const book of payee.books) {
      const state = await known.get(book.channel)
      if (state !== null && !state.closed && claimableOf(book) > state.claimed && wanted(book, state)) due.push({ book, state })
    }
    return due
  }

  async #claim(due: readonly { readonly book: PayeeBook; readonly state: ChannelState }[], options: ChainOptions): Promise<ClaimRecord> {
    const { channels, known, payee, clock, sha256, store } = this.#init
    const parts = due.flatMap(({ book, state }) => {
      if (book.best === null) return []
      const receipts = unclaimedOf(book)
      return [{ book, state, voucher: book.best, amount: claimableOf(book), receipts, root: receiptRoot(receipts, sha256) }]
    })
    const claims: ChannelClaim[] = parts.map(({ voucher, amount: taken, root }) => ({ voucher, amount: taken, receiptRoot: root }))
    const { hash: transaction, block, gasUsed } = await channels.claim(claims, options)
    const record: ClaimRecord = {
      atS: Math.floor(clock.now() / 1000),
      transaction,
      block,
      gasUsed,
      channels: parts.map(({ book, state, amount: taken, receipts, root }) => ({
        channel: book.channel,
        amount: taken - state.claimed,
        receiptRoot: root,
        contracts: receipts.slice(0, MAX_NAMED).map((entry) => ({ contract: entry.contract, amount: entry.due - entry.claimed })),
      })),
    }
    for (const { book, state, amount: taken } of parts) {
      known.put({ ...state, claimed: taken })
      await payee.claimed(book)
    }
    const place = String(block).padStart(12, '0')
    await store.write([
      { key: `claim-${place}-${toHex(sha256(new TextEncoder().encode(transaction))).slice(0, 8)}`, value: encodeAs(recordSchema, record) },
    ])
    return record
  }

  /** Takes the rest of own channels whose delay is over; resolves with when the next one's is, unix seconds. */
  async #takeBack(nowS: number): Promise<number | undefined> {
    const { payer, known, channels } = this.#init
    let next: number | undefined
    for (const { channel } of payer.books) {
      const state = await known.get(channel)
      if (state === null || state.closed || state.closesAtS === null) continue
      if (state.closesAtS > nowS) next = Math.min(next ?? Infinity, state.closesAtS)
      else await channels.withdraw(channel)
    }
    return next
  }
}
