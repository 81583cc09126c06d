// The agent's calls about money: wallet, balance, stake, channels, claims, anchors and prices, as plain JSON.

import type { CourtView as MarketCourtView, MoneyRow } from '@haggle/market'
import type { ChannelState, Transaction } from '@haggle/payment'
import type { Aggregator } from '@haggle/reputation'
import { equalBytes, formatAmount, fromHex, parseAmount, toHex } from '@haggle/wire'
import { Failure } from '../failure.ts'
import type {
  AnchorStateView,
  AnchorView,
  BalanceView,
  ChannelsView,
  ChannelView,
  ClaimView,
  CourtView,
  MoneyStatus,
  OnChain,
  PriceView,
  SentView,
  StakeView,
  WalletView,
} from '../money_views.ts'
import type { Anchoring, AnchorState } from './anchoring.ts'
import type { ChainParts, ChannelLine } from './chain_parts.ts'
import { refusalInWords } from './refusal_words.ts'
import type { Wallet } from './wallet.ts'

const MS_PER_S = 1000
/** Decimals of a chain's own coin. */
const COIN_DECIMALS = 18
/** Fewest hex digits of a channel that a person may type. */
const PREFIX_DIGITS = 4

/** Parameters of a call: they come from the command of the same version on the same machine. */
type Params = Readonly<Record<string, unknown>>

/** What the market knows of prices in the token, and of whose account a provider is paid on. */
export interface MoneyMarket {
  /** What stands open on each rail. */
  rails(): readonly MoneyRow[]
  /** How the court stands, and the service that minds its cases; null: this node has none. */
  court(): MarketCourtView | null
  /** Prices an hour of the offers that take the rail, decimal text. */
  prices(rail: string): Promise<readonly string[]>
  /** The account (20 bytes) that a provider's offer names; undefined when no offer of it was heard. */
  accountOf(peerId: string, rail: string): Promise<Uint8Array | undefined>
}

/** The heads of others, and what anchors them. */
export interface OthersAnchoring {
  readonly aggregator: Pick<Aggregator, 'logs'>
  readonly anchoring: Anchoring
}

/** What money is made of. */
export interface MoneyInit {
  readonly wallet: Wallet
  /** Null: no chain is configured, or there was no wallet when the agent joined. */
  readonly chain: ChainParts | null
  /** True: the settings name a chain. */
  readonly configured: boolean
  /** Why it could not be opened, when it could not. */
  readonly problem?: unknown
  readonly anchoring: Anchoring | null
  /** Null: this node anchors no logs of others. */
  readonly others: OthersAnchoring | null
  readonly market: MoneyMarket
  /** The node's key, 32 bytes: what a seat at the court names. */
  readonly peerKey: Uint8Array
}

/** The calls about money. */
export class Money {
  readonly #init: MoneyInit

  constructor(init: MoneyInit) {
    this.#init = init
  }

  /** By the call's name. */
  readonly calls: Readonly<Record<string, (params: Params) => Promise<unknown>>> = {
    wallet: async (params) => await this.#walletCall(params),
    stake: async (params) => await this.#inWords(this.#stake(params)),
    channel: async (params) => await this.#inWords(this.#channel(params)),
    claim: async () => await this.#inWords(this.#claim()),
    anchor: async (params) => await this.#anchor(params),
    court: async (params) => await this.#court(params),
    price: async (params) => await this.#price(params),
  }

  /** The wallet, as `status` and `wallet show` give it. */
  wallet(): WalletView {
    const { wallet, chain, configured, problem } = this.#init
    return {
      address: wallet.address,
      file: wallet.path,
      state: wallet.state,
      chain: chain?.view() ?? null,
      restart: configured && chain === null && problem === undefined && wallet.state !== 'none',
    }
  }

  /** What `status` shows of money. */
  status(): MoneyStatus {
    return { ...this.wallet(), rails: this.#init.market.rails(), court: this.#init.market.court()?.status ?? null }
  }

  async #walletCall(params: Params): Promise<unknown> {
    const { wallet } = this.#init
    const passphrase = String(params['passphrase'] ?? '')
    switch (params['do']) {
      case 'new':
        await wallet.create(passphrase)
        break
      case 'import':
        await wallet.create(passphrase, fromHex(String(params['key']), 32))
        break
      case 'unlock':
        await wallet.unlock(passphrase)
        break
      case 'lock':
        wallet.lock()
        break
      case 'balance':
        return await this.#balance()
      case 'fund':
        return await this.#fund(params)
      default:
        if (params['required'] === true) wallet.required()
    }
    return this.wallet()
  }

