// Finding offers: the book, snapshots and the DHT at once; whoever is heard of is asked, and answers are passed on as they come.

import { errorCode } from '@haggle/wire'
import type { ClassKey } from '@haggle/offer'
import type { PeerTarget } from '@haggle/mesh'
import { MAX_TTL_S, MIN_INTERVAL_S } from './advert.ts'
import type { AdvertGate } from './advert_gate.ts'
import { Asks, orAborted } from './asks.ts'
import { meets } from './book.ts'
import type { BookEntry, BookQuery, OfferBook } from './book.ts'
import { askSnapshot, fetchOffer } from './protocols.ts'
import type { FetchedOffer, ProtocolParts } from './protocols.ts'
import { dhtKey } from './topics.ts'

/** What to look for, and how hard. */
export interface FindQuery extends BookQuery {
  /** Stop after this many offers. Default 32. */
  readonly limit?: number
  /** Most to wait for a first connection and for answers, ms. Default 3,000. */
  readonly waitMs?: number
  /** Only these providers. */
  readonly only?: readonly string[]
  /** True for an answer that will do: once one came and no snapshot or question is open, the DHT, which ends late, is not waited for. Default: never. */
  readonly suits?: (found: FetchedOffer) => boolean
}

/** An offer that its provider showed just now. */
export interface FoundOffer extends FetchedOffer {
  /** Its advert, when one was heard. */
  readonly entry: BookEntry | undefined
}

const DEFAULT_LIMIT = 32
const DEFAULT_WAIT_MS = 3_000
/** Snapshot sources of one search. */
const SOURCES = 2
/** Connected peers that a cold search asks without having heard of them. */
const DIRECT_ASKS = 4
/** DHT answers that are followed. Its queries end long after their first answers. */
const DHT_ANSWERS = 3
/** Connected peers get so long before the DHT is asked besides: a lookup costs more processor time than they and all their answers do. Ms. */
const HEAD_START_MS = 50
/** Peers that connect are asked for a snapshot while the book has fewer lasting entries than this. */
const COLD_ENTRIES = 8
/** An entry lasts when it does not end before any provider speaks again: others are no stock to live on, and any source can say of all that they end. Ms. */
const LASTING_MS: number = MIN_INTERVAL_S * 1_000
/** A source has told for this long: after the longest TTL nothing that it told is believed any more. Ms. */
const TOLD_MS: number = MAX_TTL_S * 1_000
/** A search that has enough answers waits so long for a second source: that one is connected and needs a round trip. Ms. */
const SECOND_SOURCE_MS = 500
/** Peers that are remembered for what they told. */
const MAX_PEERS = 256
/** Book entries that make a search need no snapshot. */
const WARM_ENTRIES = 3
/** A snapshot of one source serves searches for this long: gossip tells the rest. */
const SNAPSHOT_FRESH_MS = 10_000

/** See the file's first line. */
export class Finder {
  readonly #parts: ProtocolParts
  readonly #gate: AdvertGate
  readonly #book: OfferBook
  /** Dead adverts by source: it is asked last next time. */
  readonly #deadBy: Map<string, number> = new Map()
  readonly #askedAt: Map<string, number> = new Map()
  /** When a source last told something that lasts, monotonic ms. */
  readonly #toldAt: Map<string, number> = new Map()
  /** Snapshots on their way: a search waits for them instead of asking the same peer again. */
  readonly #learning: Set<Promise<number>> = new Set()

  constructor(parts: ProtocolParts, gate: AdvertGate, book: OfferBook) {
    this.#parts = parts
    this.#gate = gate
    this.#book = book
  }

