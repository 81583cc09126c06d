// How the database holds entries: one record for each entry with the tree hashes that it completes, and the head.

import { big, bytes, decodeAs, encodeAs, errorCode, fields, type Schema, uint } from '@haggle/wire'
import { chunksOf, type Store } from '@haggle/store'
import { SALT_BYTES } from './entry.ts'
import { getU32, setU32 } from './_frames.ts'
import { HASH_BYTES } from './rfc9162.ts'
import { decompose, finisher, Frontier, type Node, nodesFinishedBy, type Span, type TreeHasher } from './tree.ts'

/** Bytes of the journal offset at the head of a record. */
const OFFSET_BYTES = 6

/** The key of the head. */
export const HEAD_KEY = 'h'

/** Records read at a time. */
export const CHUNK = 2048

/** One entry as the database has it. */
export interface LedgerRecord {
  readonly index: number
  /** Where its frame begins in the journal. */
  readonly offset: number
  /** The leaf, then the nodes that it completes, bottom up, one after the other. */
  readonly hashes: Uint8Array
  /** `salt ‖ entry`. */
  readonly payload: Uint8Array
}

/** `e` and eight hex digits. */
const KEY_LENGTH = 9

export function recordKey(index: number): string {
  return `e${index.toString(16).padStart(8, '0')}`
}

export function encodeRecord(offset: number, hashes: readonly Uint8Array[], payload: Uint8Array): Uint8Array {
  return new RecordBuffer(recordBytes(hashes, payload)).add(offset, hashes, payload)
}

function recordBytes(hashes: readonly Uint8Array[], payload: Uint8Array): number {
  return OFFSET_BYTES + hashes.length * HASH_BYTES + payload.length
}

/** Room for several records, one behind the other. */
export class RecordBuffer {
  #bytes: Uint8Array
  #at = 0

  constructor(length: number) {
    this.#bytes = new Uint8Array(length)
  }

