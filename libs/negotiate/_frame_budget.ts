// How many frames a peer may have read: so many at once, so many a second after that. Nothing is refused, the peer's stream is read later.

/** A rate in frames of up to 4 KiB; a longer frame counts as several. */
export interface FrameRate {
  /** Frames that come back in a second. */
  readonly perSecond: number
  /** Frames that may come at once after a pause. */
  readonly burst: number
}

/** Octets of one counted frame. */
const COUNTED_BYTES = 4096

/** What one peer may still have read. May fall below zero: then nothing is read until it has come back. */
export class FrameBudget {
  readonly #rate: FrameRate
  #left: number
  #atMs: number

  constructor(rate: FrameRate, nowMs: number) {
    this.#rate = rate
    this.#left = rate.burst
    this.#atMs = nowMs
  }

  /** Counts `frames`, whether they are left or not. */
  spend(frames: number, nowMs: number): void {
    this.#fill(nowMs)
    this.#left -= frames
  }

  /** Milliseconds until something may be read again; 0 when it may now. */
  waitMs(nowMs: number): number {
    this.#fill(nowMs)
    return this.#left >= 0 ? 0 : Math.ceil((-this.#left / this.#rate.perSecond) * 1_000)
  }

  /** True when it has all come back: forgetting it changes nothing. */
  isFull(nowMs: number): boolean {
    this.#fill(nowMs)
    return this.#left >= this.#rate.burst
  }

  #fill(nowMs: number): void {
    this.#left = Math.min(this.#rate.burst, this.#left + (Math.max(0, nowMs - this.#atMs) / 1_000) * this.#rate.perSecond)
    this.#atMs = Math.max(this.#atMs, nowMs)
  }
}

/** What a frame of `bytes` octets counts. */
export function countOf(bytes: number): number {
  return 1 + Math.floor(bytes / COUNTED_BYTES)
}
