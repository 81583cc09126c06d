// The first few of many in an order, without sorting the rest.

/** Takes items one by one and keeps the `max` lowest, in order; of equals the first that came. */
export class Lowest<T> {
  readonly #max: number
  readonly #compare: (a: T, b: T) => number
  readonly #items: T[] = []

  constructor(max: number, compare: (a: T, b: T) => number) {
    this.#max = max
    this.#compare = compare
  }

  /** Those kept so far, lowest first. */
  get items(): readonly T[] {
    return this.#items
  }

  /** Keeps `item` when it is among the lowest so far. */
  offer(item: T): void {
    const items = this.#items
    const last = items.at(-1)
    if (items.length >= this.#max && (last === undefined || this.#compare(item, last) >= 0)) return
    let from = 0
    let to = items.length
    while (from < to) {
      const middle = (from + to) >> 1
      const other = items[middle]
      if (other !== undefined && this.#compare(item, other) < 0) to = middle
      else from = middle + 1
    }
    items.splice(from, 0, item)
    if (items.length > this.#max) items.pop()
  }
}
