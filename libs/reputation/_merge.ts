// Walks journal and database side by side, heals either from the other and recomputes the tree: what opening after a crash and a full check do.

import { concat, equalBytes, errorCode } from '@haggle/wire'
import type { Store, Write } from '@haggle/store'
import { indexRowsOf, RowTally } from './_index.ts'
import type { Journal } from './journal.ts'
import { encodeFrame, FRAME_HEAD_BYTES, type Frame, FrameReader } from './_frames.ts'
import { CHUNK, encodeRecord, hashAt, type LedgerRecord, readRecord, readRecords, recordKey } from './_records.ts'
import type { Frontier, TreeHasher } from './tree.ts'

/** Bytes of healed frames that are written to the journal at a time. */
const FLUSH_BYTES = 1 << 20

/** A run of entries, `[from, to)`. */
export interface Gap {
  /** First entry of the run. */
  readonly from: number
  /** Index behind its last. */
  readonly to: number
}

/** What a walk found and did. */
export interface MergeReport {
  /** Entries looked at. */
  readonly entries: number
  /** Entries that the database lacked or had damaged, written again from the journal. */
  readonly healedRecords: number
  /** Frames that the journal lacked or had damaged, written again from the database. */
  readonly healedFrames: number
  /** Entries that neither has any more. */
  readonly lost: readonly Gap[]
  /** Entries of which journal and database hold two sound but different versions: a foreign hand, or files of two backups. */
  readonly conflicts: readonly number[]
}

/** What {@link merge} needs. */
export interface MergeInput {
  readonly store: Store
  readonly journal: Journal
  readonly hasher: TreeHasher
  /** The trusted tree before the first entry to look at; it grows as the walk goes on. */
  readonly frontier: Frontier
  /** Journal offset of that entry. */
  readonly offset: number
  /** Where to stop: the size of a ledger in use. Left out, the walk goes on until both sources end. */
  readonly end?: number
  /** Entries that are known to have been there. */
  readonly expected?: number
  readonly onProgress?: (index: number) => void
  readonly signal?: AbortSignal
}

/** {@link MergeReport} with what opening goes on from. */
export interface MergeResult extends MergeReport {
  /** Entries from 0 that are there, gaps included. */
  readonly size: number
  /** Journal bytes up to and with the last of them. */
  readonly offset: number
  /** The index rows that the entries looked at should have. */
  readonly tally: RowTally
  /** False when a gap kept the tree from being recomputed. */
  readonly whole: boolean
}

/** Heals and reports. Rejects only when the disk refuses a read or a write, or `signal` aborts. */
export async function merge(input: MergeInput): Promise<MergeResult> {
  const walk = new Walk(input)
  await walk.run()
  return walk.result()
}

class Walk {
  readonly #input: MergeInput
  readonly #reader: FrameReader
  readonly #first: number
  #index: number
  #offset: number
  #whole = true
  readonly #tally = new RowTally()
  #healedRecords = 0
  #healedFrames = 0
  readonly #lost: Gap[] = []
  readonly #conflicts: number[] = []
  #writes: Write[] = []
  /** Healed frames that wait to be written. */
  #patches: { offset: number; frame: Uint8Array }[] = []
  #patchBytes = 0

  constructor(input: MergeInput) {
    this.#input = input
    this.#reader = new FrameReader(input.journal)
    this.#first = this.#index = input.frontier.size
    this.#offset = input.offset
  }

  result(): MergeResult {
    return {
      entries: this.#index - this.#first,
      size: this.#index,
      offset: this.#offset,
      tally: this.#tally,
      whole: this.#whole,
      healedRecords: this.#healedRecords,
      healedFrames: this.#healedFrames,
      lost: this.#lost,
      conflicts: this.#conflicts,
    }
  }

