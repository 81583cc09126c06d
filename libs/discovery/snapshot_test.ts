// A snapshot is half the cheapest and half a lot that the source can't choose, within its octets; hostile ones are survived.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { concat, readFrames, toHex, writeFrame } from '@haggle/wire'
import type { MemoryNode } from '@haggle/mesh'
import { seededRandom, virtualClock } from '@haggle/wire/testing'
import {
  byPrice,
  decodeSnapshotItem,
  decodeSnapshotRequest,
  drawSnapshot,
  encodeSnapshotItem,
  encodeSnapshotRequest,
  MAX_SNAPSHOT_BYTES,
  OfferBook,
  SNAPSHOT_PROTOCOL,
} from './mod.ts'
import type { BookEntry } from './mod.ts'
import { SNAPSHOT_RATE, SNAPSHOT_TOTAL_RATE } from './protocols.ts'
import { MAX_ITEM_BYTES, requestOf, snapshotFrames } from './snapshot.ts'
import { advertOf, during, identityOf, SUITE, testMarket } from './_test_market.ts'

const book = new OfferBook({ clock: virtualClock(), random: seededRandom(1) })
for (let n = 1; n <= 100; n++) book.enter(advertOf(identityOf(n), { priceBucket: n }), 'n')
const entries = book.entries()
const numberOf = (entry: BookEntry): number => entry.advert.priceBucket

