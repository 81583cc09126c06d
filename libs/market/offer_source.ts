// Offers as a renter gets at them: those it was shown a moment ago, the peers it was told of, and what discovery finds, in that order.

import type { Discovery, FetchedOffer, FindQuery } from '@haggle/discovery'
import type { Network, PeerTarget } from '@haggle/mesh'
import { byOrder, byWorth, type Demand, demandQuery, type Listing, match, type Query, reachOf, type SubjectOptions } from '@haggle/offer'
import type { PaymentRail } from '@haggle/payment'
import type { Clock } from '@haggle/wire'
import type { NodeMemory } from './node_memory.ts'
import { isOwnMoney } from './rails.ts'
import { STRANGER, type Trust } from './trust.ts'

/** An offer that ends sooner than this is asked for again: an ACCEPT must reach the provider while the price is promised. Seconds. */
const LEAST_LEFT_S = 30
/** After the first fitting offer, others get this long to be better. Ms. */
const SETTLE_MS = 150
/** With so many fitting offers nobody waits for more. */
const ENOUGH = 3
/** A search in the background keeps the known offers fresh at most this often. Ms. */
const REFRESH_MS = 10_000
/** Offers kept. */
const MAX_KNOWN = 1024

/** What {@link OfferSource} needs. */
export interface OfferSourceInit {
  readonly discovery: Discovery
  readonly network: Network
  readonly clock: Clock
  /** Knows how providers stand with this node. */
  readonly memory: Pick<NodeMemory, 'trust'>
  /** Peers that the owner named: always asked, whatever discovery says. */
  readonly named: readonly PeerTarget[]
}

/** An offer, and when its provider showed it. */
export interface KnownOffer extends FetchedOffer {
  /** Monotonic ms. */
  readonly shownAtMs: number
  /** How its provider stands with this node. */
  readonly trust: Trust
}

/** An offer as the language sees it. */
export function listingOf({ provider, offer, rttMs, trust }: KnownOffer): Listing {
  return { provider, offer: offer.body, rttMs: Math.round(rttMs), ...trust }
}

type OwnRail = Pick<PaymentRail, 'name' | 'unit' | 'decimals'>

/** See the file's first line. */
export class OfferSource {
  readonly #init: OfferSourceInit
  readonly #known = new Map<string, KnownOffer>()
  #refreshedAtMs = -Infinity

  constructor(init: OfferSourceInit) {
    this.#init = init
  }

  /** How `peerId` can be dialled. */
  target(peerId: string): PeerTarget {
    const named = this.#init.named.find((target) => target.peerId === peerId)
    return named ?? this.#init.discovery.target(peerId)
  }

  /** Forgets an offer: its provider did not honour it, or is gone. */
  forget(peerId: string): void {
    this.#known.delete(peerId)
  }

