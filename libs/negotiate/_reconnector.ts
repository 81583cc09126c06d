// Tries to reach peers that are wanted and not there: quickly at first, then patiently, and never all at once.

import type { Clock, Random } from '@haggle/wire'

/** How long it waits between two tries, ms. After the last one it stays at it. */
const PAUSES_MS: readonly number[] = [100, 300, 1_000, 3_000, 10_000]
/** Each pause is made longer by up to this part, so that the peers of a node that comes back do not all come at once. */
const SPREAD = 0.25

/** What {@link Reconnector} needs. */
export interface ReconnectorInit {
  readonly clock: Clock
  readonly random: Random
  /** False when nobody wants the peer any more. */
  readonly isWanted: (peerId: string) => boolean
  /** Connects, and says what there is to say. Rejects when the peer is not there. */
  readonly reach: (peerId: string) => Promise<void>
}

interface Attempt {
  count: number
  cancel: (() => void) | undefined
}

/** The peers that are being looked for. */
export class Reconnector {
  readonly #init: ReconnectorInit
  readonly #attempts = new Map<string, Attempt>()
  #isStopped = false

  constructor(init: ReconnectorInit) {
    this.#init = init
  }

  /** Looks for a peer, unless that is under way. */
  want(peerId: string): void {
    if (this.#isStopped) return
    const attempt = this.#attempts.get(peerId) ?? { count: 0, cancel: undefined }
    this.#attempts.set(peerId, attempt)
    if (attempt.cancel !== undefined) return
    const { clock, random } = this.#init
    const pause = PAUSES_MS[Math.min(attempt.count, PAUSES_MS.length - 1)] ?? 0
    const spread = ((random(1)[0] ?? 0) / 256) * SPREAD
    attempt.count++
    attempt.cancel = clock.after(Math.round(pause * (1 + spread)), () => void this.#try(peerId, attempt))
  }

  /** The peer spoke: the next time, it is looked for quickly again. */
  heard(peerId: string): void {
    const attempt = this.#attempts.get(peerId)
    if (attempt === undefined) return
    attempt.cancel?.()
    this.#attempts.delete(peerId)
  }

  stop(): void {
    this.#isStopped = true
    for (const { cancel } of this.#attempts.values()) cancel?.()
    this.#attempts.clear()
  }

  async #try(peerId: string, attempt: Attempt): Promise<void> {
    const { isWanted, reach } = this.#init
    let isThere = true
    // Until this try is over, `cancel` stays set, so that no second one starts.
    if (isWanted(peerId)) {
      isThere = await reach(peerId).then(
        () => true,
        () => false,
      )
    } else this.#attempts.delete(peerId)
    attempt.cancel = undefined
    if (!isThere && this.#attempts.get(peerId) === attempt) this.want(peerId)
  }
}
