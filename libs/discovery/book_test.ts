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
