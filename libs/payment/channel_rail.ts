// A rail over payment channels: every tick is paid before it begins, nothing is served on what the chain has not confirmed, and one transaction settles many jobs.

import type { VoucherBody } from '@haggle/contract'
import type { Sha256 } from '@haggle/reputation'
import type { Store } from '@haggle/store'
import { type Clock, HaggleError, toHex } from '@haggle/wire'
import { BookStore } from './_book_store.ts'
import { type ClaimRecord, Keeper } from './_keeper.ts'
import { KnownChannels } from './_known_channels.ts'
import { PayeeSide } from './_payee_side.ts'
import { type DepositNeed, PayerSide } from './_payer_side.ts'
import type { ChainOptions, Channels, ChannelState, Transaction } from './channels.ts'
import { encodeFunding } from './funding.ts'
import { claimableOf, dueOf } from './payee_book.ts'
import { promisedOf } from './payer_book.ts'
import type {
  ContractEnd,
  Exposure,
  FundedThread,
  PaidContract,
  PaidThread,
  PaymentRail,
  RailOptions,
  RailVerdict,
  Settlement,
  VoucherParts,
} from './rail.ts'

/** What an owner may decide of a rail with channels. */
export interface ChannelPolicy {
  /** How much to pay into a channel that lacks something. Default: four times what is missing, as far as the wallet goes. */
  readonly depositFor?: (need: DepositNeed) => bigint
  /** Claims by itself as soon as so much is due, base units. Default: one unit. */
  readonly claimAt?: bigint
}

/** How {@link openChannelRail} is made. */
export interface ChannelRailInit extends ChannelPolicy {
  /** The chain: `evmChannels()` of `@haggle/chain`, or one in memory. */
  readonly channels: Channels
  /** Where the books are kept; the rail's own names are put before every key. */
  readonly store: Store
  /** Time of claims and closes. */
  readonly clock: Clock
  /** Hashes the tree of receipts. */
  readonly sha256: Sha256
  /** Told what went wrong beside the answer to any call; the rail tries again. */
  readonly onProblem?: (error: unknown) => void
  /** Called last when the rail is closed: ends the chain under it. */
  readonly onClose?: () => Promise<void>
}

/** One channel of this node, as its owner sees it. Amounts are base units. */
export interface ChannelLine {
  /** Which side of it this node is. */
  readonly role: 'payer' | 'payee'
  /** What the chain says; null: it can't be asked, or has forgotten the channel. */
  readonly state: ChannelState | null
  /** Channel id, 32 bytes. */
  readonly channel: Uint8Array
  /** What was signed in all (payer), or the best voucher (payee). */
  readonly vouched: bigint
  /** What contracts came to and were promised (payer), or what may be claimed in all (payee). */
  readonly due: bigint
  /** Contracts that run over it now. */
  readonly running: number
}

/** A {@link PaymentRail} over channels, and what its owner may do with them. */
export interface ChannelRail extends PaymentRail {
  /** The chain under it. */
  readonly channels: Channels
  /** Every channel that this node has a book of. */
  lines(): Promise<readonly ChannelLine[]>
  /** Claims all that is due now. Resolves with the claims, none when nothing is due. */
  claim(options?: ChainOptions): Promise<readonly ClaimRecord[]>
  /** The last claims, newest first. Default limit 100. */
  claims(options?: { readonly limit?: number }): Promise<readonly ClaimRecord[]>
  /**
   * Closes a channel (32 bytes). As payer: starts the delay; the rest comes back by itself when it is over. As payee: claims what is due, then gives the
   * rest back at once.
   *
   * @throws HaggleError `E_CHANNEL` when this node has no such channel.
   */
  closeChannel(channel: Uint8Array, options?: ChainOptions): Promise<Transaction>
}

const NO_END: Settlement = { settled: 0n, lost: 0n }
/** Four jobs like the first one fit into a channel before it needs another transaction. */
const JOBS_AHEAD = 4n

/**
 * Opens a rail over channels, with the books that `store` has of it.
 *
 * @throws what the store throws.
 *
 * @example
 * ```ts
 * import { openChannelRail } from "@haggle/payment";
 * import { memoryChain } from "@haggle/payment/testing";
 * import { portableSuite } from "@haggle/identity";
 * import { memoryStore } from "@haggle/store";
 * import { virtualClock } from "@haggle/wire/testing";
 * import { expect } from "vitest";
 *
 * const clock = virtualClock();
 * const channels = memoryChain({ clock }).channels(new Uint8Array(20).fill(1), { funds: 1_000_000n });
 * const rail = await openChannelRail({ channels, clock, store: memoryStore(), sha256: portableSuite().sha256 });
 * expect([rail.paysAhead, rail.unit]).toEqual([true, "TEST"]);
 * await rail.close();
 * ```
 */
export async function openChannelRail(init: ChannelRailInit): Promise<ChannelRail> {
  const rail = new ChannelRailImpl(init)
  await rail.open()
  return rail
}

class ChannelRailImpl implements ChannelRail {
  readonly isMoney = true
  readonly paysAhead = true
  readonly channels: Channels
  readonly #known: KnownChannels
  readonly #payer: PayerSide
  readonly #payee: PayeeSide
  readonly #keeper: Keeper
  readonly #onClose: (() => Promise<void>) | undefined

