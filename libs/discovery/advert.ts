// The advert: a provider's sign of life in <= 512 octets, with what a renter needs to decide whether to ask (spec/advert.md).

import { bytes, fields, list, nullable, seal, text, uint } from '@haggle/wire'
import type { Message, MessageType, Schema, Signer, Suite } from '@haggle/wire'
import { CLASSES } from '@haggle/offer'
import type { Buckets, ClassName } from '@haggle/offer'

/** Octets of a whole advert envelope. */
export const MAX_ADVERT_BYTES = 512
/** Seconds between adverts: at least, and at most. */
export const MIN_INTERVAL_S = 25
export const MAX_INTERVAL_S = 120
/** An advert is believed for this many intervals. */
export const TTL_INTERVALS = 3
/** The longest TTL that an advert can have, seconds. */
export const MAX_TTL_S: number = TTL_INTERVALS * MAX_INTERVAL_S
/** Adverts per second that one topic is meant to carry, whatever the population. */
export const TOPIC_RATE_PER_S = 2
/** Addresses in an advert. */
export const MAX_ADVERT_ADDRESSES = 4

/** Body of an `advert` envelope. The provider is its signer. Every figure is a hint: the offer decides. */
export interface Advert {
  /** Id of the full offer's envelope when this was written, 32 bytes. */
  readonly digest: Uint8Array
  /** Position in `CLASSES` of `@haggle/offer`. */
  readonly classIndex: number
  /** Nominal memory of the largest GPU, GiB. */
  readonly vramTier: number
  /** Jobs that it could take now. */
  readonly freeCount: number
  /** `priceBucket` of the free rail's price per hour; 255 without one. */
  readonly priceBucket: number
  readonly region: string | null
  /** `runnerBits` of the offer. */
  readonly runnerBits: number
  /** Level of the shard that it was sent to. 0 in this release. */
  readonly depth: number
  /** Seconds that it is to be believed, counted from arrival. 0: the provider leaves. */
  readonly ttlS: number
  /** Multiaddrs without the provider's own `/p2p/`. */
  readonly addresses: readonly string[]
}

/** Dialect form of an {@link Advert}: an array of its fields in the order of the interface. */
export const advertSchema: Schema<Advert> = fields({
  digest: bytes({ length: 32 }),
  classIndex: uint({ max: CLASSES.length - 1 }),
  vramTier: uint({ max: 65_535 }),
  freeCount: uint({ max: 255 }),
  priceBucket: uint({ max: 255 }),
  region: nullable(text({ max: 6 })),
  runnerBits: uint({ max: 255 }),
  depth: uint({ max: 16 }),
  ttlS: uint({ max: MAX_TTL_S }),
  addresses: list(text({ max: 160 }), { max: MAX_ADVERT_ADDRESSES }),
})

/** The `advert` envelope: no thread, no audience, good for its TTL. */
export const advertMessage: MessageType<Advert> = {
  type: 'advert',
  schema: advertSchema,
  maxLifetimeS: MAX_TTL_S,
  thread: false,
  audience: false,
  limits: { maxBytes: MAX_ADVERT_BYTES, maxDepth: 4, maxItems: 40 },
}

/** The class that an advert names. */
export function classNameOf(advert: Advert): ClassName {
  return (CLASSES[advert.classIndex] ?? { name: 'cpu' as const }).name
}

/** What {@link sealAdvert} needs. */
export interface AdvertDraft {
  readonly networkId: Uint8Array
  readonly digest: Uint8Array
  readonly buckets: Buckets
  readonly ttlS: number
  readonly seq: number
  /** Unix seconds. */
  readonly nowS: number
  /** Multiaddrs, best first; as many as fit are taken. */
  readonly addresses: readonly string[]
}

/**
 * Signs an advert. Addresses that do not fit into 512 octets are left out, the last first.
 *
 * @example
 * ```ts
 * import { createIdentity, portableSuite } from "@haggle/identity";
 * import { networkId } from "@haggle/wire";
 * import { MAX_ADVERT_BYTES, sealAdvert } from "@haggle/discovery";
 * import { expect } from "vitest";
 *
 * const me = createIdentity(new Uint8Array(32).fill(1));
 * const buckets = { class: "g24", vramTier: 24, freeCount: 1, priceBucket: 73, region: "DE", runnerBits: 33 } as const;
 * const advert = sealAdvert(
 *   { networkId: networkId("devnet"), digest: new Uint8Array(32), buckets, ttlS: 75, seq: 1, nowS: 1, addresses: [`/ip4/192.0.2.1/tcp/4101/p2p/${me.peerId}`] },
 *   { signer: me.signer, suite: portableSuite(), peerId: me.peerId },
 * );
 * expect(advert.bytes.length).toBeLessThanOrEqual(MAX_ADVERT_BYTES);
 * expect(advert.body.addresses).toEqual(["/ip4/192.0.2.1/tcp/4101"]);
 * ```
 */
export function sealAdvert(draft: AdvertDraft, by: { signer: Signer; suite: Suite; peerId: string }): Message<Advert> {
  const own = `/p2p/${by.peerId}`
  const addresses = draft.addresses
    .map((address) => (address.endsWith(own) ? address.slice(0, -own.length) : address))
    .filter((address, i, all) => address !== '' && address.length <= 160 && all.indexOf(address) === i)
    .slice(0, MAX_ADVERT_ADDRESSES)
  const { buckets } = draft
  for (;;) {
    const body: Advert = {
      digest: draft.digest,
      classIndex: CLASSES.findIndex((c) => c.name === buckets.class),
      vramTier: buckets.vramTier,
      freeCount: buckets.freeCount,
      priceBucket: buckets.priceBucket,
      region: buckets.region,
      runnerBits: buckets.runnerBits,
      depth: 0,
      ttlS: draft.ttlS,
      addresses,
    }
    // What an envelope adds is fixed: 512 octets hold 300 of addresses.
    const size = addresses.reduce((n, address) => n + address.length + 2, 0)
    if (size > 280 && addresses.length > 0) {
      addresses.pop()
      continue
    }
    return seal(
      advertMessage,
      {
        network: draft.networkId,
        audience: null,
        thread: null,
        seq: draft.seq,
        prev: null,
        ack: null,
        iat: draft.nowS,
        exp: draft.nowS + draft.ttlS,
        body,
      },
      by.signer,
      by.suite,
    )
  }
}
