/**
 * How contracts are paid: one interface for every rail, and the free rail, which counts credits that are not money.
 *
 * @example
 * ```ts
 * import { CREDITS_NOTE, freeRail } from "@haggle/payment";
 * import { expect } from "vitest";
 *
 * const rail = freeRail();
 * expect(`0.05 ${rail.unit} (${CREDITS_NOTE})`).toBe("0.05 credits (credits, not money)");
 * ```
 *
 * @module
 */
export * from './rail.ts'
export * from './channels.ts'
export * from './stake.ts'
export { CREDITS_NOTE, freeRail } from './free_rail.ts'
