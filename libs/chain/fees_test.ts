import { describe, expect, it } from 'vitest'
import fc from 'fast-check'
import { raiseFees, suggestFees, tooDear } from './fees.ts'

const policy = { maxFee: 1000n, minPriority: 3n }

describe('suggestFees', () => {
  it('offers at least what the policy wants and never more than it allows', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 2000n), fc.bigInt(0n, 2000n), (baseFee, wished) => {
        const fees = suggestFees({ baseFee }, wished, policy)
        if (fees === undefined) {
          expect(baseFee + (wished > 3n ? wished : 3n)).toBeGreaterThan(1000n)
          return
        }
        expect(fees.maxFee).toBeLessThanOrEqual(1000n)
        expect(fees.maxFee).toBeGreaterThanOrEqual(baseFee + fees.priority)
        expect(fees.priority).toBeGreaterThanOrEqual(3n)
      }),
    )
  })
})

describe('raiseFees', () => {
  it('raises both by more than the 10 % that nodes want, or not at all', () => {
    fc.assert(
      fc.property(fc.bigInt(1n, 900n), fc.bigInt(1n, 50n), fc.bigInt(0n, 900n), (maxFee, priority, baseFee) => {
        const before = { maxFee: maxFee + priority, priority }
        const raised = raiseFees(before, { maxFee: baseFee, priority: 1n }, policy)
        if (raised === undefined) return
        expect(raised.maxFee * 100n).toBeGreaterThan(before.maxFee * 110n)
        expect(raised.priority * 100n).toBeGreaterThan(before.priority * 110n)
        expect(raised.maxFee).toBeLessThanOrEqual(policy.maxFee)
        expect(raised.maxFee).toBeGreaterThanOrEqual(baseFee)
      }),
    )
  })

  it('gives undefined when the raise passes the limit', () => {
    expect(raiseFees({ maxFee: 950n, priority: 3n }, { maxFee: 10n, priority: 3n }, policy)).toBe(undefined)
  })
})

describe('tooDear', () => {
  it('names both sides in gwei', () => {
    const error = tooDear({ baseFee: 300_000_000_000n }, { maxFee: 200_000_000_000n, minPriority: 1n })
    expect(error.code).toBe('E_CHAIN_GAS')
    expect(error.message).toBe('Waiting to send: gas costs 300 gwei, the limit is 200 gwei')
  })
})
