import type { Terms } from '@haggle/contract'
import { freeRate } from '@haggle/offer'
import { expect, it } from 'vitest'
import { freeRail } from './mod.ts'
import { testPaymentRail } from './testing.ts'

const terms = (cap: bigint): Terms => ({
  renter: new Uint8Array(32).fill(1),
  provider: new Uint8Array(32).fill(2),
  offerDigest: null,
  devices: [],
  runner: 'deno',
  isolation: 'bubblewrap',
  rail: 'free',
  meters: freeRate(310_000n).meters,
  cap,
  tickMs: 5_000,
  graceMs: 30_000,
  stagingMs: 60_000,
  idleMs: 60_000,
  maxMs: 600_000,
  limits: { cpuMilli: 1000, memMiB: 512, diskMiB: 256, outMiB: 16, pids: 64 },
  net: null,
  sla: null,
  visibility: 'private',
  extends: null,
})

testPaymentRail('freeRail()', {
  it,
  equal: (actual, expected) => expect(actual).toEqual(expected),
  make: async (cap) => ({ renter: freeRail(), provider: freeRail(), terms: terms(cap), payee: null }),
})

it('freeRail() refuses a voucher with the parts of another rail', async () => {
  const paid = { thread: new Uint8Array(16), contract: new Uint8Array(32), terms: terms(100n) }
  const body = { contract: paid.contract, contractOwed: 1n, channel: new Uint8Array(32), channelCumulative: 1n, evmSig: null }
  const verdict = await freeRail().checkVoucher(paid, body, { evidence: new Uint8Array(32) })
  expect(verdict.ok).toBe(false)
})
