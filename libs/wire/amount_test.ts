// Amounts: text and base units undo each other, and nothing is rounded or guessed.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatAmount, parseAmount } from './mod.ts'

describe('parseAmount()', () => {
  it('undoes formatAmount()', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 128n }), fc.nat({ max: 18 }), (value, decimals) => {
        expect(parseAmount(formatAmount(value, decimals), decimals)).toBe(value)
      }),
    )
  })

  it.each([
    ['0', 0n],
    ['0.05', 50_000n],
    ['1', 1_000_000n],
    ['1.000001', 1_000_001n],
    ['007', 7_000_000n],
    ['1.50', 1_500_000n],
  ])('reads %s', (text, wanted) => {
    expect(parseAmount(text)).toBe(wanted)
  })

  it.each(['', '.', '.5', '5.', '-1', '+1', '1e3', '1,5', ' 1', '1 ', '0x1', 'NaN', '1.0000001', '1'.repeat(41), '١'])(
    'throws E_AMOUNT when given "%s"',
    (text) => {
      expect(() => parseAmount(text)).toThrow(expect.objectContaining({ code: 'E_AMOUNT' }))
    },
  )

  it('takes whole units only when there are no decimals', () => {
    expect(parseAmount('12', 0)).toBe(12n)
    expect(() => parseAmount('12.0', 0)).toThrow(expect.objectContaining({ code: 'E_AMOUNT' }))
  })
})

describe('formatAmount()', () => {
  it.each([
    [0n, '0'],
    [1n, '0.000001'],
    [310_000n, '0.31'],
    [1_000_000n, '1'],
    [-50_000n, '-0.05'],
    [12_345_678_901n, '12345.678901'],
  ])('writes %s shortly', (value, wanted) => {
    expect(formatAmount(value)).toBe(wanted)
  })
})
