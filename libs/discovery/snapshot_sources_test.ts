// One source of snapshots can't keep a node from the others: not by its word on how long an advert lasts, nor by filling the book itself.

import { describe, expect, it } from 'vitest'
import { writeFrame } from '@haggle/wire'
import type { Message } from '@haggle/wire'
import { AdvertGate, advertTopic, OfferBook, SNAPSHOT_PROTOCOL } from './mod.ts'
import type { Advert, Discovery } from './mod.ts'
import { seededRandom, virtualClock } from '@haggle/wire/testing'
import { encodeSnapshotItem } from './snapshot.ts'
import { advertOf, collect, during, identityOf, NETWORK_ID, SUITE, testMarket } from './_test_market.ts'
import type { TestMarket } from './_test_market.ts'

/** Adverts of `count` providers who are there for 75 s. */
const providers = (count: number, from = 100): Message<Advert>[] => Array.from({ length: count }, (_, i) => advertOf(identityOf(from + i)))

/** A source that shows these adverts, and says of each how long it lasts. */
async function sourceOf(market: TestMarket, n: number, items: readonly (readonly [Message<Advert>, number])[]) {
  const network = market.hub.join(identityOf(n))
  const counts = { asked: 0 }
  await network.handle(SNAPSHOT_PROTOCOL, async (stream) => {
    counts.asked += 1
    for (const [{ bytes }, remainingS] of items) await stream.send(writeFrame(encodeSnapshotItem({ remainingS, advert: bytes })))
    await stream.close()
  })
  return { network, counts }
}

/** An honest node that knows these. */
async function honestSource(market: TestMarket, n: number, adverts: readonly Message<Advert>[]) {
  const node = await market.join(n)
  for (const advert of adverts) node.discovery.book.enter(advert, 'n')
  return node
}

describe('a cold node with a hostile source', { timeout: 60_000 }, () => {
  it.each([0, 1])('learns from the next one what the first gave %i s to live', async (remainingS) => {
    const market = testMarket()
    const adverts = providers(20)
    const hostile = await sourceOf(
      market,
      1,
      adverts.map((advert) => [advert, remainingS]),
    )
    const honest = await honestSource(market, 2, adverts)
    const renter = await market.join(3)
    await during(market.clock, renter.network.connect({ peerId: hostile.network.peerId }))
    await market.clock.settle(200)
    expect(hostile.counts.asked).toBe(1)
    await market.connect(renter, honest)
    await market.clock.settle(2_000)
    expect(renter.discovery.book.size).toBe(20)
    await market.clock.settle(60_000)
    expect(renter.discovery.book.size).toBe(20)
    await market.clock.settle(46_000)
    expect(renter.discovery.book.size).toBe(0)
    await market.hub.stop()
  })

  it('keeps what an honest one gave when the hostile one cuts it short afterwards', async () => {
    const market = testMarket()
    const adverts = providers(20)
    const honest = await honestSource(market, 2, adverts)
    const hostile = await sourceOf(
      market,
      1,
      adverts.map((advert) => [advert, 1]),
    )
    const renter = await market.join(3)
    await market.connect(renter, honest)
    await during(market.clock, renter.network.connect({ peerId: hostile.network.peerId }))
    await market.clock.settle(2_000)
    expect(hostile.counts.asked).toBe(1)
    expect(renter.discovery.book.size).toBe(20)
    await market.hub.stop()
  })

  it('asks a second source when the first has filled the book with its own', async () => {
    const market = testMarket()
    const own = providers(30, 500)
    const hostile = await sourceOf(
      market,
      1,
      own.map((advert) => [advert, 75]),
    )
    const honest = await honestSource(market, 2, providers(5))
    const third = await sourceOf(market, 4, [])
    const renter = await market.join(3)
    await during(market.clock, renter.network.connect({ peerId: hostile.network.peerId }))
    await market.clock.settle(200)
    expect(renter.discovery.book.size).toBe(30)
    await market.connect(renter, honest)
    await market.clock.settle(200)
    expect(renter.discovery.book.size).toBe(35)
    // Two have told, and the book is full enough: the next one is left alone.
    await during(market.clock, renter.network.connect({ peerId: third.network.peerId }))
    await market.clock.settle(200)
    expect(third.counts.asked).toBe(0)
    await market.hub.stop()
  })

  it('does not count a source that shows nothing that lasts', async () => {
    const market = testMarket()
    const shown = providers(30, 500)
    const sources = [
      await sourceOf(market, 1, []),
      await sourceOf(
        market,
        2,
        shown.map((advert) => [advert, 5]),
      ),
      await sourceOf(
        market,
        4,
        shown.map((advert) => [advert, 75]),
      ),
      await sourceOf(market, 5, [[advertOf(identityOf(50)), 75]]),
    ]
    const renter = await market.join(3)
    for (const { network } of sources) {
      await during(market.clock, renter.network.connect({ peerId: network.peerId }))
      await market.clock.settle(200)
    }
    expect(sources.map(({ counts }) => counts.asked)).toEqual([1, 1, 1, 1])
    expect(renter.discovery.book.size).toBe(31)
    await market.hub.stop()
  })

  it('goes on asking while most of what two have told ends soon', async () => {
    const market = testMarket()
    const [last = advertOf(identityOf(1)), ...soon] = providers(30)
    const items = [[last, 75] as const, ...soon.map((advert) => [advert, 5] as const)]
    const sources = [await sourceOf(market, 1, items), await sourceOf(market, 2, items)]
    const honest = await honestSource(market, 4, soon)
    const renter = await market.join(3)
    for (const { network } of sources) await during(market.clock, renter.network.connect({ peerId: network.peerId }))
    await market.clock.settle(200)
    await market.connect(renter, honest)
    await market.clock.settle(10_000)
    expect(renter.discovery.book.size).toBe(30)
    await market.hub.stop()
  })

  it('find() asks a second source although those that the first showed have answered', async () => {
    const market = testMarket()
    const renter = await market.join(1)
    const sellers = [await market.join(2), await market.join(3), await market.join(4)]
    const hidden = await market.join(5)
    const relay = await market.join(6)
    for (const seller of [...sellers, hidden]) {
      await market.connect(seller, relay)
      await during(market.clock, seller.sell())
    }
    await market.clock.settle(500)
    const entries = relay.discovery.book.entries()
    const shown = entries.filter(({ peerId }) => peerId !== hidden.network.peerId)
    const hostile = await hostileSource(market, 7, shown)
    // Neither the relay's gossip nor its answer at the connection reaches the renter: only its own question does.
    await during(market.clock, renter.network.connect({ peerId: hostile.peerId }))
    await market.clock.settle(200)
    expect(renter.discovery.book.size).toBe(3)
    let isShut = true
    const open = renter.network.open.bind(renter.network)
    renter.network.open = (target, protocol, options) =>
      isShut && protocol === SNAPSHOT_PROTOCOL ? Promise.reject(new Error('shut')) : open(target, protocol, options)
    await market.connect(renter, relay)
    isShut = false
    await market.clock.settle(11_000)
    const found = await during(market.clock, collect(renter.discovery.find()))
    expect(found.map(({ peerId }) => peerId)).toContain(hidden.network.peerId)
    await market.hub.stop()
  })
})

