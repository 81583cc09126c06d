// The clock is judged by the median of those who sign, and only when there are enough of them.

import { describe, expect, it } from 'vitest'
import { during, testMarket } from './_test_market.ts'
import { clockError, SkewMeter } from './skew_meter.ts'

describe('SkewMeter', () => {
  it('says nothing before three signers have spoken, and then their median', () => {
    const meter = new SkewMeter()
    meter.note('a', 3_600, 0)
    meter.note('a', 3_601, 0)
    meter.note('b', 3_599, 0)
    expect(meter.medianS(0)).toBeUndefined()
    meter.note('c', -5, 0)
    expect(meter.medianS(0)).toBe(3_599)
    for (const name of ['d', 'e', 'f', 'g']) meter.note(name, 0, 0)
    expect(meter.medianS(0)).toBe(0)
  })

  it('forgets what is old, and keeps a bounded number', () => {
    const meter = new SkewMeter()
    for (let i = 0; i < 100; i++) meter.note(`old ${i}`, 100, 0)
    for (const name of ['a', 'b', 'c']) meter.note(name, 1, 600_001)
    expect(meter.medianS(600_001)).toBe(1)
  })
})

describe('clockError()', () => {
  it('is E_CLOCK with the offset beyond 30 s', () => {
    expect(clockError(undefined)).toBeUndefined()
    expect(clockError(30)).toBeUndefined()
    expect(clockError(3_600)).toMatchObject({ code: 'E_CLOCK', details: { offsetS: 3_600 }, message: expect.stringContaining('behind') })
    expect(clockError(-3_600)?.message).toContain('ahead')
  })
})

describe('Discovery.clockSkewS()', () => {
  it('tells a node whose clock is an hour off from the adverts that it must refuse', async () => {
    const market = testMarket()
    const late = {
      ...market.clock,
      now: () => market.clock.now() - 3_600_000,
      monotonicMs: () => market.clock.monotonicMs(),
      after: market.clock.after,
    }
    const [off, right] = [await market.join(1, { clock: late }), await market.join(2)]
    for (let n = 3; n <= 6; n++) {
      const provider = await market.join(n)
      await market.connect(provider, off)
      await market.connect(provider, right)
      await during(market.clock, provider.sell())
    }
    await market.clock.settle(2_000)
    expect(off.discovery.book.size).toBe(0)
    expect(off.discovery.clockSkewS()).toBeGreaterThan(3_500)
    expect(right.discovery.book.size).toBe(4)
    expect(Math.abs(right.discovery.clockSkewS() ?? 99)).toBeLessThan(5)
    await market.hub.stop()
  })
})