  async run(): Promise<void> {
    const { store, end = Infinity, signal, onProgress } = this.#input
    let ahead: { readonly from: number; readonly records: Promise<(LedgerRecord | undefined)[]> } | undefined
    for (let more = true; more && this.#index < end;) {
      signal?.throwIfAborted()
      const from = this.#index
      const to = Math.min(from + CHUNK, end)
      const records = await (ahead?.from === from ? ahead.records : readRecords(store, from, to))
      // The next ones are read while these are hashed.
      ahead = to < end ? { from: to, records: readRecords(store, to, Math.min(to + CHUNK, end)) } : undefined
      ahead?.records.catch(() => undefined)
      while (more && this.#index < to) {
        const frame = this.#reader.loaded(this.#offset, this.#index) ?? (await this.#reader.frameAt(this.#offset, this.#index))
        if (!this.#step(records[this.#index - from], frame)) more = await this.#skipGap()
        if (this.#patchBytes >= FLUSH_BYTES) await this.#flushPatch()
      }
      await this.#flushWrites()
      onProgress?.(this.#index)
    }
    await this.#flushWrites()
    await this.#flushPatch()
    await ahead?.records.catch(() => undefined)
  }

  /** Takes one entry from either source and heals the other. False when neither has it. */
  #step(record: LedgerRecord | undefined, frame: Frame | undefined): boolean {
    const { hasher, frontier } = this.#input
    const leaf = record && hasher.leaf(record.payload)
    const recordSound = record !== undefined && leaf !== undefined && equalBytes(leaf, hashAt(record, 0))
    if (!recordSound && frame === undefined) return false
    const payload = recordSound ? record.payload : frame!.payload
    if (recordSound && frame === undefined) this.#healFrame(payload)
    if (recordSound && frame && !this.#input.journal.same(frame.payload, payload)) this.#conflicts.push(this.#index)
    if (this.#whole) {
      const hashes = frontier.push(recordSound ? leaf : hasher.leaf(payload))
      const sound = recordSound && record.offset === this.#offset && hashes.every((hash, level) => equalBytes(hash, hashAt(record, level)))
      if (!sound) this.#healRecord(hashes, payload)
    } else if (!recordSound) {
      // Its node hashes need the entries before it: it waits in the journal until those are fetched.
      this.#lost.push({ from: this.#index, to: this.#index + 1 })
    }
    this.#tally.addEntry(this.#index, payload)
    this.#index++
    this.#offset += FRAME_HEAD_BYTES + payload.length
    return true
  }

  #healRecord(hashes: readonly Uint8Array[], payload: Uint8Array): void {
    this.#writes.push(
      { key: recordKey(this.#index), value: encodeRecord(this.#offset, hashes, payload) },
      ...indexRowsOf(this.#index, payload),
    )
    this.#healedRecords++
  }

  #healFrame(payload: Uint8Array): void {
    this.#patches.push({ offset: this.#offset, frame: encodeFrame({ index: this.#index, payload }, this.#input.journal) })
    this.#patchBytes += FRAME_HEAD_BYTES + payload.length
    this.#healedFrames++
  }

  /** Neither source has the entry: goes on behind the gap if anything is there. False at the end of the ledger. */
  async #skipGap(): Promise<boolean> {
    const { store, end, expected = 0 } = this.#input
    await this.#flushPatch()
    const from = this.#index
    const known = end ?? expected
    const record = await nextRecord(store, from + 1, known)
    const frame = await this.#reader.resync(this.#offset, from + 1)
    const next = record && frame ? (frame.index < record.index ? frame : record) : (record ?? frame)
    if (next === undefined || (end !== undefined && next.index >= end)) {
      if (known > from) this.#lose(from, known)
      return false
    }
    this.#lose(from, next.index)
    this.#offset = next.offset
    return true
  }

  #lose(from: number, to: number): void {
    this.#lost.push({ from, to })
    this.#whole = false
    this.#index = to
  }

  async #flushWrites(): Promise<void> {
    const writes = this.#writes
    this.#writes = []
    if (writes.length > 0) await this.#input.store.write(writes)
  }

  /** Writes the healed frames, neighbours in one write. */
  async #flushPatch(): Promise<void> {
    const patches = this.#patches
    this.#patches = []
    this.#patchBytes = 0
    for (let i = 0; i < patches.length;) {
      const run = [patches[i]!]
      let behind = patches[i]!.offset + patches[i]!.frame.length
      for (i++; patches[i]?.offset === behind; i++) {
        run.push(patches[i]!)
        behind += patches[i]!.frame.length
      }
      await this.#input.journal.overwrite(run[0]!.offset, concat(...run.map((patch) => patch.frame)))
    }
  }
}

/** The first sound record from `from` on. Looks as far as `known` entries, and behind that as far as the database's keys go. */
async function nextRecord(store: Store, from: number, known: number): Promise<LedgerRecord | undefined> {
  for (let at = from; ; at += CHUNK) {
    const found = (await readRecords(store, at, at + CHUNK)).find((record) => record !== undefined)
    if (found) return found
    if (at + CHUNK >= known) break
  }
  const behind = await lastIndex(store)
  return behind === undefined || behind < from ? undefined : await readRecord(store, behind)
}

/** The highest index that the database has a record for, or undefined when it has none or the read meets damage. */
export async function lastIndex(store: Store): Promise<number | undefined> {
  try {
    for await (const [key] of store.range({ gte: 'e', lt: 'f', reverse: true, limit: 1 })) return Number.parseInt(key.slice(1), 16)
  } catch (error) {
    if (errorCode(error) !== 'E_STORE_CORRUPT') throw error
  }
  return undefined
}
