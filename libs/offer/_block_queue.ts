// Marked blocks, the best first, without sorting them all: a search looks at a few of hundreds.

/** A binary heap of blocks by two numbers of each, the smallest first. */
export class BlockQueue {
  private readonly ids: Uint32Array
  private readonly firsts: Float64Array
  private ties: Float64Array = new Float64Array(0)
  private size = 0

  constructor(mostBlocks: number) {
    this.ids = new Uint32Array(mostBlocks)
    this.firsts = new Float64Array(mostBlocks)
  }

  /** Takes the blocks of `bits`, no more than it was made for, in the order of `firsts` and, where these are the same, `ties`. */
  fill(bits: Uint32Array, firsts: Float64Array, ties: Float64Array): void {
    let size = 0
    for (let w = 0; w < bits.length; w++) {
      for (let word = bits[w] as number; word !== 0; word &= word - 1) {
        const block = w * 32 + 31 - Math.clz32(word & -word)
        this.ids[size] = block
        this.firsts[size++] = firsts[block] as number
      }
    }
    this.size = size
    this.ties = ties
    for (let at = (size >>> 1) - 1; at >= 0; at--) this.sink(at)
  }

  /** The next block; -1 when there is none. */
  next(): number {
    if (this.size === 0) return -1
    const { ids, firsts } = this
    const block = ids[0] as number
    this.size--
    ids[0] = ids[this.size] as number
    firsts[0] = firsts[this.size] as number
    this.sink(0)
    return block
  }

  private sink(from: number): void {
    const { ids, firsts, size } = this
    const block = ids[from] as number
    const first = firsts[from] as number
    let at = from
    for (;;) {
      let child = 2 * at + 1
      if (child >= size) break
      if (child + 1 < size && this.isBefore(child + 1, ids[child] as number, firsts[child] as number)) child++
      if (!this.isBefore(child, block, first)) break
      ids[at] = ids[child] as number
      firsts[at] = firsts[child] as number
      at = child
    }
    ids[at] = block
    firsts[at] = first
  }

  private isBefore(at: number, block: number, first: number): boolean {
    const mine = this.firsts[at] as number
    return mine === first ? (this.ties[this.ids[at] as number] as number) < (this.ties[block] as number) : mine < first
  }
}
