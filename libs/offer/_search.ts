// A query against a table: bitmaps choose rows, blocks come best first, and the search stops when no block can do better.

import { fromHex } from '@haggle/wire'
import { Best } from './_best.ts'
import { BLOCK_ROWS, BLOCK_WORDS, popcount } from './_bitmaps.ts'
import { BlockQueue } from './_block_queue.ts'
import { Compiler } from './_compile.ts'
import { estimate, narrowBlocks, Narrower } from './_narrow.ts'
import { type Program, Programmer } from './_program.ts'
import { LIVE, type Table } from './_table.ts'
import { type SortValue, sortValue, type Zone, Zones } from './_zones.ts'
import { conjunction, conjuncts, type Expr, type OrderKey, type Query } from './ast.ts'
import { mentionsGpu } from './evaluate.ts'
import { effectiveOrder } from './rank.ts'

/** Up to so many candidate blocks are put in order, as far as they are looked at; with more, the order of all blocks is walked. */
const FEW_BLOCKS = 512
/** Walking over a block costs about an eighth of putting one in order. */
const WALKED = 8
/** With fewer rows left in a block than this they are taken as they lie; with more, cheapest first, to stop early. */
const FEW_ROWS = 24

/** Whether a row may stay, beside the query. */
export type RowFilter = (row: number) => boolean

/** A query made ready for one table. Made again by itself when the table's bitmaps have changed their meaning. */
export class Search {
  private readonly table: Table<unknown>
  private readonly query: Query
  private readonly filter: RowFilter | undefined
  private readonly order: readonly OrderKey[]
  private readonly values: readonly SortValue[]
  private readonly range: { readonly low: number; readonly high: number }
  private readonly keys: readonly Uint8Array[] | undefined
  private readonly narrower: Narrower
  private program: Program = { kind: 'all' }
  private tests: readonly ((row: number) => number)[] = []
  private version = -1
  private blockBits: Uint32Array = new Uint32Array(0)
  private queue: BlockQueue | undefined

  constructor(table: Table<unknown>, query: Query, filter?: RowFilter) {
    this.table = table
    this.query = query
    this.filter = filter
    this.order = effectiveOrder(query.order)
    this.values = this.order.map((key) => sortValue(table, key))
    this.range = priceRange(query.where, table.columns.money)
    this.keys = keysOf(query.where)
    this.narrower = new Narrower(table.bitmaps)
  }

  /** The best `limit` rows, best first. */
  rows(limit: number): number[] {
    this.prepare()
    const best = new Best(limit, (a, b) => this.compare(a, b))
    const first = this.order[0]
    if (this.keys !== undefined) this.byKeys(best)
    else if (first?.property === 'price.hour' && !first.descending) this.cheapestFirst(best)
    else if (first !== undefined) this.bestFirst(best, first)
    return best.rows
  }

  private prepare(): void {
    const version = this.table.facets.version
    if (version === this.version) return
    this.version = version
    const { money } = this.table.columns
    const parts = conjuncts(this.query.where).filter((expr) => priceBound(expr, money) === undefined)
    const programmer = new Programmer(this.table.facets, money)
    const compiled = parts.map((expr) => ({ expr, ...programmer.compile(expr) }))
    const items = compiled
      .filter(({ program }) => program.kind !== 'all')
      .map(({ program }) => ({ program, rows: estimate(program, this.table.bitmaps) }))
      .sort((a, b) => a.rows - b.rows)
      .map(({ program }) => program)
    this.program = { kind: 'and', items }
    const onGpu = parts.filter(mentionsGpu)
    const together = onGpu.length > 1 ? onGpu : []
    const open = compiled.filter(({ expr, exact }) => !exact && !together.includes(expr)).map(({ expr }) => expr)
    const asked = [...open, ...(together.length > 0 ? [conjunction(together)] : [])]
    const ofHost = this.table.columns.hosts.test(asked)
    this.tests = [...(ofHost === undefined ? [] : [ofHost]), ...asked.map((expr) => new Compiler(this.table).row(expr))]
  }

