import type { LedgerEntry, Terms } from '@haggle/contract'
import type { Thread } from '@haggle/negotiate'
import type { PaymentRail } from '@haggle/payment'
import { expect, it } from 'vitest'
import { Earnings, MAX_SETTLED } from './earnings.ts'
import { Rails } from './rails.ts'

const VOID: LedgerEntry = { kind: 'void', contract: new Uint8Array(32), number: 1, peer: new Uint8Array(32) }

/** As much of a thread and of a rail as a settlement reads. */
const threadOf = (id: number): Thread =>
  ({
    id: String(id),
    record: { thread: new Uint8Array(16) },
    view: () => ({ terms: { rail: 'free' } as Terms, proposed: null, phase: 'expired' }),
  }) as unknown as Thread
const railOf = (amounts: bigint[]): PaymentRail =>
  ({ name: 'free', paysAhead: false, settle: async () => ({ settled: amounts.shift() ?? 1n }) }) as unknown as PaymentRail

it('settle() counts a later end of the same thread in the place of the first', async () => {
  const earnings = new Earnings(new Rails([railOf([5n, 7n, 1n])]))
  for (const id of [1, 1, 2]) await earnings.settle(threadOf(id), VOID, null)
  expect(earnings.earned.get('free')).toBe(8n)
})

it('settle() remembers the last threads, and not all that ever were', async () => {
  const earnings = new Earnings(new Rails([railOf([])]))
  for (let id = 0; id < MAX_SETTLED + 100; id++) await earnings.settle(threadOf(id), VOID, null)
  expect(earnings.remembered).toBe(MAX_SETTLED)
  expect(earnings.earned.get('free')).toBe(BigInt(MAX_SETTLED + 100))
})
