// Channels over a chain in memory: shared by several accounts, with blocks, confirmations and reorgs under the test's hand.

import { type Clock, concat, equalBytes, HaggleError, toHex, utf8 } from '@haggle/wire'
import { sha256 } from '@noble/hashes/sha2.js'
import { applied, type Block, type Call, type Done, NO_WORLD, type Rules, type Tx, type World } from './_memory_chain.ts'
import type { ChainOptions, ChannelEvent, Channels, ChannelState, SignedVoucher, Transaction } from './channels.ts'

/** How {@link memoryChain} is made. */
export interface MemoryChainOptions {
  readonly clock: Clock
  /** Blocks after which a transaction counts, its own included. Default 1. */
  readonly confirmations?: number
  /** Default 86,400. */
  readonly closeDelayS?: number
  /** True (the default): a transaction has its confirmations at once. False: `mine` makes the blocks. */
  readonly automine?: boolean
  /** Default `evm:31337:0x00…00`. */
  readonly rail?: string
  /** Default `TEST`, 6 decimals. */
  readonly unit?: string
  readonly decimals?: number
}

/** A chain in memory. */
export interface MemoryChain {
  /** The channels of an account (20 bytes), which gets `funds` base units. */
  channels(account: Uint8Array, options?: { readonly funds?: bigint }): Channels
  /** Makes `blocks` blocks (default 1); the first takes what waits. */
  mine(blocks?: number): void
  /** Takes the last `depth` blocks back and makes as many others. What they held waits again, or is gone for good when `drop` is true. */
  reorg(depth: number, options?: { readonly drop?: boolean }): void
  /** True: every call rejects with `E_CHAIN_UNREACHABLE`. */
  down: boolean
  /** Stops and starts automatic blocks. */
  automine: boolean
  /** Tokens of an account at the chain's tip, base units. */
  balanceOf(account: Uint8Array): bigint
  /** Tokens that claims have burned. */
  readonly burned: bigint
  /** Both parties of a channel agree not to close it. */
  cancelClose(id: Uint8Array): void
  /** Height of the tip. */
  readonly height: number
}

/** Zeroes of an address that no test uses. */
const NO_TOKEN = `0x${'0'.repeat(40)}`

/**
 * A chain in memory for tests of whatever pays over channels.
 *
 * @example
 * ```ts
 * import { memoryChain } from "@haggle/payment/testing";
 * import { virtualClock } from "@haggle/wire/testing";
 * import { expect } from "vitest";
 *
 * const chain = memoryChain({ clock: virtualClock() });
 * const [renter, provider] = [1, 2].map((n) => chain.channels(new Uint8Array(20).fill(n), { funds: 1_000n }));
 * const { id, signer } = await renter!.open({ payee: provider!.account, deposit: 600n });
 * const voucher = { channel: id, cumulative: 200n, sig: await renter!.sign({ channel: id, cumulative: 200n }) };
 * expect(provider!.verify(voucher, signer)).toBe(true);
 * await provider!.claim([{ voucher, amount: 200n, receiptRoot: new Uint8Array(32) }]);
 * expect((await provider!.read(id))?.claimed).toBe(200n);
 * ```
 */
export function memoryChain(options: MemoryChainOptions): MemoryChain {
  return new Chain(options)
}

interface Waiting {
  readonly hash: string
  settle(done: Done | { readonly included: Transaction }): void
}

/** The chain at a height, and what came of every transaction up to it. */
interface Replayed {
  readonly world: World
  readonly results: ReadonlyMap<string, { readonly done: Done; readonly block: number }>
}

class Chain implements MemoryChain {
  down = false
  readonly options: Required<MemoryChainOptions>
  readonly #rules: Rules
  readonly #blocks: Block[] = []
  readonly #listeners = new Set<(event: ChannelEvent) => void>()
  #pool: Tx[] = []
  #waiting: Waiting[] = []
  /** By height; a reorg forgets it. */
  readonly #replayed = new Map<number, Replayed>()
  #told = 0
  #count = 0
  #automine: boolean

