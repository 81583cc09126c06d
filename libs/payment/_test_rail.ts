// The compliance suite of payment rails.

import { aheadOf, type Terms, type VoucherBody } from '@haggle/contract'
import type { ContractEnd, PaidContract, PaymentRail, RailVerdict } from './rail.ts'

/** The test runner's functions that the suite needs: vitest's, or any of the same shape. */
export interface RailTestRunner {
  /** Adds a test. */
  readonly it: (title: string, run: () => Promise<void>) => void
  /** Deep equality. Throws when it does not hold. */
  readonly equal: (actual: unknown, expected: unknown) => void
}

/** How the suite makes what it tests. */
export interface RailTestInit extends RailTestRunner {
  /** A fresh pair over the same money: the renter's rail can pay at least ten times `cap`. `payee` is what the provider's offer names. */
  readonly make: (
    cap: bigint,
  ) => Promise<{ readonly renter: PaymentRail; readonly provider: PaymentRail; readonly terms: Terms; readonly payee: Uint8Array | null }>
}

type Made = Awaited<ReturnType<RailTestInit['make']>>

/** Holds a {@link PaymentRail} to its interface. */
export function testPaymentRail(name: string, { make, it, equal }: RailTestInit): void {
  const CAP = 1_000_000n
  const evidence = new Uint8Array(32).fill(8)
  const codeOf = (error: unknown): unknown => (error as { code?: unknown }).code
  const paidOf = (terms: Terms, fill: number): PaidContract => ({
    thread: new Uint8Array(16).fill(fill),
    contract: new Uint8Array(32).fill(fill),
    terms,
  })
  const endOf = (owed: bigint, options: Partial<ContractEnd> = {}): ContractEnd => ({
    owed,
    claimed: owed,
    agreed: true,
    evidence,
    ...options,
  })
  const test = (title: string, run: (made: Made) => Promise<void>): void =>
    it(`${name}: ${title}`, async () => {
      const made = await make(CAP)
      try {
        await run(made)
      } finally {
        await made.renter.close()
        await made.provider.close()
      }
    })
  const funded = async ({ renter, provider, terms, payee }: Made, fill: number): Promise<PaidContract> => {
    const paid = paidOf(terms, fill)
    equal(await provider.checkFunding(paid, await renter.fund({ ...paid, payee })), { ok: true })
    return paid
  }
  const vouched = async ({ renter }: Made, paid: PaidContract, owed: bigint): Promise<VoucherBody> => ({
    contract: paid.contract,
    contractOwed: owed,
    ...(await renter.voucher(paid, owed)),
  })
  const checked = ({ provider }: Made, paid: PaidContract, body: VoucherBody): Promise<RailVerdict> =>
    provider.checkVoucher(paid, body, { evidence })

  test('checkFunding() takes what fund() gives', async (made) => {
    await funded(made, 1)
    await funded(made, 2)
  })

  test('checkFunding() refuses a made-up proof', async ({ provider, terms }) => {
    equal((await provider.checkFunding(paidOf(terms, 1), new Uint8Array(64).fill(7))).ok, false)
  })

  test('checkVoucher() takes what voucher() gives, and settle() what was agreed', async (made) => {
    const paid = await funded(made, 1)
    for (const owed of [0n, 10n, 10n, 500n]) {
      made.provider.metered(paid, owed)
      equal(await checked(made, paid, await vouched(made, paid, owed)), { ok: true })
    }
    equal(await made.provider.settle(paid, endOf(500n)), { settled: 500n, lost: 0n })
    equal(await made.renter.settle(paid, endOf(500n)), { settled: 500n, lost: 0n })
    equal(await made.provider.settle(paid, endOf(500n)), { settled: 500n, lost: 0n })
  })

  test('voucher() rejects with E_VOUCHER when the amount falls or passes the cap', async (made) => {
    const paid = await funded(made, 2)
    await made.renter.voucher(paid, 100n)
    equal(await made.renter.voucher(paid, 99n).catch(codeOf), 'E_VOUCHER')
    equal(await made.renter.voucher(paid, made.terms.cap + 1n).catch(codeOf), 'E_VOUCHER')
  })

  test('checkVoucher() refuses a voucher that falls or passes the cap', async (made) => {
    const paid = await funded(made, 3)
    const voucher = await vouched(made, paid, 100n)
    equal((await checked(made, paid, voucher)).ok, true)
    equal((await checked(made, paid, { ...voucher, contractOwed: 99n })).ok, false)
    equal((await checked(made, paid, { ...voucher, contractOwed: made.terms.cap + 1n })).ok, false)
  })

  test('exposure() shows what was used without a voucher, until it is vouched for or settled', async (made) => {
    const { provider, terms } = made
    const paid = await funded(made, 4)
    // A rail that pays ahead has covered one tick more than it has vouched for.
    const ahead = provider.paysAhead ? aheadOf(terms, 0n) : 0n
    provider.metered(paid, ahead + 70n)
    equal(provider.exposure().unpaid, 70n)
    equal((await checked(made, paid, await vouched(made, paid, 50n))).ok, true)
    equal(provider.exposure().unpaid, 20n)
    await provider.settle(paid, endOf(50n, { claimed: ahead + 70n, agreed: false }))
    equal(provider.exposure().unpaid, 0n)
  })

  test('settle() says what is lost when the renter never signed for all of it', async (made) => {
    const { provider, terms } = made
    const paid = await funded(made, 5)
    equal((await checked(made, paid, await vouched(made, paid, 50n))).ok, true)
    const settled = provider.paysAhead ? aheadOf(terms, 50n) : 50n
    equal(await provider.settle(paid, endOf(50n, { claimed: settled + 30n, agreed: false })), { settled, lost: 30n })
  })

  test('fund() and settle() with nothing owed leave nothing open', async (made) => {
    const paid = await funded(made, 6)
    await made.renter.settle(paid, endOf(0n))
    await made.provider.settle(paid, endOf(0n))
    equal(made.provider.exposure(), { unpaid: 0n, claimable: 0n, promised: 0n })
  })
}
