// The index by peer and by contract: its rows, and a tally that tells whether all of them are there without holding any.

import { chunksOf, keysOf, type Store, type Write } from '@haggle/store'
import { errorCode, toHex } from '@haggle/wire'
import { decodeEntry, type Entry, SALT_BYTES } from './entry.ts'
import { getU32 } from './_frames.ts'
import { CHUNK, readRecords } from './_records.ts'
import { decodeSummary, encodeSummary, type Summary } from './summary.ts'

/** Hex digits of a key or contract id that a row carries: 80 bits. */
const ID_DIGITS = 20

/** The prefix of the rows about a peer. */
export function peerPrefix(key: Uint8Array): string {
  return `p${toHex(key.subarray(0, ID_DIGITS / 2))}`
}

/** The prefix of the rows about a contract. */
export function contractPrefix(id: Uint8Array): string {
  return `c${toHex(id.subarray(0, ID_DIGITS / 2))}`
}

/** The range of keys that begin with `prefix` and an index. */
export function rowsOf(prefix: string): { gte: string; lt: string } {
  return { gte: `${prefix}0`, lt: `${prefix}g` }
}

/** The index at the end of a row's key. */
export function indexOfRow(key: string): number {
  return Number.parseInt(key.slice(-8), 16)
}

/** The end of a row's key: the index as hex, so that rows of one prefix are in order. */
export function suffixOf(index: number): string {
  return index.toString(16).padStart(8, '0')
}

/** Adds the rows of an entry to `batch`: by peer, with what a score needs, and by contract. */
export function addIndexRows(batch: Write[], index: number, entry: Entry): void {
  const suffix = suffixOf(index)
  if (entry.peer) batch.push({ key: peerPrefix(entry.peer) + suffix, value: encodeSummary(entry) })
  if (entry.contract) batch.push({ key: contractPrefix(entry.contract) + suffix, value: EMPTY })
}

const EMPTY: Uint8Array = new Uint8Array(0)

/** The rows of `salt ‖ entry`. */
export function indexRowsOf(index: number, payload: Uint8Array): Write[] {
  const rows: Write[] = []
  addIndexRows(rows, index, decodeEntry(payload.subarray(SALT_BYTES)))
  return rows
}

/** A sum over rows that doesn't depend on their order: equal for two sets of rows only if, but for chance in 2^32, they are the same set. */
export class RowTally {
  #sum = 0
  #rows = 0

  /** Adds the rows of `salt ‖ entry`, finding peer and contract by their places in the bytes, which costs a tenth of decoding. */
  addEntry(index: number, payload: Uint8Array): void {
    // [0x98, version, kind, at, number, peer, contract, …]
    let at = SALT_BYTES + 2
    for (let i = 0; i < 3; i++) at += lengthAt(payload, at)
    for (const letter of [PEER, CONTRACT]) {
      if (payload[at] === BIN_8)
        this.#add(letter, getU32(payload, at + 2), getU32(payload, at + 6), (payload[at + 10]! << 8) | payload[at + 11]!, index)
      at += lengthAt(payload, at)
    }
  }

  /** Adds the row of `key` when it is about an entry below `size`. */
  addRow(key: string, size: number): void {
    const index = hexAt(key, 21, 29)
    if (index < size) this.#add(key.charCodeAt(0), hexAt(key, 1, 9), hexAt(key, 9, 17), hexAt(key, 17, 21), index)
  }

  equals(other: RowTally): boolean {
    return this.#sum === other.#sum && this.#rows === other.#rows
  }

  #add(letter: number, a: number, b: number, c: number, index: number): void {
    let hash = Math.imul(letter ^ a, 0x85ebca6b)
    hash = Math.imul((hash ^ (hash >>> 13)) + b, 0xc2b2ae35)
    hash = Math.imul((hash ^ (hash >>> 16)) + c, 0x85ebca6b)
    hash = Math.imul((hash ^ (hash >>> 13)) + index, 0xc2b2ae35)
    this.#sum = (this.#sum + ((hash ^ (hash >>> 16)) >>> 0)) % 2 ** 48
    this.#rows++
  }
}

