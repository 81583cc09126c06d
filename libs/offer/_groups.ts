// Bitmaps of one property: cumulative ones for numbers (rows at or above each of a few cuts), one for each value of strings.

import type { Bitmaps } from './_bitmaps.ts'

/** A set of rows as bitmaps: those in any of `any` and in none of `but`. `exact`: just these; otherwise some of them may not belong. */
export interface Leaf {
  readonly any: readonly number[]
  readonly but: readonly number[]
  readonly exact: boolean
}

/** Cuts of a number property: enough that the rows around a threshold are few, few enough that a write stays cheap. */
const CUTS = 20
/** Values looked at to choose cuts. */
const SAMPLE = 4096

/** Number property: `row >= cut` for each cut, and `known`. */
export class NumberGroup {
  /** Changes when a leaf made before may no longer hold: with the cuts, and with what is known to lie between two of them. */
  version = 0
  readonly known: number
  private readonly bitmaps: Bitmaps
  private cuts: readonly number[] = []
  private ids: number[] = []
  /** Smallest and largest value seen between cut i - 1 and cut i. */
  private low: number[] = [Infinity]
  private high: number[] = [-Infinity]

  constructor(bitmaps: Bitmaps) {
    this.bitmaps = bitmaps
    this.known = bitmaps.add()
  }

  set(row: number, value: number): void {
    if (value !== value) return
    this.bitmaps.set(this.known, row)
    const bucket = this.bucketOf(value)
    for (let i = 0; i < bucket; i++) this.bitmaps.set(this.ids[i] as number, row)
    if (value < (this.low[bucket] as number)) {
      this.low[bucket] = value
      this.version++
    }
    if (value > (this.high[bucket] as number)) {
      this.high[bucket] = value
      this.version++
    }
  }

  clear(row: number, value: number): void {
    if (value !== value) return
    this.bitmaps.clear(this.known, row)
    const bucket = this.bucketOf(value)
    for (let i = 0; i < bucket; i++) this.bitmaps.clear(this.ids[i] as number, row)
  }

  /** Rows with `value >= wanted`, or a superset of them. */
  atLeast(wanted: number): Leaf {
    const { id, exact } = this.edge(wanted, 'outer')
    return { any: id === undefined ? [] : [id], but: [], exact }
  }

  /** Known rows with `value < wanted`, or a superset. */
  below(wanted: number): Leaf {
    const { id, exact } = this.edge(wanted, 'inner')
    return { any: [this.known], but: id === undefined ? [] : [id], exact }
  }

  /** Rows with `low <= value <= high`, both integers, or a superset. */
  between(low: number, high: number): Leaf {
    const from = this.atLeast(low)
    const to = this.below(high + 1)
    return { any: from.any, but: to.but, exact: from.exact && to.exact }
  }

  /** Chooses cuts for the values that are there now and sets every bit anew. `values` yields [row, value] of all rows, each time it is called. */
  rebuild(values: () => Iterable<readonly [row: number, value: number]>, rows: number): void {
    const sample: number[] = []
    const step = Math.max(1, Math.floor(rows / SAMPLE))
    let n = 0
    for (const [, value] of values()) if (n++ % step === 0 && value === value) sample.push(value)
    for (const id of this.ids) this.bitmaps.drop(id)
    this.cuts = chooseCuts(sample)
    this.ids = this.cuts.map(() => this.bitmaps.add())
    this.low = Array.from({ length: this.cuts.length + 1 }, () => Infinity)
    this.high = Array.from({ length: this.cuts.length + 1 }, () => -Infinity)
    this.version++
    for (const [row, value] of values()) this.set(row, value)
  }

  /** The bitmap nearest to `value >= wanted`: `outer` holds at least these rows, `inner` at most. */
  private edge(wanted: number, side: 'outer' | 'inner'): { id: number | undefined; exact: boolean } {
    const bucket = this.bucketOf(wanted)
    const above = this.ids[bucket]
    const whole = bucket === 0 ? this.known : (this.ids[bucket - 1] as number)
    if (wanted <= (this.low[bucket] as number)) return { id: whole, exact: true }
    if (wanted > (this.high[bucket] as number)) return { id: above, exact: true }
    return { id: side === 'outer' ? whole : above, exact: false }
  }

  /** How many cuts are at or below `value`. */
  private bucketOf(value: number): number {
    let low = 0
    let high = this.cuts.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.cuts[middle] as number) <= value) low = middle + 1
      else high = middle
    }
    return low
  }
}

