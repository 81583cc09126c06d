// The table behind an index: keys, columns, bitmaps and blocks, kept in step as offers come, change and go.

import { Bitmaps, BLOCK_ROWS, BLOCK_WORDS } from './_bitmaps.ts'
import { Blocks } from './_blocks.ts'
import { Columns, type NumberColumn } from './_columns.ts'
import { Facets } from './_facets.ts'
import { KeyTable, keyPrefix } from './_keys.ts'
import type { Zones } from './_zones.ts'
import { classOf } from './classes.ts'
import type { Device } from './device.ts'
import { fold } from './evaluate.ts'
import type { Listing, Offer } from './offer.ts'

/** The bitmap of rows that are there. */
export const LIVE = 0

/** Most clusters of models; models beyond share one a class, so that strangers' inventions can't scatter the rows. */
const MODEL_CLUSTERS = 256

/** Rows of offers. */
export class Table<T> {
  readonly columns: Columns
  readonly keys: KeyTable
  readonly bitmaps: Bitmaps = new Bitmaps()
  readonly facets: Facets
  readonly blocks: Blocks
  readonly payloads: (T | undefined)[] = []
  /** Bounds of blocks by properties that someone has ordered by. */
  zones: Zones | undefined
  private readonly price: NumberColumn

  constructor(money: string, seed: number) {
    this.columns = new Columns(money)
    this.keys = new KeyTable(seed)
    this.price = this.columns.numbers.get('price.hour') as NumberColumn
    this.bitmaps.add()
    this.facets = new Facets(this.bitmaps, this.columns)
    this.blocks = new Blocks({
      price: (row) => this.priceOf(row),
      prefix: (row) => this.keys.prefix(row),
      inBlock: (block) => this.inBlock(block),
      firstEmpty: (block) => this.firstEmpty(block),
      grow: (blocks) => this.grow(blocks),
      move: (from, to, source, target) => this.move(from, to, source, target),
    })
    this.grow(this.blocks.low.length)
  }

  /** Price of an hour for sorting: Infinity when unknown. */
  priceOf(row: number): number {
    const value = this.price.data[row] as number
    return value === value ? value : Infinity
  }

  /** Puts a listing in, in the place of the provider's last one. */
  put(listing: Listing, payload: T | undefined): void {
    const before = this.keys.find(listing.provider)
    if (before >= 0) {
      const price = this.columns.numberOf(listing, this.price)
      const same = Object.is(price, this.price.data[before]) && this.blocks.clusterOfBlock(before >>> 9) === this.clusterFor(listing.offer)
      if (same) {
        this.rewrite(before, listing, payload)
        return
      }
      this.drop(before)
    }
    const priced = this.columns.numberOf(listing, this.price)
    const price = priced === priced ? priced : Infinity
    const row = this.blocks.place(this.clusterFor(listing.offer), price, keyPrefix(listing.provider))
    this.keys.add(listing.provider, row)
    this.write(row, listing, payload)
    this.facets.tend(this.keys.size, () => this.rows())
  }

  /** Takes a row out. */
  drop(row: number): void {
    this.zones?.leave(row)
    this.facets.clear(row)
    this.bitmaps.clear(LIVE, row)
    this.columns.erase(row)
    this.keys.remove(row)
    this.payloads[row] = undefined
    this.blocks.vacate(row)
  }

  /** Every row, block by block. */
  *rows(): Iterable<number> {
    for (let block = 0; block < this.blocks.bound; block++) yield* this.inBlock(block)
  }

  /** Rows of a block, ascending. */
  inBlock(block: number): number[] {
    const words = this.bitmaps.words[LIVE] as Uint32Array
    const found: number[] = []
    for (let w = block * BLOCK_WORDS; w < (block + 1) * BLOCK_WORDS; w++) {
      for (let word = words[w] ?? 0; word !== 0; word &= word - 1) found.push(w * 32 + 31 - Math.clz32(word & -word))
    }
    return found
  }

  private firstEmpty(block: number): number {
    const words = this.bitmaps.words[LIVE] as Uint32Array
    for (let w = block * BLOCK_WORDS; ; w++) {
      const free = ~(words[w] ?? 0)
      if (free !== 0) return w * 32 + 31 - Math.clz32(free & -free)
    }
  }

  private write(row: number, listing: Listing, payload: T | undefined): void {
    this.columns.write(row, listing)
    this.bitmaps.set(LIVE, row)
    this.facets.set(row)
    this.payloads[row] = payload
    this.zones?.widen(row)
  }

  private rewrite(row: number, listing: Listing, payload: T | undefined): void {
    this.zones?.leave(row)
    this.facets.clear(row)
    this.columns.erase(row)
    this.write(row, listing, payload)
  }

  /** Machines with as many GPUs of the same model lie together: their prices are alike, and most constraints are true of all or of none. */
  private clusterFor(offer: Offer): string {
    let largest: Device | undefined
    let gpus = 0
    let mixed = false
    for (const d of offer.devices) {
      if (d.kind !== 'gpu') continue
      gpus++
      if (largest !== undefined && d.model !== largest.model) mixed = true
      if (largest === undefined || d.vramMiB > largest.vramMiB) largest = d
    }
    if (largest !== undefined) {
      const cluster = `${mixed ? 'mixed' : gpus < 3 ? gpus : gpus < 5 ? 4 : 8} ${fold(largest.model)}`
      if (this.blocks.hasCluster(cluster) || this.blocks.clusterCount < MODEL_CLUSTERS) return cluster
    }
    return classOf(offer)
  }

  private grow(blocks: number): void {
    this.bitmaps.grow(blocks)
    this.columns.grow(blocks * BLOCK_ROWS)
    this.keys.grow(blocks * BLOCK_ROWS)
  }

  private move(from: Uint32Array, to: Uint32Array, source: number, target: number): void {
    this.bitmaps.move(from, to, source, target)
    for (let i = 0; i < from.length; i++) {
      const a = from[i] as number
      const b = to[i] as number
      this.columns.move(a, b)
      this.keys.move(a, b)
      this.payloads[b] = this.payloads[a]
      this.payloads[a] = undefined
      this.zones?.move(a, b)
    }
    this.zones?.measure(source)
    this.zones?.measure(target)
  }
}
