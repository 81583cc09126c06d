import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { countBits, graceMs, maskSlots, slotAt, slotBit, slotStartMs, windowEndS, windowMask, windowOf, windowsOf } from './slots.ts'
import { maskOf } from './verdict.ts'

const schedules = fc.record({
  startsAtS: fc.integer({ min: 1_000, max: 2_000_000_000 }),
  slotS: fc.integer({ min: 1, max: 3_600 }),
  slots: fc.integer({ min: 1, max: 44_640 }),
})

describe('slotAt', () => {
  it('slotAt() is the slot whose start is not later, null outside of the case', () => {
    fc.assert(
      fc.property(schedules, fc.nat(50_000_000), (schedule, offset) => {
        const now = slotStartMs(schedule, 0) + offset
        const slot = slotAt(schedule, now)
        if (slot === null) {
          expect(now).toBeGreaterThanOrEqual(slotStartMs(schedule, schedule.slots))
          return
        }
        expect(slotStartMs(schedule, slot)).toBeLessThanOrEqual(now)
        expect(slotStartMs(schedule, slot + 1)).toBeGreaterThan(now)
      }),
    )
    expect(slotAt({ startsAtS: 10, slotS: 1, slots: 5 }, 9_999)).toBeNull()
  })
})

describe('windowMask', () => {
  it('windowMask() has one bit for each slot of the case, over all its windows', () => {
    fc.assert(
      fc.property(schedules, (schedule) => {
        const bits = Array.from({ length: windowsOf(schedule) }, (_, window) => countBits(windowMask(schedule, window)))
        expect(bits.reduce((sum, count) => sum + count, 0)).toBe(schedule.slots)
        expect(windowMask(schedule, windowsOf(schedule))).toBe(0n)
      }),
      { numRuns: 30 },
    )
  })

  it('windowEndS() of the last window is the end of the case', () => {
    fc.assert(
      fc.property(schedules, (schedule) => {
        expect(windowEndS(schedule, windowsOf(schedule) - 1) * 1_000).toBe(slotStartMs(schedule, schedule.slots))
      }),
    )
  })
})

describe('maskSlots', () => {
  it('maskSlots() gives back the slots that maskOf() took', () => {
    fc.assert(
      fc.property(fc.nat(700), fc.uniqueArray(fc.nat(59)), (window, bits) => {
        const slots = bits.toSorted((a, b) => a - b).map((bit) => window * 60 + bit)
        expect(maskSlots(window, maskOf(slots))).toEqual(slots)
        expect(slots.every((slot) => windowOf(slot) === window && (maskOf(slots) & slotBit(slot)) !== 0n)).toBe(true)
      }),
    )
  })

  it('graceMs() is half a slot, and never more than thirty seconds', () => {
    expect([1, 10, 60, 3_600].map((slotS) => graceMs({ slotS }))).toEqual([500, 5_000, 30_000, 30_000])
  })
})
