// The book: who is in the market as far as this node has heard, bounded, and never older than what each signer said last.

import { MAX_SKEW_S, toHex } from '@haggle/wire'
import type { Clock, Message, Random } from '@haggle/wire'
import { peerIdOf } from '@haggle/identity'
import type { ClassName } from '@haggle/offer'
import { classNameOf, MAX_TTL_S } from './advert.ts'
import type { Advert } from './advert.ts'

/** One provider, as heard. */
export interface BookEntry {
  readonly peerId: string
  /** The signer's 32-byte key. */
  readonly provider: Uint8Array
  readonly advert: Advert
  readonly className: ClassName
  /** The advert's envelope as it was sent: what a snapshot passes on. */
  readonly bytes: Uint8Array
  /** The envelope's seq. */
  readonly seq: number
  /** Monotonic ms of its arrival, and of its end. */
  readonly heardAtMs: number
  readonly endsAtMs: number
  /** PeerId of who told us. */
  readonly from: string
  readonly via: AdvertPath
}

/**
 * How an advert reached the book.
 *
 * - `gossip`: while it was news; its TTL counts from its arrival
 * - `snapshot`: out of another node's book, which says how long it still lasts
 */
export type AdvertPath = 'gossip' | 'snapshot'

/** What a renter may ask of the book. Everything left out fits. */
export interface BookQuery {
  readonly classes?: readonly ClassName[]
  /** Highest price bucket. Offers without a price in credits (bucket 255) never fit then. */
  readonly maxPriceBucket?: number
  /** Bits that must all be set. */
  readonly runnerBits?: number
  /** Least free count. */
  readonly minFree?: number
}

/** Options of {@link OfferBook}. */
export interface BookOptions {
  readonly clock: Clock
  readonly random: Random
  /** Entries kept at most. Default 10,000, which is 40 MB. */
  readonly maxEntries?: number
  /** Signers whose last seq is remembered at most. Default 40,000. */
  readonly maxSeqs?: number
  /** How long a signer's highest seq is remembered after it was heard, ms: until the longest advert has passed, or a replay would resurrect the dead. */
  readonly seqMemoryMs?: number
}

/** Clocks may differ by 30 s, so a 360 s advert can be accepted 390 s after it was written, and again 30 s later. */
export const SEQ_MEMORY_MS: number = (MAX_TTL_S + 60) * 1_000

/** What is kept of a signer after its entry has gone. */
interface SignerMemory {
  readonly seq: number
  readonly untilMs: number
  /** How long snapshots have let the advert of that seq last, monotonic ms. Infinity: no snapshot can say more (heard by gossip, left, does not answer). */
  readonly toldUntilMs: number
  /** Adverts heard, and when the first was, monotonic ms. */
  readonly times: number
  readonly firstMs: number
}

/** Signers looked at to make room for one: those with an entry are kept. */
const MAX_LOOKS = 64

/** Entries that are compared when one must go. */
const EVICTION_DRAWS = 16

/** True when an advert meets a query. */
export function meets(advert: Advert, query: BookQuery): boolean {
  if (query.classes !== undefined && !query.classes.includes(classNameOf(advert))) return false
  if (query.maxPriceBucket !== undefined && advert.priceBucket > query.maxPriceBucket) return false
  if (query.runnerBits !== undefined && (advert.runnerBits & query.runnerBits) !== query.runnerBits) return false
  return query.minFree === undefined || advert.freeCount >= query.minFree
}

/** Cheapest first, those without a price last; among equals the ones with more room. */
export function byPrice(a: { readonly advert: Advert }, b: { readonly advert: Advert }): number {
  return a.advert.priceBucket - b.advert.priceBucket || b.advert.freeCount - a.advert.freeCount
}

