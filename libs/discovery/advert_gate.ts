// The gate of the book: every advert is checked here, the cheap checks first, and every refusal has a name.

import { errorCode, open, toHex } from '@haggle/wire'
import type { Clock, Header, Message, Suite } from '@haggle/wire'
import { advertMessage, classNameOf, MAX_ADVERT_BYTES } from './advert.ts'
import type { Advert } from './advert.ts'
import { SkewMeter } from './skew_meter.ts'
import { ToldAdverts } from './told_adverts.ts'
import type { Rate } from './token_bucket.ts'
import { TokenBucket, TokenBuckets } from './token_bucket.ts'
import type { ClassName } from '@haggle/offer'

/**
 * Why an advert was refused, in the order of the checks.
 *
 * - `neighbour`: the neighbour that passed it on sends more, or more strangers, than any honest one would
 * - `length`, `dialect`, `schema`, `network`: the bytes are wrong; who passes them on is at fault
 * - `window`: too old, or from the future: a wrong clock somewhere
 * - `topic`: sent to the topic of another class
 * - `own`: our own
 * - `replay`: not newer than what its signer has said
 * - `rate`: its signer says too much
 * - `crowded`: a signer that is not known, and too many such came lately
 * - `key`, `signature`: nobody signed it
 */
export type AdvertRefusal =
  | 'neighbour'
  | 'length'
  | 'dialect'
  | 'schema'
  | 'network'
  | 'window'
  | 'topic'
  | 'own'
  | 'replay'
  | 'rate'
  | 'crowded'
  | 'key'
  | 'signature'

/** Refusals of messages that are bad for everyone: an honest neighbour has checked them before it passes them on. */
export const BLAMED_REFUSALS: ReadonlySet<AdvertRefusal> = new Set(['length', 'dialect', 'schema', 'network', 'topic', 'key', 'signature'])

/** What the gate says. */
export type Admission = { readonly ok: true; readonly message: Message<Advert> } | { readonly ok: false; readonly reason: AdvertRefusal }

/** Rates of the gate. An honest node passes on at most `newSigners`, so `neighbour` must be well above that and above what known signers say. */
export interface AdvertRates {
  /** Adverts of one signer: one per interval, and changes of state. */
  readonly signer: Rate
  /** Signers that the book does not know, per neighbour that brings them. */
  readonly newSignersPerNeighbour: Rate
  /** Signers that the book does not know, in all. */
  readonly newSigners: Rate
  /** Signers that the book does not know that one neighbour brings, welcome or not. An honest one passes on only what `newSigners` let it accept. */
  readonly strangers: Rate
  /** Everything that one neighbour passes on. */
  readonly neighbour: Rate
}

/** The rates of a node: a new signer costs 1.5 ms (its key is screened), a known one 0.15 ms. spec/advert.md has them all. */
export const ADVERT_RATES: AdvertRates = {
  signer: { perSecond: 0.2, burst: 10 },
  newSignersPerNeighbour: { perSecond: 1, burst: 100 },
  newSigners: { perSecond: 10, burst: 200 },
  strangers: { perSecond: 20, burst: 300 },
  neighbour: { perSecond: 100, burst: 1_000 },
}

/** Signatures verified of adverts that are refused by their time. */
const SKEW_LOOKS: Rate = { perSecond: 0.1, burst: 8 }

/** What the gate asks the book. */
export interface SeqBook {
  /** The highest seq of a signer (hex key) that is remembered, or undefined. */
  seqOf(signer: string): number | undefined
}

/** Options of {@link AdvertGate}. */
export interface AdvertGateOptions {
  readonly networkId: Uint8Array
  readonly suite: Suite
  readonly clock: Clock
  readonly book: SeqBook
  /** Our own key: our adverts come back to us. */
  readonly own: Uint8Array
  /** True for signers that need no lot: those with receipts or stake. */
  readonly isPreferred?: (signer: Uint8Array) => boolean
  readonly rates?: Partial<AdvertRates>
  /** Octets of an advert. */
  readonly maxBytes?: number
}

/** Thrown inside `open` by the checks that it leaves to its caller. */
class Refused extends Error {
  readonly reason: AdvertRefusal

  constructor(reason: AdvertRefusal) {
    super(reason)
    this.reason = reason
  }
}

/** See the file's first line. Verification is synchronous, so that gossip passes on only what was checked. */
export class AdvertGate {
  readonly #options: AdvertGateOptions
  readonly #own: string
  readonly #suite: Suite
  readonly #signers: TokenBuckets
  readonly #neighbours: TokenBuckets
  readonly #newByNeighbour: TokenBuckets
  readonly #newSigners: TokenBucket
  readonly #strangers: TokenBuckets
  readonly #skewLooks: TokenBucket
  readonly #told: ToldAdverts = new ToldAdverts()
  /** What the signed times of others say about our clock. */
  readonly skew: SkewMeter = new SkewMeter()
  readonly #counts: Map<AdvertRefusal, number> = new Map()
  #admitted = 0
  #verified = 0

