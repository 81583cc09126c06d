// Appending: entries that are asked for while a group is being written form the next group; each group is one synced batch beside one synced journal write.

import type { Store, Write } from '@haggle/store'
import { HaggleError, type Random } from '@haggle/wire'
import { Slab } from './_encode_entry.ts'
import { encodePayload, type Entry, SALT_BYTES } from './entry.ts'
import { FRAME_HEAD_BYTES, writeFrame } from './_frames.ts'
import { addIndexRows } from './_index.ts'
import type { Journal } from './journal.ts'
import { encodeHead, HEAD_KEY, RecordBuffer, recordKey } from './_records.ts'
import type { Frontier, TreeHasher } from './tree.ts'

/** Most entries of one group: bounds what a crash can leave half done and how long one append waits behind others. */
const MAX_GROUP = 1024

/** Salts drawn at a time. */
const SALTS_AT_ONCE = 64

/** What an {@link Appender} writes to. */
export interface AppenderInit {
  readonly store: Store
  readonly journal: Journal
  readonly hasher: TreeHasher
  readonly random: Random
  readonly log: number
  readonly frontier: Frontier
}

/** One append that waits. */
interface Waiting {
  readonly items: readonly Item[]
  resolve(first: number): void
  reject(reason: unknown): void
}

/** An entry ready to be placed. */
interface Item {
  readonly entry: Entry
  /** `salt ‖ entry`. */
  readonly payload: Uint8Array
  readonly leaf: Uint8Array
}

/** Writes groups of entries, one group at a time. After a failed write it refuses: only opening again can tell what reached the disk. */
export class Appender {
  readonly #init: AppenderInit
  #frontier: Frontier
  #waiting: Waiting[] = []
  #running: Promise<void> | undefined
  #failure: HaggleError | undefined
  #salts: Uint8Array = new Uint8Array(0)
  #saltAt = 0
  readonly #slab = new Slab()

  constructor(init: AppenderInit) {
    this.#init = init
    this.#frontier = init.frontier
  }

  /** The tree of what is on disk. */
  get frontier(): Frontier {
    return this.#frontier
  }

  /** Why nothing can be appended any more, or undefined. */
  get failure(): HaggleError | undefined {
    return this.#failure
  }

  /** Resolves with the index of the first of `entries` when all are on disk. Entries of one call stay together and in order. */
  append(entries: readonly Entry[]): Promise<number> {
    return this.appendPayloads(entries.map((entry) => ({ entry, payload: encodePayload(this.#salt(), entry, this.#slab) })))
  }

  /** The next salt. Drawn many at a time: one call to the system's generator costs as much as hashing the entry. */
  #salt(): Uint8Array {
    if (this.#saltAt === this.#salts.length) {
      this.#salts = this.#init.random(SALT_BYTES * SALTS_AT_ONCE)
      this.#saltAt = 0
    }
    return this.#salts.subarray(this.#saltAt, (this.#saltAt += SALT_BYTES))
  }

  /** The same for entries that have their salts. */
  appendPayloads(entries: readonly Omit<Item, 'leaf'>[]): Promise<number> {
    // Hashed now and not when their group's turn comes: so hashing goes on while the group before is being synced.
    const { hasher } = this.#init
    const items = entries.map(({ entry, payload }) => ({ entry, payload, leaf: hasher.leaf(payload) }))
    const { promise, resolve, reject } = Promise.withResolvers<number>()
    this.#waiting.push({ items, resolve, reject })
    this.#running ??= this.#run()
    return promise
  }

  /** Resolves when nothing waits any more. */
  async idle(): Promise<void> {
    while (this.#running) await this.#running
  }

  async #run(): Promise<void> {
    await Promise.resolve()
    while (this.#waiting.length > 0) {
      const group = this.#takeGroup()
      try {
        if (this.#failure) throw this.#failure
        let first = await this.#write(group.flatMap((w) => w.items))
        for (const w of group) {
          w.resolve(first)
          first += w.items.length
        }
      } catch (error) {
        for (const w of group) w.reject(error)
      }
    }
    this.#running = undefined
  }

  #takeGroup(): Waiting[] {
    let entries = 0
    let count = 0
    while (count < this.#waiting.length && (count === 0 || entries + this.#waiting[count]!.items.length <= MAX_GROUP)) {
      entries += this.#waiting[count]!.items.length
      count++
    }
    return this.#waiting.splice(0, count)
  }

  async #write(items: readonly Item[]): Promise<number> {
    const { store, journal, log } = this.#init
    const frontier = this.#frontier.clone()
    const groupSize = frontier.size
    const groupJournal = journal.length
    const payloads = items.reduce((sum, { payload }) => sum + payload.length, 0)
    const frames = new Uint8Array(payloads + items.length * FRAME_HEAD_BYTES)
    // One buffer for all records, two hashes each and the few more that one entry may complete: a thousand small ones cost more than their copying.
    const records = new RecordBuffer(payloads + items.length * 80 + 32 * 32)
    const batch: Write[] = []
    let at = 0
    for (const { entry, payload, leaf } of items) {
      const index = frontier.size
      const hashes = frontier.push(leaf)
      batch.push({ key: recordKey(index), value: records.add(groupJournal + at, hashes, payload) })
      addIndexRows(batch, index, entry)
      at = writeFrame(frames, at, { index, payload }, journal)
    }
    const head = {
      log,
      size: frontier.size,
      root: frontier.root(),
      journal: BigInt(groupJournal + at),
      groupSize,
      groupJournal: BigInt(groupJournal),
    }
    batch.push({ key: HEAD_KEY, value: encodeHead(head) })
    const written = await Promise.allSettled([journal.append(frames), store.write(batch)])
    const failed = written.find((result) => result.status === 'rejected')
    if (failed) {
      this.#failure = new HaggleError('E_LEDGER_WRITE', 'Cannot append to the ledger: the disk refused a write', {
        cause: failed.reason,
        next: 'make room or check the disk, then start again: what reached the disk is sorted out then',
      })
      throw this.#failure
    }
    this.#frontier = frontier
    return groupSize
  }
}
