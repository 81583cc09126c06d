// Discovery: one node's part in finding and being found. Ties gate, book, protocols, announcer and finder to a network.

import type { Clock, Message, Random, Signer, Suite } from '@haggle/wire'
import { CLASSES } from '@haggle/offer'
import type { ClassName, Offer } from '@haggle/offer'
import type { GossipVerdict, Network, PeerTarget } from '@haggle/mesh'
import { AdvertGate, BLAMED_REFUSALS } from './advert_gate.ts'
import type { AdvertRates, AdvertRefusal } from './advert_gate.ts'
import { Announcer } from './announcer.ts'
import { OfferBook } from './book.ts'
import type { BookOptions, BookQuery } from './book.ts'
import { Finder, targetOf } from './finder.ts'
import type { FindQuery, FoundOffer } from './finder.ts'
import { serveOffers, serveSnapshots } from './protocols.ts'
import type { FetchedOffer, ProtocolParts } from './protocols.ts'
import type { SnapshotRefusal } from './snapshot.ts'
import { advertTopic } from './topics.ts'

/** Options of {@link createDiscovery}. */
export interface DiscoveryOptions {
  readonly network: Network
  /** 32 bytes: `networkId()` of `@haggle/wire`. */
  readonly networkId: Uint8Array
  readonly suite: Suite
  /** The key that adverts are signed with: the network's own. */
  readonly signer: Signer
  readonly clock: Clock
  readonly random: Random
  /** Topics to listen to. Default: all. */
  readonly classes?: readonly ClassName[]
  /** Signers with receipts or stake, who need no lot on crowded topics. */
  readonly isPreferred?: (signer: Uint8Array) => boolean
  readonly rates?: Partial<AdvertRates>
  readonly book?: Partial<Omit<BookOptions, 'clock' | 'random'>>
}

/** What is on sale here. */
export interface Announcement {
  /** The offer has changed: others hear of it at once. */
  changed(): void
  /** Leaves the market: others hear of that, too. */
  stop(): Promise<void>
}

/** A node's part in finding and being found. */
export interface Discovery {
  readonly book: OfferBook
  /** Adverts refused so far, by reason. */
  readonly refusals: ReadonlyMap<AdvertRefusal, number>
  /** Questions for snapshots refused so far, by reason. */
  readonly snapshotRefusals: ReadonlyMap<SnapshotRefusal, number>
  /** Listens to adverts, serves snapshots, and learns from the first peers that connect. */
  start(): Promise<void>
  /** Leaves politely and stops. */
  stop(): Promise<void>
  /** Puts an offer on sale. `current` gives it, freshly signed when its end is near; null while nothing is on sale. One at a time. */
  announce(current: () => Message<Offer> | null | Promise<Message<Offer> | null>): Promise<Announcement>
  /** Streams the offers of providers that answer. */
  find(query?: FindQuery, options?: { signal?: AbortSignal }): AsyncGenerator<FoundOffer, void, undefined>
  /** The full offer of one provider, over a connection whose key signed it. */
  fetchOffer(target: PeerTarget, options?: { signal?: AbortSignal }): Promise<FetchedOffer>
  /** How a provider of the book can be dialled. */
  target(peerId: string): PeerTarget
  /**
   * Seconds that others' clocks are ahead of ours by the median of at least `witnesses` signers, by default three; undefined when fewer were heard. What
   * fewer than three say is a hint. See {@link clockError}.
   */
  clockSkewS(witnesses?: number): number | undefined
  /** Fills the book from one connected peer. Resolves with the number of adverts that the book took. */
  learnFrom(peerId: string, query?: BookQuery, options?: { signal?: AbortSignal }): Promise<number>
}

/** A provider that was connected and is not any more is asked once, after this long. */
const SUSPECT_MS = 1_000
/** Providers that are asked because they disconnected, at the same time. */
const MAX_SUSPECTS = 8

/** Makes the discovery of a node. Nothing happens before `start()`. */
export function createDiscovery(options: DiscoveryOptions): Discovery {
  return new NodeDiscovery(options)
}

class NodeDiscovery implements Discovery {
  readonly book: OfferBook
  readonly snapshotRefusals: Map<SnapshotRefusal, number> = new Map()
  readonly #options: DiscoveryOptions
  readonly #parts: ProtocolParts
  readonly #gate: AdvertGate
  readonly #finder: Finder
  readonly #off: (() => Promise<void> | void)[] = []
  readonly #suspects: Set<string> = new Set()
  readonly #stopped: AbortController = new AbortController()
  #announcer: Announcer | undefined

