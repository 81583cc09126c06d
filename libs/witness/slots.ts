// Time in a case: slots, windows, and the masks that speak of them (spec/court.md, Words).

import { WINDOW_SLOTS } from './rule.ts'

/** When the slots of a case are. */
export interface Schedule {
  /** Unix seconds of slot 0. */
  readonly startsAtS: number
  /** Seconds of a slot. */
  readonly slotS: number
  /** Slots of the case. */
  readonly slots: number
}

/** Most seconds that a heartbeat may be early or late. */
export const MAX_GRACE_S = 30

/** Milliseconds that a heartbeat may be early or late: half a slot, at most {@link MAX_GRACE_S} seconds. */
export function graceMs({ slotS }: Pick<Schedule, 'slotS'>): number {
  return Math.min(MAX_GRACE_S * 1_000, slotS * 500)
}

/** Unix milliseconds at which a slot begins; `slot` may be one past the last. */
export function slotStartMs({ startsAtS, slotS }: Pick<Schedule, 'startsAtS' | 'slotS'>, slot: number): number {
  return (startsAtS + slot * slotS) * 1_000
}

/** The slot of a moment, null before the first and after the last. */
export function slotAt(schedule: Schedule, nowMs: number): number | null {
  const slot = Math.floor((nowMs - schedule.startsAtS * 1_000) / (schedule.slotS * 1_000))
  return slot >= 0 && slot < schedule.slots ? slot : null
}

/** The window that a slot is in. */
export function windowOf(slot: number): number {
  return Math.floor(slot / WINDOW_SLOTS)
}

/** How many windows a case has. */
export function windowsOf({ slots }: Pick<Schedule, 'slots'>): number {
  return Math.ceil(slots / WINDOW_SLOTS)
}

/** Unix seconds at which a window ends: from then on it can be claimed for. */
export function windowEndS(schedule: Schedule, window: number): number {
  return schedule.startsAtS + Math.min((window + 1) * WINDOW_SLOTS, schedule.slots) * schedule.slotS
}

/** The bit of a slot in its window's mask. */
export function slotBit(slot: number): bigint {
  return 1n << BigInt(slot % WINDOW_SLOTS)
}

/** The bits of a window that are slots of the case. */
export function windowMask({ slots }: Pick<Schedule, 'slots'>, window: number): bigint {
  const count = Math.max(0, Math.min(WINDOW_SLOTS, slots - window * WINDOW_SLOTS))
  return (1n << BigInt(count)) - 1n
}

/** How many bits are set. */
export function countBits(mask: bigint): number {
  let count = 0
  for (let rest = mask; rest > 0n; rest &= rest - 1n) count++
  return count
}

/**
 * The slots of a window's mask, smallest first.
 *
 * @example
 * ```ts
 * import { maskSlots } from "@haggle/witness";
 * import { expect } from "vitest";
 *
 * expect(maskSlots(1, 0b101n)).toEqual([60, 62]);
 * ```
 */
export function maskSlots(window: number, mask: bigint): number[] {
  const slots: number[] = []
  for (let i = 0; i < WINDOW_SLOTS; i++) if ((mask >> BigInt(i)) & 1n) slots.push(window * WINDOW_SLOTS + i)
  return slots
}