/**
 * Cuts near quantiles, at round numbers where there is one: people ask for 30 TFLOPS and 128 GiB, and a cut at just that needs no row looked at. A value that many
 * rows share gets a bucket of its own. The smallest value needs no cut.
 */
function chooseCuts(sample: number[]): number[] {
  sample.sort((a, b) => a - b)
  const distinct = [...new Set(sample)]
  if (distinct.length <= CUTS + 1) return distinct.slice(1)
  const cuts = new Set<number>()
  const at = (quantile: number): number => sample[Math.floor((quantile * sample.length) / CUTS)] as number
  for (let i = 1; i < CUTS; i++) {
    const [below, value, above] = [at(i - 0.5), at(i), at(i + 0.5)]
    if (below !== value && value !== above) {
      cuts.add(roundest(below, above))
      continue
    }
    cuts.add(value)
    const next = distinct[distinct.indexOf(value) + 1]
    if (next !== undefined && value === above) cuts.add(next)
  }
  cuts.delete(distinct[0] as number)
  return [...cuts].sort((a, b) => a - b)
}

/** The number in (`above`, `most`] that is a multiple of the largest power of ten, or of two, that has one there. */
function roundest(above: number, most: number): number {
  let [step, best] = [0, most]
  for (const base of [10, 2]) {
    const largest = base ** Math.floor(Math.log(most) / Math.log(base))
    for (let power = largest; power > step && power >= 1; power /= base) {
      const multiple = Math.floor(most / power) * power
      if (multiple > above) [step, best] = [power, multiple]
    }
  }
  return best
}

/** String property, of one or several values a row: a bitmap for each common value, shared ones for the rest. */
export class WordGroup {
  /** Changes when a value gets another bitmap, a new value its first, or a shared bitmap its first row. */
  version = 0
  readonly known: number
  /** Rows with one value and no other; rows of a group of single values are all like that. */
  readonly uniform: number
  /** True when a row has one value at most. */
  readonly single: boolean
  private readonly bitmaps: Bitmaps
  private readonly own: number
  private readonly sharedIds: number[]
  private readonly ownIds = new Map<string, number>()

  constructor(bitmaps: Bitmaps, options: { readonly single: boolean; readonly own: number; readonly shared: number }) {
    this.bitmaps = bitmaps
    this.single = options.single
    this.own = options.own
    this.known = bitmaps.add()
    this.uniform = options.single ? this.known : bitmaps.add()
    this.sharedIds = Array.from({ length: options.shared }, () => bitmaps.add())
  }

  set(row: number, key: string): void {
    this.bitmaps.set(this.known, row)
    const id = this.idOf(key)
    if (this.bitmaps.counts[id] === 0) this.version++
    this.bitmaps.set(id, row)
  }

  clear(row: number, key: string): void {
    this.bitmaps.clear(this.known, row)
    const own = this.ownIds.get(key)
    this.bitmaps.clear(own ?? this.shared(key), row)
    if (own === undefined || (this.bitmaps.counts[own] as number) > 0) return
    this.ownIds.delete(key)
    this.bitmaps.drop(own)
    this.version++
  }

  /** Rows with one of the values for which `wanted` holds, or a superset; `keys` when they are known beforehand. */
  oneOf(wanted: readonly string[] | ((key: string) => boolean)): Leaf {
    const ids = new Set<number>()
    let exact = true
    const take = (key: string): void => {
      const own = this.ownIds.get(key)
      ids.add(own ?? this.shared(key))
      if (own === undefined) exact = false
    }
    if (typeof wanted !== 'function') for (const key of wanted) take(key)
    else {
      for (const [key] of this.ownIds) if (wanted(key)) take(key)
      const shared = this.sharedIds.filter((id) => (this.bitmaps.counts[id] as number) > 0)
      for (const id of shared) ids.add(id)
      if (shared.length > 0) exact = false
    }
    return { any: [...ids], but: [], exact }
  }

  private idOf(key: string): number {
    const own = this.ownIds.get(key)
    if (own !== undefined) return own
    if (this.ownIds.size >= this.own) return this.shared(key)
    const id = this.bitmaps.add()
    this.ownIds.set(key, id)
    this.version++
    return id
  }

  private shared(key: string): number {
    let hash = 0
    for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193)
    return this.sharedIds[(hash >>> 8) % this.sharedIds.length] as number
  }
}