  constructor(init: ChannelRailInit) {
    const { channels, clock, sha256, depositFor = aFewJobs, claimAt = 10n ** BigInt(channels.decimals) } = init
    const onProblem = init.onProblem ?? ((): void => undefined)
    const kept = init.store.sub(channels.rail)
    const store = new BookStore(kept)
    this.channels = channels
    this.#onClose = init.onClose
    this.#known = new KnownChannels(channels, (state) => {
      if (state.closed) void this.#payer.closed(state).catch(onProblem)
      this.#keeper.poke()
    })
    const known = this.#known
    this.#payer = new PayerSide({ channels, known, store, depositFor })
    this.#payee = new PayeeSide({ channels, known, store, changed: () => this.#keeper.poke() })
    this.#keeper = new Keeper({ channels, known, payer: this.#payer, payee: this.#payee, store: kept, clock, sha256, claimAt, onProblem })
  }

  get name(): string {
    return this.channels.rail
  }

  get unit(): string {
    return this.channels.unit
  }

  get decimals(): number {
    return this.channels.decimals
  }

  get account(): Uint8Array {
    return this.channels.account
  }

  async open(): Promise<void> {
    await this.#payer.load()
    await this.#payee.load()
    this.#keeper.poke()
  }

  async fund(asked: FundedThread, options: RailOptions = {}): Promise<Uint8Array> {
    return encodeFunding(await this.#payer.fund(asked, options))
  }

  checkFunding(paid: PaidContract, funding: Uint8Array | null): Promise<RailVerdict> {
    return this.#payee.checkFunding(paid, funding)
  }

  async voucher(paid: PaidContract, owed: bigint): Promise<VoucherParts> {
    const { channel, cumulative, sig } = await this.#payer.vouch(paid, owed)
    return { channel, channelCumulative: cumulative, evmSig: sig }
  }

  checkVoucher(paid: PaidContract, voucher: VoucherBody, options: { readonly evidence: Uint8Array }): Promise<RailVerdict> {
    return this.#payee.checkVoucher(paid, voucher, options)
  }

  metered(paid: PaidContract, owed: bigint): void {
    this.#payee.metered(paid, owed)
  }

  exposure(): Exposure {
    return { unpaid: this.#payee.unpaid, claimable: this.#payee.claimable, promised: this.#payer.promised }
  }

  async settle({ thread }: PaidThread, end: ContractEnd): Promise<Settlement> {
    const promised = await this.#payer.end(thread, end)
    if (promised === undefined) return (await this.#payee.end(thread, end)) ?? forgotten(end)
    const settled = dueOf(promised, end)
    return { settled, lost: end.claimed > settled ? end.claimed - settled : 0n }
  }

  async lines(): Promise<readonly ChannelLine[]> {
    const stateOf = (channel: Uint8Array): Promise<ChannelState | null> => this.#known.get(channel).catch(() => null)
    const lines: ChannelLine[] = []
    for (const book of this.#payer.books) {
      const running = [...book.entries.values()].filter(({ state }) => state === 'open').length
      lines.push({
        role: 'payer',
        channel: book.channel,
        state: await stateOf(book.channel),
        vouched: book.signed,
        due: promisedOf(book),
        running,
      })
    }
    for (const book of this.#payee.books) {
      const running = [...book.entries.values()].filter(({ state }) => state === 'open').length
      const vouched = book.best?.cumulative ?? 0n
      lines.push({ role: 'payee', channel: book.channel, state: await stateOf(book.channel), vouched, due: claimableOf(book), running })
    }
    return lines
  }

  claim(options: ChainOptions = {}): Promise<readonly ClaimRecord[]> {
    return this.#keeper.claimAll(options)
  }

  claims({ limit = 100 }: { readonly limit?: number } = {}): Promise<readonly ClaimRecord[]> {
    return this.#keeper.records(limit)
  }

  async closeChannel(channel: Uint8Array, options: ChainOptions = {}): Promise<Transaction> {
    const line = (await this.lines()).find((one) => toHex(one.channel) === toHex(channel))
    if (line === undefined)
      throw new HaggleError('E_CHANNEL', `This node has no channel ${toHex(channel)}`, { next: 'haggle channel lists them' })
    if (line.role === 'payee') await this.claim(options)
    const transaction = await this.channels.requestClose(channel, options)
    await this.#known.fresh(channel)
    this.#keeper.poke()
    return transaction
  }

  async close(): Promise<void> {
    this.#known.stop()
    await this.#keeper.stop()
    await this.#onClose?.()
  }
}

/** A contract that the books have no more was settled before, with both signatures; or it was never paid here. */
function forgotten({ owed, claimed, agreed }: ContractEnd): Settlement {
  return agreed ? { settled: owed, lost: claimed > owed ? claimed - owed : 0n } : NO_END
}

function aFewJobs({ missing, balance }: DepositNeed): bigint {
  const wanted = missing * JOBS_AHEAD
  return wanted < balance ? wanted : balance
}