  constructor(options: DiscoveryOptions) {
    const { network, networkId, suite, clock, random } = options
    this.#options = options
    this.#parts = { network, networkId, suite, clock, random }
    this.book = new OfferBook({ ...options.book, clock, random })
    this.#gate = new AdvertGate({
      networkId,
      suite,
      clock,
      book: this.book,
      own: network.publicKey,
      ...(options.isPreferred === undefined ? {} : { isPreferred: options.isPreferred }),
      ...(options.rates === undefined ? {} : { rates: options.rates }),
    })
    this.#finder = new Finder(this.#parts, this.#gate, this.book)
  }

  get refusals(): ReadonlyMap<AdvertRefusal, number> {
    return this.#gate.refusals
  }

  async start(): Promise<void> {
    const { network, networkId } = this.#options
    const classes = this.#options.classes ?? CLASSES.map(({ name }) => name)
    this.#off.push(await serveSnapshots(this.#parts, this.book, (reason) => this.#refuse(reason)))
    for (const className of classes) {
      this.#off.push(await network.subscribe(advertTopic(networkId, className), ({ data, from }) => this.#hear(data, from, className)))
    }
    this.#off.push(
      network.listen({ connected: (peerId) => this.#onConnected(peerId), disconnected: (peerId) => this.#onDisconnected(peerId) }),
    )
    for (const peerId of network.peers()) this.#onConnected(peerId)
  }

  async stop(): Promise<void> {
    await this.#announcer?.stop()
    this.#stopped.abort()
    for (const off of this.#off.splice(0)) await off()
  }

  async announce(current: () => Message<Offer> | null | Promise<Message<Offer> | null>): Promise<Announcement> {
    const { network, networkId, suite, signer, clock, random } = this.#options
    const off = await serveOffers(this.#parts, current)
    const announcer = new Announcer({
      network,
      networkId,
      suite,
      signer,
      clock,
      random,
      current,
      population: (className) => this.book.population(className),
    })
    this.#announcer = announcer
    await announcer.start()
    return {
      changed: () => announcer.changed(),
      stop: async () => {
        await announcer.stop()
        await off()
      },
    }
  }

  find(query: FindQuery = {}, options: { signal?: AbortSignal } = {}): AsyncGenerator<FoundOffer, void, undefined> {
    return this.#finder.find(query, options)
  }

  fetchOffer(target: PeerTarget, options: { signal?: AbortSignal } = {}): Promise<FetchedOffer> {
    return this.#finder.ask(target, options)
  }

  target(peerId: string): PeerTarget {
    const entry = this.book.get(peerId)
    return entry === undefined ? { peerId } : targetOf(entry)
  }

  clockSkewS(witnesses?: number): number | undefined {
    return this.#gate.skew.medianS(this.#options.clock.monotonicMs(), witnesses)
  }

  learnFrom(peerId: string, query: BookQuery = {}, options: { signal?: AbortSignal } = {}): Promise<number> {
    return this.#finder.learnFrom(peerId, query, options)
  }

  #hear(data: Uint8Array, from: string, className: ClassName): GossipVerdict {
    const admission = this.#gate.admit(data, from, className)
    if (admission.ok) {
      this.book.enter(admission.message, from)
      return 'accept'
    }
    if (admission.reason === 'neighbour') return 'flood'
    return BLAMED_REFUSALS.has(admission.reason) ? 'reject' : 'ignore'
  }

  #refuse(reason: SnapshotRefusal): void {
    this.snapshotRefusals.set(reason, (this.snapshotRefusals.get(reason) ?? 0) + 1)
  }

  #onConnected(peerId: string): void {
    if (this.#stopped.signal.aborted || !this.#finder.isCold()) return
    // A peer that serves none, or is gone again, is no loss: the next one is asked.
    void this.#finder.learnFrom(peerId, {}, { signal: this.#stopped.signal }).catch(() => undefined)
  }

  /** A provider whose connection ended may have died: asking it says so sooner than its advert's end. */
  #onDisconnected(peerId: string): void {
    const entry = this.book.get(peerId)
    if (entry === undefined || this.#suspects.size >= MAX_SUSPECTS || this.#stopped.signal.aborted) return
    this.#suspects.add(peerId)
    this.#options.clock.after(SUSPECT_MS, () => {
      if (this.#stopped.signal.aborted) return
      this.#finder
        .ask(targetOf(entry), { signal: this.#stopped.signal })
        .catch(() => undefined)
        .finally(() => this.#suspects.delete(peerId))
    })
  }
}
