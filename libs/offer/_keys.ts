// Providers' keys by row, and the row of a key: 32 bytes side by side and an open-addressed table, a tenth of what a Map of strings takes.

/** Octets of a key. */
const KEY = 32

/** Rows by 32-byte key. The hash is seeded, because keys are chosen by strangers. */
export class KeyTable {
  private readonly seed: number
  private table = new Int32Array(64).fill(-1)
  private used = 0
  private gone = 0
  private bytes = new Uint8Array(0)

  constructor(seed: number) {
    this.seed = seed | 0
  }

  /** Keys in the table. */
  get size(): number {
    return this.used - this.gone
  }

  /** Makes room for `rows` rows. */
  grow(rows: number): void {
    const next = new Uint8Array(rows * KEY)
    next.set(this.bytes)
    this.bytes = next
  }

  /** The key of a row as an array of its own. */
  copyOf(row: number): Uint8Array {
    return this.bytes.slice(row * KEY, row * KEY + KEY)
  }

  /** First six bytes of a row's key as an integer, which sorts as the key does. */
  prefix(row: number): number {
    return keyPrefix(this.bytes, row * KEY)
  }

  /** Byte order of two rows' keys. */
  compare(a: number, b: number): number {
    const { bytes } = this
    for (let i = 0; i < KEY; i++) {
      const difference = (bytes[a * KEY + i] as number) - (bytes[b * KEY + i] as number)
      if (difference !== 0) return difference
    }
    return 0
  }

  /** True when a row has this key. */
  is(row: number, key: Uint8Array): boolean {
    for (let i = 0; i < KEY; i++) if (this.bytes[row * KEY + i] !== key[i]) return false
    return true
  }

  /** The row of a key, or -1. */
  find(key: Uint8Array): number {
    const { table } = this
    const mask = table.length - 1
    for (let at = this.hash(key, 0) & mask; ; at = (at + 1) & mask) {
      const row = table[at] as number
      if (row === -1) return -1
      if (row >= 0 && this.is(row, key)) return row
    }
  }

  /** Puts a key that is not there at a row. */
  add(key: Uint8Array, row: number): void {
    this.bytes.set(key, row * KEY)
    if ((this.used + 1) * 2 > this.table.length) this.rehash()
    this.enter(row)
    this.used++
  }

  /** Takes a row's key out. */
  remove(row: number): void {
    this.table[this.slotOf(row)] = -2
    this.gone++
  }

  /** Moves a key to another row. */
  move(from: number, to: number): void {
    this.table[this.slotOf(from)] = to
    this.bytes.copyWithin(to * KEY, from * KEY, from * KEY + KEY)
  }

  private slotOf(row: number): number {
    const mask = this.table.length - 1
    let at = this.hash(this.bytes, row * KEY) & mask
    while (this.table[at] !== row) at = (at + 1) & mask
    return at
  }

  private enter(row: number): void {
    const mask = this.table.length - 1
    let at = this.hash(this.bytes, row * KEY) & mask
    while (this.table[at] !== -1) at = (at + 1) & mask
    this.table[at] = row
  }

  private rehash(): void {
    const old = this.table
    let length = 64
    while (length < (this.size + 1) * 4) length *= 2
    this.table = new Int32Array(length).fill(-1)
    for (const row of old) if (row >= 0) this.enter(row)
    this.used = this.size
    this.gone = 0
  }

  private hash(bytes: Uint8Array, start: number): number {
    let h = this.seed
    for (let i = start; i < start + 16; i += 4) {
      const word =
        (bytes[i] as number) | ((bytes[i + 1] as number) << 8) | ((bytes[i + 2] as number) << 16) | ((bytes[i + 3] as number) << 24)
      h = Math.imul(h ^ word, 0x9e3779b1)
      h ^= h >>> 15
    }
    h = Math.imul(h ^ (h >>> 13), 0x85ebca6b)
    return (h ^ (h >>> 16)) >>> 0
  }
}

/** First six bytes at `start` as an integer. */
export function keyPrefix(bytes: Uint8Array, start = 0): number {
  let value = 0
  for (let i = 0; i < 6; i++) value = value * 256 + (bytes[start + i] as number)
  return value
}
