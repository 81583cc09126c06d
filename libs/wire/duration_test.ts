// Durations: what people write and what they read.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatDuration, parseDuration } from './mod.ts'

describe('parseDuration()', () => {
  it.each([
    ['500ms', 500],
    ['30s', 30_000],
    ['10m', 600_000],
    ['10min', 600_000],
    ['1h30m', 5_400_000],
    ['1 h 30 m', 5_400_000],
    ['2d', 172_800_000],
    ['1.5s', 1500],
    ['0s', 0],
    [' 5m ', 300_000],
  ])('reads %s', (text, wanted) => {
    expect(parseDuration(text)).toBe(wanted)
  })

  it.each([
    '',
    '10',
    'm',
    '-5m',
    '10 parsecs',
    '1m1m',
    '1m2min',
    '1..5s',
    '1.s',
    '10M',
    '5 m s',
    '1e3s',
    `${'9'.repeat(30)}d`,
    `${'1s'.repeat(40)}`,
  ])('throws E_DURATION when given "%s"', (text) => {
    expect(() => parseDuration(text)).toThrow(expect.objectContaining({ code: 'E_DURATION' }))
  })

  it('reads what formatDuration() writes, within its rounding', () => {
    fc.assert(
      fc.property(fc.nat({ max: 400 * 86_400_000 }), (ms) => {
        const read = parseDuration(formatDuration(ms))
        expect(Math.abs(read - ms)).toBeLessThanOrEqual(Math.max(0.05 * 1000, ms * 0.03))
        expect(formatDuration(read)).toBe(formatDuration(ms))
      }),
    )
  })
})

describe('formatDuration()', () => {
  it.each([
    [0, '0 ms'],
    [38, '38 ms'],
    [999.4, '999 ms'],
    [1000, '1 s'],
    [21_400, '21.4 s'],
    [59_949, '59.9 s'],
    [59_950, '1 m'],
    [61_000, '1 m 1 s'],
    [725_000, '12 m 5 s'],
    [3_599_600, '1 h'],
    [11_520_000, '3 h 12 m'],
    [86_399_999, '1 d'],
    [187_200_000, '2 d 4 h'],
    [-1500, '-1.5 s'],
  ])('writes %s ms', (ms, wanted) => {
    expect(formatDuration(ms)).toBe(wanted)
  })
})
