// A bounding volume hierarchy over boxes: what a ray may hit, found in a few dozen steps instead of thousands.

/** A flat binary tree. A node with `count` > 0 is a leaf over `order[first .. first + count)`; else its children are `first` and `first + 1`. */
export interface Bvh {
  /** Six numbers a node: min x y z, max x y z. */
  readonly bounds: Float64Array
  readonly first: Int32Array
  readonly count: Int32Array
  readonly order: Int32Array
}

const LEAF = 4
const BINS = 12

/** Builds the tree over `boxes` (six numbers each) by the binned surface area heuristic. The result depends on nothing but the input. */
export function buildBvh(boxes: Float64Array): Bvh {
  const total = boxes.length / 6
  const order = Int32Array.from({ length: total }, (_, i) => i)
  const bounds = new Float64Array(Math.max(1, total * 2) * 6)
  const first = new Int32Array(Math.max(1, total * 2))
  const count = new Int32Array(Math.max(1, total * 2))
  let nodes = 1
  const box = (item: number, side: number): number => boxes[item * 6 + side] ?? 0
  const middle = (item: number, axis: number): number => (box(item, axis) + box(item, axis + 3)) / 2

  const fit = (node: number, from: number, to: number): void => {
    for (let axis = 0; axis < 3; axis++) {
      let low = Infinity
      let high = -Infinity
      for (let i = from; i < to; i++) {
        low = Math.min(low, box(order[i] ?? 0, axis))
        high = Math.max(high, box(order[i] ?? 0, axis + 3))
      }
      bounds[node * 6 + axis] = low
      bounds[node * 6 + 3 + axis] = high
    }
  }

  // What falls into each bin of one axis, and what lies right of each cut.
  const binLow = new Float64Array(BINS * 3)
  const binHigh = new Float64Array(BINS * 3)
  const binItems = new Int32Array(BINS)
  const rightCost = new Float64Array(BINS)

  /** Half the surface of the box so far, after it has taken in bin `bin`. */
  const grown = { low: new Float64Array(3), high: new Float64Array(3) }
  const grow = (bin: number): number => {
    for (let axis = 0; axis < 3; axis++) {
      grown.low[axis] = Math.min(grown.low[axis] ?? 0, binLow[bin * 3 + axis] ?? 0)
      grown.high[axis] = Math.max(grown.high[axis] ?? 0, binHigh[bin * 3 + axis] ?? 0)
    }
    const [x, y, z] = [0, 1, 2].map((axis) => Math.max(0, (grown.high[axis] ?? 0) - (grown.low[axis] ?? 0))) as [number, number, number]
    return x * y + y * z + z * x
  }
  const forget = (): void => {
    grown.low.fill(Infinity)
    grown.high.fill(-Infinity)
  }

  /** Where to cut `from..to`: the position after partitioning, or -1 when a leaf is cheaper. */
  const cut = (from: number, to: number): number => {
    let best = { cost: Infinity, axis: -1, bin: 0, low: 0, scale: 0 }
    let whole = 1
    for (let axis = 0; axis < 3; axis++) {
      let low = Infinity
      let high = -Infinity
      for (let i = from; i < to; i++) {
        const at = middle(order[i] ?? 0, axis)
        low = Math.min(low, at)
        high = Math.max(high, at)
      }
      if (!(high > low)) continue
      const scale = BINS / (high - low)
      binLow.fill(Infinity)
      binHigh.fill(-Infinity)
      binItems.fill(0)
      for (let i = from; i < to; i++) {
        const item = order[i] ?? 0
        const bin = Math.min(BINS - 1, Math.floor((middle(item, axis) - low) * scale))
        binItems[bin] = (binItems[bin] ?? 0) + 1
        for (let side = 0; side < 3; side++) {
          binLow[bin * 3 + side] = Math.min(binLow[bin * 3 + side] ?? 0, box(item, side))
          binHigh[bin * 3 + side] = Math.max(binHigh[bin * 3 + side] ?? 0, box(item, side + 3))
        }
      }
      forget()
      for (let bin = BINS - 1, items = 0; bin > 0; bin--) {
        items += binItems[bin] ?? 0
        rightCost[bin] = items * grow(bin)
      }
      forget()
      for (let bin = 0, items = 0; bin < BINS - 1; bin++) {
        items += binItems[bin] ?? 0
        const cost = items * grow(bin) + (rightCost[bin + 1] ?? 0)
        if (items > 0 && items < to - from && cost < best.cost) best = { cost, axis, bin: bin + 1, low, scale }
      }
      whole = grow(BINS - 1)
    }
    if (best.axis < 0 || (to - from <= LEAF && 1 + best.cost / whole >= to - from)) return -1
    let split = from
    for (let i = from; i < to; i++) {
      const item = order[i] ?? 0
      if (Math.min(BINS - 1, Math.floor((middle(item, best.axis) - best.low) * best.scale)) >= best.bin) continue
      order[i] = order[split] ?? 0
      order[split++] = item
    }
    return split
  }

  const divide = (node: number, from: number, to: number): void => {
    fit(node, from, to)
    const at = to - from > 1 ? cut(from, to) : -1
    if (at <= from || at >= to) {
      first[node] = from
      count[node] = to - from
      return
    }
    const left = nodes
    nodes += 2
    first[node] = left
    divide(left, from, at)
    divide(left + 1, at, to)
  }
  if (total > 0) divide(0, 0, total)
  return { bounds: bounds.slice(0, nodes * 6), first: first.slice(0, nodes), count: count.slice(0, nodes), order }
}
