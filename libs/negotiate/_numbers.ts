// The contract numbers of a node, one row for each role: without gaps, because a number without a contract must be explained.

import type { Write } from '@haggle/store'
import type { ThreadStore } from './thread_store.ts'

/** A contract number that nobody else gets. */
export interface TakenNumber {
  /** From 0 on, without gaps. */
  readonly number: number
  /** Goes into the batch of the message that names the number. */
  readonly write: Write
  /** The number was not signed: the next one who asks gets it. Does nothing when called again. */
  giveBack(): void
}

type Role = 'renter' | 'provider'

/** One role's numbers. */
interface Row {
  next: number
  /** Given to nobody. */
  readonly free: Set<number>
  /** Given, and not in a batch yet. */
  readonly taken: Set<number>
}

/** The numbers of one node. What a crash leaves unsigned is free again. */
export class Numbers {
  readonly #store: ThreadStore
  readonly #rows: Readonly<Record<Role, Row>>

  private constructor(store: ThreadStore, rows: Readonly<Record<Role, Row>>) {
    this.#store = store
    this.#rows = rows
  }

  /** Goes on where the store ends. */
  static async read(store: ThreadStore): Promise<Numbers> {
    const row = async (role: Role): Promise<Row> => {
      const { next, free } = await store.numbers(role)
      return { next, free: new Set(free), taken: new Set() }
    }
    return new Numbers(store, { renter: await row('renter'), provider: await row('provider') })
  }

  /** The lowest number that is free. */
  take(role: Role): TakenNumber {
    const row = this.#rows[role]
    const number = row.free.size > 0 ? Math.min(...row.free) : row.next++
    row.free.delete(number)
    row.taken.add(number)
    return {
      number,
      write: this.#store.putNumbers(role, () => {
        row.taken.delete(number)
        return { next: row.next, free: [...row.free, ...row.taken] }
      }),
      giveBack: () => {
        if (row.taken.delete(number)) row.free.add(number)
      },
    }
  }
}
