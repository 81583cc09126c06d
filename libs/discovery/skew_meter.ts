// How far this machine's clock is off, as far as others' signed times tell.

import { HaggleError, MAX_SKEW_S } from '@haggle/wire'

/** Signers that are needed before their word counts. */
const MIN_WITNESSES = 3
/** Signers whose last word is kept, and for how long, ms. */
const MAX_WITNESSES = 32
const MEMORY_MS = 10 * 60 * 1_000

/** Remembers by how much the times of signed messages differed from ours when they arrived. */
export class SkewMeter {
  readonly #skews: Map<string, { skewS: number; atMs: number }> = new Map()

  /** Notes that a message of `signer` was dated `skewS` seconds ahead of our clock (behind when negative). The signature must have been verified. */
  note(signer: string, skewS: number, nowMs: number): void {
    this.#skews.delete(signer)
    this.#skews.set(signer, { skewS, atMs: nowMs })
    for (const [oldest, { atMs }] of this.#skews) {
      if (this.#skews.size <= MAX_WITNESSES && nowMs - atMs <= MEMORY_MS) break
      this.#skews.delete(oldest)
    }
  }

  /**
   * The median of the last words of at least `witnesses` signers, seconds; undefined when there are fewer. Of three or more, a few liars or replays do not
   * move it; the word of fewer is a hint.
   */
  medianS(nowMs: number, witnesses: number = MIN_WITNESSES): number | undefined {
    const skews = [...this.#skews.values()].filter(({ atMs }) => nowMs - atMs <= MEMORY_MS).map(({ skewS }) => skewS)
    if (skews.length < witnesses) return undefined
    skews.sort((a, b) => a - b)
    return skews[Math.floor((skews.length - 1) / 2)]
  }
}

/** `E_CLOCK` with the offset when the median says that our clock is off by more than messages may be; undefined otherwise. */
export function clockError(medianS: number | undefined): HaggleError | undefined {
  if (medianS === undefined || Math.abs(medianS) <= MAX_SKEW_S) return undefined
  const way = medianS > 0 ? 'behind' : 'ahead'
  return new HaggleError('E_CLOCK', `This machine's clock is ${Math.abs(medianS)} s ${way}: others refuse its messages`, {
    details: { offsetS: medianS },
    next: 'Set the clock, for instance with timedatectl set-ntp true',
  })
}