  /**
   * Offers that fit a demand, as good as they can be had soon: known ones of connected providers at once; otherwise the first ones that answer, and
   * whoever else answers a moment later.
   */
  async fitting(
    demand: Demand,
    options: {
      /** The rail of the demand, as this node knows it. */
      readonly rail: OwnRail
      readonly only?: readonly string[]
      readonly without: ReadonlySet<string>
      readonly waitMs?: number
      readonly signal?: AbortSignal
      readonly onSeen?: (seen: number) => void
    },
  ): Promise<KnownOffer[]> {
    const fits = (offer: KnownOffer): boolean =>
      this.#fits(demand, offer, options.rail) && !options.without.has(offer.peerId) && (options.only?.includes(offer.peerId) ?? true)
    const known = (await this.#fresh()).filter((offer) => fits(offer) && this.#init.network.path(offer.peerId) !== undefined)
    if (known.length > 0) {
      this.#refresh(demand, options.rail)
      return known
    }
    return this.#search(fits, { ...options, query: queryOf(demand, options.rail, options.only) })
  }

  /** Every offer that can be had in `waitMs`, fitting or not: what an explanation is made of. */
  async all(options: { readonly waitMs: number; readonly signal?: AbortSignal; readonly only?: readonly string[] }): Promise<KnownOffer[]> {
    const query = options.only === undefined ? { limit: 256 } : { limit: 256, only: options.only }
    const found = await this.#search(() => true, { ...options, without: new Set(), query, exhaustive: true })
    // One that did not answer just now counts only while its connection stands.
    const known = (await this.#fresh()).filter(
      ({ peerId }) => this.#init.network.path(peerId) !== undefined && (options.only?.includes(peerId) ?? true),
    )
    const byId = new Map([...known, ...found].map((offer) => [offer.peerId, offer]))
    return [...byId.values()]
  }

  #fits(demand: Demand, known: KnownOffer, rail: OwnRail): boolean {
    // Whoever was named by this node's owner may serve friends only: it says itself whether we are one.
    const friend = this.#init.named.some((target) => target.peerId === known.peerId)
    const renter = { key: this.#init.network.publicKey }
    const result = match(demand, listingOf(known), { renter, friend, scored: true, unit: rail.unit })
    return result.demand === true && result.accept !== false && isOwnMoney(known.offer.body, rail)
  }

  /** Known offers whose price stands, with how their providers stand now. */
  async #fresh(): Promise<KnownOffer[]> {
    const nowS = this.#init.clock.now() / 1000
    for (const [peerId, { offer }] of this.#known) if (offer.exp < nowS + LEAST_LEFT_S) this.#known.delete(peerId)
    const known = [...this.#known.values()]
    const trusts = await this.#init.memory.trust(
      known.map(({ provider }) => provider),
      'provider',
    )
    return known.map((offer, at) => ({ ...offer, trust: trusts[at] ?? offer.trust }))
  }

  async #learn(found: FetchedOffer): Promise<KnownOffer> {
    const [trust = STRANGER] = await this.#init.memory.trust([found.provider], 'provider')
    const offer = { ...found, shownAtMs: this.#init.clock.monotonicMs(), trust }
    this.#known.delete(found.peerId)
    this.#known.set(found.peerId, offer)
    const oldest = this.#known.keys().next()
    if (this.#known.size > MAX_KNOWN && oldest.done !== true) this.#known.delete(oldest.value)
    return offer
  }

  #refresh(demand: Demand, rail: OwnRail): void {
    const { clock } = this.#init
    if (clock.monotonicMs() - this.#refreshedAtMs < REFRESH_MS) return
    this.#refreshedAtMs = clock.monotonicMs()
    // Nobody waits for it: the next search starts from better offers.
    void this.#search(() => true, { without: new Set(), query: queryOf(demand, rail), exhaustive: true, waitMs: 1_000 }).catch(
      () => undefined,
    )
  }

  async #search(
    fits: (offer: KnownOffer) => boolean,
    options: {
      readonly without: ReadonlySet<string>
      readonly query: FindQuery
      readonly waitMs?: number
      readonly exhaustive?: boolean
      readonly signal?: AbortSignal
      readonly onSeen?: (seen: number) => void
    },
  ): Promise<KnownOffer[]> {
    const { discovery, clock, named } = this.#init
    const stop = new AbortController()
    const signal = options.signal === undefined ? stop.signal : AbortSignal.any([options.signal, stop.signal])
    const found = new Map<string, KnownOffer>()
    const seen = new Set<string>()
    let cancelSettle: (() => void) | undefined
    const take = async (fetched: FetchedOffer): Promise<void> => {
      const offer = await this.#learn(fetched)
      seen.add(offer.peerId)
      options.onSeen?.(seen.size)
      if (!fits(offer)) return
      found.set(offer.peerId, offer)
      if (options.exhaustive === true) return
      if (found.size >= ENOUGH) stop.abort()
      else cancelSettle ??= clock.after(SETTLE_MS, () => stop.abort())
    }
    const asked = named
      .filter(({ peerId }) => options.query.only?.includes(peerId) ?? true)
      .map((target) =>
        discovery
          .fetchOffer(target, { signal })
          .then(take)
          .catch(() => undefined),
      )
    const searched = (async () => {
      // Only whether to go on looking hangs on it: how its provider stands is looked up before the offer counts.
      const suits = (fetched: FetchedOffer): boolean =>
        fits({ ...fetched, shownAtMs: clock.monotonicMs(), trust: this.#known.get(fetched.peerId)?.trust ?? STRANGER })
      const query = {
        ...options.query,
        ...(options.waitMs === undefined ? {} : { waitMs: options.waitMs }),
        ...(options.exhaustive === true ? {} : { suits }),
      }
      for await (const offer of discovery.find(query, { signal })) await take(offer)
    })().catch(() => undefined)
    const stopped = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
    await Promise.race([Promise.all([searched, ...asked]), stopped])
    stop.abort()
    cancelSettle?.()
    options.signal?.throwIfAborted()
    return [...found.values()]
  }
}

function queryOf(demand: Demand, { unit }: OwnRail, only?: readonly string[]): FindQuery {
  const { classes, maxPriceBucket, runnerBits, minFree } = reachOf(demandQuery(demand, { friend: true }), { unit })
  const query = { classes, runnerBits, minFree, ...(maxPriceBucket === 255 ? {} : { maxPriceBucket }) }
  return only === undefined ? query : { ...query, only }
}

/** Best first: by the query's own order; without one by price, trust counted in. */
export function byQuery(offers: readonly KnownOffer[], query: Query, options: SubjectOptions = {}): KnownOffer[] {
  const compare = query.order.length === 0 ? byWorth(options) : byOrder(query.order, options)
  return offers
    .map((offer) => ({ offer, listing: listingOf(offer) }))
    .sort((a, b) => compare(a.listing, b.listing))
    .map(({ offer }) => offer)
}
