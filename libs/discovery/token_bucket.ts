// Token buckets: so much at once, so much per second after that.

/** A rate: tokens per second, and how many may pile up. */
export interface Rate {
  readonly perSecond: number
  readonly burst: number
}

/** One bucket. Time is given, so it needs no timer. */
export class TokenBucket {
  readonly #rate: Rate
  #tokens: number
  #at: number

  constructor(rate: Rate, nowMs: number) {
    this.#rate = rate
    this.#tokens = rate.burst
    this.#at = nowMs
  }

  /** Takes one token; false when there is none. */
  take(nowMs: number): boolean {
    this.#fill(nowMs)
    if (this.#tokens < 1) return false
    this.#tokens -= 1
    return true
  }

  /** True when {@link take} would work; takes nothing. */
  has(nowMs: number): boolean {
    this.#fill(nowMs)
    return this.#tokens >= 1
  }

  /** Milliseconds until there is a token; 0 when there is one now. */
  waitMs(nowMs: number): number {
    this.#fill(nowMs)
    return this.#tokens >= 1 ? 0 : Math.ceil(((1 - this.#tokens) / this.#rate.perSecond) * 1_000)
  }

  /** True when it has refilled: forgetting it changes nothing. */
  isFull(nowMs: number): boolean {
    this.#fill(nowMs)
    return this.#tokens >= this.#rate.burst
  }

  #fill(nowMs: number): void {
    this.#tokens = Math.min(this.#rate.burst, this.#tokens + (Math.max(0, nowMs - this.#at) / 1_000) * this.#rate.perSecond)
    this.#at = nowMs
  }
}

/** Buckets by name, at most `max` of them: full ones are forgotten first, then the longest unused. */
export class TokenBuckets {
  readonly #rate: Rate
  readonly #max: number
  readonly #buckets: Map<string, TokenBucket> = new Map()

  constructor(rate: Rate, max: number = 4_096) {
    this.#rate = rate
    this.#max = max
  }

  get size(): number {
    return this.#buckets.size
  }

  take(name: string, nowMs: number): boolean {
    let bucket = this.#buckets.get(name)
    if (bucket === undefined) {
      bucket = new TokenBucket(this.#rate, nowMs)
      if (this.#buckets.size >= this.#max) this.#makeRoom(nowMs)
    } else {
      this.#buckets.delete(name)
    }
    this.#buckets.set(name, bucket)
    return bucket.take(nowMs)
  }

  /** True when {@link take} would work; takes nothing and remembers nothing. */
  has(name: string, nowMs: number): boolean {
    return this.#buckets.get(name)?.has(nowMs) ?? this.#rate.burst >= 1
  }

  #makeRoom(nowMs: number): void {
    let looked = 0
    for (const [name, bucket] of this.#buckets) {
      // The map is in order of last use: a few of the oldest are enough to look at, and one always goes.
      if (looked === 0 || bucket.isFull(nowMs)) this.#buckets.delete(name)
      if (++looked >= 16) return
    }
  }
}
