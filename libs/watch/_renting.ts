// A node as renter of one case: collects bitmaps, claims what t of them cover, finalises what nobody refuted.

import { bitmapAtMs, type Case, graceMs, planClaims, RULES, windowEndS, windowMask, windowsOf } from '@haggle/witness'
import { collectBitmaps } from './_collect.ts'
import { attemptMs, type Role, type RoleParts } from './_role.ts'

/** See the file's comment. */
export class Renting implements Role {
  readonly #parts: RoleParts
  readonly #one: Case
  readonly #claimed = new Set<number>()
  readonly #claiming = new Set<number>()
  #askedAtMs = 0

  constructor(parts: RoleParts, one: Case) {
    this.#parts = parts
    this.#one = one
  }

  /** Begins to claim each window whose bitmaps are due; `claim` is called when nothing is missing, or no more is to be hoped for. */
  step(): void {
    const now = this.#parts.clock.now()
    if (now < this.#askedAtMs) return
    this.#askedAtMs = now + attemptMs(this.#one)
    for (let window = 0; window < windowsOf(this.#one) && now >= bitmapAtMs(this.#one, window); window++) {
      if (this.#claimed.has(window) || this.#claiming.has(window)) continue
      if (now > (windowEndS(this.#one, window) + this.#parts.court.parameters.claimS) * 1_000) {
        this.#claimed.add(window)
        continue
      }
      this.#claiming.add(window)
      this.#parts.run(this.#collectAndClaim(window).finally(() => this.#claiming.delete(window)))
    }
  }

  /** Claims what the bitmaps at hand allow, now. Returns the claims' numbers. */
  async claim(window: number): Promise<bigint[]> {
    const { court, evidence, signal, tell } = this.#parts
    const { id, rule } = this.#one
    // The case may have been shortened since.
    const now = (await court.caseOf(id, { signal })) ?? this.#one
    const open = windowMask(now, window) & ~(await court.claimedSlots(id, window, { signal }))
    const bitmaps = await evidence.bitmaps(id, window)
    const numbers: bigint[] = []
    for (const { mask, indices } of planClaims(RULES[rule], bitmaps, open)) {
      const said = indices.map((index) => bitmaps.findLast((bitmap) => bitmap.index === index && (bitmap.down & mask) === mask)!)
      const { claim } = await court.claimDowntime({ id, window, mask, bitmaps: said }, { signal })
      tell('claimDowntime', id, String(claim))
      numbers.push(claim)
    }
    return numbers
  }

  async #collectAndClaim(window: number): Promise<void> {
    const { clock, court, signal } = this.#parts
    const { committee, slotS } = this.#one
    const have = await collectBitmaps(this.#parts, this.#one, window)
    // All are in, or those that aren't had two more slots for it; whoever comes later opens what is open then.
    const patient = clock.now() < bitmapAtMs(this.#one, window) + 2 * slotS * 1_000 + graceMs(this.#one)
    if (have.size < committee.length && patient) return
    // The chain's own clock decides whether the window has ended.
    if ((await court.nowS({ signal })) < windowEndS(this.#one, window)) return
    await this.claim(window)
    if (have.size === committee.length) this.#claimed.add(window)
  }
}
