// Where rows live: blocks of 512, each of one cluster and one stretch of prices, and all blocks in the order of their cheapest row.

import { BLOCK_ROWS } from './_bitmaps.ts'

/** What the blocks ask of the rows. */
export interface Rows {
  /** What a row is sorted by in its cluster: price, Infinity when unknown. */
  price(row: number): number
  /** First bytes of the row's key, for rows of one price. */
  prefix(row: number): number
  /** Rows that are there in a block, ascending. */
  inBlock(block: number): number[]
  /** The first empty row of a block that has one. */
  firstEmpty(block: number): number
  /** Makes room for `blocks` blocks. */
  grow(blocks: number): void
  /** Moves rows `from[i]` of block `source` to the empty rows `to[i]` of block `target`. */
  move(from: Uint32Array, to: Uint32Array, source: number, target: number): void
}

/** A block that holds less than this looks for a neighbour to join. */
const SPARSE = 96
/** Two blocks join when both together hold no more than this. */
const JOINED = 320

/** Clusters of blocks. Rows of one cluster are near each other, the cheaper before the dearer. */
export class Blocks {
  /** At or below the price of every row of the block, and the key prefix that goes with it. */
  low: Float64Array = new Float64Array(8)
  lowKey: Float64Array = new Float64Array(8)
  /** At or above the price of every row of the block. */
  high: Float64Array = new Float64Array(8)
  /** Rows in the block. */
  live: Uint16Array = new Uint16Array(8)
  /** For each block, 512 places: the positions of its rows, cheapest first, as many as are `live`. */
  sorted: Uint16Array = new Uint16Array(8 * BLOCK_ROWS)
  /** Blocks with rows, by `low` and `lowKey`. */
  readonly order: number[] = []
  /** Blocks that exist, empty ones included. */
  bound = 0
  private readonly rows: Rows
  private readonly clusters = new Map<string, number[]>()
  private readonly clusterOf: string[] = []
  private floor: Float64Array = new Float64Array(8)
  private floorKey: Float64Array = new Float64Array(8)
  private readonly spare: number[] = []

  constructor(rows: Rows) {
    this.rows = rows
  }

  /** Number of clusters. */
  get clusterCount(): number {
    return this.clusters.size
  }

  hasCluster(cluster: string): boolean {
    return this.clusters.has(cluster)
  }

  clusterOfBlock(block: number): string {
    return this.clusterOf[block] as string
  }

  /** An empty row for something of this cluster, price and key prefix. The caller fills it at once. */
  place(cluster: string, price: number, prefix: number): number {
    let blocks = this.clusters.get(cluster)
    if (blocks === undefined) {
      blocks = [this.open(cluster, -Infinity, -Infinity)]
      this.clusters.set(cluster, blocks)
    }
    let at = this.locate(blocks, price, prefix)
    let block = blocks[at] as number
    if (this.live[block] === BLOCK_ROWS) {
      if (at === blocks.length - 1 && price > (this.high[block] as number)) blocks.push(this.open(cluster, price, prefix))
      else this.split(blocks, at)
      at = this.locate(blocks, price, prefix)
      block = blocks[at] as number
    }
    const row = this.rows.firstEmpty(block)
    this.enlist(block, row % BLOCK_ROWS, price, prefix)
    this.live[block] = (this.live[block] as number) + 1
    if (price > (this.high[block] as number)) this.high[block] = price
    if (price < (this.low[block] as number) || (price === this.low[block] && prefix < (this.lowKey[block] as number)))
      this.lower(block, price, prefix)
    return row
  }

  /** Says that a row is empty now. */
  vacate(row: number): void {
    const block = Math.floor(row / BLOCK_ROWS)
    this.delist(block, row % BLOCK_ROWS)
    const left = (this.live[block] as number) - 1
    this.live[block] = left
    if (left >= SPARSE) return
    const cluster = this.clusterOf[block] as string
    const blocks = this.clusters.get(cluster) as number[]
    const at = blocks.indexOf(block)
    if (left === 0) this.close(blocks, at)
    else if (at > 0 && this.together(blocks, at - 1) <= JOINED) this.join(blocks, at - 1)
    else if (at < blocks.length - 1 && this.together(blocks, at) <= JOINED) this.join(blocks, at)
  }

  private together(blocks: readonly number[], at: number): number {
    return (this.live[blocks[at] as number] as number) + (this.live[blocks[at + 1] as number] as number)
  }

  private open(cluster: string, floor: number, floorKey: number): number {
    const block = this.spare.pop() ?? this.bound++
    if (block >= this.low.length) {
      const next = this.low.length * 2
      this.low = longer(this.low, next)
      this.lowKey = longer(this.lowKey, next)
      this.high = longer(this.high, next)
      this.floor = longer(this.floor, next)
      this.floorKey = longer(this.floorKey, next)
      const live = new Uint16Array(next)
      live.set(this.live)
      this.live = live
      const sorted = new Uint16Array(next * BLOCK_ROWS)
      sorted.set(this.sorted)
      this.sorted = sorted
      this.rows.grow(next)
    }
    this.clusterOf[block] = cluster
    this.live[block] = 0
    this.floor[block] = floor
    this.floorKey[block] = floorKey
    this.low[block] = Infinity
    this.lowKey[block] = Infinity
    this.high[block] = -Infinity
    this.enter(block)
    return block
  }

