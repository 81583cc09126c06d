// Payment channels on an EVM chain: the Channels seam over the contract.

import { type Clock, equalBytes, HaggleError, toHex } from '@haggle/wire'
import type { ChainOptions, ChannelClaim, ChannelEvent, Channels, ChannelState, SignedVoucher, Transaction } from '@haggle/payment'
import type { Store } from '@haggle/store'
import { type Address, encodeFunctionData, type Hex, keccak256 } from 'viem'
import { channelsAbi } from './abi/mod.ts'
import { allow, balanceOf } from './_allowance.ts'
import { hex, unhex } from './_bytes.ts'
import type { Block, Chain, ReadOptions } from './chain.ts'
import { channelDigests } from './eip712.ts'
import { ChannelFeed } from './_channel_feed.ts'
import { submit } from './_outcome.ts'
import type { TransactionSender } from './sending.ts'
import { railOf, type TokenFacts, tokenFacts } from './token.ts'
import { signatureCheck } from './voucher_verifier.ts'
import type { WalletSigner } from './wallet.ts'

/** Claims in one transaction, as the contract has it. */
export const MAX_CLAIMS = 25

/** What {@link evmChannels} needs. */
export interface EvmChannelsInit {
  readonly chain: Chain
  /** Sends for the account that pays and claims. */
  readonly sender: TransactionSender
  /** Signs vouchers: the session key, which may be the account's own. */
  readonly signer: WalletSigner
  /** The token. */
  readonly token: Address
  /** The `Channels` contract. */
  readonly contract: Address
  /** A store or sub-store of its own: facts of the token, and how far events are told. */
  readonly store: Store
  readonly clock: Clock
  /** Block from which events are told at first. Default: the newest confirmed one at the first opening. */
  readonly fromBlock?: number
}

/** {@link Channels} with what only a chain has. */
export interface EvmChannels extends Channels {
  /** Signs that the channel closes now with `amount` for the payee in all. */
  signClose(id: Uint8Array, amount: bigint): Uint8Array
  /** Closes at once, by both parties' {@link EvmChannels.signClose}. */
  coopClose(id: Uint8Array, amount: bigint, sigs: BothSignatures, options?: ChainOptions): Promise<Transaction>
  /** Signs that the close that was asked for is taken back. */
  signKeep(id: Uint8Array, closesAtS: number): Uint8Array
  /** Takes back a request to close, by both parties' {@link EvmChannels.signKeep}. */
  cancelClose(id: Uint8Array, sigs: BothSignatures, options?: ChainOptions): Promise<Transaction>
  /** Ends the telling of events. The sender is the caller's. */
  stop(): Promise<void>
}

/** Signatures of both parties over the same, 65 bytes each. */
export interface BothSignatures {
  readonly payer: Uint8Array
  readonly payee: Uint8Array
}

/**
 * Opens the channels of one token for one account. The token's facts are asked of the chain once and kept: later openings need no chain.
 *
 * Throws `E_CHAIN_TOKEN` for a token that can't be used, and `E_CHAIN_UNREACHABLE` when they have to be asked and no node answers.
 */
export async function evmChannels(init: EvmChannelsInit): Promise<EvmChannels> {
  return new ContractChannels(init, await tokenFacts(init))
}

class ContractChannels implements EvmChannels {
  readonly rail: string
  readonly unit: string
  readonly decimals: number
  readonly account: Uint8Array
  readonly closeDelayS: number
  readonly #init: EvmChannelsInit
  readonly #digests: ReturnType<typeof channelDigests>
  readonly #check = signatureCheck()
  readonly #feed: ChannelFeed
  /** The newest top-up of each channel that this process has asked for. */
  readonly #topUps = new Map<string, Promise<void>>()

  constructor(init: EvmChannelsInit, facts: TokenFacts) {
    this.#init = init
    this.rail = railOf(init.chain.id, init.token)
    this.unit = facts.symbol
    this.decimals = facts.decimals
    this.closeDelayS = facts.closeDelayS
    this.account = init.sender.account
    this.#digests = channelDigests({ chainId: init.chain.id, contract: unhex(init.contract) })
    const read = (id: Uint8Array): Promise<ChannelState | null> => this.read(id)
    this.#feed = new ChannelFeed({ ...init, fromBlock: init.fromBlock ?? facts.beginBlock, account: this.account, read })
  }

