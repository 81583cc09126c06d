// The published vectors hold for this code: adverts, snapshots, DHT keys.

import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { createIdentity, portableSuite } from '@haggle/identity'
import { CLASSES } from '@haggle/offer'
import { fromHex, networkId, open, seal, toHex } from '@haggle/wire'
import { seededRandom, virtualClock } from '@haggle/wire/testing'
import {
  advertMessage,
  AdvertGate,
  advertTopic,
  decodeSnapshotItem,
  decodeSnapshotRequest,
  dhtKey,
  drawSnapshot,
  encodeSnapshotItem,
  encodeSnapshotRequest,
  OfferBook,
} from './mod.ts'
import type { Advert } from './mod.ts'
import { advertOf } from './_test_market.ts'

const suite = portableSuite()

function read<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../../spec/vectors/${name}.json`, import.meta.url), 'utf8')) as T
}

interface AdvertVectors {
  network: string
  nowS: number
  topics: { class: string; topic: string }[]
  good: {
    name: string
    seedByte: number
    class: string
    seq: number
    iat: number
    exp: number
    body: Omit<Advert, 'digest'> & { digest: string }
    id: string
    bytes: string
  }[]
  bad: { name: string; class: string; refusal: string; bytes: string }[]
}

const adverts = read<AdvertVectors>('advert')
const id = networkId(adverts.network)

function gateAt(nowS: number): AdvertGate {
  const clock = virtualClock(nowS * 1_000)
  const book = new OfferBook({ clock, random: seededRandom(1) })
  return new AdvertGate({ networkId: id, suite, clock, book, own: new Uint8Array(32) })
}

const classNamed = (name: string) => CLASSES.find((c) => c.name === name)?.name ?? 'cpu'

describe('spec/vectors/advert.json', () => {
  it.each(adverts.good)('good: $name', ({ seedByte, class: className, seq, iat, exp, body, id: wantedId, bytes }) => {
    const got = open(fromHex(bytes), advertMessage, { network: id, nowS: adverts.nowS, suite })
    expect(toHex(got.id)).toBe(wantedId)
    expect({ ...got.body, digest: toHex(got.body.digest) }).toEqual(body)
    expect(gateAt(adverts.nowS).admit(fromHex(bytes), 'n', classNamed(className)).ok).toBe(true)
    const { signer } = createIdentity(new Uint8Array(32).fill(seedByte))
    const draft = {
      network: id,
      audience: null,
      thread: null,
      seq,
      prev: null,
      ack: null,
      iat,
      exp,
      body: { ...body, digest: fromHex(body.digest) },
    }
    expect(toHex(seal(advertMessage, draft, signer, suite).bytes)).toBe(bytes)
  })

  it.each(adverts.bad)('bad: $name', ({ class: className, refusal, bytes }) => {
    expect(gateAt(adverts.nowS).admit(fromHex(bytes), 'n', classNamed(className))).toEqual({ ok: false, reason: refusal })
  })

  it('names the topics', () => {
    for (const { class: className, topic } of adverts.topics) expect(advertTopic(id, classNamed(className))).toBe(topic)
  })
})

describe('spec/vectors/snapshot.json', () => {
  const snapshot = read<{
    requests: {
      classes: number[]
      maxPriceBucket: number
      runnerBits: number
      minFree: number
      nonce: string
      max: number
      bytes: string
    }[]
    items: { remainingS: number; advert: string; bytes: string }[]
    draws: { nonce: string; max: number; fitting: { seedByte: number; priceBucket: number; freeCount: number }[]; drawn: number[] }[]
  }>('snapshot')

  it('reads and writes the frames', () => {
    for (const { bytes, nonce, ...rest } of snapshot.requests) {
      expect(toHex(encodeSnapshotRequest({ ...rest, nonce: fromHex(nonce) }))).toBe(bytes)
      expect(decodeSnapshotRequest(fromHex(bytes))).toEqual({ ...rest, nonce: fromHex(nonce) })
    }
    for (const { bytes, remainingS, advert } of snapshot.items) {
      expect(toHex(encodeSnapshotItem({ remainingS, advert: fromHex(advert) }))).toBe(bytes)
      expect(decodeSnapshotItem(fromHex(bytes))).toEqual({ remainingS, advert: fromHex(advert) })
    }
  })

  it.each(snapshot.draws)('draws $max of the fitting', ({ nonce, max, fitting, drawn }) => {
    const book = new OfferBook({ clock: virtualClock(), random: seededRandom(1) })
    const identities = fitting.map(({ seedByte }) => createIdentity(new Uint8Array(32).fill(seedByte)))
    for (const [i, { priceBucket, freeCount }] of fitting.entries()) {
      const identity = identities[i]
      if (identity !== undefined) book.enter(advertOf(identity, { priceBucket, freeCount }), 'n')
    }
    const got = drawSnapshot(book.entries(), { nonce: fromHex(nonce), max }, suite)
    expect(got.map(({ peerId }) => identities.findIndex((identity) => identity.peerId === peerId))).toEqual(drawn)
  })
})

describe('spec/vectors/dht.json', () => {
  const { keys } = read<{
    keys: { networkId: string; network: string; kind: 'any' | 'tier' | 'vendor' | 'model'; value: string; key: string }[]
  }>('dht')

  it('derives the keys', () => {
    for (const { network, networkId: wanted, kind, value, key } of keys) {
      expect(toHex(networkId(network))).toBe(wanted)
      expect(toHex(dhtKey(networkId(network), { kind, value }, suite))).toBe(key)
    }
  })
})