  /** The last of `blocks` whose floor is not above (price, prefix). */
  private locate(blocks: readonly number[], price: number, prefix: number): number {
    let low = 0
    let high = blocks.length - 1
    while (low < high) {
      const middle = (low + high + 1) >>> 1
      const block = blocks[middle] as number
      const floor = this.floor[block] as number
      if (floor < price || (floor === price && (this.floorKey[block] as number) <= prefix)) low = middle
      else high = middle - 1
    }
    return low
  }

  private split(blocks: number[], at: number): void {
    const block = blocks[at] as number
    const { rows } = this
    const base = block * BLOCK_ROWS
    const upper = Array.from(this.sorted.subarray(base + (BLOCK_ROWS >>> 1), base + BLOCK_ROWS), (at) => base + at)
    const first = upper[0] as number
    const next = this.open(this.clusterOf[block] as string, rows.price(first), rows.prefix(first))
    blocks.splice(at + 1, 0, next)
    this.transfer(upper, block, next)
  }

  private join(blocks: number[], at: number): void {
    const target = blocks[at] as number
    const source = blocks[at + 1] as number
    this.transfer(this.rows.inBlock(source), source, target)
    this.close(blocks, at + 1)
  }

  private transfer(moving: readonly number[], source: number, target: number): void {
    const taken = new Set(this.rows.inBlock(target))
    const to = new Uint32Array(moving.length)
    let row = target * BLOCK_ROWS
    for (let i = 0; i < to.length; i++) {
      while (taken.has(row)) row++
      to[i] = row++
    }
    this.rows.move(Uint32Array.from(moving), to, source, target)
    this.live[source] = (this.live[source] as number) - moving.length
    this.live[target] = (this.live[target] as number) + moving.length
    this.measure(source)
    this.measure(target)
  }

  /** Finds a block's bounds and order anew. */
  private measure(block: number): void {
    const { rows } = this
    this.leave(block)
    const sorted = rows.inBlock(block).sort((a, b) => rows.price(a) - rows.price(b) || rows.prefix(a) - rows.prefix(b) || a - b)
    const base = block * BLOCK_ROWS
    for (const [at, row] of sorted.entries()) this.sorted[base + at] = row - base
    const [first, last] = [sorted[0], sorted.at(-1)]
    this.low[block] = first === undefined ? Infinity : rows.price(first)
    this.lowKey[block] = first === undefined ? Infinity : rows.prefix(first)
    this.high[block] = last === undefined ? -Infinity : rows.price(last)
    this.enter(block)
  }

  /** Puts a position among the sorted ones of its block. */
  private enlist(block: number, position: number, price: number, prefix: number): void {
    const { rows, sorted } = this
    const base = block * BLOCK_ROWS
    const end = base + (this.live[block] as number)
    let low = base
    let high = end
    while (low < high) {
      const middle = (low + high) >>> 1
      const row = base + (sorted[middle] as number)
      const other = rows.price(row)
      if (other < price || (other === price && rows.prefix(row) < prefix)) low = middle + 1
      else high = middle
    }
    sorted.copyWithin(low + 1, low, end)
    sorted[low] = position
  }

  private delist(block: number, position: number): void {
    const base = block * BLOCK_ROWS
    const at = this.sorted.indexOf(position, base)
    this.sorted.copyWithin(at, at + 1, base + (this.live[block] as number))
  }

  private close(blocks: number[], at: number): void {
    const block = blocks[at] as number
    this.leave(block)
    blocks.splice(at, 1)
    this.spare.push(block)
    const first = blocks[0]
    if (first === undefined) this.clusters.delete(this.clusterOf[block] as string)
    else {
      this.floor[first] = -Infinity
      this.floorKey[first] = -Infinity
    }
  }

  private lower(block: number, price: number, prefix: number): void {
    this.leave(block)
    this.low[block] = price
    this.lowKey[block] = prefix
    this.enter(block)
  }

  private before(a: number, b: number): boolean {
    const x = this.low[a] as number
    const y = this.low[b] as number
    if (x !== y) return x < y
    const p = this.lowKey[a] as number
    const q = this.lowKey[b] as number
    return p === q ? a < b : p < q
  }

  private rankOf(block: number): number {
    let low = 0
    let high = this.order.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.before(this.order[middle] as number, block)) low = middle + 1
      else high = middle
    }
    return low
  }

  private enter(block: number): void {
    this.order.splice(this.rankOf(block), 0, block)
  }

  private leave(block: number): void {
    this.order.splice(this.rankOf(block), 1)
  }
}

function longer(old: Float64Array, length: number): Float64Array {
  const next = new Float64Array(length)
  next.set(old)
  return next
}
