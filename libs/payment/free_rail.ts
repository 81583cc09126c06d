// The free rail: credits, which are not money. Vouchers still count what each side has acknowledged.

import type { VoucherBody } from '@haggle/contract'
import { CREDIT_DECIMALS, CREDITS, FREE_RAIL } from '@haggle/offer'
import { formatAmount, HaggleError, toHex } from '@haggle/wire'
import type { ContractEnd, Exposure, PaidContract, PaidThread, PaymentRail, RailVerdict, Settlement, VoucherParts } from './rail.ts'

/** Said with every print of credits. */
export const CREDITS_NOTE = 'credits, not money'

interface Account {
  vouched: bigint
  metered: bigint
}

const NO_PARTS: VoucherParts = { channel: null, channelCumulative: null, evmSig: null }
const OK: RailVerdict = { ok: true }

/**
 * The rail that needs no wallet and no chain. It moves nothing: it keeps both sides' counts honest, and refuses what no rail would take.
 *
 * @example
 * ```ts
 * import { freeRail } from "@haggle/payment";
 * import { expect } from "vitest";
 *
 * const rail = freeRail();
 * expect(rail.isMoney).toBe(false);
 * expect(rail.exposure()).toEqual({ unpaid: 0n, claimable: 0n, promised: 0n });
 * ```
 */
export function freeRail(): PaymentRail {
  return new FreeRail()
}

class FreeRail implements PaymentRail {
  readonly name: string = FREE_RAIL
  readonly unit: string = CREDITS
  readonly decimals: number = CREDIT_DECIMALS
  readonly isMoney = false
  readonly paysAhead = false
  readonly account = null
  readonly #accounts = new Map<string, Account>()

  async fund(): Promise<null> {
    return null
  }

  async checkFunding(_paid: PaidContract, funding: Uint8Array | null): Promise<RailVerdict> {
    return funding === null ? OK : { ok: false, why: 'the free rail takes no funding proof' }
  }

  async voucher(paid: PaidContract, owed: bigint): Promise<VoucherParts> {
    const account = this.#accountOf(paid)
    if (owed < account.vouched)
      throw new HaggleError('E_VOUCHER', `Cannot vouch for ${formatAmount(owed)}: ${formatAmount(account.vouched)} was promised already`)
    if (owed > paid.terms.cap)
      throw new HaggleError('E_VOUCHER', `Cannot vouch for ${formatAmount(owed)}: the cap is ${formatAmount(paid.terms.cap)}`)
    account.vouched = owed
    return NO_PARTS
  }

  async checkVoucher(paid: PaidContract, { contractOwed, channel, channelCumulative, evmSig }: VoucherBody): Promise<RailVerdict> {
    if (channel !== null || channelCumulative !== null || evmSig !== null) return { ok: false, why: 'the free rail has no channels' }
    const account = this.#accountOf(paid)
    if (contractOwed < account.vouched) return { ok: false, why: 'a voucher must not fall' }
    if (contractOwed > paid.terms.cap) return { ok: false, why: 'a voucher must not pass the cap' }
    account.vouched = contractOwed
    return OK
  }

  metered(paid: PaidContract, owed: bigint): void {
    const account = this.#accountOf(paid)
    if (owed > account.metered) account.metered = owed
  }

  exposure(): Exposure {
    let unpaid = 0n
    for (const { metered, vouched } of this.#accounts.values()) if (metered > vouched) unpaid += metered - vouched
    return { unpaid, claimable: 0n, promised: 0n }
  }

  /** Nothing is open any more, and nothing is left to count. */
  async settle({ thread }: PaidThread, { owed, claimed }: ContractEnd): Promise<Settlement> {
    this.#accounts.delete(toHex(thread))
    return { settled: owed, lost: claimed > owed ? claimed - owed : 0n }
  }

  async close(): Promise<void> {}

  #accountOf({ thread }: PaidThread): Account {
    const id = toHex(thread)
    const known = this.#accounts.get(id) ?? { vouched: 0n, metered: 0n }
    this.#accounts.set(id, known)
    return known
  }
}
