// The best rows so far.

/** Up to `limit` rows, best first. A row comes with its first sort value, so that most are refused by one comparison. */
export class Best {
  readonly rows: number[] = []
  /** First sort value of the last row once there are enough; before that nothing is too late. */
  latest: number
  private readonly firsts: number[] = []
  private readonly limit: number
  private readonly compare: (a: number, b: number) => number

  /** `compare` orders rows completely. */
  constructor(limit: number, compare: (a: number, b: number) => number) {
    this.limit = limit
    this.compare = compare
    this.latest = limit > 0 ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY
  }

  get full(): boolean {
    return this.rows.length >= this.limit
  }

  get last(): number {
    return this.rows[this.rows.length - 1] as number
  }

  /** True when a row would not be among the best. */
  refuses(row: number, first: number): boolean {
    if (this.rows.length < this.limit) return false
    return first > this.latest || this.limit === 0 || (first === this.latest && this.compare(row, this.last) > 0)
  }

  /** Takes a row that is not refused. */
  offer(row: number, first: number): void {
    const { rows, firsts } = this
    let low = 0
    let high = rows.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const other = firsts[middle] as number
      if (other < first || (other === first && this.compare(rows[middle] as number, row) < 0)) low = middle + 1
      else high = middle
    }
    // Moved by hand: a splice makes an array of what it took.
    let at = rows.length < this.limit ? rows.length : rows.length - 1
    for (; at > low; at--) {
      rows[at] = rows[at - 1] as number
      firsts[at] = firsts[at - 1] as number
    }
    rows[low] = row
    firsts[low] = first
    if (rows.length === this.limit) this.latest = firsts[firsts.length - 1] as number
  }
}
