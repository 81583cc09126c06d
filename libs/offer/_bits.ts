// Sets of rows as words: the operations an explanation is made of.

import { popcount } from './_bitmaps.ts'

/** A set of rows. */
export type Bits = Uint32Array

/** Rows of `a` that are in `b` too. */
export function both(a: Bits, b: Bits): Bits {
  const out = new Uint32Array(a.length)
  for (let w = 0; w < a.length; w++) out[w] = (a[w] as number) & (b[w] as number)
  return out
}

/** Rows of either. */
export function either(a: Bits, b: Bits): Bits {
  const out = new Uint32Array(a.length)
  for (let w = 0; w < a.length; w++) out[w] = (a[w] as number) | (b[w] as number)
  return out
}

/** Rows of `a` that are not in `b`. */
export function without(a: Bits, b: Bits): Bits {
  const out = new Uint32Array(a.length)
  for (let w = 0; w < a.length; w++) out[w] = (a[w] as number) & ~(b[w] as number)
  return out
}

/** Rows in all of `sets`, of which there is at least one. */
export function inAll(first: Bits, sets: readonly Bits[]): Bits {
  const out = first.slice()
  for (const set of sets) for (let w = 0; w < out.length; w++) out[w] = (out[w] as number) & (set[w] as number)
  return out
}

/** Number of rows. */
export function size(set: Bits): number {
  let total = 0
  for (let w = 0; w < set.length; w++) total += popcount(set[w] as number)
  return total
}

/** Calls `visit` with every row, ascending. */
export function each(set: Bits, visit: (row: number) => void): void {
  for (let w = 0; w < set.length; w++) {
    for (let word = set[w] as number; word !== 0; word &= word - 1) visit(w * 32 + 31 - Math.clz32(word & -word))
  }
}

/**
 * The rows of `rows` that are in the fewest of `sets` (one at least), and how many that is; undefined when none is in any. Counts all rows at once,
 * one bit of the count at a time.
 */
export function fewest(rows: Bits, sets: readonly Bits[]): { readonly rows: Bits; readonly count: number } | undefined {
  const planes: Bits[] = []
  for (const set of sets) {
    let carry = both(set, rows)
    for (let p = 0; ; p++) {
      const plane = planes[p]
      if (plane === undefined) {
        if (!carry.some((w) => w !== 0)) break
        planes.push(carry)
        break
      }
      const next = both(plane, carry)
      for (let w = 0; w < plane.length; w++) plane[w] = (plane[w] as number) ^ (carry[w] as number)
      carry = next
    }
  }
  if (planes.length === 0) return undefined
  let candidates = planes.reduce(either)
  let count = 0
  for (const [at, plane] of [...planes.entries()].reverse()) {
    const small = without(candidates, plane)
    if (small.some((w) => w !== 0)) candidates = small
    else count += 2 ** at
  }
  return { rows: candidates, count }
}
