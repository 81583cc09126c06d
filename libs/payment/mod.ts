/**
 * How contracts are paid: one interface for every rail; the free rail, which counts credits that are not money; and a rail over payment channels, whose
 * accounts are pure and whose chain comes in from outside.
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
export { type ChannelLine, type ChannelPolicy, type ChannelRail, type ChannelRailInit, openChannelRail } from './channel_rail.ts'
export type { ClaimRecord } from './_keeper.ts'
export type { DepositNeed } from './_payer_side.ts'
export * from './payer_book.ts'
export * from './payee_book.ts'
export * from './auto_claim.ts'
export * from './funding.ts'
export * from './receipt_root.ts'
