// The contract numbers of a node, one row whatever its role: without gaps, because a number without a contract must be explained.

import type { Write } from '@haggle/store'
import type { StoredNumbers, ThreadStore } from './thread_store.ts'

/** A contract number that nobody else gets. */
export interface TakenNumber {
  /** From 0 on, without gaps. */
  readonly number: number
  /** Goes into the batch of the message that names the number. */
  readonly write: Write
  /** The number was not signed: the next one who asks gets it. Does nothing when called again. */
  giveBack(): void
}

/** The numbers of one node. What a crash leaves unsigned is free again. */
export class Numbers {
  readonly #store: ThreadStore
  readonly #least: () => number
  #next: number
  /** Given to nobody. */
  readonly #free: Set<number>
  /** Given, and not in a batch yet. */
  readonly #taken = new Set<number>()

  private constructor(store: ThreadStore, { next, free }: StoredNumbers, least: () => number) {
    this.#store = store
    this.#least = least
    this.#next = next
    this.#free = new Set(free)
  }

  /** Goes on where the store ends, and never below `least()`: a store older than what was signed since doesn't know what is taken. */
  static async read(store: ThreadStore, least: () => number = () => 0): Promise<Numbers> {
    return new Numbers(store, await store.numbers(), least)
  }

  /** The lowest number that is free. */
  take(): TakenNumber {
    const least = this.#least()
    if (this.#next < least) {
      this.#next = least
      // What this store holds for free may be signed since, too.
      this.#free.clear()
    }
    const number = this.#free.size > 0 ? Math.min(...this.#free) : this.#next++
    this.#free.delete(number)
    this.#taken.add(number)
    return {
      number,
      write: this.#store.putNumbers(() => {
        this.#taken.delete(number)
        return { next: this.#next, free: [...this.#free, ...this.#taken] }
      }),
      giveBack: () => {
        if (this.#taken.delete(number)) this.#free.add(number)
      },
    }
  }
}
