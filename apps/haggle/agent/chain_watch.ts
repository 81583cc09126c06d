// How the chain is: looked at now and then, so that status can say it without asking.

import type { Clock } from '@haggle/wire'
import { describe } from '../failure.ts'

/** Between two looks: about a block on most chains. */
const LOOK_MS = 15_000

/** What was seen last. */
export interface ChainState {
  /** Height of the newest block; null before the first answer. */
  readonly block: number | null
  /** When it answered last, unix ms. */
  readonly seenAtMs: number | null
  /** Why it does not answer now; null: it does, or was not asked yet. */
  readonly problem: { readonly code: string; readonly message: string } | null
}

/** What a watch needs. */
export interface ChainWatchInit {
  readonly head: (options: { signal: AbortSignal }) => Promise<{ readonly number: number }>
  readonly clock: Clock
}

/** Watches a chain from its making until it is stopped. */
export class ChainWatch {
  readonly #init: ChainWatchInit
  readonly #ended = new AbortController()
  #state: ChainState = { block: null, seenAtMs: null, problem: null }
  #cancel: (() => void) | undefined

  constructor(init: ChainWatchInit) {
    this.#init = init
    void this.#look()
  }

  /** What was seen last. */
  get state(): ChainState {
    return this.#state
  }

  /** Looks no more. */
  stop(): void {
    this.#ended.abort()
    this.#cancel?.()
  }

  async #look(): Promise<void> {
    const { head, clock } = this.#init
    try {
      const { number } = await head({ signal: this.#ended.signal })
      this.#state = { block: number, seenAtMs: clock.now(), problem: null }
    } catch (error) {
      const { code, message } = describe(error)
      this.#state = { ...this.#state, problem: { code, message } }
    }
    if (!this.#ended.signal.aborted) this.#cancel = clock.after(LOOK_MS, () => void this.#look())
  }
}
