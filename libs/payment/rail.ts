// The PaymentRail seam: how a renter shows that it can pay, how each VOUCHER carries a payment, and how the provider gets it.

import type { Terms, VoucherBody } from '@haggle/contract'

/** A thread that may become a contract, as a rail needs to know it. */
export interface PaidThread {
  /** Thread id, 16 bytes: names the contract from before its ACCEPT is signed. */
  readonly thread: Uint8Array
  /** The terms on the table, or in force. */
  readonly terms: Terms
}

/** One contract, as a rail needs to know it. */
export interface PaidContract extends PaidThread {
  /** Contract id, 32 bytes: the id of the ACCEPT. */
  readonly contract: Uint8Array
}

/** A thread for which a renter is about to sign ACCEPT. */
export interface FundedThread extends PaidThread {
  /** The account that the provider's offer names for this rail, 20 bytes; null on the free rail. */
  readonly payee: Uint8Array | null
}

/** What a VOUCHER carries for the rail beside the contract and what it owes. All null on a rail without channels. */
export type VoucherParts = Pick<VoucherBody, 'channel' | 'channelCumulative' | 'evmSig'>

/** A rail's answer to a funding proof or a voucher. `why` is for people. */
export type RailVerdict = { readonly ok: true } | { readonly ok: false; readonly why: string }

/** How a contract ended, as a rail needs to know it: the parts of an outcome. */
export interface ContractEnd {
  /** What the renter has signed for, base units. */
  readonly owed: bigint
  /** What the provider has signed as used, at least `owed`. */
  readonly claimed: bigint
  /** Both have signed a RECEIPT with `owed`: it will never be another sum. */
  readonly agreed: boolean
  /** Id of the renter's message that `owed` rests on: its RECEIPT, else its last VOUCHER, else its ACCEPT. 32 bytes. */
  readonly evidence: Uint8Array
}

/** What came of a contract on its rail. */
export interface Settlement {
  /** Base units that the provider has, or can claim without the renter. */
  readonly settled: bigint
  /** Base units that were used by the provider's word and can't be claimed. */
  readonly lost: bigint
}

/** What stands open on a rail now, base units. */
export interface Exposure {
  /** Provider: used and not yet vouched for. */
  readonly unpaid: bigint
  /** Provider: vouched for, due and not yet claimed. */
  readonly claimable: bigint
  /** Renter: promised in channels and not yet claimed. */
  readonly promised: bigint
}

/** Ends a wait. */
export interface RailOptions {
  /** Aborted: the call rejects with its reason. */
  readonly signal?: AbortSignal
}

/**
 * A way to pay. The renter calls `fund` and `voucher`, the provider `checkFunding`, `checkVoucher` and `metered`, and both `settle`; one instance may do
 * both. Amounts are base units. Every implementation passes `testPaymentRail` of `@haggle/payment/testing`.
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
  /** Where this node is paid, as its offer names it: 20 bytes; null on the free rail. */
  readonly account: Uint8Array | null
  /**
   * The funding proof of an ACCEPT, <= 2,048 octets; null where the rail needs none. May wait for a chain. An ACCEPT that comes to nothing is settled
   * like a contract that owes 0.
   *
   * @throws HaggleError `E_FUNDS` when the renter can't pay what `terms` may cost.
   */
  fund(asked: FundedThread, options?: RailOptions): Promise<Uint8Array | null>
  /** Whether `funding` shows that the first tick is paid. */
  checkFunding(paid: PaidContract, funding: Uint8Array | null): Promise<RailVerdict>
  /**
   * The rail's parts of a VOUCHER that brings the contract to `owed` in all. Never promises more than the renter has.
   *
   * @throws HaggleError `E_FUNDS` when it can't; `E_VOUCHER` when `owed` falls or passes the cap, or nobody funded this thread.
   */
  voucher(paid: PaidContract, owed: bigint): Promise<VoucherParts>
  /** Whether a VOUCHER's parts pay what it owes. `evidence` is the id of its envelope, 32 bytes. */
  checkVoucher(paid: PaidContract, voucher: VoucherBody, evidence: { readonly evidence: Uint8Array }): Promise<RailVerdict>
  /** Says how much a provider has used without a voucher: counted into {@link PaymentRail.exposure} until the contract settles. */
  metered(paid: PaidContract, owed: bigint): void
  /** What stands open on this rail now. */
  exposure(): Exposure
  /** The contract is over, or its ACCEPT came to nothing. Again is harmless, and a later end replaces an earlier one. */
  settle(paid: PaidThread, end: ContractEnd): Promise<Settlement>
  /** Stops what the rail does by itself. */
  close(): Promise<void>
}
