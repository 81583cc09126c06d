// Programs at work: which blocks may have rows, which rows of a block are left, all rows at once.

import { type Bitmaps, BLOCK_WORDS } from './_bitmaps.ts'
import type { Leaf } from './_groups.ts'
import type { Program } from './_program.ts'

/** Rows that a program would take at most, by its bitmaps' counts: for putting the strictest first. */
export function estimate(program: Program, bitmaps: Bitmaps): number {
  switch (program.kind) {
    case 'all':
      return Infinity
    case 'leaf': {
      const sum = (ids: readonly number[]): number => ids.reduce((total, id) => total + (bitmaps.counts[id] as number), 0)
      return Math.max(0, sum(program.leaf.any) - sum(program.leaf.but))
    }
    case 'and':
      return Math.min(...program.items.map((item) => estimate(item, bitmaps)))
    case 'or':
      return program.items.reduce((total, item) => total + estimate(item, bitmaps), 0)
  }
}

/** Leaves in `out`, one bit for each block, those that may have rows of the program. */
export function narrowBlocks(program: Program, bitmaps: Bitmaps, out: Uint32Array): void {
  switch (program.kind) {
    case 'all':
      return
    case 'leaf':
      return leafBlocks(program.leaf.any, bitmaps.blocks, out)
    case 'and':
      for (const item of program.items) narrowBlocks(item, bitmaps, out)
      return
    case 'or': {
      const sum = new Uint32Array(out.length)
      for (const item of program.items) {
        const part = out.slice()
        narrowBlocks(item, bitmaps, part)
        for (let w = 0; w < sum.length; w++) sum[w] = (sum[w] as number) | (part[w] as number)
      }
      out.set(sum)
    }
  }
}

/** The strictest parts come first: after them most words are empty, and their bits in the other parts need not be gathered. */
function leafBlocks(any: readonly number[], blocks: readonly Uint32Array[], out: Uint32Array): void {
  if (any.length === 1) {
    const words = blocks[any[0] as number] as Uint32Array
    if (words.length === 0) out.fill(0)
    else for (let w = 0; w < out.length; w++) out[w] = (out[w] as number) & (words[w] as number)
    return
  }
  for (let w = 0; w < out.length; w++) {
    const before = out[w] as number
    if (before === 0) continue
    let word = 0
    for (let i = 0; i < any.length; i++) word |= (blocks[any[i] as number] as Uint32Array)[w] ?? 0
    out[w] = before & word
  }
}

/** The rows of a program within `rows`, over `length` words. */
export function rowsOf(program: Program, bitmaps: Bitmaps, rows: Uint32Array): Uint32Array {
  switch (program.kind) {
    case 'all':
      return rows.slice()
    case 'leaf': {
      const out = new Uint32Array(rows.length)
      for (const id of program.leaf.any) {
        const words = bitmaps.words[id] as Uint32Array
        const end = Math.min(words.length, out.length)
        for (let w = 0; w < end; w++) out[w] = (out[w] as number) | ((words[w] as number) & (rows[w] as number))
      }
      for (const id of program.leaf.but) {
        const words = bitmaps.words[id] as Uint32Array
        const end = Math.min(words.length, out.length)
        for (let w = 0; w < end; w++) out[w] = (out[w] as number) & ~(words[w] as number)
      }
      return out
    }
    case 'and':
      return program.items.reduce((left, item) => rowsOf(item, bitmaps, left), rows)
    case 'or': {
      const out = new Uint32Array(rows.length)
      for (const item of program.items) {
        const part = rowsOf(item, bitmaps, rows)
        for (let w = 0; w < out.length; w++) out[w] = (out[w] as number) | (part[w] as number)
      }
      return out
    }
  }
}

/** Narrows the sixteen words of one block after another. */
export class Narrower {
  /** The words of the block: rows that are left. */
  readonly out: Uint32Array = new Uint32Array(BLOCK_WORDS)
  private readonly bitmaps: Bitmaps
  private readonly spare: Uint32Array[] = []
  private base = 0

  constructor(bitmaps: Bitmaps) {
    this.bitmaps = bitmaps
  }

  /** Leaves in `out` the rows of `start` and `program` in a block; false when there is none. */
  block(block: number, start: Uint32Array, program: Program): boolean {
    this.base = block * BLOCK_WORDS
    const { out, base } = this
    for (let w = 0; w < BLOCK_WORDS; w++) out[w] = start[base + w] as number
    return this.narrow(program, out, 0)
  }

  private narrow(program: Program, out: Uint32Array, level: number): boolean {
    switch (program.kind) {
      case 'all':
        return true
      case 'leaf':
        return this.leaf(program.leaf, out)
      case 'and': {
        for (const item of program.items) if (!this.narrow(item, out, level)) return false
        return true
      }
      case 'or':
        return this.or(program.items, out, level)
    }
  }

  private or(items: readonly Program[], out: Uint32Array, level: number): boolean {
    const sum = (this.spare[level * 2] ??= new Uint32Array(BLOCK_WORDS))
    const part = (this.spare[level * 2 + 1] ??= new Uint32Array(BLOCK_WORDS))
    sum.fill(0)
    for (const item of items) {
      part.set(out)
      if (this.narrow(item, part, level + 1)) for (let w = 0; w < BLOCK_WORDS; w++) sum[w] = (sum[w] as number) | (part[w] as number)
    }
    let left = 0
    for (let w = 0; w < BLOCK_WORDS; w++) left |= out[w] = sum[w] as number
    return left !== 0
  }

  private leaf(leaf: Leaf, out: Uint32Array): boolean {
    const { any, but } = leaf
    const { base } = this
    let left = 0
    if (any.length === 1) {
      const words = this.bitmaps.words[any[0] as number] as Uint32Array
      if (words.length === 0) return false
      for (let w = 0; w < BLOCK_WORDS; w++) left |= out[w] = (out[w] as number) & (words[base + w] as number)
    } else {
      for (let w = 0; w < BLOCK_WORDS; w++) {
        let word = 0
        for (const id of any) word |= (this.bitmaps.words[id] as Uint32Array)[base + w] ?? 0
        left |= out[w] = (out[w] as number) & word
      }
    }
    for (const id of but) {
      const words = this.bitmaps.words[id] as Uint32Array
      if (words.length === 0 || left === 0) continue
      left = 0
      for (let w = 0; w < BLOCK_WORDS; w++) left |= out[w] = (out[w] as number) & ~(words[base + w] as number)
    }
    return left !== 0
  }
}
