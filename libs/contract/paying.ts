// What follows from how a contract is paid: whether ticks are paid before they begin, how often they are metered, what a tick costs.

import { FREE_RAIL } from '@haggle/offer'
import { owedFor } from './metering.ts'
import type { Terms } from './terms.ts'

/** True on every rail but the free one: each tick is paid before it begins. */
export function paysAhead(terms: Pick<Terms, 'rail'>): boolean {
  return terms.rail !== FREE_RAIL
}

/** METER is due so long after READY or the METER before it: every tick, or a quarter of one early where the next tick has to be paid by then. Ms. */
export function meterEveryMs(terms: Pick<Terms, 'rail' | 'tickMs'>): number {
  return paysAhead(terms) ? Math.floor((terms.tickMs * 3) / 4) : terms.tickMs
}

/**
 * What a renter has to have promised once it owes `owed`: one tick more, and never more than the cap. The tick is what the terms ask for `tickMs` of
 * time, and the price of a service level where one is bought; what is counted in other units can't be known ahead.
 *
 * @example
 * ```ts
 * import { aheadOf } from "@haggle/contract";
 * import { expect } from "vitest";
 *
 * const terms = { meters: [{ unit: "ms" as const, price: 3_600_000n, per: 3_600_000n }], cap: 12_000n, tickMs: 5_000 };
 * expect(aheadOf(terms, 0n)).toBe(5_000n);
 * expect(aheadOf(terms, 9_000n)).toBe(12_000n);
 * ```
 */
export function aheadOf(terms: Pick<Terms, 'meters' | 'cap' | 'tickMs'>, owed: bigint): bigint {
  const tick = owedFor(
    terms,
    terms.meters.map(({ unit }) => (unit === 'ms' ? BigInt(terms.tickMs) : unit === 'sla' ? 1n : 0n)),
  )
  return owed + tick > terms.cap ? terms.cap : owed + tick
}