/** The number that hex digits `[from, to)` of a key stand for. Every key is read so when all rows are counted: `parseInt` takes five times as long. */
function hexAt(key: string, from: number, to: number): number {
  let value = 0
  for (let i = from; i < to; i++) {
    const code = key.charCodeAt(i)
    value = value * 16 + (code < 58 ? code - 48 : code - 87)
  }
  return value
}

const PEER = 'p'.charCodeAt(0)
const CONTRACT = 'c'.charCodeAt(0)
const BIN_8 = 0xc4

/** Bytes of the dialect value at `at`, of the kinds that stand before an entry's facts. */
function lengthAt(bytes: Uint8Array, at: number): number {
  const head = bytes[at]!
  if (head === 0xcc) return 2
  if (head === 0xcd) return 3
  if (head === 0xce) return 5
  if (head === BIN_8) return 2 + bytes[at + 1]!
  return head >= 0xa0 && head < 0xc0 ? 1 + head - 0xa0 : 1
}

/** Adds up the rows that the store has of entries below `size`. Undefined when a row can't be read. */
export async function tallyRows(store: Store, size: number): Promise<RowTally | undefined> {
  const tally = new RowTally()
  try {
    for (const letter of ['c', 'p']) {
      for await (const keys of keysOf(store, { gte: `${letter}0`, lt: `${letter}g` })) for (const key of keys) tally.addRow(key, size)
    }
    return tally
  } catch (error) {
    if (errorCode(error) === 'E_STORE_CORRUPT') return undefined
    throw error
  }
}

/** Writes every row of entries below `size` again. Returns how many. */
export async function rebuildIndex(store: Store, size: number): Promise<number> {
  let rows = 0
  for (let from = 0; from < size; from += CHUNK) {
    const writes = (await readRecords(store, from, Math.min(from + CHUNK, size))).flatMap((record) =>
      record ? indexRowsOf(record.index, record.payload) : [],
    )
    rows += writes.length
    await store.write(writes)
  }
  return rows
}

/** How rows are read. */
export interface RowOptions {
  /** First index. */
  readonly from?: number
  readonly reverse?: boolean
  readonly limit?: number
  /** Called, once, when a row can't be read; then reading goes on behind the last row that could. */
  readonly heal?: () => Promise<void>
}

/** The rows under a prefix, in order of their indexes. */
export async function* readRows(
  store: Store,
  prefix: string,
  options: RowOptions = {},
): AsyncGenerator<{ readonly index: number; readonly row: Uint8Array }> {
  const { from = 0, reverse = false, heal } = options
  let left = options.limit ?? Infinity
  let last: string | undefined
  for (let healed = false; left > 0; healed = true) {
    const bounds = { ...rowsOf(prefix), gte: prefix + suffixOf(from), reverse, ...(left === Infinity ? {} : { limit: left }) }
    const behind = last === undefined ? {} : reverse ? { lt: last } : { gt: last }
    try {
      for await (const chunk of chunksOf(store, { ...bounds, ...behind })) {
        for (const [key, row] of chunk) {
          last = key
          left--
          yield { index: indexOfRow(key), row }
        }
      }
      return
    } catch (error) {
      if (heal === undefined || healed || errorCode(error) !== 'E_STORE_CORRUPT') throw error
      await heal()
    }
  }
}

/** The summaries of entries about a peer, oldest first, out of a ledger's store. */
export async function* summariesOf(
  store: Store,
  key: Uint8Array,
  options: RowOptions = {},
): AsyncGenerator<Summary & { readonly index: number }> {
  for await (const { index, row } of readRows(store, peerPrefix(key), options)) {
    const summary = decodeSummary(row)
    if (summary) yield { ...summary, index }
  }
}