  private compare(a: number, b: number): number {
    for (const value of this.values) {
      const x = value(a)
      const y = value(b)
      if (x !== y) return x < y ? -1 : 1
    }
    return this.table.keys.compare(a, b)
  }

  private fits(row: number): boolean {
    for (const test of this.tests) if (test(row) !== 1) return false
    return this.filter === undefined || this.filter(row)
  }

  private byKeys(best: Best): void {
    const test = new Compiler(this.table).row(this.query.where)
    const first = this.values[0] as SortValue
    for (const key of this.keys ?? []) {
      const row = this.table.keys.find(key)
      if (row >= 0 && test(row) === 1 && (this.filter === undefined || this.filter(row)) && !best.refuses(row, first(row)))
        best.offer(row, first(row))
    }
  }

  /** Sets a bit for each block that may hold fitting rows; the number of bits. */
  private mark(): number {
    const length = (this.table.blocks.bound + 31) >>> 5
    if (this.blockBits.length !== length) this.blockBits = new Uint32Array(length)
    const bits = this.blockBits.fill(0xffffffff)
    narrowBlocks(this.program, this.table.bitmaps, bits)
    let count = 0
    for (let w = 0; w < length; w++) count += popcount(bits[w] as number)
    return count
  }

  private cheapestFirst(best: Best): void {
    const { order, low, lowKey } = this.table.blocks
    this.walk(order, { firsts: low, ties: lowKey }, (block) => this.visitCheapest(block, best))
  }

  private bestFirst(best: Best, first: OrderKey): void {
    const { table } = this
    table.zones ??= new Zones(table)
    const zone = table.zones.zone(first)
    this.walk(zone.order, { firsts: zone.best, ties: zone.price }, (block) => this.visitBest(block, best, zone))
  }

  /** Visits the marked blocks, best first, until a visit says that none of the others can have anything better. `order` has all blocks in that order. */
  private walk(
    order: readonly number[],
    by: { readonly firsts: Float64Array; readonly ties: Float64Array },
    visit: (block: number) => boolean,
  ): void {
    const marks = this.mark()
    const bits = this.blockBits
    if (marks > FEW_BLOCKS || marks * WALKED > order.length) {
      for (const block of order) if (((bits[block >>> 5] as number) & (1 << (block & 31))) !== 0 && !visit(block)) return
      return
    }
    const queue = (this.queue ??= new BlockQueue(FEW_BLOCKS))
    queue.fill(bits, by.firsts, by.ties)
    for (let block = queue.next(); block >= 0; block = queue.next()) if (!visit(block)) return
  }

  private visitCheapest(block: number, best: Best): boolean {
    const { low, lowKey, high, live } = this.table.blocks
    if ((live[block] ?? 0) === 0) return true
    const from = low[block] as number
    if (from > best.latest || from > this.range.high) return false
    if ((high[block] as number) < this.range.low) return true
    if (this.isTie(from, best) && (lowKey[block] as number) > this.table.keys.prefix(best.last)) return true
    this.scanCheapest(block, best)
    return true
  }

  /** True when something of this price is among the best only if its key comes before the last one's. */
  private isTie(price: number, best: Best): boolean {
    return price === best.latest && best.full && this.order.length === 1
  }

  /** True when neither a row nor any behind it in its block, by price and key, can be among the best. */
  private isAfter(row: number, price: number, best: Best): boolean {
    return this.isTie(price, best) && this.table.keys.prefix(row) > this.table.keys.prefix(best.last)
  }

  private visitBest(block: number, best: Best, zone: Zone): boolean {
    const { low, high, live } = this.table.blocks
    if ((live[block] ?? 0) === 0) return true
    const bound = zone.best[block] as number
    if (bound > best.latest) return false
    if ((low[block] as number) > this.range.high || (high[block] as number) < this.range.low) return true
    const second = this.order[1]
    const tiesByPrice = second?.property === 'price.hour' && !second.descending
    if (tiesByPrice && bound === best.latest && best.full && (low[block] as number) > this.table.priceOf(best.last)) return true
    this.scanBest(block, best, zone)
    return true
  }

