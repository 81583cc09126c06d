import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { chanceOfSeats, drawSeats, drawSeed, eligible, type Seat } from './committee.ts'

const account = (n: number): Uint8Array => Uint8Array.from({ length: 20 }, (_, i) => (i === 0 ? n >> 8 : i === 1 ? n & 0xff : 1))
const seat = (n: number, enrolledBlock = 1, leftBlock = 0): Seat => ({ account: account(n), enrolledBlock, leftBlock })
const seeds = fc.uint8Array({ minLength: 32, maxLength: 32 })

describe('drawSeats', () => {
  it('drawSeats() draws n different eligible seats, none of them a party, the same for the same seed', () => {
    fc.assert(
      fc.property(seeds, fc.integer({ min: 9, max: 60 }), (seed, count) => {
        const seats = Array.from({ length: count }, (_, i) => seat(i, i % 9 === 8 ? 50 : 1))
        const draw = { seed, pinBlock: 50, n: 4, parties: [account(0), account(1)] }
        const drawn = drawSeats(seats, draw)
        if (drawn === null) return
        expect(new Set(drawn).size).toBe(4)
        for (const index of drawn) expect(index > 1 && eligible(seats[index]!, 50)).toBe(true)
        expect(drawSeats(seats, draw)).toEqual(drawn)
      }),
    )
  })

  it('drawSeats() gives the same committee when seats are taken or left after the pinned block', () => {
    fc.assert(
      fc.property(seeds, fc.uniqueArray(fc.nat(19)), (seed, leavers) => {
        const seats = Array.from({ length: 20 }, (_, i) => seat(i))
        const later = seats.map((one, i) => (leavers.includes(i) ? { ...one, leftBlock: 10 } : one))
        const draw = { seed, pinBlock: 10, n: 7, parties: [] }
        expect(drawSeats(later, draw)).toEqual(drawSeats(seats, draw))
      }),
    )
  })

  it('drawSeats() is null when too few seats are eligible', () => {
    expect(drawSeats([], { seed: new Uint8Array(32), pinBlock: 9, n: 4, parties: [] })).toBeNull()
    expect(drawSeats([seat(1), seat(2), seat(3), seat(4, 9)], { seed: new Uint8Array(32), pinBlock: 9, n: 4, parties: [] })).toBeNull()
  })

  it('drawSeats() draws every seat about as often as any other', () => {
    const counts = Array.from({ length: 10 }, () => 0)
    const seats = counts.map((_, i) => seat(i))
    for (let i = 0; i < 2_000; i++) {
      const seed = drawSeed(
        new Uint8Array(32),
        Uint8Array.from({ length: 32 }, (_, k) => (k === 0 ? i & 0xff : k === 1 ? i >> 8 : 0)),
      )
      for (const index of drawSeats(seats, { seed, pinBlock: 9, n: 4, parties: [] }) ?? []) counts[index]!++
    }
    // 800 expected each, standard deviation 22: five of them.
    for (const count of counts) expect(Math.abs(count - 800)).toBeLessThan(110)
  })
})

describe('chanceOfSeats', () => {
  it('chanceOfSeats() agrees with what can be counted by hand', () => {
    expect(chanceOfSeats({ seats: 4, bad: 1, n: 4, least: 1 })).toBe(1)
    expect(chanceOfSeats({ seats: 10, bad: 5, n: 1, least: 1 })).toBeCloseTo(0.5)
    expect(chanceOfSeats({ seats: 6, bad: 2, n: 2, least: 2 })).toBeCloseTo(1 / 15)
    expect(chanceOfSeats({ seats: 100, bad: 0, n: 7, least: 1 })).toBe(0)
  })
})