describe('drawSnapshot()', () => {
  it('gives half the cheapest and half by lot, alternating', () => {
    const drawn = drawSnapshot(entries, { nonce: new Uint8Array(16).fill(1), max: 20 }, SUITE)
    expect(drawn.filter((_, i) => i % 2 === 0).map(numberOf)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    expect(new Set(drawn).size).toBe(20)
    const again = drawSnapshot([...entries].reverse(), { nonce: new Uint8Array(16).fill(1), max: 20 }, SUITE)
    expect(again.map(numberOf)).toEqual(drawn.map(numberOf))
    const other = drawSnapshot(entries, { nonce: new Uint8Array(16).fill(2), max: 20 }, SUITE)
    expect(other.map(numberOf)).not.toEqual(drawn.map(numberOf))
  })

  it('gives what sorting and hashing all of them gives', () => {
    const naive = (fitting: readonly BookEntry[], nonce: Uint8Array, max: number): BookEntry[] => {
      const cheapest = [...fitting].sort(byPrice).slice(0, Math.ceil(max / 2))
      const lot = (entry: BookEntry): string => toHex(SUITE.sha256(concat(nonce, entry.provider)))
      const lots = fitting.filter((entry) => !cheapest.includes(entry)).sort((a, b) => (lot(a) < lot(b) ? -1 : 1))
      return Array.from({ length: max }, (_, i) => [cheapest[i], lots[i]])
        .flat()
        .filter((entry) => entry !== undefined)
        .slice(0, max)
    }
    fc.assert(
      fc.property(
        fc.array(fc.record({ priceBucket: fc.integer({ min: 0, max: 6 }), freeCount: fc.integer({ min: 0, max: 2 }) }), { maxLength: 100 }),
        fc.uint8Array({ minLength: 16, maxLength: 16 }),
        fc.integer({ min: 1, max: 64 }),
        (patches, nonce, max) => {
          const fitting = patches.flatMap((patch, i) => {
            const entry = entries[i]
            return entry === undefined ? [] : [{ ...entry, advert: { ...entry.advert, ...patch } }]
          })
          expect(drawSnapshot(fitting, { nonce, max }, SUITE).map(({ peerId }) => peerId)).toEqual(
            naive(fitting, nonce, max).map(({ peerId }) => peerId),
          )
        },
      ),
      { numRuns: 50 },
    )
  })

  it('gives every provider that fits when there are few', () => {
    for (const max of [1, 2, 3, 64]) {
      const drawn = drawSnapshot(entries.slice(0, 3), { nonce: new Uint8Array(16), max }, SUITE)
      expect(new Set(drawn).size).toBe(Math.min(max, 3))
    }
  })

  it('draws each of the dear ones about as often as any other', () => {
    const counts = new Map<number, number>()
    for (let i = 0; i < 200; i++) {
      const nonce = new Uint8Array(16).fill(i)
      for (const entry of drawSnapshot(entries, { nonce, max: 20 }, SUITE))
        counts.set(numberOf(entry), (counts.get(numberOf(entry)) ?? 0) + 1)
    }
    const dear = Array.from({ length: 90 }, (_, i) => counts.get(i + 11) ?? 0)
    expect(Math.min(...dear)).toBeGreaterThan(5)
    expect(Math.max(...dear)).toBeLessThan(50)
  })
})

describe('snapshot codecs', () => {
  it('round-trip any request and item', () => {
    fc.assert(
      fc.property(
        fc.record({
          classes: fc.array(fc.integer({ min: 0, max: 10 }), { maxLength: 11 }),
          maxPriceBucket: fc.integer({ min: 0, max: 255 }),
          runnerBits: fc.integer({ min: 0, max: 255 }),
          minFree: fc.integer({ min: 0, max: 255 }),
          nonce: fc.uint8Array({ minLength: 16, maxLength: 16 }),
          max: fc.integer({ min: 1, max: 64 }),
        }),
        fc.record({ remainingS: fc.integer({ min: 0, max: 360 }), advert: fc.uint8Array({ maxLength: 512 }) }),
        (request, item) => {
          expect(decodeSnapshotRequest(encodeSnapshotRequest(request))).toEqual(request)
          expect(decodeSnapshotItem(encodeSnapshotItem(item))).toEqual(item)
        },
      ),
    )
  })

  it('refuse a request for more than 64', () => {
    const request = { classes: [], maxPriceBucket: 255, runnerBits: 0, minFree: 0, nonce: new Uint8Array(16), max: 65 }
    expect(() => encodeSnapshotRequest(request)).toThrow(expect.objectContaining({ code: 'E_WIRE_SCHEMA' }))
  })

  it('an answer stays within its octets', () => {
    const big = new OfferBook({ clock: virtualClock(), random: seededRandom(1) })
    const address = `/dns4/${'x'.repeat(140)}/tcp/1`
    for (let n = 1; n <= 100; n++) big.enter(advertOf(identityOf(n), { addresses: [address] }), 'n')
    expect(snapshotFrames(big.entries(), 0).length).toBeLessThanOrEqual(MAX_SNAPSHOT_BYTES)
  })
})

describe('/haggle/snapshot/1', { timeout: 60_000 }, () => {
  it('refuses one that asks too often, and goes on serving others', async () => {
    const market = testMarket()
    const source = await market.join(1)
    source.discovery.book.enter(advertOf(identityOf(9)), 'n')
    const [greedy, modest] = [await market.join(2), await market.join(3)]
    await market.connect(greedy, source)
    let answered = 0
    for (let i = 0; i < 20; i++)
      answered += await during(
        market.clock,
        greedy.discovery.learnFrom(source.network.peerId).then(
          () => 1,
          () => 0,
        ),
      )
    expect(answered).toBeLessThan(SNAPSHOT_RATE.burst)
    await market.connect(modest, source)
    expect(modest.discovery.book.size).toBe(1)
    await market.hub.stop()
  })

  it('refuses when all peers together ask too often, fresh keys or not, and says of which kind each refusal was', async () => {
    const market = testMarket()
    const source = await market.join(1)
    source.discovery.book.enter(advertOf(identityOf(9)), 'n')
    const peers = Math.ceil(SNAPSHOT_TOTAL_RATE.burst / SNAPSHOT_RATE.burst) + 3
    let answered = 0
    const ask = async (peer: MemoryNode): Promise<void> => {
      const stream = await peer.open({ peerId: source.network.peerId }, SNAPSHOT_PROTOCOL)
      await stream.send(writeFrame(encodeSnapshotRequest(requestOf({}, new Uint8Array(16)))))
      for await (const _ of readFrames(stream, { maxBytes: MAX_ITEM_BYTES })) answered += 1
      await stream.close()
    }
    for (let n = 0; n < peers; n++) {
      const peer = market.hub.join(identityOf(100 + n))
      await during(market.clock, peer.connect({ peerId: source.network.peerId }))
      for (let i = 0; i < SNAPSHOT_RATE.burst; i++)
        await during(
          market.clock,
          ask(peer).catch(() => undefined),
        )
    }
    const passedS = (market.clock.monotonicMs() + 1) / 1_000
    expect(answered).toBeGreaterThanOrEqual(SNAPSHOT_TOTAL_RATE.burst)
    expect(answered).toBeLessThanOrEqual(SNAPSHOT_TOTAL_RATE.burst + SNAPSHOT_TOTAL_RATE.perSecond * passedS)
    const crowd = peers * SNAPSHOT_RATE.burst - answered
    expect(source.discovery.snapshotRefusals.get('crowd')).toBe(crowd)
    // A peer beyond its own measure takes nothing from the others'.
    const greedy = market.hub.join(identityOf(50))
    await during(market.clock, greedy.connect({ peerId: source.network.peerId }))
    await market.clock.settle(60_000)
    for (let i = 0; i < 2 * SNAPSHOT_TOTAL_RATE.burst; i++)
      await during(
        market.clock,
        ask(greedy).catch(() => undefined),
      )
    expect(source.discovery.snapshotRefusals.get('peer')).toBeGreaterThan(SNAPSHOT_TOTAL_RATE.burst)
    expect(source.discovery.snapshotRefusals.get('crowd')).toBe(crowd)
    await market.hub.stop()
  })

  it('takes nothing from a source that lies, and no more than 64 from one that never stops', async () => {
    const market = testMarket()
    const renter = await market.join(1)
    const liar = market.hub.join(identityOf(2))
    const forged = advertOf(identityOf(50)).bytes.slice()
    forged.set(new Uint8Array(8), forged.length - 8)
    const valid = Array.from({ length: 80 }, (_, i) => advertOf(identityOf(100 + i)).bytes)
    await liar.handle(SNAPSHOT_PROTOCOL, async (stream) => {
      await stream.send(
        concat(...[forged, Uint8Array.of(0xc1)].map((advert) => writeFrame(encodeSnapshotItem({ remainingS: 360, advert })))),
      )
      for (const advert of valid) await stream.send(writeFrame(encodeSnapshotItem({ remainingS: 360, advert })))
    })
    const done = renter.network.connect({ peerId: liar.peerId })
    await market.clock.settle(200)
    await done
    expect(renter.discovery.book.size).toBeLessThanOrEqual(64)
    expect(renter.discovery.book.get(identityOf(50).peerId)).toBeUndefined()
    expect(renter.discovery.refusals.get('signature')).toBe(1)
    await market.hub.stop()
  })
})
