import { describe, expect, it } from 'vitest'
import { chance } from '../torture/ledger_entries.ts'
import { BLOCKS, judge, meanSeries, type Point, quantile, settled, trendOf } from './trend.ts'

/** Twenty minutes, a measurement every five seconds: a level, growth per hour, and noise whose neighbours are alike. */
function series({ seed, perHour, noise, memory = 0.8 }: { seed: number; perHour: number; noise: number; memory?: number }): Point[] {
  const random = chance(seed)
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
  let held = 0
  return Array.from({ length: 240 }, (_, at) => {
    held = memory * held + Math.sqrt(1 - memory ** 2) * normal()
    const hours = (at * 5) / 3600
    return { hours, value: 100 + perHour * hours + noise * held }
  })
}

describe('trendOf()', () => {
  it('gives the slope of a straight line exactly', () => {
    const trend = trendOf(Array.from({ length: 100 }, (_, at) => ({ hours: at / 100, value: 5 + at / 50 })))
    expect(trend?.perHour).toBeCloseTo(2, 9)
    expect(trend?.low).toBeCloseTo(2, 6)
    expect(trend?.high).toBeCloseTo(2, 6)
  })

  it('holds the true slope in 95 of 100 intervals, though neighbours are alike', () => {
    let held = 0
    for (let seed = 1; seed <= 400; seed++) {
      const trend = trendOf(series({ seed, perHour: 7, noise: 2 }))
      if (trend !== null && trend.low <= 7 && 7 <= trend.high) held++
    }
    expect(held / 400).toBeGreaterThan(0.9)
  })

  it('is null when there are too few measurements for its blocks', () => {
    expect(trendOf(series({ seed: 1, perHour: 0, noise: 1 }).slice(0, BLOCKS))).toBeNull()
    expect(trendOf([])).toBeNull()
  })
})

describe('judge()', () => {
  const verdicts = (perHour: number, noise: number): string[] =>
    Array.from({ length: 50 }, (_, at) => judge(trendOf(series({ seed: at + 1, perHour, noise })), 1))

  it('finds a process that leaks', () => {
    expect(verdicts(20, 1).filter((verdict) => verdict === 'grows').length).toBeGreaterThan(48)
  })

  it('lets one pass that does not', () => {
    expect(verdicts(0, 1).filter((verdict) => verdict === 'flat').length).toBeGreaterThan(45)
    expect(verdicts(-20, 1)).not.toContain('grows')
  })

  it('lets growth pass that is surely below the limit, and not when it is surely above', () => {
    expect(new Set(verdicts(0.5, 0.001))).toEqual(new Set(['flat']))
    expect(new Set(verdicts(1.5, 0.001))).toEqual(new Set(['grows']))
  })

  it('is unclear without a trend', () => {
    expect(judge(null, 1)).toBe('unclear')
  })
})

it('settled() leaves out the first third of the time', () => {
  const points = Array.from({ length: 31 }, (_, at) => ({ hours: at, value: at }))
  expect(settled(points)[0]).toEqual({ hours: 10, value: 10 })
  expect(settled([])).toEqual([])
})

it('meanSeries() shows a leak that each process hides in its noise', () => {
  const leaking = (seed: number): Point[] => series({ seed, perHour: 12, noise: 3 })
  const alone = Array.from({ length: 9 }, (_, at) => judge(trendOf(leaking(at + 1)), 1))
  expect(alone).toContain('flat')
  expect(judge(trendOf(meanSeries(Array.from({ length: 9 }, (_, at) => leaking(at + 1)))), 1)).toBe('grows')
  expect(meanSeries([])).toEqual([])
})

it('quantile() is a value of the list', () => {
  expect([quantile([3, 1, 2], 0.5), quantile([3, 1, 2], 0.99), quantile([5], 0)]).toEqual([2, 3, 5])
  expect(quantile([], 0.5)).toBeNaN()
})
