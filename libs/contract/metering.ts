// What usage comes to, and how much of it a renter believes.

import type { Meter } from '@haggle/offer'
import { TOLERANCE_MS, TOLERANCE_PART } from './constants.ts'
import type { Terms } from './terms.ts'

/**
 * What cumulative `usage` comes to: the exact sum of usage × price / per over all meters, rounded up once, and never more than the cap. Ticks are never
 * rounded one by one. `usage` has one amount for each meter, in their order.
 *
 * @example
 * ```ts
 * import { owedFor } from "@haggle/contract";
 * import { expect } from "vitest";
 *
 * const meters = [{ unit: "ms" as const, price: 310_000n, per: 3_600_000n }]; // 0.31 credits an hour
 * expect(owedFor({ meters, cap: 1_000_000n }, [60_000n])).toBe(5_167n); // a minute: 5166.67, rounded up once
 * expect(owedFor({ meters, cap: 5_000n }, [60_000n])).toBe(5_000n);
 * ```
 */
export function owedFor(terms: Pick<Terms, 'meters' | 'cap'>, usage: readonly bigint[]): bigint {
  let numerator = 0n
  let denominator = 1n
  terms.meters.forEach((meter: Meter, at) => {
    numerator = numerator * meter.per + (usage[at] ?? 0n) * meter.price * denominator
    denominator *= meter.per
  })
  const owed = (numerator + denominator - 1n) / denominator
  return owed > terms.cap ? terms.cap : owed
}

/**
 * True when the renter believes a usage of `usedMs`, whose own time since it could first be served is `ownMs`: the tolerance is the larger of a second
 * and 0.1 %.
 */
export function believes(usedMs: bigint, ownMs: number): boolean {
  const own = Math.max(0, Math.floor(ownMs))
  return usedMs <= BigInt(own + Math.max(TOLERANCE_MS, Math.floor(own / TOLERANCE_PART)))
}

/** The `ms` amount of `usage`, or 0 when the terms do not meter time. */
export function usedMs(terms: Pick<Terms, 'meters'>, usage: readonly bigint[]): bigint {
  return usage[terms.meters.findIndex((meter) => meter.unit === 'ms')] ?? 0n
}

/** As many zeros as the terms have meters: nothing used yet. */
export function noUsage(terms: Pick<Terms, 'meters'>): readonly bigint[] {
  return terms.meters.map(() => 0n)
}
