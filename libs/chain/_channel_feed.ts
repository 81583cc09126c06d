// Events of an account's channels, for whoever listens: read from the contract's log, with the state of the channel now.

import { type Clock, equalBytes, fromHex } from '@haggle/wire'
import type { ChannelEvent, ChannelState } from '@haggle/payment'
import type { Store } from '@haggle/store'
import { type Address, decodeEventLog, type Hex } from 'viem'
import { channelsAbi } from './abi/mod.ts'
import type { Chain } from './chain.ts'
import { type ChainLog, type Follower, followLogs, type LogBatch } from './follower.ts'

/** What it needs. */
export interface ChannelFeedInit {
  readonly chain: Chain
  readonly contract: Address
  readonly account: Uint8Array
  readonly store: Store
  readonly clock: Clock
  readonly fromBlock: number
  readonly read: (id: Uint8Array) => Promise<ChannelState | null>
}

const KINDS = {
  Opened: 'opened',
  ToppedUp: 'toppedUp',
  Claimed: 'claimed',
  CloseRequested: 'closing',
  CloseCancelled: 'cancelled',
  Closed: 'closed',
} as const

/** Channels of others that are remembered as such. */
const MAX_FOREIGN = 10_000

/** See the file's comment. Begins with the first listener, where it ended the last time. */
export class ChannelFeed {
  readonly #init: ChannelFeedInit
  readonly #listeners = new Set<(event: ChannelEvent) => void>()
  readonly #foreign = new Set<Hex>()
  #follower: Follower | undefined

  constructor(init: ChannelFeedInit) {
    this.#init = init
  }

  add(listener: (event: ChannelEvent) => void): () => void {
    const { chain, contract, store, clock, fromBlock } = this.#init
    this.#listeners.add(listener)
    this.#follower ??= followLogs({
      chain,
      addresses: [contract],
      store: store.sub('events'),
      clock,
      fromBlock,
      consume: (batch) => this.#tell(batch),
    })
    return () => void this.#listeners.delete(listener)
  }

  /** Resolves when nobody is told anything any more. */
  async stop(): Promise<void> {
    this.#listeners.clear()
    await this.#follower?.stop()
  }

  async #tell({ logs, undone }: LogBatch): Promise<void> {
    const events: ChannelEvent[] = []
    for (const log of undone) events.push(...(await this.#eventsOf(log, true)))
    for (const log of logs) events.push(...(await this.#eventsOf(log, false)))
    for (const event of events) for (const listener of [...this.#listeners]) listener(event)
  }

  /** The event of a log, if it is one of own channels. */
  async #eventsOf(log: ChainLog, undone: boolean): Promise<ChannelEvent[]> {
    const [, id] = log.topics
    const kind = kindOf(log)
    if (kind === undefined || id === undefined || this.#foreign.has(id)) return []
    const channel = await this.#init.read(fromHex(id.slice(2), 32))
    const { account } = this.#init
    if (channel === null || !(equalBytes(channel.payer, account) || equalBytes(channel.payee, account))) {
      // Also a channel that a reorganisation has taken away: there is no state to tell, and `read` says so to whoever asks.
      if (channel !== null && this.#foreign.size < MAX_FOREIGN) this.#foreign.add(id)
      return []
    }
    return [{ kind: undone ? 'undone' : kind, channel, block: log.block, transaction: log.transaction }]
  }
}

function kindOf({ topics, data }: ChainLog): Exclude<ChannelEvent['kind'], 'undone'> | undefined {
  try {
    const { eventName } = decodeEventLog({ abi: channelsAbi, topics: topics as [Hex, ...Hex[]], data })
    return eventName in KINDS ? KINDS[eventName as keyof typeof KINDS] : undefined
  } catch {
    // An event of no channel, such as a credit's.
    return undefined
  }
}
