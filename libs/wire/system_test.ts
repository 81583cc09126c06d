// The host's clock and randomness.

import { describe, expect, it, vi } from 'vitest'
import { systemClock, systemRandom } from './mod.ts'

describe('systemClock()', () => {
  it('tells wall time and a monotonic time', () => {
    const clock = systemClock()
    expect(Math.abs(clock.now() - Date.now())).toBeLessThan(1000)
    const before = clock.monotonicMs()
    expect(clock.monotonicMs()).toBeGreaterThanOrEqual(before)
  })

  it('after() waits longer than one timer of the host can', () => {
    vi.useFakeTimers()
    try {
      let rang = 0
      const days = 60 * 86_400_000
      systemClock().after(days, () => rang++)
      vi.advanceTimersByTime(days - 1)
      expect(rang).toBe(0)
      vi.advanceTimersByTime(1)
      expect(rang).toBe(1)
      const cancel = systemClock().after(days, () => rang++)
      vi.advanceTimersByTime(days - 1)
      cancel()
      vi.advanceTimersByTime(days)
      expect(rang).toBe(1)
      cancel()
    } finally {
      vi.useRealTimers()
    }
  })
})

describe('systemRandom()', () => {
  it('gives as many bytes as asked, also above the limit of one call', () => {
    const random = systemRandom()
    for (const length of [0, 1, 32, 65_536, 200_000]) expect(random(length)).toHaveLength(length)
    expect(random(32)).not.toEqual(random(32))
    expect(
      random(200_000)
        .subarray(190_000)
        .some((byte) => byte !== 0),
    ).toBe(true)
  })
})

it('systemClock().after() never calls early, by the clock that it belongs to', async () => {
  const clock = systemClock()
  const early: number[] = []
  await Promise.all(
    Array.from({ length: 200 }, (_, at) => {
      const dueMs = clock.monotonicMs() + 5 + at / 100
      return new Promise<void>((resolve) => {
        clock.after(dueMs - clock.monotonicMs(), () => {
          if (clock.monotonicMs() < dueMs) early.push(dueMs - clock.monotonicMs())
          resolve()
        })
      })
    }),
  )
  expect(early).toEqual([])
})
