// Group commit: while one batch is being synced, later ones gather and share the next sync, in the order they were asked for.

import type { Write } from './store.ts'

/** Most writes that one shared batch takes, so that a flood doesn't build one huge batch. */
const MAX_GROUP_WRITES = 4096

interface Waiting {
  readonly batch: readonly Write[]
  readonly sync: boolean
  resolve(): void
  reject(reason: unknown): void
}

/** Queues batches for `commit`, which writes one joined batch at a time. */
export class GroupCommit {
  readonly #commit: (batch: readonly Write[], sync: boolean) => Promise<void>
  #waiting: Waiting[] = []
  #running: Promise<void> | undefined

  constructor(commit: (batch: readonly Write[], sync: boolean) => Promise<void>) {
    this.#commit = commit
  }

  /** Resolves when `batch` is written, with a sync when `sync`. Rejects with what the commit of its group threw. */
  write(batch: readonly Write[], sync: boolean): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#waiting.push({ batch, sync, resolve, reject })
    this.#running ??= this.#run()
    return promise
  }

  /** Resolves when nothing waits any more. */
  async idle(): Promise<void> {
    while (this.#running) await this.#running
  }

  async #run(): Promise<void> {
    // One turn of the microtask queue, so that writes asked for together share the first sync too.
    await Promise.resolve()
    while (this.#waiting.length > 0) {
      const group = this.#takeGroup()
      const joined = group.length === 1 ? group[0]!.batch : group.flatMap((w) => w.batch)
      try {
        await this.#commit(
          joined,
          group.some((w) => w.sync),
        )
        for (const w of group) w.resolve()
      } catch (error) {
        for (const w of group) w.reject(error)
      }
    }
    this.#running = undefined
  }

  #takeGroup(): Waiting[] {
    let writes = 0
    let count = 0
    while (count < this.#waiting.length && (count === 0 || writes + this.#waiting[count]!.batch.length <= MAX_GROUP_WRITES)) {
      writes += this.#waiting[count]!.batch.length
      count++
    }
    return this.#waiting.splice(0, count)
  }
}
