// What to ask for a machine: the middle of what others like it ask, or a first price when there are none.

/** What is known about a machine and its market. */
export interface PriceFacts {
  /** `cpu`, `software`, or the nominal VRAM in GiB. */
  readonly kind: 'cpu' | 'software' | 'gpu'
  readonly vramGiB: number
  /** Prices per hour that machines like it ask now. */
  readonly others: readonly number[]
}

/** A price per hour and why. */
export interface Suggestion {
  readonly price: string
  readonly reason: string
}

/** Fewer offers than this say little. */
const ENOUGH_OTHERS = 3

/** First prices per hour by VRAM, in credits: about what such cards rent for elsewhere in dollars. */
const FIRST_PRICES: readonly (readonly [fromGiB: number, price: string])[] = [
  [141, '2.00'],
  [80, '1.20'],
  [48, '0.60'],
  [40, '0.50'],
  [24, '0.30'],
  [16, '0.12'],
  [12, '0.06'],
  [8, '0.05'],
  [0, '0.03'],
]
const FIRST_CPU_PRICE = '0.004'

function money(value: number): string {
  return value.toFixed(value < 0.1 ? 4 : 2)
}

/** A price for a machine. Deterministic. */
export function suggestPrice(facts: PriceFacts): Suggestion {
  const sorted = [...facts.others].sort((a, b) => a - b)
  if (sorted.length >= ENOUGH_OTHERS) {
    const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0
    return { price: money(at(0.5)), reason: `the middle of ${sorted.length} like it; the 40th to 60th percentile is ${money(at(0.4))} to ${money(at(0.6))}` }
  }
  const heard = sorted.length === 0 ? 'none like it was heard yet' : `only ${sorted.length} like it ${sorted.length === 1 ? 'was' : 'were'} heard`
  if (facts.kind !== 'gpu') return { price: FIRST_CPU_PRICE, reason: `a first price for a machine without GPU: ${heard}` }
  const price = FIRST_PRICES.find(([fromGiB]) => facts.vramGiB >= fromGiB)?.[1] ?? FIRST_CPU_PRICE
  return { price, reason: `a first price for ${facts.vramGiB} GiB of VRAM: ${heard}` }
}