  constructor(options: MemoryChainOptions) {
    const rail = `evm:31337:${NO_TOKEN}`
    this.options = { confirmations: 1, closeDelayS: 86_400, automine: true, rail, unit: 'TEST', decimals: 6, ...options }
    this.#automine = this.options.automine
    this.#rules = { closeDelayS: this.options.closeDelayS, verify: verifyVoucher }
  }

  get automine(): boolean {
    return this.#automine
  }

  set automine(on: boolean) {
    this.#automine = on
    if (on) this.mine(this.options.confirmations)
  }

  get height(): number {
    return this.#blocks.length
  }

  get burned(): bigint {
    return this.#at(this.height).world.burned
  }

  channels(account: Uint8Array, { funds = 0n }: { readonly funds?: bigint } = {}): Channels {
    if (funds > 0n) {
      this.#pool.push({ hash: this.#hash(), from: account, call: { do: 'fund', account, amount: funds } })
      this.mine(this.options.confirmations)
    }
    return new MemoryChannels(this, account)
  }

  mine(blocks = 1): void {
    for (let made = 0; made < blocks; made++) {
      this.#blocks.push({ atS: this.nowS, txs: this.#pool })
      this.#pool = []
    }
    this.#tell()
  }

  reorg(depth: number, { drop = false }: { readonly drop?: boolean } = {}): void {
    this.#replayed.clear()
    const taken = this.#blocks.splice(Math.max(0, this.#blocks.length - depth))
    if (!drop) this.#pool = [...taken.flatMap(({ txs }) => txs), ...this.#pool]
    this.mine(taken.length)
  }

  balanceOf(account: Uint8Array): bigint {
    return this.#at(this.height).world.balances.get(toHex(account)) ?? 0n
  }