async function hostileSource(market: TestMarket, n: number, shown: ReturnType<Discovery['book']['entries']>) {
  const network = market.hub.join(identityOf(n))
  await network.handle(SNAPSHOT_PROTOCOL, async (stream) => {
    for (const { bytes } of shown) await stream.send(writeFrame(encodeSnapshotItem({ remainingS: 70, advert: bytes })))
    await stream.close()
  })
  return network
}

describe('an advert that comes again', { timeout: 60_000 }, () => {
  it('is verified once if it has time and never if it has none, however often sources say it', async () => {
    const market = testMarket()
    const advert = advertOf(identityOf(100))
    const hostile = await sourceOf(
      market,
      1,
      Array.from({ length: 64 }, (_, i) => [advert, i] as const),
    )
    const untimed = await sourceOf(
      market,
      4,
      providers(20, 200).map((other) => [other, 0]),
    )
    const honest = await honestSource(market, 2, [advert])
    let verified = 0
    const suite = {
      ...SUITE,
      verify: (signature: Uint8Array, message: Uint8Array, key: Uint8Array) => {
        verified += 1
        return SUITE.verify(signature, message, key)
      },
    }
    const renter = await market.join(3, { suite })
    await during(market.clock, renter.network.connect({ peerId: hostile.network.peerId }))
    await market.clock.settle(200)
    await during(market.clock, renter.network.connect({ peerId: untimed.network.peerId }))
    await market.clock.settle(200)
    await market.connect(renter, honest)
    expect(untimed.counts.asked).toBe(1)
    expect(verified).toBe(1)
    // What was only said again is no new word: the signer's allowance is untouched.
    const next = advertOf(identityOf(100), {}, { seq: advert.seq + 1 })
    await hostile.network.publish(advertTopic(NETWORK_ID, 'cpu'), next.bytes)
    await market.clock.settle(10)
    expect(renter.discovery.book.entries()[0]?.seq).toBe(next.seq)
    expect(renter.discovery.refusals.get('rate')).toBeUndefined()
    await market.hub.stop()
  })

  it('is refused by gossip, when its seq is old, and when its bytes are others', () => {
    const clock = virtualClock()
    const book = new OfferBook({ clock, random: seededRandom(1) })
    const gate = new AdvertGate({ networkId: NETWORK_ID, suite: SUITE, clock, book, own: identityOf(0).publicKey })
    const advert = advertOf(identityOf(1))
    const told = gate.admit(advert.bytes, 'a')
    if (told.ok) book.enter(told.message, 'a', 1)
    expect(gate.admit(advert.bytes, 'b', 'cpu')).toEqual({ ok: false, reason: 'replay' })
    expect(gate.admit(advert.bytes, 'b')).toMatchObject({ ok: true })
    const twin = advertOf(identityOf(1), { freeCount: 2 })
    expect(gate.admit(twin.bytes, 'b')).toEqual({ ok: false, reason: 'replay' })
    const bent = advert.bytes.slice()
    bent[60] = (bent[60] ?? 0) ^ 1
    expect(gate.admit(bent, 'b')).toMatchObject({ ok: false })
    book.enter(advertOf(identityOf(1), {}, { seq: advert.seq + 1 }), 'n')
    expect(gate.admit(advert.bytes, 'b')).toEqual({ ok: false, reason: 'replay' })
    expect(gate.verified).toBe(1)
  })
})
