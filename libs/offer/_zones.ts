// For each property that is ordered by: what every block can offer at best, so that most blocks are never opened.

import { readGpu } from './_facets.ts'
import { BLOCK_ROWS } from './_bitmaps.ts'
import type { Table } from './_table.ts'
import type { OrderKey } from './ast.ts'
import { isGpuProperty } from './properties.ts'

/** The number by which a row is sorted, ascending; Infinity for unknown. */
export type SortValue = (row: number) => number

/** What is kept of a key. */
export interface Zone {
  readonly read: SortValue
  /** The sort value of each row, beside each other. */
  values: Float64Array
  /** The least sort value of each block. */
  best: Float64Array
  /** What each block's lowest price was when it was put in order. */
  price: Float64Array
  /** For each block, 512 places: positions of its rows by `values`, as many as `count` says. */
  sorted: Uint16Array
  count: Uint16Array
  /** Blocks by `best`, then `price`. Empty ones may stay until their place is used again. */
  readonly order: number[]
}

/** Sort values and their bounds by block, made when first asked for and kept from then on. */
export class Zones {
  private readonly table: Table<unknown>
  private readonly zones = new Map<string, Zone>()

  constructor(table: Table<unknown>) {
    this.table = table
  }

  /** The sort values of a key, and its bounds: a block's rows sort at or after `best[block]`. Both are replaced when the table grows. */
  zone(key: OrderKey): Zone {
    const name = `${key.property} ${key.descending ? 'desc' : ''}`
    let zone = this.zones.get(name)
    if (zone === undefined) {
      const none = new Float64Array(0)
      const few = new Uint16Array(0)
      zone = { read: sortValue(this.table, key), values: none, best: none, price: none, sorted: few, count: few, order: [] }
      this.fit(zone)
      this.zones.set(name, zone)
      for (const row of this.table.rows()) zone.values[row] = zone.read(row)
      for (let block = 0; block < this.table.blocks.bound; block++) this.measureOne(zone, block)
    }
    this.fit(zone)
    return zone
  }

  /** Takes a written row in. */
  widen(row: number): void {
    const block = Math.floor(row / BLOCK_ROWS)
    const { live, low } = this.table.blocks
    for (const zone of this.zones.values()) {
      this.fit(zone)
      const value = zone.read(row)
      zone.values[row] = value
      enlist(zone, row)
      const best = live[block] === 1 ? value : Math.min(value, zone.best[block] as number)
      if (best !== zone.best[block] || low[block] !== zone.price[block]) place(zone, block, { best, price: low[block] as number })
    }
  }

  /** Lets a row go that is there still. */
  leave(row: number): void {
    const block = Math.floor(row / BLOCK_ROWS)
    const base = block * BLOCK_ROWS
    for (const { sorted, count } of this.zones.values()) {
      const size = count[block] as number
      const at = sorted.indexOf(row - base, base)
      sorted.copyWithin(at, at + 1, base + size)
      count[block] = size - 1
    }
  }

  /** Takes a row that moved along. */
  move(from: number, to: number): void {
    for (const zone of this.zones.values()) {
      this.fit(zone)
      zone.values[to] = zone.values[from] as number
    }
  }

  /** Finds a block's bounds anew. */
  measure(block: number): void {
    for (const zone of this.zones.values()) this.measureOne(zone, block)
  }

  private measureOne(zone: Zone, block: number): void {
    this.fit(zone)
    const { values, sorted, count } = zone
    const rows = this.table.inBlock(block).sort((a, b) => compareNumbers(values[a] as number, values[b] as number))
    const base = block * BLOCK_ROWS
    for (let i = 0; i < rows.length; i++) sorted[base + i] = (rows[i] as number) - base
    count[block] = rows.length
    const best = rows.length === 0 ? Infinity : (values[rows[0] as number] as number)
    place(zone, block, { best, price: this.table.blocks.low[block] as number })
  }

  private fit(zone: Zone): void {
    const { capacity } = this.table.bitmaps
    if (zone.best.length >= capacity) return
    zone.best = longer(zone.best, capacity)
    zone.price = longer(zone.price, capacity)
    zone.values = longer(zone.values, capacity * BLOCK_ROWS)
    zone.count = longer(zone.count, capacity)
    zone.sorted = longer(zone.sorted, capacity * BLOCK_ROWS)
  }
}

/** Order of numbers that may be infinite. */
function compareNumbers(a: number, b: number): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** Puts a row among the sorted ones of its block. */
function enlist({ values, sorted, count }: Zone, row: number): void {
  const block = Math.floor(row / BLOCK_ROWS)
  const base = block * BLOCK_ROWS
  const end = base + (count[block] as number)
  const value = values[row] as number
  let low = base
  let high = end
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((values[base + (sorted[middle] as number)] as number) < value) low = middle + 1
    else high = middle
  }
  sorted.copyWithin(low + 1, low, end)
  sorted[low] = row - base
  count[block] = end - base + 1
}

/** Puts a block in its place of the order. */
function place(zone: Zone, block: number, at: { readonly best: number; readonly price: number }): void {
  const { order, best, price } = zone
  const rankOf = (): number => {
    let low = 0
    let high = order.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const other = order[middle] as number
      const difference =
        compareNumbers(best[other] as number, best[block] as number) ||
        compareNumbers(price[other] as number, price[block] as number) ||
        other - block
      if (difference < 0) low = middle + 1
      else high = middle
    }
    return low
  }
  const old = rankOf()
  if (order[old] === block) order.splice(old, 1)
  best[block] = at.best
  price[block] = at.price
  order.splice(rankOf(), 0, block)
}

/** What a row sorts by under a key: its value, negated when descending. */
export function sortValue(table: Table<unknown>, key: OrderKey): SortValue {
  const sign = key.descending ? -1 : 1
  const { columns } = table
  if (key.property === 'gpu.free') return freeValue(table, sign)
  if (isGpuProperty(key.property)) {
    const read = readGpu(columns, key.property.slice(4), key.descending ? Math.max : Math.min)
    return (row) => orLast(read(row) * sign)
  }
  const column = columns.numbers.get(key.property)
  if (column === undefined) return () => Infinity
  return (row) => orLast((column.data[row] as number) * column.factor * sign)
}

function freeValue(table: Table<unknown>, sign: number): SortValue {
  const { columns } = table
  return (row) => {
    let best = Infinity
    const start = columns.deviceStart[row] as number
    const end = start + (columns.deviceCount[row] as number)
    for (let at = start; at < end; at++) if (columns.deviceKind[at] === 0) best = Math.min(best, (columns.deviceFree[at] as number) * sign)
    return best
  }
}

function orLast(value: number): number {
  return value === value ? value : Infinity
}

function longer<A extends Float64Array | Uint16Array>(old: A, length: number): A {
  const Kind = old.constructor as new (length: number) => A
  const next = new Kind(length)
  next.set(old)
  return next
}
