// The timers of one thread: at most one of each kind, and none once the thread is stopped.

import type { Clock } from '@haggle/wire'

/**
 * What a thread waits for.
 *
 * - `wake`: the machine's next deadline
 * - `retry`: the disk refused a write
 * - `lost`: the disk lost what began the thread, and the peer may give it back
 */
export type TimerName = 'wake' | 'retry' | 'lost'

/** The timers of one thread. */
export class ThreadTimers {
  readonly #clock: Clock
  readonly #cancels = new Map<TimerName, () => void>()
  #isStopped = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Runs `run` after `ms`, in place of what that timer was for before. */
  set(name: TimerName, ms: number, run: () => void): void {
    this.clear(name)
    if (!this.#isStopped) this.#cancels.set(name, this.#clock.after(ms, run))
  }

  clear(name: TimerName): void {
    this.#cancels.get(name)?.()
    this.#cancels.delete(name)
  }

  /** Ends all of them for good. */
  stop(): void {
    this.#isStopped = true
    for (const name of this.#cancels.keys()) this.clear(name)
  }
}
