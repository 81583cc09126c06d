import type { Outcome, Terms } from '@haggle/contract'
import type { Message } from '@haggle/wire'
import { describe, expect, it } from 'vitest'
import { evidenceOf, factsOf } from './closing_entry.ts'

const outcome: Outcome = {
  kind: 'settled',
  by: null,
  reason: null,
  bound: true,
  usage: [7n, 61_500n],
  owed: 40n,
  claimed: 40n,
  signedBy: 'both',
}
const terms = { rail: 'free', meters: [{ unit: 'request' }, { unit: 'ms' }] } as unknown as Terms
const facts = (some: Partial<Outcome>, rest: Partial<Parameters<typeof factsOf>[0]> = {}): ReturnType<typeof factsOf> =>
  factsOf({
    outcome: { ...outcome, ...some },
    terms,
    peerRole: 'provider',
    outMs: 0,
    rail: { isMoney: false, decimals: 6 },
    settled: 40n,
    ...rest,
  })

describe('factsOf()', () => {
  it('takes time from the meter that counts it, and what was owed', () => {
    expect(facts({})).toEqual({
      role: 'provider',
      outcome: 'settled',
      liable: null,
      rail: 'free',
      settled: 40n,
      meteredS: 61,
      upS: 61,
      speedPermille: null,
    })
  })

  it('blames who failed, the network when nobody can say who, and nobody for cancelling', () => {
    expect(facts({ kind: 'failed', by: 'provider' }).liable).toBe('provider')
    expect(facts({ kind: 'failed', by: null }).liable).toBe('network')
    expect(facts({ kind: 'cancelled', by: 'renter' })).toMatchObject({ outcome: 'cancelled', liable: null })
    expect(facts({ kind: 'expired', by: 'renter' })).toMatchObject({ outcome: 'cancelled', liable: null })
  })

  it('takes the time out of reach off the uptime, and says nothing where nobody looked', () => {
    expect(facts({}, { outMs: 20_000 }).upS).toBe(41)
    expect(facts({}, { outMs: 99_000 }).upS).toBe(0)
    expect(facts({}, { outMs: null }).upS).toBeNull()
    expect(facts({}, { peerRole: 'renter' }).upS).toBeNull()
  })

  it('tells money from credits, and counts a finer token in millionths', () => {
    const money = facts({}, { rail: { isMoney: true, decimals: 18 }, settled: 7_500_000_000_000_000_000n })
    expect(money).toMatchObject({ rail: 'evm', settled: 7_500_000n })
  })
})

describe('evidenceOf()', () => {
  const message = (type: string, byte: number): Message => ({ type, bytes: Uint8Array.of(byte) }) as unknown as Message
  const own = [message('accept', 0), message('voucher', 1), message('voucher', 2), message('receipt', 3)]

  it('is both receipts when both signed', () => {
    const theirs = [message('result', 8), message('receipt', 9)]
    expect(evidenceOf({ own, theirs })).toEqual([Uint8Array.of(3), Uint8Array.of(9)])
  })

  it('is all that one side has when the other did not sign', () => {
    expect(evidenceOf({ own, theirs: [message('result', 8)] })).toEqual([3, 8, 2].map((byte) => Uint8Array.of(byte)))
  })
})
