import type { Meter } from '@haggle/offer'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { believes, noUsage, owedFor, usedMs } from './metering.ts'

function vectors<T>(name: string): T {
  return JSON.parse(readFileSync(join(import.meta.dirname, '../../spec/vectors', `${name}.json`), 'utf8')) as T
}

describe('owedFor()', () => {
  interface MeteringVectors {
    readonly owed: readonly {
      readonly meters: readonly { readonly unit: Meter['unit']; readonly price: string; readonly per: string }[]
      readonly cap: string
      readonly usage: readonly string[]
      readonly owed: string
    }[]
    readonly believes: readonly { readonly usedMs: string; readonly ownMs: number; readonly believes: boolean }[]
  }
  const metering = vectors<MeteringVectors>('metering')
  it('is one ceil over the exact sum, within the cap', () => {
    for (const { meters, cap, usage, owed } of metering.owed) {
      const terms = { meters: meters.map(({ unit, price, per }) => ({ unit, price: BigInt(price), per: BigInt(per) })), cap: BigInt(cap) }
      expect(owedFor(terms, usage.map(BigInt)).toString()).toBe(owed)
    }
  })
  it('never falls when usage grows, and is never more than a unit above the exact sum', () => {
    const amount = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })
    fc.assert(
      fc.property(amount, fc.bigInt({ min: 1n, max: 2n ** 32n }), amount, amount, (price, per, one, more) => {
        const terms = { meters: [{ unit: 'ms' as const, price, per }], cap: 2n ** 130n }
        const owed = owedFor(terms, [one])
        expect(owedFor(terms, [one + more]) >= owed).toBe(true)
        expect(owed * per >= one * price && (owed - 1n) * per < one * price).toBe(true)
      }),
    )
  })
  it('goes with believes(): the larger of a second and 0.1 %', () => {
    for (const each of metering.believes) expect(believes(BigInt(each.usedMs), each.ownMs)).toBe(each.believes)
  })
})

it('usedMs() is the ms amount, wherever it stands, and 0 where time is not metered', () => {
  const meters = [
    { unit: 'request' as const, price: 1n, per: 1n },
    { unit: 'ms' as const, price: 1n, per: 1n },
  ]
  expect(usedMs({ meters }, [7n, 9n])).toBe(9n)
  expect(usedMs({ meters: meters.slice(0, 1) }, [7n])).toBe(0n)
  expect(noUsage({ meters })).toEqual([0n, 0n])
})
