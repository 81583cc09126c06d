// A query against a table: bitmaps choose rows, blocks come best first, and the search stops when no block can do better.

import { BLOCK_WORDS } from './_bitmaps.ts'
import { Compiler } from './_compile.ts'
import { blocksOf, estimate, narrow, type Program, Programmer } from './_program.ts'
import { LIVE, type Table } from './_table.ts'
import { type SortValue, sortValue, Zones } from './_zones.ts'
import { conjunction, conjuncts, type Expr, type Query } from './ast.ts'
import { mentionsGpu } from './evaluate.ts'
import { effectiveOrder } from './rank.ts'
import { fromHex } from '@haggle/wire'

/** Deepest nesting of an expression's tree. */
const LEVELS = 40

/** Whether a row may stay, beside the query. */
export type RowFilter = (row: number) => boolean

/** A query made ready for one table. Made again by itself when the table's bitmaps have changed their meaning. */
export class Search {
  private readonly table: Table<unknown>
  private readonly query: Query
  private readonly filter: RowFilter | undefined
  private program: Program = { kind: 'all' }
  private test: ((row: number) => number) | undefined
  private version = -1
  private blockBits = new Uint32Array(0)
  private readonly words = new Uint32Array(BLOCK_WORDS)
  private readonly spare: readonly Uint32Array[] = Array.from({ length: LEVELS * 2 }, () => new Uint32Array(BLOCK_WORDS))
  private readonly values: readonly SortValue[]
  private readonly range: { readonly low: number; readonly high: number }
  private readonly keys: readonly Uint8Array[] | undefined
  private readonly byPrice: boolean
  private readonly priceAlone: boolean

  constructor(table: Table<unknown>, query: Query, filter?: RowFilter) {
    this.table = table
    this.query = query
    this.filter = filter
    const order = effectiveOrder(query.order)
    this.values = order.map((key) => sortValue(table, key))
    this.byPrice = order[0]?.property === 'price.hour' && !order[0].descending
    this.priceAlone = this.byPrice && order.length === 1
    this.range = priceRange(query.where, table.columns.money)
    this.keys = keysOf(query.where)
  }

  /** The best `limit` rows, best first. */
  rows(limit: number): number[] {
    this.prepare()
    const best = new Best(limit, (a, b) => this.compare(a, b))
    if (this.keys !== undefined) this.byKeys(best)
    else if (this.byPrice) this.cheapestFirst(best)
    else this.bestFirst(best)
    return best.rows
  }

  private prepare(): void {
    const version = this.table.facets.version
    if (version === this.version) return
    this.version = version
    const parts = conjuncts(this.query.where)
    const programmer = new Programmer(this.table.facets, this.table.columns.money)
    const compiled = parts.map((expr) => ({ expr, ...programmer.compile(expr) }))
    const onGpu = parts.filter(mentionsGpu).length
    const items = compiled
      .filter(({ program }) => program.kind !== 'all')
      .map(({ program }) => ({ program, rows: estimate(program, this.table.bitmaps) }))
      .sort((a, b) => a.rows - b.rows)
      .map(({ program }) => program)
    this.program = { kind: 'and', items }
    const open = compiled.filter(({ expr, exact }) => !exact || (onGpu > 1 && mentionsGpu(expr))).map(({ expr }) => expr)
    this.test = open.length === 0 ? undefined : new Compiler(this.table).row(conjunction(open))
  }

  private compare(a: number, b: number): number {
    for (const value of this.values) {
      const x = value(a)
      const y = value(b)
      if (x !== y) return x < y ? -1 : 1
    }
    return this.table.keys.compare(a, b)
  }

  private byKeys(best: Best): void {
    const test = new Compiler(this.table).row(this.query.where)
    for (const key of this.keys ?? []) {
      const row = this.table.keys.find(key)
      if (row >= 0 && test(row) === 1 && (this.filter === undefined || this.filter(row))) best.offer(row)
    }
  }

  private candidateBlocks(): Uint32Array {
    const length = (this.table.bitmaps.capacity + 31) >>> 5
    if (this.blockBits.length !== length) this.blockBits = new Uint32Array(length)
    blocksOf(this.program, this.table.bitmaps, this.blockBits)
    return this.blockBits
  }

  private cheapestFirst(best: Best): void {
    const { blocks } = this.table
    const { low, lowKey, high, order } = blocks
    const candidates = this.candidateBlocks()
    for (const block of order) {
      if (((candidates[block >>> 5] as number) & (1 << (block & 31))) === 0) continue
      const from = low[block] as number
      if (from > this.range.high) return
      if (best.full) {
        const last = best.last
        const price = this.table.priceOf(last)
        if (from > price || (this.priceAlone && from === price && (lowKey[block] as number) > this.table.keys.prefix(last))) return
      }
      if ((high[block] as number) >= this.range.low) this.scan(block, best)
    }
  }

