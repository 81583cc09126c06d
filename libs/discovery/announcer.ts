// A provider's voice: adverts at the interval that the population allows, changes at once out of a token bucket, one last word on leaving.

import type { Clock, Message, Random, Signer, Suite } from '@haggle/wire'
import { bucketsOf, classKeysOf } from '@haggle/offer'
import type { Buckets, ClassName, Offer } from '@haggle/offer'
import type { Network } from '@haggle/mesh'
import { MAX_INTERVAL_S, MIN_INTERVAL_S, sealAdvert, TOPIC_RATE_PER_S, TTL_INTERVALS } from './advert.ts'
import { orderAddresses } from './advert_addresses.ts'
import { TokenBucket } from './token_bucket.ts'
import type { Rate } from './token_bucket.ts'
import { advertTopic, dhtKey } from './topics.ts'

/** Options of {@link Announcer}. */
export interface AnnouncerOptions {
  readonly network: Network
  readonly networkId: Uint8Array
  readonly suite: Suite
  readonly signer: Signer
  readonly clock: Clock
  readonly random: Random
  /** The standing offer now, freshly signed; null while there is nothing on sale. */
  readonly current: () => Message<Offer> | null | Promise<Message<Offer> | null>
  /** Live providers heard in a class. */
  readonly population: (className: ClassName) => number
  /** Adverts about changes. */
  readonly changes?: Rate
}

/** Changes of state: four at once, then one in ten seconds. */
export const CHANGE_RATE: Rate = { perSecond: 0.1, burst: 4 }
/** Between two rounds of DHT records: js kad-dht keeps them for 48 h, and a new node near the key must hear of them. */
const PROVIDE_MS = 60 * 60 * 1_000
/** While the first round has not worked. */
const PROVIDE_RETRY_MS = 5_000
/** After an advert that reached nobody, or that said no address because a relay has not answered yet. Doubles. */
const FIRST_RETRY_MS = 200
/** After a connection, gossip needs a moment to learn what the other side listens to. */
const SETTLE_MS = 300

/** Seconds between two adverts for a population: so many that the topic as a whole stays at {@link TOPIC_RATE_PER_S}. */
export function intervalS(population: number): number {
  return Math.min(MAX_INTERVAL_S, Math.max(MIN_INTERVAL_S, population / TOPIC_RATE_PER_S))
}

/** See the file's first line. */
export class Announcer {
  readonly #options: AnnouncerOptions
  readonly #changes: TokenBucket
  #seq = 0
  #said: { digest: Uint8Array; buckets: Buckets } | undefined
  #stopped = false
  #cancelNext: () => void = () => undefined
  #cancelChange: (() => void) | undefined
  #cancelProvide: () => void = () => undefined
  #cancelSettle: (() => void) | undefined
  #unheard = 0
  #forget: () => void = () => undefined
  readonly #abort: AbortController = new AbortController()

  constructor(options: AnnouncerOptions) {
    this.#options = options
    this.#changes = new TokenBucket(options.changes ?? CHANGE_RATE, options.clock.monotonicMs())
  }

  /** Says the first word, and the next ones by itself. */
  async start(): Promise<void> {
    // Whoever joins hears of us by our next advert; a first connection should not wait for that.
    this.#forget = this.#options.network.listen({ connected: () => this.#onConnected() })
    await this.#say()
    this.#provideLater(0)
  }

