// Vectors of finding: adverts good and bad, snapshot frames and draws, DHT keys.

import {
  advertMessage,
  AdvertGate,
  advertTopic,
  dhtKey,
  drawSnapshot,
  encodeSnapshotItem,
  encodeSnapshotRequest,
  OfferBook,
  sealAdvert,
} from '@haggle/discovery'
import type { Advert, BookEntry, SnapshotRequest } from '@haggle/discovery'
import { createIdentity, portableSuite } from '@haggle/identity'
import type { Identity } from '@haggle/identity'
import { CLASSES } from '@haggle/offer'
import type { ClassKey } from '@haggle/offer'
import { encode, networkId, seal, toHex } from '@haggle/wire'
import { seededRandom, virtualClock } from '@haggle/wire/testing'
import type { Json } from './main.ts'

const suite = portableSuite()
const NETWORK = 'devnet-vectors'
const NETWORK_ID = networkId(NETWORK)
const NOW_S = 1_800_000_000

export function make(): Readonly<Record<string, Json>> {
  return {
    'advert.json': {
      page: 'spec/advert.md',
      note: 'Identities: seed = 32 bytes of `seedByte`. good: passes every check at nowS on the topic. bad: refused at nowS by `refusal`.',
      network: NETWORK,
      nowS: NOW_S,
      topics: CLASSES.map(({ name }) => ({ class: name, topic: advertTopic(NETWORK_ID, name) })),
      good: goodAdverts(),
      bad: badAdverts(),
    },
    'snapshot.json': {
      page: 'spec/snapshot.md',
      note: 'Frames are given without their length. draws: `drawn` are positions in `fitting`.',
      requests: REQUESTS.map((request) => ({
        ...request,
        classes: [...request.classes],
        nonce: toHex(request.nonce),
        bytes: toHex(encodeSnapshotRequest(request)),
      })),
      items: [
        { remainingS: 60, advert: toHex(advert(1).bytes), bytes: toHex(encodeSnapshotItem({ remainingS: 60, advert: advert(1).bytes })) },
      ],
      draws: [draw(5, 4, 1), draw(12, 8, 2), draw(12, 8, 3), draw(3, 64, 4), draw(7, 1, 5)],
    },
    'dht.json': {
      page: 'spec/dht.md',
      keys: ['haggle', NETWORK].flatMap((name) =>
        CLASS_KEYS.map((key) => ({
          network: name,
          networkId: toHex(networkId(name)),
          ...key,
          key: toHex(dhtKey(networkId(name), key, suite)),
        })),
      ),
    },
  }
}

const CLASS_KEYS: readonly ClassKey[] = [
  { kind: 'any', value: 'any' },
  { kind: 'tier', value: 'cpu' },
  { kind: 'tier', value: 'g24' },
  { kind: 'vendor', value: 'nvidia' },
  { kind: 'model', value: 'rtx-4090' },
]

const REQUESTS: readonly SnapshotRequest[] = [
  { classes: [], maxPriceBucket: 255, runnerBits: 0, minFree: 0, nonce: new Uint8Array(16), max: 64 },
  { classes: [6, 7, 10], maxPriceBucket: 73, runnerBits: 33, minFree: 1, nonce: Uint8Array.from({ length: 16 }, (_, i) => i), max: 3 },
]

function who(seedByte: number): Identity {
  return createIdentity(new Uint8Array(32).fill(seedByte))
}

function advert(
  seedByte: number,
  patch: Partial<Advert> = {},
  header: Partial<{ seq: number; iat: number; exp: number; network: Uint8Array }> = {},
) {
  const body: Advert = {
    digest: new Uint8Array(32).fill(7),
    classIndex: 6,
    vramTier: 24,
    freeCount: 1,
    priceBucket: 73,
    region: 'DE',
    runnerBits: 33,
    depth: 0,
    ttlS: 75,
    addresses: ['/ip4/192.0.2.1/tcp/4101'],
    ...patch,
  }
  const iat = header.iat ?? NOW_S
  const draft = {
    network: header.network ?? NETWORK_ID,
    audience: null,
    thread: null,
    seq: header.seq ?? iat,
    prev: null,
    ack: null,
    iat,
    exp: header.exp ?? iat + body.ttlS,
    body,
  }
  return seal({ ...advertMessage, maxLifetimeS: 100_000 }, draft, who(seedByte).signer, suite)
}