  async #balance(): Promise<BalanceView> {
    const { channels, desk, stake, gas } = this.#chain()
    const [balance, coin, lines, { staked }] = await Promise.all([channels.balance(), gas(), desk.list(), stake.stakeOf()])
    const own = channels.account
    const inChannels = lines
      .filter(({ channel }) => equalBytes(channel.payer, own) && !channel.closed)
      .reduce((sum, { channel }) => sum + channel.deposit - channel.claimed, 0n)
    return {
      ...this.#onChain(),
      balance: this.#text(balance),
      gas: formatAmount(coin, COIN_DECIMALS),
      inChannels: this.#text(inChannels),
      claimable: this.#text(lines.reduce((sum, { claimable }) => sum + claimable, 0n)),
      staked: this.#text(staked),
    }
  }

  async #fund(params: Params): Promise<BalanceView & { sent: SentView }> {
    const { fund } = this.#chain()
    if (fund === null)
      throw new Failure('E_WALLET_FUND', 'This chain gives no money away: only a devnet does', {
        next: 'send tokens to the address: haggle wallet qr',
      })
    const sent = sentOf(await fund(this.#amount(params)))
    return { ...(await this.#balance()), sent }
  }

  async #stake(params: Params): Promise<StakeView> {
    const { stake } = params['do'] === undefined || params['do'] === 'show' ? this.#chain() : this.#signing()
    let sent: Transaction | null = null
    if (params['do'] === 'add') sent = await stake.stake(this.#amount(params))
    else if (params['do'] === 'unbond') sent = await stake.requestUnbond(this.#amount(params))
    else if (params['do'] === 'withdraw') sent = await stake.withdraw()
    const { staked, locked, unbonding, unbondsAtS } = await stake.stakeOf()
    return {
      ...this.#onChain(),
      staked: this.#text(staked),
      locked: this.#text(locked),
      unbonding: this.#text(unbonding),
      unbondsAt: timeOf(unbondsAtS),
      unbondingS: stake.unbondingS,
      sent: sent === null ? null : sentOf(sent),
    }
  }

  async #channel(params: Params): Promise<ChannelsView> {
    const { channels, desk } = params['do'] === 'list' ? this.#chain() : this.#signing()
    let sent: Transaction | null = null
    let only: Uint8Array | undefined
    if (params['do'] === 'open') {
      const payee = await this.#payee(String(params['which']))
      if ((await channels.find(payee)) !== null)
        throw new Failure('E_CHANNEL', 'There is an open channel to this provider already', { next: 'haggle channel topup CHANNEL AMOUNT' })
      only = (await channels.open({ payee, deposit: this.#amount(params) })).id
      desk.note(only)
    } else if (params['do'] !== 'list') {
      const { channel } = await this.#find(String(params['which']))
      only = channel.id
      if (params['do'] === 'topup') await channels.topUp(channel.id, this.#amount(params))
      else if (params['do'] === 'close') sent = await desk.close(channel.id)
      else sent = await channels.withdraw(channel.id)
    }
    const lines = (await desk.list()).filter(({ channel, claimable }) => {
      if (only !== undefined) return equalBytes(channel.id, only)
      return params['claimable'] === true ? claimable > 0n : params['all'] === true || !channel.closed
    })
    return { ...this.#onChain(), channels: lines.map((line) => this.#channelOf(line)), sent: sent === null ? null : sentOf(sent) }
  }

  async #claim(): Promise<ClaimView> {
    const records = await this.#signing().desk.claim()
    const channels = records.flatMap((record) => record.channels)
    return {
      ...this.#onChain(),
      claimed: this.#text(channels.reduce((sum, { amount }) => sum + amount, 0n)),
      claims: records.map(({ transaction, block, gasUsed, channels: taken }) => ({
        transaction,
        block,
        gas: gasUsed.toString(),
        channels: taken.map(({ channel, amount, contracts }) => ({
          id: `0x${toHex(channel)}`,
          claimed: this.#text(amount),
          contracts: contracts.map(({ contract }) => toHex(contract)),
        })),
      })),
    }
  }

  async #anchor(params: Params): Promise<AnchorView> {
    const { channels, view } = this.#chain()
    const { anchoring, others } = this.#init
    if (anchoring === null) throw noChain()
    if (params['do'] === 'now') {
      this.#signing()
      // The heads of others don't wait for a ledger that may not sign.
      await anchoring.now().finally(() => others?.anchoring.now())
    }
    const own = await anchoring.state()
    // Asking takes heads in: the number of logs comes after.
    const shared = others === null ? null : anchorStateOf(await others.anchoring.state())
    return {
      chain: view().id,
      account: `0x${toHex(channels.account)}`,
      log: own.log,
      ...anchorStateOf(own),
      others: others === null || shared === null ? null : { logs: others.aggregator.logs, ...shared },
    }
  }

  async #court(params: Params): Promise<CourtView> {
    const { court, channels, view } = params['do'] === 'list' ? this.#chain() : this.#signing()
    const { courtCall } = await import('./court_calls.ts')
    const { unit, decimals } = channels
    const watch = this.#init.market.court()?.watch ?? null
    return await courtCall({ court: await court(), watch, peerKey: this.#init.peerKey, chain: view().id, unit, decimals }, params)
  }

  async #price(params: Params): Promise<PriceView> {
    const { channels, view } = this.#chain()
    const { id, token, unit, decimals } = view()
    // The command translates it: only what is an amount of this token.
    if (params['amount'] !== undefined) parseAmount(String(params['amount']), decimals)
    const prices = (await this.#init.market.prices(channels.rail))
      .map((text) => parseAmount(text, decimals))
      .sort((a, b) => (a < b ? -1 : 1))
    const at = (index: number): string | null => (prices[index] === undefined ? null : this.#text(prices[index]))
    return {
      chain: id,
      unit,
      token,
      decimals,
      offers: { count: prices.length, cheapest: at(0), middle: at(Math.floor(prices.length / 2)) },
    }
  }

  /** The channel whose id begins so. */
  async #find(which: string): Promise<ChannelLine> {
    const digits = which.toLowerCase().replace(/^0x/, '')
    if (!/^[0-9a-f]+$/.test(digits) || digits.length < PREFIX_DIGITS) {
      throw new Failure('E_CHANNEL_UNKNOWN', `"${which}" is no channel: give at least the first ${PREFIX_DIGITS} hex digits of its id`, {
        next: 'haggle channel --all lists them',
      })
    }
    const [first, second] = (await this.#chain().desk.list()).filter(({ channel }) => toHex(channel.id).startsWith(digits))
    if (first === undefined || second !== undefined) {
      throw new Failure(
        'E_CHANNEL_UNKNOWN',
        first === undefined ? `No channel begins with "${which}"` : `More than one channel begins with "${which}"`,
        {
          next: 'haggle channel --all lists them',
        },
      )
    }
    return first
  }

  /** Who is to be paid: an address, or a provider whose offer names one. */
  async #payee(which: string): Promise<Uint8Array> {
    if (/^0x[0-9a-fA-F]{40}$/.test(which)) return fromHex(which.slice(2), 20)
    const account = await this.#init.market.accountOf(which, this.#chain().channels.rail)
    if (account === undefined)
      throw new Failure('E_CHANNEL_PAYEE', `No offer of ${which} that takes this token was heard`, {
        next: 'haggle offers, or name its 0x… address',
      })
    return account
  }

  #channelOf({ channel, promised, claimable }: ChannelLine): ChannelView {
    const payer = equalBytes(channel.payer, this.#chain().channels.account)
    return {
      id: `0x${toHex(channel.id)}`,
      role: payer ? 'payer' : 'payee',
      other: `0x${toHex(payer ? channel.payee : channel.payer)}`,
      deposit: this.#text(channel.deposit),
      claimed: this.#text(channel.claimed),
      promised: this.#text(promised),
      claimable: this.#text(claimable),
      closesAt: channel.closed ? null : timeOf(channel.closesAtS),
      state: stateOf(channel),
    }
  }

  #chain(): ChainParts {
    const { chain, configured, wallet, problem } = this.#init
    if (chain !== null) return chain
    if (!configured) throw noChain()
    wallet.required()
    if (problem !== undefined) throw problem
    throw new Failure('E_CHAIN_WALLET', 'The agent joined before there was a wallet', { next: 'haggle down, then again' })
  }

  /** The chain, for what has to be signed. Throws E_WALLET_LOCKED. */
  #signing(): ChainParts {
    const chain = this.#chain()
    this.#init.wallet.requireOpen()
    return chain
  }

  #onChain(): OnChain {
    const { channels, view } = this.#chain()
    return { chain: view().id, unit: channels.unit, address: this.#init.wallet.required() }
  }

  #amount(params: Params): bigint {
    const amount = parseAmount(String(params['amount']), this.#chain().channels.decimals)
    if (amount === 0n) throw new Failure('E_AMOUNT', 'The amount must be more than 0')
    return amount
  }

  /** What came of a call; a refusal of a contract with the token's unit in it. */
  async #inWords<T>(call: Promise<T>): Promise<T> {
    return await call.catch((error: unknown) => {
      const { unit, decimals } = this.#chain().channels
      throw refusalInWords(error, { unit, decimals })
    })
  }

  #text(value: bigint): string {
    return formatAmount(value, this.#chain().channels.decimals)
  }
}

/** Said wherever a chain is needed and none is named. */
function noChain(): Failure {
  return new Failure('E_CHAIN_NONE', 'No chain is configured: this node deals in credits only', {
    next: 'haggle config set chain-rpc URL; haggle devnet starts one to try',
  })
}

function anchorStateOf({ size, anchored, pending, nextAtMs }: AnchorState): AnchorStateView {
  return {
    size,
    anchored:
      anchored === null
        ? null
        : { size: anchored.size, root: toHex(anchored.root), transaction: anchored.transaction, block: anchored.block },
    pending,
    nextAt: nextAtMs === null ? null : new Date(nextAtMs).toISOString(),
  }
}

function sentOf({ hash, block, gasUsed }: Transaction): SentView {
  return { transaction: hash, block, gas: gasUsed.toString() }
}

function stateOf({ closed, closesAtS }: ChannelState): ChannelView['state'] {
  return closed ? 'closed' : closesAtS === null ? 'open' : 'closing'
}

function timeOf(unixS: number | null): string | null {
  return unixS === null ? null : new Date(unixS * MS_PER_S).toISOString()
}