  /** Streams offers as their providers answer. Ends when every source is done, or at `limit`, `waitMs` or the signal. */
  async *find(query: FindQuery = {}, options: { signal?: AbortSignal } = {}): AsyncGenerator<FoundOffer, void, undefined> {
    const search = new AbortController()
    const signal = options.signal === undefined ? search.signal : AbortSignal.any([options.signal, search.signal])
    const cancelWait = this.#parts.clock.after(query.waitMs ?? DEFAULT_WAIT_MS, () => search.abort())
    const asks = new Asks((target) => this.ask(target, { signal }), this.#parts.network.peerId, query.suits)
    const add = (entry: BookEntry): void => {
      if (meets(entry.advert, query) && (query.only?.includes(entry.peerId) ?? true)) asks.add(targetOf(entry))
    }
    const forget = this.#book.listen(add)
    const sources = this.#search(query, asks, signal).finally(() => asks.sourcesDone())
    try {
      let left = query.limit ?? DEFAULT_LIMIT
      for await (const found of asks.results(signal)) {
        yield { ...found, entry: this.#book.get(found.peerId) }
        if (--left <= 0) return
      }
      options.signal?.throwIfAborted()
    } finally {
      cancelWait()
      forget()
      search.abort()
      await sources
    }
  }

  /** Asks one provider for its offer. One that can't be reached leaves the book. */
  async ask(target: PeerTarget, options: { signal?: AbortSignal } = {}): Promise<FetchedOffer> {
    try {
      return await fetchOffer(this.#parts, target, options)
    } catch (error) {
      if (options.signal?.aborted !== true && isDead(error)) this.#buried(target.peerId)
      throw error
    }
  }

  /** True while there is little in the book that lasts, or one source may have chosen what there is. */
  isCold(): boolean {
    return this.#book.lasting(LASTING_MS) < COLD_ENTRIES || this.#isOneSided()
  }

  /** Asks one connected peer for a snapshot into the book. Resolves with the number of adverts that the book took. */
  learnFrom(peerId: string, query: BookQuery = {}, options: { signal?: AbortSignal } = {}): Promise<number> {
    note(this.#askedAt, peerId, this.#parts.clock.monotonicMs())
    const learning = this.#learn(peerId, query, options)
    this.#learning.add(learning)
    const forget = (): void => void this.#learning.delete(learning)
    learning.then(forget, forget)
    return learning
  }

  async #learn(peerId: string, query: BookQuery, options: { signal?: AbortSignal }): Promise<number> {
    let learnt = 0
    for await (const { advert, remainingS } of askSnapshot(this.#parts, { peerId }, query, options)) {
      // Nothing is remembered of one without time, or its source could make another's word of it a replay.
      if (remainingS <= 0) continue
      const admission = this.#gate.admit(advert, peerId)
      if (admission.ok && this.#book.enter(admission.message, peerId, remainingS)) learnt += 1
      const isKnown = admission.ok || admission.reason === 'replay'
      if (isKnown && remainingS * 1_000 >= LASTING_MS) note(this.#toldAt, peerId, this.#parts.clock.monotonicMs())
    }
    return learnt
  }

  /** Peers whose snapshots may still be in the book. */
  #sourcesHeard(): Set<string> {
    const since = this.#parts.clock.monotonicMs() - TOLD_MS
    return new Set([...this.#toldAt].filter(([, at]) => at >= since).map(([peerId]) => peerId))
  }

  /** True while fewer than two sources have told, and gossip has not told enough by itself. */
  #isOneSided(): boolean {
    return this.#sourcesHeard().size < SOURCES && this.#book.lasting(LASTING_MS, 'gossip') < COLD_ENTRIES
  }

  async #search(query: FindQuery, asks: Asks, signal: AbortSignal): Promise<void> {
    if (query.only !== undefined) {
      for (const peerId of query.only) asks.add({ peerId, ...addressesOf(this.#book.get(peerId)) })
      return
    }
    // A warm book needs no search, unless those in it turn out to be dead.
    const known = this.#book.entries(query)
    const limit = query.limit ?? DEFAULT_LIMIT
    for (let i = 0; i < known.length; i += 2 * limit) {
      for (const entry of known.slice(i, i + 2 * limit)) asks.add(targetOf(entry))
      if (known.length < WARM_ENTRIES) break
      await asks.idle(signal)
      if (asks.answered >= Math.min(WARM_ENTRIES, limit)) return await this.#secondSource(query, asks, signal)
    }
    if (this.#parts.network.peers().length === 0) await this.#firstPeer(signal)
    // A connected peer may itself be on sale, and no advert of it heard yet: asking costs one round trip on an open connection.
    for (const peerId of this.#parts.network.peers().slice(0, DIRECT_ASKS)) asks.add({ peerId })
    const turn = Promise.withResolvers<void>()
    const cancel = this.#parts.clock.after(HEAD_START_MS, turn.resolve)
    const lookedUp = turn.promise.then(() => (asks.suited ? undefined : this.#lookUp(query, asks, signal)))
    await this.#snapshots(query, signal)
    await asks.idle(signal)
    cancel()
    turn.resolve()
    if (asks.suited) return
    await lookedUp
    // Nobody is there, or nobody has said so yet: an advert on its way is worth the rest of the wait.
    await asks.idle(signal)
    if (asks.answered === 0) await asks.firstAnswer(signal)
  }

  /** One source may have chosen all who are in the book, however well they answer: another one is heard for a moment. */
  async #secondSource(query: FindQuery, asks: Asks, signal: AbortSignal): Promise<void> {
    if (!this.#isOneSided()) return
    const enough = Promise.withResolvers<void>()
    const cancel = this.#parts.clock.after(SECOND_SOURCE_MS, enough.resolve)
    await Promise.race([this.#snapshots(query, signal, this.#sourcesHeard()).then(() => asks.idle(signal)), enough.promise])
    cancel()
  }

  async #snapshots(query: BookQuery, signal: AbortSignal, without: ReadonlySet<string> = new Set()): Promise<void> {
    const now = this.#parts.clock.monotonicMs()
    const rank = (peerId: string): number => this.#deadBy.get(peerId) ?? 0
    const peers = this.#parts.network
      .peers()
      .filter((peerId) => !without.has(peerId) && now - (this.#askedAt.get(peerId) ?? -Infinity) > SNAPSHOT_FRESH_MS)
      .sort((a, b) => rank(a) - rank(b))
    // A peer may serve none: the next one takes its turn, so that two answer where two can.
    const next = async (): Promise<void> => {
      for (let peerId = peers.shift(); peerId !== undefined && !signal.aborted; peerId = peers.shift()) {
        await this.learnFrom(peerId, query, { signal }).catch(() => 0)
        if ((this.#toldAt.get(peerId) ?? -Infinity) >= now) return
      }
    }
    // Peers that have just connected are being asked already: their answers are waited for, too.
    const others = [...this.#learning].map((learning) => orAborted(learning, signal))
    await Promise.all([...others, ...Array.from({ length: SOURCES }, next)])
  }

  async #lookUp(query: BookQuery, asks: Asks, signal: AbortSignal): Promise<void> {
    const { network, networkId, suite } = this.#parts
    const keys: ClassKey[] =
      query.classes === undefined || query.classes.length > 3
        ? [{ kind: 'any', value: 'any' }]
        : query.classes.map((value) => ({ kind: 'tier', value }))
    await Promise.all(
      keys.map(async (key) => {
        let answers = 0
        try {
          for await (const target of network.findProviders(dhtKey(networkId, key, suite), { signal })) {
            asks.add(target)
            if (++answers >= DHT_ANSWERS) return
          }
        } catch {
          // A lookup that finds nobody to ask, or is cut short, has found nothing: the other sources go on.
        }
      }),
    )
  }

  #firstPeer(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        forget()
        signal.removeEventListener('abort', done)
        resolve()
      }
      const forget = this.#parts.network.listen({ connected: done })
      signal.addEventListener('abort', done)
      if (signal.aborted || this.#parts.network.peers().length > 0) done()
    })
  }

  #buried(peerId: string): void {
    const entry = this.#book.get(peerId)
    if (entry === undefined) return
    this.#book.remove(peerId)
    if (entry.from !== peerId) note(this.#deadBy, entry.from, (this.#deadBy.get(entry.from) ?? 0) + 1)
  }
}

/** Sets a peer's figure; the peer that was noted longest ago makes room. */
function note(figures: Map<string, number>, peerId: string, figure: number): void {
  figures.delete(peerId)
  figures.set(peerId, figure)
  const oldest = figures.keys().next()
  if (figures.size > MAX_PEERS && oldest.done !== true) figures.delete(oldest.value)
}

/** How to reach the provider of an entry. */
export function targetOf(entry: BookEntry): PeerTarget {
  return { peerId: entry.peerId, addresses: entry.advert.addresses.map((address) => `${address}/p2p/${entry.peerId}`) }
}

function addressesOf(entry: BookEntry | undefined): { addresses?: readonly string[] } {
  return entry === undefined ? {} : { addresses: targetOf(entry).addresses ?? [] }
}

/** True for errors that say that nobody is there, or nobody who sells. */
export function isDead(error: unknown): boolean {
  return ['E_DIAL', 'E_PROTOCOL_UNSUPPORTED', 'E_OFFER_NONE', 'E_OFFER_FOREIGN', 'E_STREAM_RESET', 'E_ASK_TIME'].includes(errorCode(error))
}