/** See the file's first line. */
export class OfferBook {
  readonly #options: BookOptions
  readonly #entries: Map<string, BookEntry> = new Map()
  readonly #byPeer: Map<string, string> = new Map()
  readonly #signers: Map<string, SignerMemory> = new Map()
  readonly #listeners: Set<(entry: BookEntry) => void> = new Set()
  readonly #population: Map<ClassName, number> = new Map()

  constructor(options: BookOptions) {
    this.#options = options
  }

  /** Providers that are believed now. */
  get size(): number {
    this.#expire()
    return this.#entries.size
  }

  /** The highest seq of a signer (hex key), or undefined when it is not remembered. */
  seqOf(signer: string): number | undefined {
    return this.#memoryOf(signer)?.seq
  }

  /**
   * Enters a verified advert; a TTL of 0 takes its signer out. `remainingS` is what the source of a snapshot says that it still lasts; left out for gossip.
   * The same advert enters again by a snapshot that lets it last longer, within what its signer said: one source can't hide a provider by cutting it short.
   *
   * @returns True when the advert is believed by this, or believed for longer.
   */
  enter(message: Message<Advert>, from: string, remainingS?: number): boolean {
    const now = this.#now()
    const signer = toHex(message.signer)
    const isLeaving = message.body.ttlS <= 0
    let endsAtMs = now + message.body.ttlS * 1_000
    if (remainingS !== undefined) {
      endsAtMs = this.#endOfTold(message, signer, remainingS)
      if (!isLeaving && endsAtMs <= now) return false
      const known = this.#memoryOf(signer)
      if (known !== undefined && (message.seq < known.seq || (message.seq === known.seq && endsAtMs <= known.toldUntilMs))) return false
    }
    this.#remember(signer, message.seq, remainingS === undefined || isLeaving ? Infinity : endsAtMs)
    if (isLeaving) {
      this.#drop(signer)
      return false
    }
    const old = this.#entries.get(signer)
    const entry: BookEntry = {
      peerId: old?.peerId ?? peerIdOf(message.signer),
      provider: message.signer,
      advert: message.body,
      className: classNameOf(message.body),
      bytes: message.bytes,
      seq: message.seq,
      heardAtMs: now,
      endsAtMs,
      from,
      via: remainingS === undefined ? 'gossip' : 'snapshot',
    }
    this.#drop(signer)
    if (this.#entries.size >= (this.#options.maxEntries ?? 10_000)) this.#makeRoom()
    this.#entries.set(signer, entry)
    this.#byPeer.set(entry.peerId, signer)
    this.#population.set(entry.className, (this.#population.get(entry.className) ?? 0) + 1)
    for (const listener of [...this.#listeners]) listener(entry)
    return true
  }

  /** Takes a provider out that did not answer. Its seq stays remembered: only a newer advert brings it back. */
  remove(peerId: string): void {
    const signer = this.#byPeer.get(peerId)
    if (signer === undefined) return
    this.#drop(signer)
    const known = this.#signers.get(signer)
    if (known !== undefined) this.#signers.set(signer, { ...known, toldUntilMs: Infinity })
  }

  get(peerId: string): BookEntry | undefined {
    const signer = this.#byPeer.get(peerId)
    const entry = signer === undefined ? undefined : this.#entries.get(signer)
    return entry === undefined || entry.endsAtMs <= this.#now() ? undefined : entry
  }

  /** The entries that meet `query`, cheapest first. */
  entries(query: BookQuery = {}): BookEntry[] {
    return this.fitting(query).sort(byPrice)
  }

  /** The entries that meet `query`, in no order that means anything: for who needs only a few of them. */
  fitting(query: BookQuery): BookEntry[] {
    this.#expire()
    return [...this.#entries.values()].filter((entry) => meets(entry.advert, query))
  }

  /** Providers that are believed for `leftMs` more at least: of all, or of those who came that way. */
  lasting(leftMs: number, via?: AdvertPath): number {
    const until = this.#now() + leftMs
    let count = 0
    for (const entry of this.#entries.values()) if (entry.endsAtMs > until && (via ?? entry.via) === entry.via) count += 1
    return count
  }

  /** Providers of a class, or of all. */
  population(className?: ClassName): number {
    this.#expire()
    return className === undefined ? this.#entries.size : (this.#population.get(className) ?? 0)
  }

  /** Calls back for every advert that is entered from now on. Returns the function that stops it. */
  listen(listener: (entry: BookEntry) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /**
   * When an advert out of a snapshot ends: as its source says, but not after what its signer said. A newer one does not end its signer sooner than the one
   * before it: that the provider spoke again is no sign of its end.
   */
  #endOfTold(message: Message<Advert>, signer: string, remainingS: number): number {
    const now = this.#now()
    const signedS = message.exp + MAX_SKEW_S - Math.floor(this.#options.clock.now() / 1_000)
    const latestMs = now + Math.min(message.body.ttlS, signedS) * 1_000
    const old = this.#entries.get(signer)
    const wantedMs = now + remainingS * 1_000
    return Math.min(latestMs, old !== undefined && old.seq < message.seq ? Math.max(wantedMs, old.endsAtMs) : wantedMs)
  }

  #memoryOf(signer: string): SignerMemory | undefined {
    const known = this.#signers.get(signer)
    return known === undefined || known.untilMs < this.#now() ? undefined : known
  }

  #remember(signer: string, seq: number, toldUntilMs: number): void {
    const now = this.#now()
    const known = this.#memoryOf(signer)
    // Said again is not heard again: its standing and its time in memory stay.
    if (known?.seq === seq) {
      this.#signers.set(signer, { ...known, toldUntilMs })
      return
    }
    const old = this.#signers.get(signer)
    this.#signers.delete(signer)
    const untilMs = now + (this.#options.seqMemoryMs ?? SEQ_MEMORY_MS)
    this.#signers.set(signer, { seq, untilMs, toldUntilMs, times: (old?.times ?? 0) + 1, firstMs: old?.firstMs ?? now })
    // In order of hearing: the first ones end first. At the rate that the gate lets new signers in, the bound is not reached before the memory's end.
    let looks = 0
    for (const [oldest, memory] of this.#signers) {
      if ((memory.untilMs >= now && this.#signers.size <= (this.#options.maxSeqs ?? 40_000)) || ++looks > MAX_LOOKS) break
      this.#signers.delete(oldest)
      if (this.#entries.has(oldest)) this.#signers.set(oldest, memory)
    }
  }

  /** Drops the least heard, and of those the newest, of a few drawn by lot: a flood of new names displaces itself, not who has been here for a while. */
  #makeRoom(): void {
    const signers = [...this.#entries.keys()]
    const draws = this.#options.random(2 * EVICTION_DRAWS)
    const drawn = Array.from(
      { length: EVICTION_DRAWS },
      (_, i) => signers[(((draws[2 * i] ?? 0) << 8) | (draws[2 * i + 1] ?? 0)) % signers.length] ?? '',
    )
    const standing = (signer: string): SignerMemory =>
      this.#signers.get(signer) ?? { seq: 0, untilMs: 0, toldUntilMs: 0, times: 0, firstMs: 0 }
    drawn.sort((a, b) => standing(a).times - standing(b).times || standing(b).firstMs - standing(a).firstMs)
    if (drawn[0] !== undefined) this.#drop(drawn[0])
  }

  #expire(): void {
    const now = this.#now()
    for (const [signer, entry] of this.#entries) if (entry.endsAtMs <= now) this.#drop(signer)
  }

  #drop(signer: string): void {
    const entry = this.#entries.get(signer)
    if (entry === undefined) return
    this.#entries.delete(signer)
    this.#byPeer.delete(entry.peerId)
    this.#population.set(entry.className, (this.#population.get(entry.className) ?? 1) - 1)
  }

  #now(): number {
    return this.#options.clock.monotonicMs()
  }
}
