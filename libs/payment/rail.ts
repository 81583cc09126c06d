// The PaymentRail seam: how a renter shows that it can pay, how each VOUCHER carries a payment, and how the provider gets it.

import type { Terms, VoucherBody } from '@haggle/contract'

/** One contract, as a rail needs to know it. */
export interface PaidContract {
  /** Contract id, 32 bytes; the id of the ACCEPT once it is signed. */
  readonly contract: Uint8Array
  /** Its terms. */
  readonly terms: Terms
}

/** What a VOUCHER carries for the rail beside the contract and what it owes. All null on a rail without channels. */
export type VoucherParts = Pick<VoucherBody, 'channel' | 'channelCumulative' | 'evmSig'>

/** A rail's answer to a funding proof or a voucher. `why` is for people. */
export type RailVerdict = { readonly ok: true } | { readonly ok: false; readonly why: string }

/** What came of a contract on its rail. */
export interface Settlement {
  /** Base units that the provider has, or can claim without the renter. */
  readonly settled: bigint
  /** Base units that were owed and can't be claimed. */
  readonly lost: bigint
  /** The chain's transaction, or null where there is no chain. */
  readonly transaction: string | null
}

/** What stands open on a rail now, base units. */
export interface Exposure {
  /** Provider: used and not yet vouched for. */
  readonly unpaid: bigint
  /** Renter: promised in channels and not yet claimed. */
  readonly promised: bigint
}

/**
 * A way to pay. The renter calls `fund` and `voucher`, the provider `checkFunding`, `checkVoucher` and `settle`; one instance may do both. Amounts are base
 * units. Every implementation passes `testPaymentRail` of `@haggle/payment/testing`.
 */
export interface PaymentRail {
  /** As terms name it: `free`, or `evm:<chain id>:<token address>`. */
  readonly name: string
  /** What people call a unit, such as `credits`. */
  readonly unit: string
  /** Decimals of a unit, >= 6. */
  readonly decimals: number
  /** False for credits: every print says so. */
  readonly isMoney: boolean
  /** True when each tick is paid before it begins; false when VOUCHERs acknowledge what was used. */
  readonly paysAhead: boolean
  /**
   * The funding proof of an ACCEPT, <= 2,048 octets; null where the rail needs none.
   *
   * @throws HaggleError `E_FUNDS` when the renter can't pay the first tick.
   */
  fund(terms: Terms): Promise<Uint8Array | null>
  /** Whether `funding` shows that the first tick of `terms` is paid. */
  checkFunding(terms: Terms, funding: Uint8Array | null): Promise<RailVerdict>
  /**
   * The rail's parts of a VOUCHER that brings the contract to `owed` in all. Never promises more than the renter has.
   *
   * @throws HaggleError `E_FUNDS` when it can't; `E_VOUCHER` when `owed` falls or passes the cap.
   */
  voucher(paid: PaidContract, owed: bigint): Promise<VoucherParts>
  /** Whether a VOUCHER's parts pay what it owes. */
  checkVoucher(paid: PaidContract, voucher: VoucherBody): Promise<RailVerdict>
  /** Says how much a provider has used without a voucher: counted into {@link PaymentRail.exposure} until the contract settles. */
  metered(paid: PaidContract, owed: bigint): void
  /** What stands open on this rail now. */
  exposure(): Exposure
  /** The contract is over: takes what its last good voucher gives. Again is harmless. */
  settle(paid: PaidContract): Promise<Settlement>
}
