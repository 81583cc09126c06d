// The offer that a provider stands by: signed anew when something changes, and kept for as long as its price is promised.

import type { Identity } from '@haggle/identity'
import { type Offer, offerMessage } from '@haggle/offer'
import { type Clock, encodeAs, type Message, seal, type Suite, toHex } from '@haggle/wire'

/** How long an offer promises its price, seconds. A fresh one goes out at half of it. */
const LIFETIME_S = 600
/** A change of what is free goes out after this pause, ms. */
const RENEW_SOON_MS = 20

/** What {@link StandingOffer} needs. */
export interface StandingOfferInit {
  readonly identity: Identity
  readonly suite: Suite
  readonly clock: Clock
  /** 32 bytes. */
  readonly networkId: Uint8Array
  /** The offer of this moment; null when nothing is on sale. */
  readonly now: () => Offer | null
  /** There is a fresh offer: announce it. */
  readonly offered: (message: Message<Offer>) => void
}

/** What is left of an offer whose price is promised. */
interface Promised {
  readonly body: Offer
  /** Unix seconds. */
  readonly exp: number
}

/** See the file's first line. */
export class StandingOffer {
  readonly #init: StandingOfferInit
  /** By digest, oldest first. Each job changes what is free twice, so that there are very many: those that say the same share what they say. */
  readonly #promised = new Map<string, Promised>()
  /** What promised offers say, each once, by its hash; said last, last. */
  readonly #said = new Map<string, Promised>()
  #current: Message<Offer> | undefined
  #lastSeq = 0
  #dirty = false
  #cancel: () => void = () => undefined

  constructor(init: StandingOfferInit) {
    this.#init = init
  }

  /** The signed offer of this moment; undefined when nothing is on sale. Whoever asks hears of a change before it is announced. */
  get current(): Message<Offer> | undefined {
    if (this.#dirty) this.renew()
    return this.#current
  }

  /** The offer with this id, while its price is promised. */
  promised(digest: Uint8Array): Offer | undefined {
    const promised = this.#promised.get(toHex(digest))
    return promised === undefined || promised.exp < this.#init.clock.now() / 1000 ? undefined : promised.body
  }

  /** Offers whose price is promised now. */
  get promises(): number {
    return this.#promised.size
  }

  /** Something changed: signed and announced a moment later, not between an ACCEPT and its CONFIRM, and once for several changes. */
  changed(): void {
    this.#dirty = true
    this.#cancel()
    this.#cancel = this.#init.clock.after(RENEW_SOON_MS, () => this.renew())
  }

  /** Signs the offer of now, keeps its promise, and has it announced. */
  renew(): Message<Offer> | undefined {
    const { clock, identity, networkId: network, suite, now, offered } = this.#init
    this.#cancel()
    this.#dirty = false
    const body = now()
    if (body === null) {
      this.#current = undefined
      return undefined
    }
    const iat = Math.floor(clock.now() / 1000)
    this.#lastSeq = Math.max(this.#lastSeq + 1, iat)
    const draft = { network, audience: null, thread: null, seq: this.#lastSeq, prev: null, ack: null, iat, exp: iat + LIFETIME_S, body }
    const message = seal(offerMessage, draft, identity.signer, suite)
    this.#promise(message)
    this.#current = message
    this.#cancel = clock.after((LIFETIME_S / 2) * 1000, () => this.renew())
    offered(message)
    return message
  }

  #promise({ id, body, iat, exp }: Message<Offer>): void {
    const { suite } = this.#init
    for (const kept of [this.#promised, this.#said]) {
      for (const [key, promised] of kept) {
        if (promised.exp >= iat) break
        kept.delete(key)
      }
    }
    const what = toHex(suite.sha256(encodeAs(offerMessage.schema, body, offerMessage.limits)))
    const said = this.#said.get(what)?.body ?? body
    this.#said.delete(what)
    this.#said.set(what, { body: said, exp })
    this.#promised.set(toHex(id), { body: said, exp })
  }

  /** Nothing is on sale from here on; promises that were made stand until their end. */
  stop(): void {
    this.#current = undefined
    this.#dirty = false
    this.#cancel()
  }
}
