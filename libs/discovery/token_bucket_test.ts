// Buckets fill with time, never above their burst, and a table of them stays within its bound.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { TokenBucket, TokenBuckets } from './token_bucket.ts'

describe('TokenBucket', () => {
  it('gives its burst at once and then its rate', () => {
    const bucket = new TokenBucket({ perSecond: 2, burst: 3 }, 0)
    expect([0, 0, 0, 0].map((at) => bucket.take(at))).toEqual([true, true, true, false])
    expect(bucket.waitMs(0)).toBe(500)
    expect([bucket.has(499), bucket.has(500), bucket.take(500), bucket.take(500)]).toEqual([false, true, true, false])
    expect(bucket.isFull(1_000)).toBe(false)
    expect(bucket.isFull(10_000)).toBe(true)
    expect(bucket.waitMs(10_000)).toBe(0)
  })

  it('never gives more than burst + rate × time, whenever it is asked', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 500 }), { maxLength: 200 }),
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 20 }),
        (gaps, perSecond, burst) => {
          const bucket = new TokenBucket({ perSecond, burst }, 0)
          let now = 0
          let given = 0
          for (const gap of gaps) {
            now += gap
            if (bucket.take(now)) given += 1
          }
          expect(given).toBeLessThanOrEqual(burst + (perSecond * now) / 1_000 + 1e-6)
        },
      ),
    )
  })

  it('does not mind a clock that stands still or goes back', () => {
    const bucket = new TokenBucket({ perSecond: 1, burst: 1 }, 1_000)
    expect([bucket.take(1_000), bucket.take(0), bucket.take(500)]).toEqual([true, false, false])
  })
})

describe('TokenBuckets', () => {
  it('keeps one bucket a name, and at most so many', () => {
    const buckets = new TokenBuckets({ perSecond: 1, burst: 1 }, 100)
    expect([buckets.take('a', 0), buckets.take('a', 0), buckets.take('b', 0)]).toEqual([true, false, true])
    for (let i = 0; i < 1_000; i++) buckets.take(`n${i}`, 0)
    expect(buckets.size).toBeLessThanOrEqual(100)
  })

  it('forgets the longest unused first', () => {
    const buckets = new TokenBuckets({ perSecond: 0.001, burst: 1 }, 10)
    buckets.take('old', 0)
    for (let i = 0; i < 9; i++) buckets.take(`n${i}`, 0)
    buckets.take('old', 0)
    buckets.take('new', 0)
    expect(buckets.has('old', 0)).toBe(false)
    expect(buckets.has('n0', 0)).toBe(true)
  })
})