  private bestFirst(best: Best): void {
    const { table } = this
    table.zones ??= new Zones(table)
    const first = effectiveOrder(this.query.order)[0]
    if (first === undefined) return
    const { best: bounds } = table.zones.zone(first)
    const { low, high, order } = table.blocks
    const candidates = this.candidateBlocks()
    const queue = new BlockQueue(bounds)
    for (const block of order) {
      if (((candidates[block >>> 5] as number) & (1 << (block & 31))) === 0) continue
      if ((low[block] as number) <= this.range.high && (high[block] as number) >= this.range.low) queue.add(block)
    }
    queue.arrange()
    const value = this.values[0] as SortValue
    const thenPrice = effectiveOrder(this.query.order)[1]
    const tiesByPrice = thenPrice?.property === 'price.hour' && !thenPrice.descending
    for (let block = queue.take(); block >= 0; block = queue.take()) {
      if (best.full) {
        const last = value(best.last)
        const bound = bounds[block] as number
        if (bound > last) return
        if (bound === last && tiesByPrice && (low[block] as number) > table.priceOf(best.last)) continue
      }
      this.scan(block, best)
    }
  }

  private scan(block: number, best: Best): void {
    const { bitmaps } = this.table
    const base = block * BLOCK_WORDS
    const out = this.words
    const live = bitmaps.words[LIVE] as Uint32Array
    for (let w = 0; w < BLOCK_WORDS; w++) out[w] = live[base + w] as number
    if (!narrow(this.program, bitmaps, { base, out, spare: this.spare, level: 0 })) return
    const { test, filter } = this
    for (let w = 0; w < BLOCK_WORDS; w++) {
      for (let word = out[w] as number; word !== 0; word &= word - 1) {
        const row = (base + w) * 32 + 31 - Math.clz32(word & -word)
        if (best.refuses(row)) continue
        if (test !== undefined && test(row) !== 1) continue
        if (filter !== undefined && !filter(row)) continue
        best.offer(row)
      }
    }
  }
}

/** The best rows so far, best first. */
class Best {
  readonly rows: number[] = []
  private readonly limit: number
  private readonly compare: (a: number, b: number) => number

  constructor(limit: number, compare: (a: number, b: number) => number) {
    this.limit = limit
    this.compare = compare
  }

  get full(): boolean {
    return this.rows.length >= this.limit
  }

  get last(): number {
    return this.rows[this.rows.length - 1] as number
  }

  /** True when a row would not be among the best. */
  refuses(row: number): boolean {
    return this.rows.length >= this.limit && (this.limit === 0 || this.compare(row, this.last) > 0)
  }

  /** Takes a row that is not refused. */
  offer(row: number): void {
    const { rows } = this
    let low = 0
    let high = rows.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.compare(rows[middle] as number, row) < 0) low = middle + 1
      else high = middle
    }
    rows.splice(low, 0, row)
    if (rows.length > this.limit) rows.pop()
  }
}

/** Blocks by their bound; of equal bounds the one added first. A heap, because only a few are ever taken. */
class BlockQueue {
  private readonly bounds: Float64Array
  private readonly blocks: number[] = []
  private heap: Int32Array = new Int32Array(0)
  private size = 0

  constructor(bounds: Float64Array) {
    this.bounds = bounds
  }

  add(block: number): void {
    this.blocks.push(block)
  }

  arrange(): void {
    this.size = this.blocks.length
    this.heap = Int32Array.from(this.blocks.keys())
    for (let at = (this.size >>> 1) - 1; at >= 0; at--) this.sink(at)
  }

  /** The next block, or -1. */
  take(): number {
    if (this.size === 0) return -1
    const top = this.heap[0] as number
    this.size--
    this.heap[0] = this.heap[this.size] as number
    this.sink(0)
    return this.blocks[top] as number
  }

  private before(a: number, b: number): boolean {
    const x = this.bounds[this.blocks[a] as number] as number
    const y = this.bounds[this.blocks[b] as number] as number
    return x < y || (x === y && a < b)
  }

  private sink(start: number): void {
    const { heap, size } = this
    for (let at = start; ;) {
      const left = at * 2 + 1
      if (left >= size) return
      const right = left + 1
      const child = right < size && this.before(heap[right] as number, heap[left] as number) ? right : left
      if (!this.before(heap[child] as number, heap[at] as number)) return
      const held = heap[at] as number
      heap[at] = heap[child] as number
      heap[child] = held
      at = child
    }
  }
}

/** The prices between which every fitting row lies, by the top constraints on `price.hour`. */
function priceRange(where: Expr, money: string): { low: number; high: number } {
  let low = -Infinity
  let high = Infinity
  for (const c of conjuncts(where)) {
    if (c.kind !== 'compare' || c.property !== 'price.hour') continue
    const { value } = c
    if (typeof value === 'object' && value.unit !== money) continue
    const micros = typeof value === 'object' ? value.micros : Number(value)
    if (c.op === '=' || c.op === '<=' || c.op === '<') high = Math.min(high, micros)
    if (c.op === '=' || c.op === '>=' || c.op === '>') low = Math.max(low, micros)
  }
  return { low, high }
}

/** The providers that a top constraint names, when one does. */
function keysOf(where: Expr): readonly Uint8Array[] | undefined {
  for (const c of conjuncts(where)) {
    if (c.kind === 'compare' && c.property === 'provider.key' && c.op === '=') return [fromHex(String(c.value))]
    if (c.kind === 'in' && c.property === 'provider.key' && !c.negated) return [...new Set(c.values.map(String))].map((hex) => fromHex(hex))
  }
  return undefined
}
