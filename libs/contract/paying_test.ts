import { expect, it } from 'vitest'
import { aheadOf, meterEveryMs, paysAhead } from './mod.ts'

const RAIL = `evm:31337:0x${'0'.repeat(40)}`

it('paysAhead() is false on the free rail only', () => {
  expect([paysAhead({ rail: 'free' }), paysAhead({ rail: RAIL })]).toEqual([false, true])
})

it('meterEveryMs() is a quarter of a tick early on a rail that pays ahead', () => {
  expect(meterEveryMs({ rail: 'free', tickMs: 5_000 })).toBe(5_000)
  expect(meterEveryMs({ rail: RAIL, tickMs: 5_000 })).toBe(3_750)
})

it('aheadOf() is one tick more than what is owed, and never above the cap', () => {
  const terms = {
    meters: [
      { unit: 'ms' as const, price: 7n, per: 1_000n },
      { unit: 'byteOut' as const, price: 1n, per: 1n },
    ],
    cap: 100n,
    tickMs: 5_000,
  }
  expect([0n, 10n, 70n, 100n].map((owed) => aheadOf(terms, owed))).toEqual([35n, 45n, 100n, 100n])
})

it('aheadOf() is the price of a service level more when one is bought', () => {
  const terms = {
    meters: [
      { unit: 'ms' as const, price: 7n, per: 1_000n },
      { unit: 'sla' as const, price: 20n, per: 1n },
    ],
    cap: 1_000n,
    tickMs: 5_000,
  }
  expect(aheadOf(terms, 0n)).toBe(55n)
})
