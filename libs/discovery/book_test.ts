// The book forgets in time, stays within its bounds, and answers cheapest first.

import { describe, expect, it } from 'vitest'
import { seededRandom, virtualClock } from '@haggle/wire/testing'
import { toHex } from '@haggle/wire'
import { OfferBook, SEQ_MEMORY_MS } from './mod.ts'
import type { BookOptions } from './mod.ts'
import { advertOf, identityOf } from './_test_market.ts'

const NOW = Date.UTC(2026, 0, 1) / 1_000

function setUp(options: Partial<BookOptions> = {}) {
  const clock = virtualClock()
  return { clock, book: new OfferBook({ clock, random: seededRandom(1), ...options }) }
}

describe('OfferBook', { timeout: 60_000 }, () => {
  it('believes an advert for its TTL, counted from its arrival', () => {
    const { clock, book } = setUp()
    book.enter(advertOf(identityOf(1), { ttlS: 75 }), 'n')
    clock.advance(74_999)
    expect(book.size).toBe(1)
    clock.advance(1)
    expect(book.size).toBe(0)
    expect(book.get(identityOf(1).peerId)).toBeUndefined()
    expect(book.population('cpu')).toBe(0)
  })

  it('believes one from a snapshot no longer than its source does', () => {
    const { clock, book } = setUp()
    book.enter(advertOf(identityOf(1), { ttlS: 75 }), 'n', 10)
    clock.advance(10_000)
    expect(book.size).toBe(0)
  })

  it('enter() remembers nothing of an advert to which its source gives no time', () => {
    const { clock, book } = setUp()
    book.enter(advertOf(identityOf(1), { ttlS: 75 }), 'n', 0)
    expect([book.size, book.seqOf(toHex(identityOf(1).publicKey))]).toEqual([0, undefined])
    // Nor when its signer's own time is over: 75 s, and 30 s for the clocks.
    clock.advance(105_000)
    book.enter(advertOf(identityOf(1), { ttlS: 75 }), 'n', 75)
    expect([book.size, book.seqOf(toHex(identityOf(1).publicKey))]).toEqual([0, undefined])
  })

  it('enter() lets a second source lengthen what the first cut short, up to what the signer said', () => {
    const { clock, book } = setUp()
    const advert = advertOf(identityOf(1), { ttlS: 75 })
    expect([book.enter(advert, 'a', 10), book.enter(advert, 'b', 5), book.enter(advert, 'b', 40)]).toEqual([true, false, true])
    clock.advance(39_999)
    expect(book.size).toBe(1)
    clock.advance(1)
    expect(book.size).toBe(0)
    // Gone, and back: at 60 s it has 45 s left, however long a source says and however often.
    clock.advance(20_000)
    expect([book.enter(advert, 'c', 360), book.enter(advert, 'c', 360)]).toEqual([true, false])
    clock.advance(44_999)
    expect(book.size).toBe(1)
    clock.advance(1)
    expect(book.size).toBe(0)
  })

  it('enter() takes a newer advert from a source without letting it end the provider sooner', () => {
    const { clock, book } = setUp()
    book.enter(advertOf(identityOf(1), { ttlS: 75 }, { seq: 1 }), 'n')
    book.enter(advertOf(identityOf(1), { ttlS: 75, priceBucket: 7 }, { seq: 2 }), 'hostile', 1)
    clock.advance(74_999)
    expect(book.entries().map(({ advert }) => advert.priceBucket)).toEqual([7])
    clock.advance(1)
    expect(book.size).toBe(0)
  })

  it('enter() brings nobody back by a snapshot who left, did not answer, or spoke since', () => {
    const { clock, book } = setUp()
    const advert = advertOf(identityOf(1), { ttlS: 75 }, { seq: 1 })
    book.enter(advert, 'a', 10)
    book.remove(identityOf(1).peerId)
    expect(book.enter(advert, 'b', 75)).toBe(false)
    book.enter(advertOf(identityOf(1), { ttlS: 0 }, { seq: 2, exp: NOW + 75 }), 'n')
    expect([book.enter(advert, 'b', 75), book.size]).toEqual([false, 0])
    // What came by gossip is counted from its own arrival: no source lengthens it.
    const heard = advertOf(identityOf(2), { ttlS: 75 })
    book.enter(heard, 'n')
    clock.advance(20_000)
    expect(book.enter(heard, 'b', 75)).toBe(false)
    clock.advance(55_000)
    expect(book.size).toBe(0)
  })

  it('enter() gives no standing to one that snapshots only repeat', () => {
    const { book } = setUp({ maxEntries: 2 })
    for (const seq of [1, 2]) book.enter(advertOf(identityOf(1), {}, { seq }), 'n')
    for (let s = 1; s <= 20; s++) expect(book.enter(advertOf(identityOf(2)), 'hostile', s)).toBe(true)
    book.enter(advertOf(identityOf(3)), 'n')
    expect([1, 2, 3].map((n) => book.get(identityOf(n).peerId) !== undefined)).toEqual([true, false, true])
  })

  it('lasting() counts those that do not end soon, of all or by the way they came', () => {
    const { book } = setUp()
    book.enter(advertOf(identityOf(1), { ttlS: 75 }), 'n')
    book.enter(advertOf(identityOf(2), { ttlS: 75 }), 'n', 60)
    book.enter(advertOf(identityOf(3), { ttlS: 75 }), 'n', 5)
    expect([book.lasting(25_000), book.lasting(25_000, 'gossip'), book.lasting(0)]).toEqual([2, 1, 3])
  })

  it('answers a query cheapest first, and knows the class populations', () => {
    const { book } = setUp()
    book.enter(advertOf(identityOf(1), { priceBucket: 80, classIndex: 6 }), 'n')
    book.enter(advertOf(identityOf(2), { priceBucket: 60 }), 'n')
    book.enter(advertOf(identityOf(3), { priceBucket: 70, runnerBits: 2 }), 'n')
    book.enter(advertOf(identityOf(4), { priceBucket: 255, freeCount: 0 }), 'n')
    const ids = (query = {}) => book.entries(query).map(({ peerId }) => [1, 2, 3, 4].find((n) => identityOf(n).peerId === peerId))
    expect(ids()).toEqual([2, 3, 1, 4])
    expect(ids({ classes: ['g24'] })).toEqual([1])
    expect(ids({ maxPriceBucket: 70 })).toEqual([2, 3])
    expect(ids({ runnerBits: 2 })).toEqual([3])
    expect(ids({ minFree: 1 })).toEqual([2, 3, 1])
    expect([book.population('cpu'), book.population('g24'), book.population()]).toEqual([3, 1, 4])
  })

  it('moves a provider that changed its class', () => {
    const { book } = setUp()
    book.enter(advertOf(identityOf(1), { classIndex: 6 }, { seq: 1 }), 'n')
    book.enter(advertOf(identityOf(1), { classIndex: 9 }, { seq: 2 }), 'n')
    expect([book.population('g24'), book.population('g80'), book.size]).toEqual([0, 1, 1])
  })

  it('remembers the seq of one that left or was removed until the longest advert has passed', () => {
    const { clock, book } = setUp()
    const key = toHex(identityOf(1).publicKey)
    book.enter(advertOf(identityOf(1), {}, { seq: 7 }), 'n')
    book.remove(identityOf(1).peerId)
    expect([book.size, book.seqOf(key)]).toEqual([0, 7])
    clock.advance(SEQ_MEMORY_MS)
    expect(book.seqOf(key)).toBe(7)
    clock.advance(1)
    expect(book.seqOf(key)).toBeUndefined()
  })

  it('stays within its bounds, and a flood of new names displaces itself', () => {
    const { book } = setUp({ maxEntries: 50, maxSeqs: 100 })
    for (let round = 0; round < 3; round++) for (let n = 1; n <= 20; n++) book.enter(advertOf(identityOf(n), {}, { seq: NOW + round }), 'n')
    for (let n = 100; n < 400; n++) book.enter(advertOf(identityOf(n)), 'hostile')
    expect(book.size).toBe(50)
    const honest = Array.from({ length: 20 }, (_, i) => book.get(identityOf(i + 1).peerId)).filter((entry) => entry !== undefined)
    expect(honest).toHaveLength(20)
    expect(book.seqOf(toHex(identityOf(1).publicKey))).toBe(NOW + 2)
    expect(book.seqOf(toHex(identityOf(150).publicKey))).toBeUndefined()
    expect(book.seqOf(toHex(identityOf(399).publicKey))).toBe(NOW)
  })

  it('listen() tells of every entry', () => {
    const { book } = setUp()
    const seen: string[] = []
    const off = book.listen(({ peerId }) => seen.push(peerId))
    book.enter(advertOf(identityOf(1)), 'n')
    off()
    book.enter(advertOf(identityOf(2)), 'n')
    expect(seen).toEqual([identityOf(1).peerId])
  })
})
