// One witness of one case, as a pure state machine: what it accepts, when it decides, what its bitmap says (spec/court.md, In a slot).

import { WINDOW_SLOTS } from './rule.ts'
import { graceMs, type Schedule, slotBit, slotStartMs, windowMask, windowOf } from './slots.ts'

/** What one witness knows of one case. Times are the witness's own clock. */
export interface Watch {
  /** When the case's slots are. */
  readonly schedule: Schedule
  /** Others that it must hear before it says "down": the rule's q. */
  readonly quorum: number
  /** First slot that this process watches wholly, the grace before it included: of those before it says nothing. */
  readonly since: number
  /** Slots below are decided. */
  readonly decided: number
  /** Per window: slots whose heartbeat came in time. */
  readonly up: ReadonlyMap<number, bigint>
  /** Per window: slots that were watched and found down. */
  readonly down: ReadonlyMap<number, bigint>
}

/** Seconds that a heartbeat's block may be older than its slot's start, besides a slot's length. */
export const BLOCK_AGE_S = 120

/**
 * What a witness says to a heartbeat.
 *
 * - `up`: in time; gets a receipt
 * - `early`, `late`: by the witness's clock, or the slot is decided
 * - `stale`: its block is too old: it may have been signed long ago
 * - `blind`: the witness can't see the block; it says nothing, either way
 */
export type HeartbeatVerdict = 'up' | 'early' | 'late' | 'stale' | 'blind'

/**
 * Begins to watch at `nowMs`.
 *
 * @example
 * ```ts
 * import { decideSlot, hear, newWatch } from "@haggle/witness";
 * import { expect } from "vitest";
 *
 * const schedule = { startsAtS: 1_000, slotS: 60, slots: 60 };
 * let watch = newWatch({ schedule, quorum: 2, nowMs: 990_000 });
 * const heard = hear(watch, { slot: 0, blockAtS: 995, nowMs: 1_005_000 });
 * expect(heard.verdict).toBe("up");
 * watch = decideSlot(heard.watch, 0, { nowMs: 1_090_000, heardOthers: 3 });
 * watch = decideSlot(watch, 1, { nowMs: 1_150_000, heardOthers: 3 });
 * expect(watch.down.get(0)).toBe(0b10n);
 * ```
 */
export function newWatch({ schedule, quorum, nowMs }: { schedule: Schedule; quorum: number; nowMs: number }): Watch {
  // A life before this one may have answered a heartbeat as soon as the grace before a slot began.
  const watchedFromMs = nowMs + graceMs(schedule)
  const since = Math.max(0, Math.ceil((watchedFromMs / 1_000 - schedule.startsAtS) / schedule.slotS))
  return { schedule, quorum, since, decided: 0, up: new Map(), down: new Map() }
}

/** When a slot is decided, unix ms: its end and the grace. */
export function decidesAtMs(schedule: Schedule, slot: number): number {
  return slotStartMs(schedule, slot + 1) + graceMs(schedule)
}

/** When the bitmap of a window is signed, unix ms: when its last slot is decided. */
export function bitmapAtMs(schedule: Schedule, window: number): number {
  return decidesAtMs(schedule, Math.min((window + 1) * WINDOW_SLOTS, schedule.slots) - 1)
}

/** A heartbeat whose signature was found good. */
export interface HeardHeartbeat {
  /** The slot that it names. */
  readonly slot: number
  /** Unix seconds of the block that it names; null when the witness can't see that block. */
  readonly blockAtS: number | null
  /** When it came, unix ms. */
  readonly nowMs: number
}

/** A heartbeat arrived. Only `up` changes the state and gets a receipt; asked again for a slot that is up, the verdict is `up` again. */
export function hear(
  watch: Watch,
  { slot, blockAtS, nowMs }: HeardHeartbeat,
): { readonly watch: Watch; readonly verdict: HeartbeatVerdict } {
  const { schedule } = watch
  const window = windowOf(slot)
  const before = watch.up.get(window) ?? 0n
  if (before & slotBit(slot)) return { watch, verdict: 'up' }
  const grace = graceMs(schedule)
  if (slot >= schedule.slots || nowMs < slotStartMs(schedule, slot) - grace) return { watch, verdict: 'early' }
  if (slot < watch.decided || nowMs > decidesAtMs(schedule, slot)) return { watch, verdict: 'late' }
  if (blockAtS === null) return { watch, verdict: 'blind' }
  if (blockAtS < slotStartMs(schedule, slot) / 1_000 - schedule.slotS - BLOCK_AGE_S) return { watch, verdict: 'stale' }
  return { watch: { ...watch, up: new Map(watch.up).set(window, before | slotBit(slot)) }, verdict: 'up' }
}

/** What a witness knows when it decides a slot. */
export interface Decision {
  /** Now, unix ms. */
  readonly nowMs: number
  /** Other witnesses of the case that answered since the slot's end. */
  readonly heardOthers: number
  /** True when a heartbeat came that the witness could not judge: it says nothing. */
  readonly blind?: boolean
}

/**
 * Decides a slot, for good: down when it was watched wholly, nothing came, and enough others answered. Decided late (the machine slept), blind or alone, the
 * witness says nothing. Slots are decided in order; one that was decided stays so.
 */
export function decideSlot(watch: Watch, slot: number, { nowMs, heardOthers, blind = false }: Decision): Watch {
  const { schedule } = watch
  if (slot < watch.decided || nowMs < decidesAtMs(schedule, slot)) return watch
  const decided = { ...watch, decided: slot + 1 }
  const window = windowOf(slot)
  const isUp = ((watch.up.get(window) ?? 0n) & slotBit(slot)) !== 0n
  const inTime = nowMs <= decidesAtMs(schedule, slot) + graceMs(schedule)
  if (isUp || blind || slot < watch.since || !inTime || heardOthers < watch.quorum) return decided
  return { ...decided, down: new Map(watch.down).set(window, (watch.down.get(window) ?? 0n) | slotBit(slot)) }
}

/** The mask that a witness signs for a window; null while slots of the window are open. */
export function bitmapOf(watch: Watch, window: number): bigint | null {
  const last = Math.min((window + 1) * WINDOW_SLOTS, watch.schedule.slots) - 1
  if (watch.decided <= last) return null
  return (watch.down.get(window) ?? 0n) & windowMask(watch.schedule, window)
}