  constructor(options: AdvertGateOptions) {
    const rates = { ...ADVERT_RATES, ...options.rates }
    this.#options = options
    this.#own = toHex(options.own)
    this.#suite = {
      sha256: (data) => options.suite.sha256(data),
      screenKey: (key) => options.suite.screenKey(key),
      verify: (signature, message, key) => this.#verify(signature, message, key),
    }
    this.#signers = new TokenBuckets(rates.signer, 16_384)
    this.#neighbours = new TokenBuckets(rates.neighbour)
    this.#newByNeighbour = new TokenBuckets(rates.newSignersPerNeighbour)
    this.#strangers = new TokenBuckets(rates.strangers)
    this.#newSigners = new TokenBucket(rates.newSigners, options.clock.monotonicMs())
    this.#skewLooks = new TokenBucket(SKEW_LOOKS, options.clock.monotonicMs())
  }

  /** Refusals so far by reason. */
  get refusals(): ReadonlyMap<AdvertRefusal, number> {
    return this.#counts
  }

  get admitted(): number {
    return this.#admitted
  }

  /** Signatures verified so far: at most one for each advert. */
  get verified(): number {
    return this.#verified
  }

  /**
   * Judges an advert that `from` passed on. `className` is the class of the topic it came by; without it, any class will do (a snapshot). What a snapshot
   * brought is admitted again when the next one brings the same bytes and nothing newer is remembered: how long it lasts then is for the book to say.
   */
  admit(bytes: Uint8Array, from: string, className?: ClassName): Admission {
    const result = this.#judge(bytes, from, className)
    if (result.ok) this.#admitted += 1
    else this.#counts.set(result.reason, (this.#counts.get(result.reason) ?? 0) + 1)
    return result
  }

  #judge(bytes: Uint8Array, from: string, className: ClassName | undefined): Admission {
    const { clock, networkId } = this.#options
    if (className !== undefined && !this.#neighbours.take(from, clock.monotonicMs())) return { ok: false, reason: 'neighbour' }
    if (bytes.byteLength > (this.#options.maxBytes ?? MAX_ADVERT_BYTES)) return { ok: false, reason: 'length' }
    const told = className === undefined ? this.#toldBefore(bytes) : undefined
    if (told !== undefined) return { ok: true, message: told }
    try {
      // What is kept must not hold on to the packet that it came in, which a hostile neighbour makes as large as it may.
      const message = open(bytes.slice(), advertMessage, {
        network: networkId,
        nowS: Math.floor(clock.now() / 1_000),
        suite: this.#suite,
        admit: (header) => this.#admitHeader(header, from),
      })
      this.#charge(message.signer)
      if (className === undefined) this.#told.add(message, Math.floor(clock.now() / 1_000))
      else this.#noteSkew(message)
      if (className !== undefined && classNameOf(message.body) !== className) return { ok: false, reason: 'topic' }
      return { ok: true, message }
    } catch (error) {
      const reason = reasonOf(error)
      if (reason === 'window' && className !== undefined) this.#lookAtSkew(bytes)
      return { ok: false, reason }
    }
  }

  /** Neither verified nor charged again: otherwise a source could use up what the signer may say by saying it again. */
  #toldBefore(bytes: Uint8Array): Message<Advert> | undefined {
    const told = this.#told.find(bytes)
    return told !== undefined && (this.#options.book.seqOf(toHex(told.signer)) ?? told.seq) === told.seq ? told : undefined
  }

  /** An advert outside the window may mean that our own clock is wrong. Its signature is checked for that, a few times a minute. */
  #lookAtSkew(bytes: Uint8Array): void {
    if (!this.#skewLooks.take(this.#options.clock.monotonicMs())) return
    try {
      this.#noteSkew(open(bytes.slice(), advertMessage, { network: this.#options.networkId, suite: this.#options.suite }))
    } catch {
      // Nobody signed it: it says nothing about our clock.
    }
  }

  #noteSkew(message: Message<Advert>): void {
    const { clock } = this.#options
    this.skew.note(toHex(message.signer), message.iat - Math.floor(clock.now() / 1_000), clock.monotonicMs())
  }

  /** Everything that needs no signature: whose, whether new, how often. What is charged here is the neighbour's own; see {@link #charge}. */
  #admitHeader(header: Header, from: string): boolean {
    const { clock, book } = this.#options
    const now = clock.monotonicMs()
    const signer = toHex(header.signer)
    if (signer === this.#own) throw new Refused('own')
    const last = book.seqOf(signer)
    if (last !== undefined && header.seq <= last) throw new Refused('replay')
    if (!this.#signers.has(signer, now)) throw new Refused('rate')
    if (this.#isNew(header.signer, signer)) {
      if (!this.#strangers.take(from, now)) throw new Refused('neighbour')
      if (!this.#newByNeighbour.take(from, now) || !this.#newSigners.has(now)) throw new Refused('crowded')
    }
    return true
  }

  /** What a signer may say is charged once it has signed: anyone could use up the allowance of another with forged adverts otherwise. */
  #charge(key: Uint8Array): void {
    const now = this.#options.clock.monotonicMs()
    const signer = toHex(key)
    this.#signers.take(signer, now)
    if (this.#isNew(key, signer)) this.#newSigners.take(now)
  }

  #isNew(key: Uint8Array, signer: string): boolean {
    return this.#options.book.seqOf(signer) === undefined && this.#options.isPreferred?.(key) !== true
  }

  #verify(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean {
    this.#verified += 1
    return this.#options.suite.verify(signature, message, publicKey)
  }
}

function reasonOf(error: unknown): AdvertRefusal {
  if (error instanceof Refused) return error.reason
  switch (errorCode(error)) {
    case 'E_WIRE_SIZE':
      return 'length'
    case 'E_WIRE_SCHEMA':
    case 'E_ENVELOPE_SHAPE':
    case 'E_ENVELOPE_TYPE':
    case 'E_ENVELOPE_LIFETIME':
      return 'schema'
    case 'E_ENVELOPE_NETWORK':
      return 'network'
    case 'E_ENVELOPE_EARLY':
    case 'E_ENVELOPE_EXPIRED':
      return 'window'
    case 'E_ENVELOPE_KEY':
      return 'key'
    case 'E_ENVELOPE_SIGNATURE':
      return 'signature'
    default:
      return 'dialect'
  }
}
