// Reading: entries and tree hashes from the database, and from the journal what the database turns out to have lost.

import type { Store } from '@haggle/store'
import { HaggleError } from '@haggle/wire'
import { decodeEntry, type Entry, SALT_BYTES } from './entry.ts'
import { FRAME_HEAD_BYTES, FrameReader, HEADER_BYTES } from './_frames.ts'
import { indexRowsOf } from './_index.ts'
import type { Journal } from './journal.ts'
import {
  CHUNK,
  encodeRecord,
  hashAt,
  type LedgerRecord,
  nodeHashes,
  readFrontier,
  readRecord,
  readRecords,
  recordKey,
  spanHashes,
} from './_records.ts'
import { decompose, type Span, type TreeHasher } from './tree.ts'

/** An entry and its place in the tree. */
export interface StoredEntry {
  /** Place in the log, from 0. */
  readonly index: number
  /** What it says. */
  readonly entry: Entry
  /** The entry's bytes, as they were hashed. */
  readonly bytes: Uint8Array
  /** 16 bytes that keep the leaf from telling what the entry is. */
  readonly salt: Uint8Array
  /** Leaf hash, 32 bytes. */
  readonly leaf: Uint8Array
}

/** Reads one ledger, whose size the caller has checked against. */
export class Reader {
  readonly #store: Store
  readonly #journal: Journal
  readonly #hasher: TreeHasher

  constructor({ store, journal, hasher }: { store: Store; journal: Journal; hasher: TreeHasher }) {
    this.#store = store
    this.#journal = journal
    this.#hasher = hasher
  }

  async entry(index: number): Promise<StoredEntry> {
    return stored(await this.#record(index))
  }

  async *entries(from: number, to: number, signal?: AbortSignal): AsyncGenerator<StoredEntry> {
    for (let at = from; at < to; at += CHUNK) {
      signal?.throwIfAborted()
      const records = await readRecords(this.#store, at, Math.min(at + CHUNK, to))
      for (const [i, record] of records.entries()) yield stored(record ?? (await this.#record(at + i)))
    }
  }

  async root(size: number): Promise<Uint8Array> {
    return this.#hasher.fold((await nodeHashes(decompose(0, size), this.#source))!)
  }

  async proof(spans: readonly Span[]): Promise<Uint8Array[]> {
    return (await spanHashes(spans, this.#source, this.#hasher))!
  }

  /** Every record asked for, or `E_LEDGER_LOST`. */
  readonly #source = async (indexes: readonly number[]): Promise<LedgerRecord[]> =>
    await Promise.all(indexes.map(async (index) => await this.#record(index)))

  async #record(index: number): Promise<LedgerRecord> {
    return (await readRecord(this.#store, index)) ?? (await this.#heal(index))
  }

  /** Rebuilds a record from its frame and the hashes before it, and writes it back. */
  async #heal(index: number): Promise<LedgerRecord> {
    const reader = new FrameReader(this.#journal)
    let at = index
    let record: LedgerRecord | undefined
    while (at > 0 && record === undefined) record = await readRecord(this.#store, --at)
    let offset = record ? record.offset + FRAME_HEAD_BYTES + record.payload.length : HEADER_BYTES
    for (at = record ? at + 1 : 0; at < index; at++) {
      const frame = await reader.frameAt(offset, at)
      if (frame === undefined) throw lostError(index)
      offset += FRAME_HEAD_BYTES + frame.payload.length
    }
    const frame = await reader.frameAt(offset, index)
    if (frame === undefined) throw lostError(index)
    const payload = frame.payload.slice()
    const frontier = await readFrontier(index, this.#source, this.#hasher)
    const hashes = frontier!.push(this.#hasher.leaf(payload))
    const value = encodeRecord(offset, hashes, payload)
    await this.#store.write([{ key: recordKey(index), value }, ...indexRowsOf(index, payload)])
    return (await readRecord(this.#store, index))!
  }
}

function stored(record: LedgerRecord): StoredEntry {
  const bytes = record.payload.subarray(SALT_BYTES)
  return { index: record.index, entry: decodeEntry(bytes), bytes, salt: record.payload.subarray(0, SALT_BYTES), leaf: hashAt(record, 0) }
}

function lostError(index: number): HaggleError {
  return new HaggleError('E_LEDGER_LOST', `Cannot read entry ${index} of the ledger: journal and database have both lost it`, {
    details: { index },
    next: 'haggle ledger check, then fetch it from a counterparty',
  })
}