  /** The offer has changed: says so at once, or as soon as the bucket allows. */
  changed(): void {
    if (this.#stopped || this.#cancelChange !== undefined) return
    const now = this.#options.clock.monotonicMs()
    if (this.#changes.take(now)) {
      this.#sayOrNot()
      return
    }
    this.#cancelChange = this.#options.clock.after(this.#changes.waitMs(now), () => {
      this.#cancelChange = undefined
      this.changed()
    })
  }

  /** Leaves: TTL 0, so that nobody asks in vain. */
  async stop(): Promise<void> {
    if (this.#stopped) return
    this.#stopped = true
    this.#forget()
    this.#cancelNext()
    this.#cancelChange?.()
    this.#cancelSettle?.()
    this.#cancelProvide()
    this.#abort.abort()
    await this.#leave()
  }

  /** A word that can't be sent is said again at the next interval: the network may be stopping. */
  #sayOrNot(): void {
    this.#say().catch(() => undefined)
  }

  async #say(): Promise<void> {
    if (this.#stopped) return
    this.#cancelNext()
    let waitMs = MIN_INTERVAL_S * 1_000
    try {
      const offer = await this.#options.current()
      if (this.#stopped) return
      if (offer === null) await this.#leave()
      else waitMs = await this.#advertise(offer)
    } finally {
      if (!this.#stopped) this.#cancelNext = this.#options.clock.after(waitMs, () => this.#sayOrNot())
    }
  }

  /** Sends one advert; returns the ms until the next. */
  async #advertise(offer: Message<Offer>): Promise<number> {
    const buckets = bucketsOf(offer.body)
    // An offer that moved to another class leaves the old topic.
    if (this.#said !== undefined && this.#said.buckets.class !== buckets.class) await this.#leave()
    const base = intervalS(this.#options.population(buckets.class))
    const wasHeard = await this.#publish(offer.id, buckets, Math.ceil(TTL_INTERVALS * base))
    this.#said = { digest: offer.id, buckets }
    this.#unheard = wasHeard ? 0 : this.#unheard + 1
    const regularMs = base * 1_000 * (0.8 + 0.4 * ((this.#options.random(1)[0] ?? 128) / 255))
    return wasHeard ? regularMs : Math.min(regularMs, FIRST_RETRY_MS * 2 ** (this.#unheard - 1))
  }

  async #leave(): Promise<void> {
    if (this.#said === undefined) return
    const { digest, buckets } = this.#said
    this.#said = undefined
    await this.#publish(digest, buckets, 0)
  }

  /** True when somebody heard how we can be reached. */
  async #publish(digest: Uint8Array, buckets: Buckets, ttlS: number): Promise<boolean> {
    const { network, networkId, clock, signer, suite } = this.#options
    const nowS = Math.floor(clock.now() / 1_000)
    this.#seq = Math.max(this.#seq + 1, nowS)
    const advert = sealAdvert(
      { networkId, digest, buckets, ttlS, seq: this.#seq, nowS, addresses: orderAddresses(network.addresses()) },
      { signer, suite, peerId: network.peerId },
    )
    const heardBy = await network.publish(advertTopic(networkId, buckets.class), advert.bytes)
    return heardBy > 0 && advert.body.addresses.length > 0
  }

  /** The first peers of a node that was alone are worth a word. */
  #onConnected(): void {
    if (this.#options.network.peers().length > 3 || this.#cancelSettle !== undefined) return
    this.#cancelSettle = this.#options.clock.after(SETTLE_MS, () => {
      this.#cancelSettle = undefined
      this.changed()
    })
  }

  #provideLater(ms: number): void {
    this.#cancelProvide = this.#options.clock.after(ms, () => void this.#provide())
  }

  async #provide(): Promise<void> {
    const { network, networkId, suite, random } = this.#options
    let done = false
    try {
      const offer = network.peers().length === 0 ? null : await this.#options.current()
      if (offer !== null) {
        for (const key of classKeysOf(offer.body)) await network.provide(dhtKey(networkId, key, suite), { signal: this.#abort.signal })
        done = true
      }
    } catch {
      // Nobody near the key could be reached: tried again below.
    }
    if (this.#stopped) return
    const jitter = 0.8 + 0.4 * ((random(1)[0] ?? 128) / 255)
    this.#provideLater(done ? PROVIDE_MS * jitter : PROVIDE_RETRY_MS)
  }
}
