// For each property that is ordered by: what every block can offer at best, so that most blocks are never opened.

import { readGpu } from './_facets.ts'
import { BLOCK_ROWS } from './_bitmaps.ts'
import type { Table } from './_table.ts'
import type { OrderKey } from './ast.ts'
import { isGpuProperty } from './properties.ts'

/** The number by which a row is sorted, ascending; Infinity for unknown. */
export type SortValue = (row: number) => number

interface Zone {
  readonly value: SortValue
  best: Float64Array
}

/** Sort values and their bounds by block, made when first asked for and kept from then on. */
export class Zones {
  private readonly table: Table<unknown>
  private readonly zones = new Map<string, Zone>()

  constructor(table: Table<unknown>) {
    this.table = table
  }

  /** The bounds of a key: the block's rows sort at or after `best[block]`. */
  zone(key: OrderKey): { readonly value: SortValue; readonly best: Float64Array } {
    const name = `${key.property} ${key.descending ? 'desc' : ''}`
    let zone = this.zones.get(name)
    if (zone === undefined) {
      zone = { value: sortValue(this.table, key), best: new Float64Array(this.table.bitmaps.capacity) }
      this.zones.set(name, zone)
      for (let block = 0; block < this.table.blocks.bound; block++) this.measureOne(zone, block)
    }
    return zone
  }

  /** Takes a written row in. */
  widen(row: number): void {
    const block = Math.floor(row / BLOCK_ROWS)
    for (const zone of this.zones.values()) {
      this.fit(zone)
      const value = zone.value(row)
      if (this.table.blocks.live[block] === 1 || value < (zone.best[block] as number)) zone.best[block] = value
    }
  }

  /** Finds a block's bounds anew. */
  measure(block: number): void {
    for (const zone of this.zones.values()) this.measureOne(zone, block)
  }

  private measureOne(zone: Zone, block: number): void {
    this.fit(zone)
    let best = Infinity
    for (const row of this.table.inBlock(block)) best = Math.min(best, zone.value(row))
    zone.best[block] = best
  }

  private fit(zone: Zone): void {
    if (zone.best.length >= this.table.bitmaps.capacity) return
    const next = new Float64Array(this.table.bitmaps.capacity)
    next.set(zone.best)
    zone.best = next
  }
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
