// One witness of a run: honest, by the library's own functions, or a liar of some kind.

import { bitmapAtMs, bitmapOf, decidesAtMs, decideSlot, hear, type Schedule, slotStartMs, newWatch, type Watch } from '@haggle/witness'
import type { Lie } from './scenario.ts'

/** What may be planted in honest witnesses. */
export interface WitnessFaults {
  /** Says "down" without hearing others. */
  readonly deaf?: boolean
  /** After a restart it takes slots for watched that it did not watch. */
  readonly forgetful?: boolean
  /** Believes a heartbeat whatever its block's age. */
  readonly trusting?: boolean
}

/** A witness as the run drives it. Times are its own clock. */
export interface WitnessModel {
  /** A heartbeat that was signed just now; `blockAtS`: age of its block. Returns true for a receipt. */
  heartbeat(slot: number, nowMs: number, blockAtS: number): boolean
  /** True when the slot has no heartbeat yet. */
  misses(slot: number): boolean
  decide(slot: number, nowMs: number, heardOthers: number): void
  /** The process dies and starts again. */
  restart(nowMs: number): void
  /** What it says of window 0, each version once: one of an honest witness, two of a two-faced one. Empty: nothing. */
  bitmaps(truth: { readonly up: bigint; readonly all: bigint }): readonly bigint[]
}

/** A witness that runs the protocol. */
export function honestWitness(schedule: Schedule, quorum: number, startMs: number, faults: WitnessFaults = {}): WitnessModel {
  let watch: Watch = newWatch({ schedule, quorum: faults.deaf ? 0 : quorum, nowMs: startMs })
  return {
    heartbeat(slot, nowMs, blockAtS) {
      const heard = hear(watch, { slot, nowMs, blockAtS: faults.trusting ? nowMs / 1_000 : blockAtS })
      watch = heard.watch
      return heard.verdict === 'up'
    },
    misses: (slot) => ((watch.up.get(0) ?? 0n) & (1n << BigInt(slot))) === 0n,
    decide(slot, nowMs, heardOthers) {
      watch = decideSlot(watch, slot, { nowMs, heardOthers })
    },
    restart(nowMs) {
      watch = newWatch({ schedule, quorum: watch.quorum, nowMs: faults.forgetful ? startMs : nowMs })
    },
    bitmaps() {
      const mask = bitmapOf(watch, 0)
      return mask === null ? [] : [mask]
    },
  }
}

/** Does this liar give a receipt to a provider that beats; `null`: as an honest one would. */
const ANSWERS: Readonly<Record<Exclude<Lie, 'asleep' | 'random'>, boolean>> = {
  silent: false,
  framer: false,
  equivocator: true,
  saver: true,
  twoFaced: true,
  late: true,
  clever: false,
}

/** True when the liar also gives receipts for slots in which nobody beat. */
export function savesTheDead(lie: Lie | null): boolean {
  return lie === 'saver' || lie === 'twoFaced' || lie === 'clever'
}

/** A witness that lies as `lie` says. */
export function lyingWitness(lie: Exclude<Lie, 'asleep'>, chance: () => number): WitnessModel {
  return {
    heartbeat: () => (lie === 'random' ? chance() < 0.5 : ANSWERS[lie]),
    misses: () => false,
    decide: () => undefined,
    restart: () => undefined,
    bitmaps({ up, all }) {
      if (lie === 'silent') return []
      if (lie === 'framer' || lie === 'equivocator') return [all]
      if (lie === 'saver') return [0n]
      if (lie === 'twoFaced') return [all, 0n]
      if (lie === 'late') return [all & ~up]
      if (lie === 'clever') return [up]
      return [BigInt(Math.floor(chance() * 2 ** 20)) & all]
    },
  }
}

/** Moments of a slot for one clock, unix ms. */
export function momentsOf(schedule: Schedule, slot: number): { readonly start: number; readonly end: number; readonly decided: number } {
  return { start: slotStartMs(schedule, slot), end: slotStartMs(schedule, slot + 1), decided: decidesAtMs(schedule, slot) }
}

/** When the one bitmap of a run is signed, unix ms. */
export function signedAt(schedule: Schedule): number {
  return bitmapAtMs(schedule, 0)
}
