// The market as a service of a libp2p node that is there already: `services: { market: market() }`.

import { createIdentity } from '@haggle/identity'
import { nodeEd25519 } from '@haggle/identity/node'
import type { PaymentRail } from '@haggle/payment'
import type { PrivateKey, Startable } from '@libp2p/interface'
import { type Libp2pComponents, libp2pNetwork } from '@haggle/mesh'
import { HaggleError, networkId, PUBLIC_NETWORK } from '@haggle/wire'
import { type Closers, type JoinOptions, openMarket, openStore, wasRepaired } from './join.ts'
import type { StartableMarket } from './market_node.ts'
import type { MarketMemory } from './memory_types.ts'
import type { CourtView, Job, JobSummary, Market, MoneyRow, OfferView, ProvideRequest, Providing, QuoteView, RunRequest } from './types.ts'

/** How the service joins; the rest is the node's business. */
export type MarketInit = Pick<JoinOptions, 'home' | 'network' | 'launcher' | 'machine' | 'rails' | 'court' | 'onCourt'>

/** What libp2p gives the service. The node needs gossipsub (StrictNoSign), kad-dht, identify and ping among its services. */
export interface MarketComponents extends Libp2pComponents {
  readonly privateKey: PrivateKey
}

/**
 * The market as a libp2p service. It starts and stops with the node.
 *
 * @throws HaggleError at start: `E_SERVICE_MISSING` with the name of a service that the node lacks, `E_NETWORK_KEY` when its key is not Ed25519.
 */
export function market(init: MarketInit = {}): (components: MarketComponents) => Market & Startable {
  return (components) => new MarketService(init, components)
}

class MarketService implements Market, Startable {
  readonly #init: MarketInit
  readonly #components: MarketComponents
  readonly #closers: Closers = []
  #market: StartableMarket | undefined

  constructor(init: MarketInit, components: MarketComponents) {
    this.#init = init
    this.#components = components
  }

  get peerId(): string {
    return this.#components.peerId.toString()
  }

  /** After the services that it uses: libp2p starts those that need the network in `afterStart`. */
  async start(): Promise<void> {}

  async afterStart(): Promise<void> {
    const { home } = this.#init
    const { privateKey } = this.#components
    if (privateKey.type !== 'Ed25519') throw new HaggleError('E_NETWORK_KEY', `The node's key must be Ed25519, is ${privateKey.type}`)
    const network = libp2pNetwork(this.#components)
    // An Ed25519 key of libp2p is the seed and the public key behind it.
    const identity = createIdentity(privateKey.raw.slice(0, 32), nodeEd25519())
    const store = await openStore(home, this.#closers)
    this.#market = await openMarket(
      { ...this.#init, identity, network, id: networkId(this.#init.network ?? PUBLIC_NETWORK), store, repaired: wasRepaired(store) },
      this.#closers,
    )
  }

  /** Before the node hangs up: a provider that leaves says so. */
  async beforeStop(): Promise<void> {
    this.#market = undefined
    for (const close of this.#closers.splice(0).reverse()) await close()
  }

  async stop(): Promise<void> {}

  addRail(rail: PaymentRail): void {
    this.#started.addRail(rail)
  }

  addresses(): string[] {
    return this.#started.addresses()
  }

  offers(request?: Parameters<Market['offers']>[0]): Promise<OfferView> {
    return this.#started.offers(request)
  }

  quote(request: RunRequest): Promise<QuoteView> {
    return this.#started.quote(request)
  }

  run(request: RunRequest): Promise<Job> {
    return this.#started.run(request)
  }

  attach(contract: string): Promise<Job> {
    return this.#started.attach(contract)
  }

  jobs(): Promise<readonly JobSummary[]> {
    return this.#started.jobs()
  }

  provide(request: ProvideRequest): Promise<Providing> {
    return this.#started.provide(request)
  }

  money(): readonly MoneyRow[] {
    return this.#started.money()
  }

  court(): CourtView | null {
    return this.#started.court()
  }

  ping(target: string, options?: { signal?: AbortSignal }): ReturnType<Market['ping']> {
    return this.#started.ping(target, options)
  }

  get memory(): MarketMemory {
    return this.#started.memory
  }

  ledger(options?: { limit?: number }): ReturnType<Market['ledger']> {
    return this.#started.ledger(options)
  }

  close(): Promise<void> {
    return this.beforeStop()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.beforeStop()
  }

  get #started(): StartableMarket {
    if (this.#market === undefined)
      throw new HaggleError('E_NOT_STARTED', 'The market starts with its libp2p node', { next: 'await node.start()' })
    return this.#market
  }
}