  /** How many rows of a block may fit, as far as bitmaps can tell. They are left in the narrower's `out`. */
  private select(block: number): number {
    const { narrower } = this
    if (!narrower.block(block, this.table.bitmaps.words[LIVE] as Uint32Array, this.program)) return 0
    let count = 0
    for (let w = 0; w < BLOCK_WORDS; w++) count += popcount(narrower.out[w] as number)
    return count
  }

  private scanCheapest(block: number, best: Best): void {
    const count = this.select(block)
    if (count === 0) return
    const { table, range } = this
    const words = this.narrower.out
    const base = block * BLOCK_ROWS
    if (count > FEW_ROWS) {
      const { sorted, live } = table.blocks
      const end = base + (live[block] as number)
      for (let at = base; at < end; at++) {
        const position = sorted[at] as number
        if (((words[position >>> 5] as number) & (1 << (position & 31))) === 0) continue
        const row = base + position
        const price = table.priceOf(row)
        if (price > best.latest || price > range.high || this.isAfter(row, price, best)) return
        if (price >= range.low && !best.refuses(row, price) && this.fits(row)) best.offer(row, price)
      }
      return
    }
    for (let w = 0; w < BLOCK_WORDS; w++) {
      for (let word = words[w] as number; word !== 0; word &= word - 1) {
        const row = base + w * 32 + 31 - Math.clz32(word & -word)
        const price = table.priceOf(row)
        if (price >= range.low && price <= range.high && !best.refuses(row, price) && this.fits(row)) best.offer(row, price)
      }
    }
  }

  private scanBest(block: number, best: Best, { values, sorted, count }: Zone): void {
    const left = this.select(block)
    if (left === 0) return
    const words = this.narrower.out
    const base = block * BLOCK_ROWS
    if (left > FEW_ROWS) {
      const end = base + (count[block] as number)
      for (let at = base; at < end; at++) {
        const position = sorted[at] as number
        if (((words[position >>> 5] as number) & (1 << (position & 31))) === 0) continue
        const row = base + position
        const value = values[row] as number
        if (value > best.latest) return
        this.consider(row, value, best)
      }
      return
    }
    for (let w = 0; w < BLOCK_WORDS; w++) {
      for (let word = words[w] as number; word !== 0; word &= word - 1) {
        const row = base + w * 32 + 31 - Math.clz32(word & -word)
        const value = values[row] as number
        if (value <= best.latest) this.consider(row, value, best)
      }
    }
  }

  private consider(row: number, value: number, best: Best): void {
    const price = this.table.priceOf(row)
    if (price >= this.range.low && price <= this.range.high && !best.refuses(row, value) && this.fits(row)) best.offer(row, value)
  }
}

/** The prices, both included, that a constraint on `price.hour` in the table's own money allows; undefined for any other constraint. */
function priceBound(expr: Expr, money: string): { readonly low: number; readonly high: number } | undefined {
  if (expr.kind !== 'compare' || expr.property !== 'price.hour') return undefined
  const { value, op } = expr
  if (typeof value === 'object' && value.unit !== money) return undefined
  const micros = typeof value === 'object' ? value.micros : Number(value)
  if (op === '=') return { low: micros, high: micros }
  if (op === '<=' || op === '<') return { low: -Infinity, high: op === '<' ? micros - 1 : micros }
  if (op === '>=' || op === '>') return { low: op === '>' ? micros + 1 : micros, high: Number.MAX_SAFE_INTEGER }
  return undefined
}

/** The prices between which every fitting row lies. Unknown prices sort as Infinity, and are in no range. */
function priceRange(where: Expr, money: string): { low: number; high: number } {
  let low = -Infinity
  let high = Infinity
  for (const expr of conjuncts(where)) {
    const bound = priceBound(expr, money)
    if (bound === undefined) continue
    low = Math.max(low, bound.low)
    high = Math.min(high, bound.high)
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
