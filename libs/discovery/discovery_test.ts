// A market in memory under a virtual clock: who sells is found, who leaves is gone at once, who dies is gone in 90 s, and nobody speaks for another.

import { describe, expect, it } from 'vitest'
import { HaggleError, writeFrame } from '@haggle/wire'
import { freeRate } from '@haggle/offer'
import { intervalS } from './announcer.ts'
import { isDead } from './finder.ts'
import { OFFER_PROTOCOL, advertTopic, dhtKey } from './topics.ts'
import { standingOffer } from './testing.ts'
import { advertOf, collect, during, identityOf, NETWORK_ID, SUITE, testMarket } from './_test_market.ts'

describe('Discovery', { timeout: 60_000 }, () => {
  it('a cold renter finds every provider through one peer that knows them', async () => {
    const market = testMarket()
    const relay = await market.join(1)
    const providers = [await market.join(2), await market.join(3), await market.join(4)]
    for (const provider of providers) {
      await market.connect(provider, relay)
      await during(market.clock, provider.sell())
    }
    await market.clock.settle(1_000)
    expect(relay.discovery.book.size).toBe(3)
    const renter = await market.join(5)
    const started = market.clock.monotonicMs()
    const finding = collect(renter.discovery.find({ limit: 3 }))
    const connecting = renter.network.connect({ peerId: relay.network.peerId })
    const found = await during(market.clock, finding)
    await connecting
    expect(new Set(found.map(({ peerId }) => peerId))).toEqual(new Set(providers.map((p) => p.network.peerId)))
    expect(market.clock.monotonicMs() - started).toBeLessThan(100)
    expect(found[0]?.offer.body.limits.memMiB).toBe(512)
    await market.hub.stop()
  })

  it('a provider that leaves is gone at once, and its old adverts do not bring it back', async () => {
    const market = testMarket()
    const [provider, renter] = [await market.join(1), await market.join(2)]
    await market.connect(provider, renter)
    const announcement = await during(market.clock, provider.sell())
    await market.clock.settle(5)
    expect(renter.discovery.book.size).toBe(1)
    const { seq = 0 } = renter.discovery.book.entries()[0] ?? {}
    const replay = advertOf(provider.identity, {}, { seq }).bytes
    await during(market.clock, announcement.stop())
    await market.clock.settle(5)
    expect(renter.discovery.book.size).toBe(0)
    const hostile = market.hub.join(identityOf(9))
    await during(market.clock, hostile.connect({ peerId: renter.network.peerId }))
    await hostile.publish(advertTopic(NETWORK_ID, 'cpu'), replay)
    await market.clock.settle(5)
    expect(renter.discovery.book.size).toBe(0)
    expect(renter.discovery.refusals.get('replay')).toBe(1)
    await market.hub.stop()
  })

  it('a provider that dies unseen is gone in 90 s, and lives on while it speaks', async () => {
    const market = testMarket()
    const [provider, relay, renter] = [await market.join(1), await market.join(2), await market.join(3)]
    await market.connect(provider, relay)
    await market.connect(renter, relay)
    await during(market.clock, provider.sell())
    for (let s = 0; s < 300; s += 10) {
      await market.clock.settle(10_000)
      expect(renter.discovery.book.size, `after ${s} s`).toBe(1)
    }
    // The network swallows it without a word: no connection of the renter's ends.
    market.hub.cut(provider.network.peerId, relay.network.peerId)
    await market.clock.settle(90_000)
    expect([renter.discovery.book.size, relay.discovery.book.size]).toEqual([0, 0])
    await market.hub.stop()
  })

  it('a provider whose connection ends is asked, and is gone when it does not answer', async () => {
    const market = testMarket()
    const [provider, renter] = [await market.join(1), await market.join(2)]
    await market.connect(provider, renter)
    await during(market.clock, provider.sell())
    await market.clock.settle(500)
    await provider.network.stop()
    await market.clock.settle(1_100)
    expect(renter.discovery.book.size).toBe(0)
    await market.hub.stop()
  })

  it('a provider whose connection ends and who answers stays', async () => {
    const market = testMarket()
    const [provider, renter] = [await market.join(1), await market.join(2)]
    await market.connect(provider, renter)
    await during(market.clock, provider.sell())
    await market.clock.settle(500)
    await renter.network.disconnect(provider.network.peerId)
    await market.clock.settle(1_100)
    expect(renter.discovery.book.size).toBe(1)
    await market.hub.stop()
  })

  it('a change is heard at once, four times, and then as the bucket allows', async () => {
    const market = testMarket()
    const [provider, renter] = [await market.join(1), await market.join(2)]
    await market.connect(provider, renter)
    const announcement = await during(market.clock, provider.sell())
    await market.clock.settle(400)
    let heard = 0
    renter.discovery.book.listen(() => {
      heard += 1
    })
    for (let i = 1; i <= 10; i++) {
      provider.offer = { ...provider.offer, rails: [freeRate(BigInt(i) * 1_000_000n)] }
      announcement.changed()
      await market.clock.settle(5)
    }
    expect(heard).toBeGreaterThanOrEqual(3)
    expect(heard).toBeLessThanOrEqual(4)
    await market.clock.settle(11_000)
    expect(heard).toBeLessThanOrEqual(6)
    const bucket = renter.discovery.book.entries()[0]?.advert.priceBucket
    provider.offer = { ...provider.offer, rails: [freeRate(10_000_000n)] }
    expect(bucket).toBeGreaterThan(90)
    await market.hub.stop()
  })

  it('an offer that another key signed does not count, nor one from another network', async () => {
    const market = testMarket()
    const renter = await market.join(1)
    const thief = market.hub.join(identityOf(2))
    const owner = identityOf(3)
    const parts = { networkId: NETWORK_ID, suite: SUITE, clock: market.clock }
    let shown = standingOffer(owner, parts)
    await thief.handle(OFFER_PROTOCOL, async (stream) => {
      await stream.send(writeFrame(shown.bytes))
      await stream.close()
    })
    const ask = () =>
      during(
        market.clock,
        renter.discovery.fetchOffer({ peerId: thief.peerId }).then(
          () => 'taken',
          (error: { code: string }) => error.code,
        ),
      )
    expect(await ask()).toBe('E_OFFER_FOREIGN')
    shown = standingOffer(identityOf(2), { ...parts, networkId: new Uint8Array(32) })
    expect(await ask()).toBe('E_ENVELOPE_NETWORK')
    shown = standingOffer(identityOf(2), parts)
    expect(await ask()).toBe('taken')
    await market.hub.stop()
  })

  it('find() passes over the dead, takes them out of the book and searches on', async () => {
    const market = testMarket()
    const [liar, honest, provider, renter] = [await market.join(1), await market.join(2), await market.join(3), await market.join(4)]
    for (let n = 50; n < 60; n++) liar.discovery.book.enter(advertOf(identityOf(n), { priceBucket: 1 }), 'n')
    await market.connect(provider, honest)
    await during(market.clock, provider.sell())
    await market.connect(renter, liar)
    await market.connect(renter, honest)
    await market.clock.settle(100)
    const found = await during(market.clock, collect(renter.discovery.find({ limit: 3 })))
    expect(found.map(({ peerId }) => peerId)).toEqual([provider.network.peerId])
    expect(renter.discovery.book.size).toBe(1)
    await market.hub.stop()
  })

  it('find() finds by the DHT when no peer has a book, and stops at its limit', async () => {
    const market = testMarket()
    const [quiet, renter] = [market.hub.join(identityOf(1)), await market.join(2)]
    const providers = [await market.join(3), await market.join(4)]
    for (const provider of providers) {
      await during(market.clock, provider.network.connect({ peerId: quiet.peerId }))
      await during(market.clock, provider.sell())
      await during(market.clock, provider.network.provide(dhtKey(NETWORK_ID, { kind: 'any', value: 'any' }, SUITE)))
    }
    await during(market.clock, renter.network.connect({ peerId: quiet.peerId }))
    expect(renter.discovery.book.size).toBe(0)
    expect(await during(market.clock, collect(renter.discovery.find({ limit: 1 })))).toHaveLength(1)
    expect(await during(market.clock, collect(renter.discovery.find()))).toHaveLength(2)
    await market.hub.stop()
  })

  it('find() ends without the DHT once an answer suits, and waits for it otherwise', async () => {
    const market = testMarket()
    const [provider, renter] = [await market.join(1), await market.join(2)]
    await during(market.clock, provider.sell())
    await market.connect(renter, provider)
    // A lookup that goes on until it is told to stop.
    renter.network.findProviders = async function* (_key, { signal } = {}) {
      await new Promise<void>((resolve) => signal?.addEventListener('abort', () => resolve()))
      yield* []
    }
    const timed = async (suits: boolean): Promise<number> => {
      const started = market.clock.monotonicMs()
      expect(await during(market.clock, collect(renter.discovery.find({ waitMs: 400, suits: () => suits })))).toHaveLength(1)
      return market.clock.monotonicMs() - started
    }
    expect(await timed(true)).toBeLessThan(100)
    expect(await timed(false)).toBeGreaterThanOrEqual(400)
    await market.hub.stop()
  })

  it('find() ends with nothing when nobody is there, after its wait', async () => {
    const market = testMarket()
    const renter = await market.join(1)
    const started = market.clock.monotonicMs()
    expect(await during(market.clock, collect(renter.discovery.find({ waitMs: 500 })), 10)).toEqual([])
    expect(market.clock.monotonicMs() - started).toBeLessThan(600)
    await market.hub.stop()
  })

  it('find() rejects when its signal says so', async () => {
    const market = testMarket()
    const renter = await market.join(1)
    const abort = new AbortController()
    const finding = collect(renter.discovery.find({}, { signal: abort.signal }))
    market.clock.after(10, () => abort.abort(new Error('enough')))
    await expect(during(market.clock, finding)).rejects.toThrow('enough')
    await market.hub.stop()
  })
})

describe('isDead()', () => {
  it('tells who is gone from who is only slow to us', () => {
    expect(isDead(new HaggleError('E_DIAL', 'x'))).toBe(true)
    expect(isDead(new HaggleError('E_OFFER_NONE', 'x'))).toBe(true)
    expect(isDead(new HaggleError('E_ENVELOPE_EXPIRED', 'x'))).toBe(false)
    expect(isDead(new Error('x'))).toBe(false)
  })
})

describe('intervalS()', () => {
  it('keeps a topic at two adverts a second, between 25 and 120 s', () => {
    expect([0, 3, 50, 100, 240, 1_000].map(intervalS)).toEqual([25, 25, 25, 50, 120, 120])
  })
})
