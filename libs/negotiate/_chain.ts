// One side's chain: its last messages in memory, the older ones in the store.

import type { Message } from '@haggle/wire'
import type { ThreadStore } from './thread_store.ts'

/** Messages that stay in memory: a job that is metered for days has many more. */
const MAX_IN_MEMORY = 8_192
/** Messages that are let go at once, so that it does not happen with each one. */
const LET_GO = 1_024

/** A chain of messages without gaps. */
export class Chain {
  readonly #store: ThreadStore
  readonly #thread: Uint8Array
  readonly #side: 'own' | 'theirs'
  /** Those in memory; the first one has the sequence number `#base`. */
  readonly recent: Message[] = []
  #base = 0
  readonly #counts = new Map<string, number>()

  constructor(thread: Uint8Array, side: 'own' | 'theirs', store: ThreadStore) {
    this.#thread = thread
    this.#side = side
    this.#store = store
  }

  /** How many there are in all, which is the next sequence number. */
  get length(): number {
    return this.#base + this.recent.length
  }

  get last(): Message | undefined {
    return this.recent.at(-1)
  }

  /** The message at `seq`, when it is in memory. */
  at(seq: number): Message | undefined {
    return this.recent[seq - this.#base]
  }

  /** How many of all are of that type. */
  count(type: string): number {
    return this.#counts.get(type) ?? 0
  }

  push(message: Message): void {
    this.recent.push(message)
    this.#counts.set(message.type, this.count(message.type) + 1)
    if (this.recent.length <= MAX_IN_MEMORY) return
    this.recent.splice(0, LET_GO)
    this.#base += LET_GO
  }

  /** The bytes of `limit` messages from `seq` on, wherever they are. */
  async bytesFrom(seq: number, limit: number): Promise<readonly Uint8Array[]> {
    const end = Math.min(this.length, seq + limit)
    if (seq >= end) return []
    const stored =
      seq < this.#base ? await this.#store.messages(this.#thread, this.#side, { seq, limit: Math.min(end, this.#base) - seq }) : []
    const from = seq + stored.length
    return [...stored, ...this.recent.slice(from - this.#base, end - this.#base).map(({ bytes }) => bytes)]
  }
}