  async balance(options: ChainOptions = {}): Promise<bigint> {
    return await balanceOf(this.#init, options)
  }

  async find(payee: Uint8Array, options: ChainOptions = {}): Promise<ChannelState | null> {
    const at = await this.#init.chain.confirmed(options)
    const { chain, contract, sender, token } = this.#init
    const args = [sender.address, hex(payee), token] as const
    const id = await chain.view({ address: contract, abi: channelsAbi, functionName: 'currentId', args }, { ...options, at })
    const found = await this.#read(id, { ...options, at })
    return found?.closed === false ? found : null
  }

  async read(id: Uint8Array, options: ChainOptions = {}): Promise<ChannelState | null> {
    return await this.#read(hex(id), options)
  }

  async open(to: { readonly payee: Uint8Array; readonly deposit: bigint }, options: ChainOptions = {}): Promise<ChannelState> {
    options.signal?.throwIfAborted()
    // What was under way when the node stopped is joined; what has come through since is found.
    const before = await this.#opened(to, options)
    if (before !== null) return before
    const { token, signer } = this.#init
    const args = [hex(to.payee), token, to.deposit, signer.address] as const
    const data = encodeFunctionData({ abi: channelsAbi, functionName: 'open', args })
    try {
      await this.#allow(to.deposit, options)
      await this.#send(data, `open:${this.rail}:${toHex(to.payee)}`, options)
    } catch (error) {
      const meanwhile = error instanceof HaggleError && error.code === 'E_CHANNEL' ? await this.#opened(to, options) : null
      if (meanwhile === null) throw error
      return meanwhile
    }
    return known(await this.find(to.payee, options))
  }

  async topUp(id: Uint8Array, amount: bigint, options: ChainOptions = {}): Promise<ChannelState> {
    options.signal?.throwIfAborted()
    await this.#allow(amount, options)
    const key = `topUp:${toHex(id)}`
    const data = encodeFunctionData({ abi: channelsAbi, functionName: 'topUp', args: [hex(id), amount] })
    // One after another: two at once are two, and only one that was under way when the node stopped is joined.
    const turn = (this.#topUps.get(key) ?? Promise.resolve()).then(() => this.#send(data, key, options))
    const settled = turn.then(
      () => undefined,
      () => undefined,
    )
    this.#topUps.set(key, settled)
    try {
      await turn
    } finally {
      if (this.#topUps.get(key) === settled) this.#topUps.delete(key)
    }
    return known(await this.read(id, options))
  }

  async claim(claims: readonly ChannelClaim[], options: ChainOptions = {}): Promise<Transaction> {
    let last: Transaction | undefined
    const batches: Promise<Transaction>[] = []
    for (let at = 0; at < claims.length; at += MAX_CLAIMS) {
      const data = claimData(claims.slice(at, at + MAX_CLAIMS))
      // Named by what it does: a claim that was under way when the node stopped is joined, not sent again.
      batches.push(this.#send(data, `claim:${keccak256(data)}`, options))
    }
    for (const outcome of await Promise.allSettled(batches)) {
      if (outcome.status === 'rejected') throw outcome.reason
      last = outcome.value
    }
    if (last === undefined) throw new HaggleError('E_CHANNEL', 'Cannot claim: there is nothing to claim')
    return last
  }

  async requestClose(id: Uint8Array, options: ChainOptions = {}): Promise<Transaction> {
    const data = encodeFunctionData({ abi: channelsAbi, functionName: 'requestClose', args: [hex(id)] })
    return await this.#send(data, `close:${toHex(id)}`, options)
  }

  async withdraw(id: Uint8Array, options: ChainOptions = {}): Promise<Transaction> {
    const data = encodeFunctionData({ abi: channelsAbi, functionName: 'withdraw', args: [hex(id)] })
    return await this.#send(data, `withdraw:${toHex(id)}`, options)
  }

  signClose(id: Uint8Array, amount: bigint): Uint8Array {
    return this.#init.signer.sign(this.#digests.coopClose(id, amount))
  }

  async coopClose(id: Uint8Array, amount: bigint, sigs: BothSignatures, options: ChainOptions = {}): Promise<Transaction> {
    const args = [hex(id), amount, hex(sigs.payer), hex(sigs.payee)] as const
    return await this.#send(encodeFunctionData({ abi: channelsAbi, functionName: 'coopClose', args }), `coop:${toHex(id)}`, options)
  }

  signKeep(id: Uint8Array, closesAtS: number): Uint8Array {
    return this.#init.signer.sign(this.#digests.cancelClose(id, closesAtS))
  }

  async cancelClose(id: Uint8Array, sigs: BothSignatures, options: ChainOptions = {}): Promise<Transaction> {
    const args = [hex(id), hex(sigs.payer), hex(sigs.payee)] as const
    return await this.#send(encodeFunctionData({ abi: channelsAbi, functionName: 'cancelClose', args }), `keep:${toHex(id)}`, options)
  }

  async sign({ channel, cumulative }: { readonly channel: Uint8Array; readonly cumulative: bigint }): Promise<Uint8Array> {
    return this.#init.signer.sign(this.#digests.voucher(channel, cumulative))
  }

  verify({ channel, cumulative, sig }: SignedVoucher, signer: Uint8Array): boolean {
    if (channel.length !== 32 || cumulative < 0n || cumulative >> 128n !== 0n) return false
    return this.#check(this.#digests.voucher(channel, cumulative), sig, signer)
  }

  follow(listener: (event: ChannelEvent) => void): () => void {
    return this.#feed.add(listener)
  }

  async stop(): Promise<void> {
    await this.#feed.stop()
  }

  async #read(id: Hex, options: ReadOptions & { readonly at?: Block }): Promise<ChannelState | null> {
    const { chain, contract } = this.#init
    const found = await chain.view({ address: contract, abi: channelsAbi, functionName: 'channelOf', args: [id] }, options)
    // A channel of another token is no channel of this rail, whatever it holds.
    if (found.status === 0 || !equalBytes(unhex(found.token), unhex(this.#init.token))) return null
    return {
      id: unhex(id),
      payer: unhex(found.payer),
      payee: unhex(found.payee),
      signer: unhex(found.signer),
      deposit: found.deposit,
      claimed: found.claimed,
      closesAtS: found.closesAt === 0n ? null : Number(found.closesAt),
      closed: found.status === 2,
    }
  }

  /** The channel that opening it would give: open, of that deposit, and nothing claimed. */
  async #opened(
    { payee, deposit }: { readonly payee: Uint8Array; readonly deposit: bigint },
    options: ChainOptions,
  ): Promise<ChannelState | null> {
    const found = await this.find(payee, options)
    return found !== null && found.deposit === deposit && found.claimed === 0n && found.closesAtS === null ? found : null
  }

  async #allow(amount: bigint, options: ChainOptions): Promise<void> {
    await allow({ ...this.#init, spender: this.#init.contract, refusal: 'E_CHANNEL' }, amount, options)
  }

  async #send(data: Hex, key: string | undefined, options: ChainOptions): Promise<Transaction> {
    return await submit({ ...this.#init, refusal: 'E_CHANNEL' }, { to: this.#init.contract, data }, { ...options, key })
  }
}

function known(channel: ChannelState | null): ChannelState {
  if (channel === null) throw new HaggleError('E_CHANNEL', 'The channel is not there any more')
  return channel
}

function claimData(claims: readonly ChannelClaim[]): Hex {
  const [first, ...others] = claims.map(({ voucher, amount, receiptRoot }) => ({
    id: hex(voucher.channel),
    amount,
    cumulative: voucher.cumulative,
    receiptRoot: hex(receiptRoot),
    sig: hex(voucher.sig),
  }))
  if (first !== undefined && others.length === 0) {
    const args = [first.id, first.amount, first.cumulative, first.receiptRoot, first.sig] as const
    return encodeFunctionData({ abi: channelsAbi, functionName: 'claim', args })
  }
  return encodeFunctionData({ abi: channelsAbi, functionName: 'claimMany', args: [first === undefined ? [] : [first, ...others]] })
}
