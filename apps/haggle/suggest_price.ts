// What to ask for a machine: the middle of what others like it ask now, or a first price when too few were heard.

/** A price per hour and why. */
export interface Suggestion {
  readonly price: string
  readonly reason: string
}

/** Fewer offers than this say little. */
const ENOUGH_OTHERS = 3

function money(value: number): string {
  return value.toFixed(value < 0.1 ? 4 : 2)
}

/** A price for a machine whose likes ask `others` per hour. Deterministic. */
export function suggestFrom(others: readonly number[], first: Suggestion): Suggestion {
  if (others.length >= ENOUGH_OTHERS) {
    const sorted = [...others].sort((a, b) => a - b)
    const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0
    return {
      price: money(at(0.5)),
      reason: `the middle of ${sorted.length} like it; the 40th to 60th percentile is ${money(at(0.4))} to ${money(at(0.6))}`,
    }
  }
  const heard =
    others.length === 0 ? 'none like it was heard yet' : `only ${others.length} like it ${others.length === 1 ? 'was' : 'were'} heard`
  return { price: first.price, reason: `${first.reason} (${heard})` }
}