  cancelClose(id: Uint8Array): void {
    this.#pool.push({ hash: this.#hash(), from: new Uint8Array(20), call: { do: 'cancelClose', id } })
    if (this.#automine) this.mine(this.options.confirmations)
  }

  get nowS(): number {
    return Math.floor(this.options.clock.now() / 1000)
  }

  /** What has enough confirmations. */
  confirmed(): World {
    this.ask()
    return this.#at(this.#safe).world
  }

  ask(): void {
    if (this.down) throw new HaggleError('E_CHAIN_UNREACHABLE', 'The chain does not answer')
  }

  listen(listener: (event: ChannelEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  async send(from: Uint8Array, call: Call, { signal }: ChainOptions = {}): Promise<Transaction> {
    this.ask()
    signal?.throwIfAborted()
    const tx: Tx = { hash: this.#hash(), from, call }
    // As a node does: what fails now is refused before it is sent.
    const now = this.#pool.reduce(
      (world, other) => after(world, applied(world, this.#rules, other, this.nowS)),
      this.#at(this.height).world,
    )
    const tried = applied(now, this.#rules, tx, this.nowS)
    if ('refused' in tried) throw tried.refused
    const { promise, resolve, reject } = Promise.withResolvers<Transaction>()
    this.#waiting.push({
      hash: tx.hash,
      settle: (done) => ('included' in done ? resolve(done.included) : reject('refused' in done ? done.refused : undefined)),
    })
    this.#pool.push(tx)
    if (this.#automine) this.mine(this.options.confirmations)
    signal?.addEventListener('abort', () => reject(new HaggleError('E_ABORTED', 'The wait for the chain was ended')), { once: true })
    return promise
  }

  /** Height up to which blocks have enough confirmations. */
  get #safe(): number {
    return Math.max(0, this.height - this.options.confirmations + 1)
  }

  #at(height: number): Replayed {
    const known = this.#replayed.get(height)
    if (known !== undefined) return known
    let world = NO_WORLD
    const results = new Map<string, { done: Done; block: number }>()
    for (const [at, block] of this.#blocks.slice(0, height).entries()) {
      for (const tx of block.txs) {
        const done = applied(world, this.#rules, tx, block.atS)
        results.set(tx.hash, { done, block: at + 1 })
        world = after(world, done)
      }
    }
    const replayed = { world, results }
    this.#replayed.set(height, replayed)
    return replayed
  }

  /** Everything that got its confirmations: told once each, whatever is taken back above it. */
  #tell(): void {
    const { results } = this.#at(this.#safe)
    this.#waiting = this.#waiting.filter(({ hash, settle }) => {
      const found = results.get(hash)
      if (found === undefined) return true
      settle('refused' in found.done ? found.done : { included: { hash, block: found.block, gasUsed: 50_000n } })
      return false
    })
    for (const [hash, { done, block }] of results) {
      if (block <= this.#told || 'refused' in done) continue
      for (const event of done.events) for (const listener of this.#listeners) listener({ ...event, block, transaction: hash })
    }
    this.#told = Math.max(this.#told, this.#safe)
  }

  #hash(): string {
    return `0x${toHex(sha256(utf8(`memory-transaction ${this.#count++}`)))}`
  }
}

function after(world: World, done: Done): World {
  return 'refused' in done ? world : done.world
}

/** 65 bytes that only this file's accounts make: enough for tests, and no real signature. */
function signature(signer: Uint8Array, channel: Uint8Array, cumulative: bigint): Uint8Array {
  const digest = sha256(concat(utf8(`memory-voucher ${cumulative} `), signer, channel))
  return concat(digest, sha256(digest), Uint8Array.of(27))
}

function verifyVoucher({ channel, cumulative, sig }: SignedVoucher, signer: Uint8Array): boolean {
  return equalBytes(sig, signature(signer, channel, cumulative))
}

class MemoryChannels implements Channels {
  readonly account: Uint8Array
  readonly #chain: Chain

  constructor(chain: Chain, account: Uint8Array) {
    this.#chain = chain
    this.account = account
  }

  get rail(): string {
    return this.#chain.options.rail
  }

  get unit(): string {
    return this.#chain.options.unit
  }

  get decimals(): number {
    return this.#chain.options.decimals
  }

  get closeDelayS(): number {
    return this.#chain.options.closeDelayS
  }

  async balance(): Promise<bigint> {
    return this.#chain.confirmed().balances.get(toHex(this.account)) ?? 0n
  }

  async find(payee: Uint8Array): Promise<ChannelState | null> {
    for (const channel of this.#chain.confirmed().channels.values())
      if (!channel.closed && equalBytes(channel.payer, this.account) && equalBytes(channel.payee, payee)) return channel
    return null
  }

  async read(id: Uint8Array): Promise<ChannelState | null> {
    return this.#chain.confirmed().channels.get(toHex(id)) ?? null
  }

  async open(to: { readonly payee: Uint8Array; readonly deposit: bigint }, options?: ChainOptions): Promise<ChannelState> {
    await this.#chain.send(this.account, { do: 'open', ...to }, options)
    return this.#known(await this.find(to.payee))
  }

  async topUp(id: Uint8Array, amount: bigint, options?: ChainOptions): Promise<ChannelState> {
    await this.#chain.send(this.account, { do: 'topUp', id, amount }, options)
    return this.#known(await this.read(id))
  }

  async claim(claims: Parameters<Channels['claim']>[0], options?: ChainOptions): Promise<Transaction> {
    return this.#chain.send(this.account, { do: 'claim', claims }, options)
  }

  async requestClose(id: Uint8Array, options?: ChainOptions): Promise<Transaction> {
    return this.#chain.send(this.account, { do: 'requestClose', id }, options)
  }

  async withdraw(id: Uint8Array, options?: ChainOptions): Promise<Transaction> {
    return this.#chain.send(this.account, { do: 'withdraw', id }, options)
  }

  async sign({ channel, cumulative }: { readonly channel: Uint8Array; readonly cumulative: bigint }): Promise<Uint8Array> {
    return signature(this.account, channel, cumulative)
  }

  verify(voucher: SignedVoucher, signer: Uint8Array): boolean {
    return verifyVoucher(voucher, signer)
  }

  follow(listener: (event: ChannelEvent) => void): () => void {
    return this.#chain.listen((event) => {
      if (equalBytes(event.channel.payer, this.account) || equalBytes(event.channel.payee, this.account)) listener(event)
    })
  }

  #known(channel: ChannelState | null): ChannelState {
    if (channel === null) throw new HaggleError('E_CHANNEL', 'The channel is not there any more')
    return channel
  }
}
