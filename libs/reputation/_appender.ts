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

/**
 * Most entries of one group: bounds what a crash can leave half done and how long one append waits behind others. Small enough that hundreds of appends at
 * a time make two groups, so that one is made ready while the other is being synced.
 */
const MAX_GROUP = 256

/** With so many entries waiting the next group is made ready before the one on its way is on disk; with fewer, more may still join them. */
const AHEAD = 64

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

/** A group as bytes. */
interface Prepared {
  readonly group: readonly Waiting[]
  /** Index of its first entry. */
  readonly first: number
  /** The tree with the group in it. */
  readonly frontier: Frontier
  readonly frames: Uint8Array
  readonly batch: readonly Write[]
}

/** A group on its way to the disk. */
interface Flight {
  readonly made: Prepared
  readonly over: Promise<void>
}

/** Writes groups of entries, one group at a time. After a failed write it refuses: only recovery can tell what reached the disk. */
export class Appender {
  readonly #init: AppenderInit
  #frontier: Frontier
  /** The tree and the journal's length as the last prepared group leaves them. */
  #ahead: { readonly frontier: Frontier; readonly journal: number }
  #waiting: Waiting[] = []
  #waitingEntries = 0
  #wake: (() => void) | undefined
  #running: Promise<void> | undefined
  #failure: HaggleError | undefined
  #salts: Uint8Array = new Uint8Array(0)
  #saltAt = 0
  readonly #slab = new Slab()

  constructor(init: AppenderInit) {
    this.#init = init
    this.#frontier = init.frontier
    this.#ahead = { frontier: init.frontier, journal: init.journal.length }
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
    this.#waitingEntries += items.length
    if (this.#waitingEntries >= AHEAD) this.#wake?.()
    this.#running ??= this.#run()
    return promise
  }

  /** Resolves when nothing waits any more. */
  async idle(): Promise<void> {
    while (this.#running) await this.#running
  }

  async #run(): Promise<void> {
    await Promise.resolve()
    let flight: Flight | undefined
    while (flight !== undefined || this.#waiting.length > 0) {
      if (flight !== undefined && this.#waitingEntries < AHEAD) await Promise.race([flight.over, this.#enough()])
      if (this.#waiting.length === 0) {
        await flight?.over
        this.#answer(flight)
        flight = undefined
        continue
      }
      const made = this.#prepared(this.#takeGroup())
      if (made === null) continue
      await flight?.over
      const next = { made, over: this.#write(made) }
      // Only now: those who waited for the group before take the processor while this one is being synced.
      this.#answer(flight)
      flight = next
    }
    this.#running = undefined
  }

  /** Resolves when so much waits that it is worth a group of its own. */
  #enough(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#wake = resolve
    return promise
  }

  #takeGroup(): Waiting[] {
    let entries = 0
    let count = 0
    while (count < this.#waiting.length && (count === 0 || entries + this.#waiting[count]!.items.length <= MAX_GROUP)) {
      entries += this.#waiting[count]!.items.length
      count++
    }
    this.#waitingEntries -= entries
    return this.#waiting.splice(0, count)
  }

  /** The same; null when a group can't be made ready, which is then told to those who wait for it and stands in nobody's way. */
  #prepared(group: readonly Waiting[]): Prepared | null {
    try {
      return this.#prepare(group)
    } catch (error) {
      for (const { reject } of group) reject(error)
      return null
    }
  }

  /** The bytes of a group, behind what is on disk and what is on its way there. */
  #prepare(group: readonly Waiting[]): Prepared {
    const { journal, log } = this.#init
    const items = group.flatMap((w) => w.items)
    const frontier = this.#ahead.frontier.clone()
    const groupSize = frontier.size
    const groupJournal = this.#ahead.journal
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
    this.#ahead = { frontier, journal: groupJournal + at }
    return { group, first: groupSize, frontier, frames, batch }
  }

  /** Writes a group. Never rejects: what went wrong is the {@link failure}. */
  async #write({ frontier, frames, batch }: Prepared): Promise<void> {
    if (this.#failure !== undefined) return
    const { store, journal } = this.#init
    const written = await Promise.allSettled([journal.append(frames), store.write(batch)])
    const failed = written.find((result) => result.status === 'rejected')
    if (failed === undefined) this.#frontier = frontier
    else
      this.#failure = new HaggleError('E_LEDGER_WRITE', 'Cannot append to the ledger: the disk refused a write', {
        cause: failed.reason,
        next: 'make room or check the disk: whatever is appended next tries again',
      })
  }

  /** Answers those who waited for a group. */
  #answer(flight: Flight | undefined): void {
    if (flight === undefined) return
    let { first } = flight.made
    for (const { items, resolve, reject } of flight.made.group) {
      // A group behind one that failed was not written.
      if (this.#frontier.size < first + items.length) reject(this.#failure)
      else resolve(first)
      first += items.length
    }
  }
}
