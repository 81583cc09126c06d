// The compliance suite of payment rails.

import type { Terms } from '@haggle/contract'
import type { PaidContract, PaymentRail } from './rail.ts'

/** The test runner's functions that the suite needs: vitest's, or any of the same shape. */
export interface RailTestRunner {
  readonly it: (title: string, run: () => Promise<void>) => void
  /** Deep equality. Throws when it does not hold. */
  readonly equal: (actual: unknown, expected: unknown) => void
}

/** How the suite makes what it tests. */
export interface RailTestInit extends RailTestRunner {
  /** A fresh pair over the same money: the renter's rail can pay at least `cap`. */
  readonly make: (cap: bigint) => Promise<{ readonly renter: PaymentRail; readonly provider: PaymentRail; readonly terms: Terms }>
}

/** Holds a {@link PaymentRail} to its interface. */
export function testPaymentRail(name: string, { make, it, equal }: RailTestInit): void {
  const CAP = 1_000_000n
  const paidOf = (terms: Terms, fill: number): PaidContract => ({ contract: new Uint8Array(32).fill(fill), terms })
  const codeOf = (error: unknown): unknown => (error as { code?: unknown }).code

  it(`${name}: checkFunding() takes what fund() gives`, async () => {
    const { renter, provider, terms } = await make(CAP)
    equal(await provider.checkFunding(terms, await renter.fund(terms)), { ok: true })
  })

  it(`${name}: checkFunding() refuses a made-up proof`, async () => {
    const { provider, terms } = await make(CAP)
    equal((await provider.checkFunding(terms, new Uint8Array(64).fill(7))).ok, false)
  })

  it(`${name}: checkVoucher() takes what voucher() gives, and settle() what was vouched`, async () => {
    const { renter, provider, terms } = await make(CAP)
    const paid = paidOf(terms, 1)
    for (const owed of [0n, 10n, 10n, 500n]) {
      const parts = await renter.voucher(paid, owed)
      provider.metered(paid, owed)
      equal(await provider.checkVoucher(paid, { contract: paid.contract, contractOwed: owed, ...parts }), { ok: true })
    }
    equal((await provider.settle(paid)).settled, 500n)
    equal((await provider.settle(paid)).lost, 0n)
  })

  it(`${name}: voucher() rejects with E_VOUCHER when the amount falls or passes the cap`, async () => {
    const { renter, terms } = await make(CAP)
    const paid = paidOf(terms, 2)
    await renter.voucher(paid, 100n)
    equal(await renter.voucher(paid, 99n).catch(codeOf), 'E_VOUCHER')
    equal(await renter.voucher(paid, terms.cap + 1n).catch(codeOf), 'E_VOUCHER')
  })

  it(`${name}: checkVoucher() refuses a voucher that falls or passes the cap`, async () => {
    const { renter, provider, terms } = await make(CAP)
    const paid = paidOf(terms, 3)
    const parts = await renter.voucher(paid, 100n)
    equal((await provider.checkVoucher(paid, { contract: paid.contract, contractOwed: 100n, ...parts })).ok, true)
    equal((await provider.checkVoucher(paid, { contract: paid.contract, contractOwed: 99n, ...parts })).ok, false)
    equal((await provider.checkVoucher(paid, { contract: paid.contract, contractOwed: terms.cap + 1n, ...parts })).ok, false)
  })

  it(`${name}: exposure() shows what was used without a voucher, until it is vouched for or settled`, async () => {
    const { renter, provider, terms } = await make(CAP)
    const paid = paidOf(terms, 4)
    provider.metered(paid, 70n)
    equal(provider.exposure().unpaid, 70n)
    const parts = await renter.voucher(paid, 50n)
    await provider.checkVoucher(paid, { contract: paid.contract, contractOwed: 50n, ...parts })
    equal(provider.exposure().unpaid, 20n)
    equal((await provider.settle(paid)).lost, 20n)
    equal(provider.exposure().unpaid, 0n)
  })
}
