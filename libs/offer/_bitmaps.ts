// Bitmaps over rows, with a second level: one bit for each block of rows that has any.

/** Rows in a block: 16 words, one cache line, of each bitmap. */
export const BLOCK_ROWS = 512

/** Words of a block. */
export const BLOCK_WORDS = 16

/** A growing family of bitmaps over the same rows. Bitmap 0 says which rows are there. */
export class Bitmaps {
  /** Words by bitmap; word `row >>> 5`. An empty array until the first bit is set. */
  readonly words: Uint32Array[] = []
  /** One bit for each block, by bitmap. May be set for a block without rows, never clear for one with. */
  readonly blocks: Uint32Array[] = []
  /** Rows in each bitmap. */
  readonly counts: number[] = []
  private capacityBlocks = 8
  private readonly spare: number[] = []

  /** Blocks that there is room for. */
  get capacity(): number {
    return this.capacityBlocks
  }

  /** A new, empty bitmap's number. */
  add(): number {
    const id = this.spare.pop() ?? this.words.length
    this.words[id] = NO_WORDS
    this.blocks[id] = NO_WORDS
    this.counts[id] = 0
    return id
  }

  /** Gives a bitmap's number back. */
  drop(id: number): void {
    this.words[id] = NO_WORDS
    this.blocks[id] = NO_WORDS
    this.counts[id] = 0
    this.spare.push(id)
  }

  /** Makes room for `blocks` blocks. */
  grow(blocks: number): void {
    if (blocks <= this.capacityBlocks) return
    this.capacityBlocks = blocks
    for (let id = 0; id < this.words.length; id++) {
      if ((this.words[id] as Uint32Array).length === 0) continue
      this.words[id] = grown(this.words[id] as Uint32Array, blocks * BLOCK_WORDS)
      this.blocks[id] = grown(this.blocks[id] as Uint32Array, (blocks + 31) >>> 5)
    }
  }

  has(id: number, row: number): boolean {
    return (((this.words[id] as Uint32Array)[row >>> 5] ?? 0) & (1 << (row & 31))) !== 0
  }

  set(id: number, row: number): void {
    let words = this.words[id] as Uint32Array
    if (words.length === 0) {
      words = this.words[id] = new Uint32Array(this.capacityBlocks * BLOCK_WORDS)
      this.blocks[id] = new Uint32Array((this.capacityBlocks + 31) >>> 5)
    }
    const word = row >>> 5
    const bit = 1 << (row & 31)
    const had = words[word] as number
    if ((had & bit) !== 0) return
    words[word] = had | bit
    this.counts[id] = (this.counts[id] as number) + 1
    const block = row >>> 9
    const blocks = this.blocks[id] as Uint32Array
    blocks[block >>> 5] = (blocks[block >>> 5] as number) | (1 << (block & 31))
  }

  clear(id: number, row: number): void {
    const words = this.words[id] as Uint32Array
    if (words.length === 0) return
    const word = row >>> 5
    const bit = 1 << (row & 31)
    const had = words[word] as number
    if ((had & bit) === 0) return
    words[word] = had & ~bit
    this.counts[id] = (this.counts[id] as number) - 1
    if ((had & ~bit) === 0) this.settle(id, row >>> 9)
  }

  /** Empties a bitmap. */
  wipe(id: number): void {
    ;(this.words[id] as Uint32Array).fill(0)
    ;(this.blocks[id] as Uint32Array).fill(0)
    this.counts[id] = 0
  }

  /** Moves every bit of `from[i]` to `to[i]`, all rows of `from` in block `source`, all of `to` in block `target`. */
  move(from: Uint32Array, to: Uint32Array, source: number, target: number): void {
    for (let id = 0; id < this.words.length; id++) {
      const blocks = this.blocks[id] as Uint32Array
      if (((blocks[source >>> 5] ?? 0) & (1 << (source & 31))) === 0) continue
      const words = this.words[id] as Uint32Array
      let moved = 0
      for (let i = 0; i < from.length; i++) {
        const row = from[i] as number
        const had = words[row >>> 5] as number
        const bit = 1 << (row & 31)
        if ((had & bit) === 0) continue
        words[row >>> 5] = had & ~bit
        const there = to[i] as number
        words[there >>> 5] = (words[there >>> 5] as number) | (1 << (there & 31))
        moved++
      }
      if (moved === 0) continue
      blocks[target >>> 5] = (blocks[target >>> 5] as number) | (1 << (target & 31))
      this.settle(id, source)
    }
  }

  private settle(id: number, block: number): void {
    const words = this.words[id] as Uint32Array
    const base = block * BLOCK_WORDS
    for (let w = base; w < base + BLOCK_WORDS; w++) if (words[w] !== 0) return
    const blocks = this.blocks[id] as Uint32Array
    blocks[block >>> 5] = (blocks[block >>> 5] as number) & ~(1 << (block & 31))
  }
}

const NO_WORDS: Uint32Array = new Uint32Array(0)

function grown(old: Uint32Array, length: number): Uint32Array {
  const next = new Uint32Array(length)
  next.set(old)
  return next
}

/** Set bits of a word. */
export function popcount(word: number): number {
  let n = word - ((word >>> 1) & 0x55555555)
  n = (n & 0x33333333) + ((n >>> 2) & 0x33333333)
  return (((n + (n >>> 4)) & 0x0f0f0f0f) * 0x01010101) >>> 24
}