function goodAdverts(): Json {
  const relayed = `/ip4/192.0.2.9/tcp/4101/p2p/${who(9).peerId}/p2p-circuit`
  const made = [
    { name: 'a provider with one GPU', sent: advert(1) },
    { name: 'leaving', sent: advert(2, { ttlS: 0 }) },
    {
      name: 'no price, no region, no address',
      sent: advert(3, { priceBucket: 255, region: null, addresses: [], classIndex: 0, vramTier: 0 }),
    },
    { name: 'reached through a relay', sent: advert(4, { addresses: [relayed] }) },
    {
      name: 'the longest TTL, the largest numbers',
      sent: advert(5, { ttlS: 360, vramTier: 65_535, freeCount: 255, runnerBits: 255, depth: 16, classIndex: 10, region: 'US-CAL' }),
    },
  ]
  const packed = sealAdvert(
    {
      networkId: NETWORK_ID,
      digest: new Uint8Array(32),
      ttlS: 75,
      seq: NOW_S,
      nowS: NOW_S,
      buckets: { class: 'g80', vramTier: 80, freeCount: 8, priceBucket: 90, region: 'US-CA', runnerBits: 37 },
      addresses: ['/ip4/192.0.2.6/tcp/4101', relayed, '/ip4/10.0.0.6/tcp/4101', '/ip6/2001:db8::6/tcp/4101', '/ip4/127.0.0.1/tcp/4101'],
    },
    { signer: who(6).signer, suite, peerId: who(6).peerId },
  )
  return [...made, { name: 'many addresses: four are taken', sent: packed }].map(({ name, sent }, i) => ({
    name,
    seedByte: i + 1,
    class: CLASSES[sent.body.classIndex]?.name ?? '',
    seq: sent.seq,
    iat: sent.iat,
    exp: sent.exp,
    body: { ...sent.body, digest: toHex(sent.body.digest), addresses: [...sent.body.addresses] },
    id: toHex(sent.id),
    bytes: toHex(sent.bytes),
  }))
}

function badAdverts(): Json {
  const good = advert(1).bytes
  const forged = good.slice()
  forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1
  const flipped = good.slice()
  flipped[120] = (flipped[120] ?? 0) ^ 1
  const weak = good.slice()
  const at = good.findIndex((_, i) => toHex(good.subarray(i, i + 32)) === toHex(who(1).publicKey))
  weak.set([1, ...new Uint8Array(31)], at)
  const cases: readonly (readonly [name: string, bytes: Uint8Array, topicClass?: string])[] = [
    ['one byte too long', Uint8Array.from([...good, ...new Uint8Array(513 - good.length)])],
    ['a byte after the end', Uint8Array.from([...good, 0])],
    ['cut', good.subarray(0, 80)],
    ['another message', encode([new Uint8Array(3), new Uint8Array(64)])],
    ['good for longer than 360 s', advert(1, {}, { exp: NOW_S + 361 }).bytes],
    ['another network', advert(1, {}, { network: networkId('haggle') }).bytes],
    ['from 31 s ahead', advert(1, {}, { iat: NOW_S + 31 }).bytes],
    ['31 s past its end', advert(1, {}, { iat: NOW_S - 106 }).bytes],
    ['on the topic of another class', good, 'g48'],
    ['a key under which anything verifies', weak],
    ['a signature that does not fit', forged],
    ['one bit of the body flipped', flipped],
  ]
  return cases.map(([name, bytes, topicClass = 'g24']) => ({
    name,
    class: topicClass,
    refusal: refusalOf(bytes, topicClass),
    bytes: toHex(bytes),
  }))
}

function refusalOf(bytes: Uint8Array, topicClass: string): string {
  const clock = virtualClock(NOW_S * 1_000)
  const book = new OfferBook({ clock, random: seededRandom(1) })
  const gate = new AdvertGate({ networkId: NETWORK_ID, suite, clock, book, own: new Uint8Array(32) })
  const admission = gate.admit(bytes, 'neighbour', CLASSES.find(({ name }) => name === topicClass)?.name ?? 'cpu')
  if (admission.ok) throw new Error('accepted')
  return admission.reason
}

function draw(count: number, max: number, nonceByte: number): Json {
  const clock = virtualClock(NOW_S * 1_000)
  const book = new OfferBook({ clock, random: seededRandom(1) })
  // Prices and free counts are all different together, so that the order is settled.
  const fitting = Array.from({ length: count }, (_, i) => ({ seedByte: i + 1, priceBucket: 60 + ((i * 7) % 5), freeCount: i + 1 }))
  for (const { seedByte, priceBucket, freeCount } of fitting) book.enter(advert(seedByte, { priceBucket, freeCount }), 'neighbour')
  const nonce = new Uint8Array(16).fill(nonceByte)
  const drawn = drawSnapshot(book.entries(), { nonce, max }, suite)
  const position = (entry: BookEntry): number => fitting.findIndex(({ seedByte }) => who(seedByte).peerId === entry.peerId)
  return {
    nonce: toHex(nonce),
    max,
    fitting: fitting.map((entry) => ({ ...entry, signer: toHex(who(entry.seedByte).publicKey) })),
    drawn: drawn.map(position),
  }
}