  /** Writes one record and gives a view of it. */
  add(offset: number, hashes: readonly Uint8Array[], payload: Uint8Array): Uint8Array {
    const length = recordBytes(hashes, payload)
    if (this.#at + length > this.#bytes.length) {
      this.#bytes = new Uint8Array(Math.max(length, this.#bytes.length))
      this.#at = 0
    }
    const bytes = this.#bytes
    const start = this.#at
    bytes[start] = offset / 2 ** 40
    bytes[start + 1] = offset / 2 ** 32
    setU32(bytes, start + 2, offset >>> 0)
    let at = start + OFFSET_BYTES
    for (const hash of hashes) {
      bytes.set(hash, at)
      at += HASH_BYTES
    }
    bytes.set(payload, at)
    this.#at = start + length
    return bytes.subarray(start, this.#at)
  }
}

/** The record of entry `index` in `value`, or undefined when it is too short to be one. */
export function decodeRecord(index: number, value: Uint8Array): LedgerRecord | undefined {
  const payloadAt = OFFSET_BYTES + (1 + nodesFinishedBy(index)) * HASH_BYTES
  if (value.length < payloadAt + SALT_BYTES) return undefined
  const offset = value[0]! * 2 ** 40 + value[1]! * 2 ** 32 + getU32(value, 2)
  return { index, offset, hashes: value.subarray(OFFSET_BYTES, payloadAt), payload: value.subarray(payloadAt) }
}

/** The hash at `level` of those that a record carries: 0 is the leaf. */
export function hashAt(record: LedgerRecord, level: number): Uint8Array {
  return record.hashes.subarray(level * HASH_BYTES, (level + 1) * HASH_BYTES)
}

/** The head as the database has it, written with each group. */
export interface StoredHead {
  readonly log: number
  readonly size: number
  readonly root: Uint8Array
  /** Bytes of the journal up to and with the last entry. */
  readonly journal: bigint
  /** Size and journal bytes before the last group: where a torn tail begins at the earliest. */
  readonly groupSize: number
  readonly groupJournal: bigint
}

const headSchema: Schema<StoredHead> = fields({
  log: uint(),
  size: uint(),
  root: bytes({ length: HASH_BYTES }),
  journal: big({ maxBytes: 6 }),
  groupSize: uint(),
  groupJournal: big({ maxBytes: 6 }),
})

export function encodeHead(head: StoredHead): Uint8Array {
  return encodeAs(headSchema, head)
}

/** The head, or undefined when there is none or it can't be read. */
export async function readHead(store: Store): Promise<StoredHead | undefined> {
  const value = await sound(store.get(HEAD_KEY))
  if (value === undefined) return undefined
  try {
    return decodeAs(headSchema, value)
  } catch {
    // Damaged: the same as missing, both are rebuilt from the entries.
    return undefined
  }
}

/** The records `[from, to)`; undefined where one is missing or damaged. */
export async function readRecords(store: Store, from: number, to: number): Promise<(LedgerRecord | undefined)[]> {
  const records = new Array<LedgerRecord | undefined>(to - from).fill(undefined)
  try {
    for await (const chunk of chunksOf(store, { gte: recordKey(from), lt: recordKey(to) })) {
      for (const [key, value] of chunk) {
        const index = Number.parseInt(key.slice(1), 16)
        if (key.length === KEY_LENGTH) records[index - from] = decodeRecord(index, value)
      }
    }
  } catch (error) {
    if (errorCode(error) !== 'E_STORE_CORRUPT') throw error
    // One bad block ends a range read; one by one, only what is really bad is missing.
    for (let index = from; index < to; index++) records[index - from] = await readRecord(store, index)
  }
  return records
}

/** One record; undefined when it is missing or damaged. */
export async function readRecord(store: Store, index: number): Promise<LedgerRecord | undefined> {
  const value = await sound(store.get(recordKey(index)))
  return value === undefined ? undefined : decodeRecord(index, value)
}

/** Awaits a read; undefined when the database says that the value is damaged. */
async function sound(reading: Promise<Uint8Array | undefined>): Promise<Uint8Array | undefined> {
  try {
    return await reading
  } catch (error) {
    if (errorCode(error) === 'E_STORE_CORRUPT') return undefined
    throw error
  }
}

/** Reads records one at a time for somebody who knows how to heal what is missing. */
export type RecordSource = (indexes: readonly number[]) => Promise<(LedgerRecord | undefined)[]>

/** The hashes of complete subtrees; undefined when a record that carries one is missing. */
export async function nodeHashes(nodes: readonly Node[], source: RecordSource): Promise<Uint8Array[] | undefined> {
  const records = await source(nodes.map(finisher))
  const hashes: Uint8Array[] = []
  for (const [i, node] of nodes.entries()) {
    const record = records[i]
    if (record === undefined) return undefined
    hashes.push(hashAt(record, node.level))
  }
  return hashes
}

/** The joint hashes of spans, one element of a proof each; undefined when a record is missing. */
export async function spanHashes(spans: readonly Span[], source: RecordSource, hasher: TreeHasher): Promise<Uint8Array[] | undefined> {
  const parts = spans.map((span) => decompose(span.from, span.to))
  const hashes = await nodeHashes(parts.flat(), source)
  if (hashes === undefined) return undefined
  let at = 0
  return parts.map((nodes) => hasher.fold(hashes.slice(at, (at += nodes.length))))
}

/** The frontier of the tree of `size` leaves; undefined when a record is missing. */
export async function readFrontier(size: number, source: RecordSource, hasher: TreeHasher): Promise<Frontier | undefined> {
  const hashes = await nodeHashes(decompose(0, size), source)
  return hashes === undefined ? undefined : new Frontier(hasher, size, hashes)
}

/** Reads records straight from the store, healing nothing. */
export function storeSource(store: Store): RecordSource {
  return async (indexes) => await Promise.all(indexes.map(async (index) => await readRecord(store, index)))
}
