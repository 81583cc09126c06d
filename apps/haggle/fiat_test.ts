// A hint beside an amount is short, has its currency, and is there only when its owner gave a rate.

import { expect, test } from 'vitest'
import { money } from './fiat.ts'

test.each([
  ['0.25', undefined, '0.25 TEST'],
  ['0.250000', { price: 0.9, currency: 'EUR' }, '0.25 TEST (≈ 0.225 EUR)'],
  ['0.000001', { price: 0.9, currency: 'EUR' }, '0.000001 TEST (≈ 0.0000009 EUR)'],
  ['1234.5', { price: 2, currency: 'USD' }, '1234.5 TEST (≈ 2469 USD)'],
  ['0', { price: 2, currency: 'USD' }, '0 TEST (≈ 0 USD)'],
] as const)('money() of %s with %j', (amount, rate, text) => {
  expect(money(amount, 'TEST', rate)).toBe(text)
})
