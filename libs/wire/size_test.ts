// Sizes: binary and decimal units, and refusals of the rest.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatSize, parseSize } from './mod.ts'

describe('parseSize()', () => {
  it.each([
    ['100B', 100],
    ['1KiB', 1024],
    ['1kB', 1000],
    ['24GiB', 24 * 1024 ** 3],
    ['24 gib', 24 * 1024 ** 3],
    ['1.5GB', 1_500_000_000],
    ['0.5KiB', 512],
    ['2TiB', 2 * 1024 ** 4],
  ])('reads %s', (text, wanted) => {
    expect(parseSize(text)).toBe(wanted)
  })

  it.each(['', '24', 'GiB', '-1B', '1.5B', '1Gib2', '24G', '99999999PiB', '1e3B', '1..5GB', '24 G iB'])(
    'throws E_SIZE when given "%s"',
    (text) => {
      expect(() => parseSize(text)).toThrow(expect.objectContaining({ code: 'E_SIZE' }))
    },
  )

  it('reads what formatSize() writes, within its rounding', () => {
    fc.assert(
      fc.property(fc.nat({ max: 1023 }), fc.nat({ max: 4 }), (units, power) => {
        const bytes = units * 1024 ** power
        expect(parseSize(formatSize(bytes))).toBe(bytes)
      }),
    )
  })
})

describe('formatSize()', () => {
  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1 KiB'],
    [1536, '1.5 KiB'],
    [1024 ** 2 - 1, '1 MiB'],
    [24 * 1024 ** 3, '24 GiB'],
    [5000 * 1024 ** 5, '5000 PiB'],
  ])('writes %s bytes', (bytes, wanted) => {
    expect(formatSize(bytes)).toBe(wanted)
  })
})
