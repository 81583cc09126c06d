// Claims and refutations: what t down bits open and q up-receipts refute, and how a party makes the most of what it holds (spec/court.md, Rule).

import type { Rule } from './rule.ts'
import { countBits, maskSlots, slotBit } from './slots.ts'
import { contradict, type Statement } from './statement.ts'

/** A bitmap of one witness for the window in question. */
export interface WitnessBitmap {
  /** Place of the witness in the committee. */
  readonly index: number
  /** Its down bits. */
  readonly down: bigint
}

/** A claim that can be made: the slots, and the t bitmaps that cover all of them. */
export interface ClaimPlan {
  /** Slots of the window. */
  readonly mask: bigint
  /** Places in the committee, ascending. */
  readonly indices: readonly number[]
}

/** True when exactly t bitmaps of different witnesses, in ascending order, have every bit of `mask`, and `mask` is not empty. */
export function opensClaim({ t }: Rule, mask: bigint, bitmaps: readonly WitnessBitmap[]): boolean {
  return (
    mask !== 0n &&
    bitmaps.length === t &&
    bitmaps.every(({ index, down }, i) => (down & mask) === mask && (i === 0 || index > (bitmaps[i - 1] as WitnessBitmap).index))
  )
}

/** True when the up-receipts of exactly q different witnesses, in ascending order, are there: a slot falls. */
export function refutes({ q }: Rule, indices: readonly number[]): boolean {
  return indices.length === q && indices.every((index, i) => i === 0 || index > (indices[i - 1] as number))
}

/**
 * The claims that `bitmaps` of one window allow on the slots of `open`, largest first and without overlap. Every slot of `open` with at least t down
 * bits is in one of them.
 *
 * @example
 * ```ts
 * import { planClaims, RULES } from "@haggle/witness";
 * import { expect } from "vitest";
 *
 * const bitmaps = [0b111n, 0b110n, 0b110n, 0b001n].map((down, index) => ({ index, down }));
 * expect(planClaims(RULES[2], bitmaps, 0b111n)).toEqual([{ mask: 0b110n, indices: [0, 1, 2] }]);
 * ```
 */
export function planClaims({ t }: Rule, bitmaps: readonly WitnessBitmap[], open: bigint): ClaimPlan[] {
  const byIndex = [...new Map(bitmaps.map((bitmap) => [bitmap.index, bitmap])).values()].toSorted((a, b) => a.index - b.index)
  const groups = combinations(byIndex, t)
  const plans: ClaimPlan[] = []
  for (let left = open; ;) {
    let best: ClaimPlan = { mask: 0n, indices: [] }
    for (const group of groups) {
      const mask = group.reduce((common, { down }) => common & down, left)
      if (countBits(mask) > countBits(best.mask)) best = { mask, indices: group.map(({ index }) => index) }
    }
    if (best.mask === 0n) return plans
    plans.push(best)
    left &= ~best.mask
  }
}

function combinations<T>(items: readonly T[], size: number): T[][] {
  if (size === 0) return [[]]
  return items.flatMap((item, i) => combinations(items.slice(i + 1), size - 1).map((rest) => [item, ...rest]))
}

/** A slot that can be refuted, and whose receipts do it. */
export interface RefutationPlan {
  /** The slot that falls. */
  readonly slot: number
  /** Places in the committee, ascending; exactly q. */
  readonly indices: readonly number[]
}

/** The slots of a claim that the up-receipts refute. `receipts(slot)`: the places in the committee whose receipt is held. */
export function planRefutations(
  { q }: Rule,
  claim: { readonly window: number; readonly mask: bigint },
  receipts: (slot: number) => readonly number[],
): RefutationPlan[] {
  return maskSlots(claim.window, claim.mask).flatMap((slot) => {
    const indices = [...new Set(receipts(slot))].toSorted((a, b) => a - b).slice(0, q)
    return indices.length === q ? [{ slot, indices }] : []
  })
}

/** The bits of `slots`, as far as they are in `window`. */
export function maskOf(slots: readonly number[]): bigint {
  return slots.reduce((mask, slot) => mask | slotBit(slot), 0n)
}

/** The first two statements of one witness that contradict each other, or null. */
export function contradiction(statements: readonly Statement[]): readonly [Statement, Statement] | null {
  for (const [i, a] of statements.entries()) for (const b of statements.slice(i + 1)) if (contradict(a, b)) return [a, b]
  return null
}

/** What a claim comes to. Base units. */
export interface Settlement {
  /** Taken from the provider's lock. */
  readonly slash: bigint
  /** Of it, what the renter gets; the rest is burned. */
  readonly toVictim: bigint
  /** Of the bond, what goes back to who claimed. */
  readonly bondBack: bigint
  /** Of the bond, what the provider gets for slots that fell. */
  readonly bondLost: bigint
}

/** Settles a claim of `mask` whose slots in `refuted` fell, against a lock of which `lockLeft` is left. The bond was pricePerSlot for each slot. */
export function settle({
  mask,
  refuted,
  pricePerSlot,
  factor,
  lockLeft,
}: {
  readonly mask: bigint
  readonly refuted: bigint
  readonly pricePerSlot: bigint
  readonly factor: number
  readonly lockLeft: bigint
}): Settlement {
  const standing = BigInt(countBits(mask & ~refuted))
  const fallen = BigInt(countBits(mask & refuted))
  const due = BigInt(factor) * pricePerSlot * standing
  const slash = due < lockLeft ? due : lockLeft
  const price = pricePerSlot * standing
  return { slash, toVictim: price < slash ? price : slash, bondBack: price, bondLost: pricePerSlot * fallen }
}
