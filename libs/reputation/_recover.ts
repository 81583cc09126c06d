// Opening: finds out whether journal and database agree, and lets the one that is ahead rebuild the other before anything is read or written.

import { equalBytes, HaggleError } from '@haggle/wire'
import type { Store } from '@haggle/store'
import type { Journal } from './journal.ts'
import { checkHeader, FRAME_HEAD_BYTES, FrameReader, HEADER_BYTES, journalHeader } from './_frames.ts'
import { type Gap, lastIndex, merge, type MergeResult } from './_merge.ts'
import { CHUNK, encodeHead, HEAD_KEY, readFrontier, readHead, readRecord, readRecords, storeSource, type StoredHead } from './_records.ts'
import { Frontier, type TreeHasher } from './tree.ts'

/** Entries before the head that opening looks for in the database: more than LevelDB keeps in a log that can lose its tail or a block. */
const TAIL_ENTRIES = 4096

/** What opening needs. */
export interface RecoverInput {
  readonly store: Store
  readonly journal: Journal
  readonly hasher: TreeHasher
  readonly log: number
  readonly key: Uint8Array
  readonly onProgress?: (index: number) => void
}

/** What opening found. */
export interface Recovered {
  /** The tree to go on from, or undefined when a gap makes it unknown: then nothing can be appended. */
  readonly frontier: Frontier | undefined
  readonly size: number
  readonly root: Uint8Array
  readonly healedRecords: number
  readonly healedFrames: number
  readonly lost: readonly Gap[]
  readonly conflicts: readonly number[]
  /** Bytes of an unfinished write that were cut off the journal's end. */
  readonly cutBytes: number
}

/** Makes journal and database one again. Throws `E_LEDGER_OTHER` when the journal belongs to another key or log. */
export async function recover(input: RecoverInput): Promise<Recovered> {
  await ensureHeader(input)
  const head = await readHead(input.store)
  return (await openClean(input, head)) ?? (await openTail(input, head)) ?? (await openWhole(input, head))
}

async function ensureHeader({ journal, log, key }: RecoverInput): Promise<void> {
  const state = await checkHeader(journal, log, key)
  if (state === 'other') {
    throw new HaggleError('E_LEDGER_OTHER', 'Cannot open the ledger: its journal belongs to another key or another log', {
      next: 'put the key or the ledger.journal that belongs here back, or begin in another home: --home DIR',
    })
  }
  if (state === 'damaged') await journal.overwrite(0, journalHeader(log, key, journal))
}

/** Both end at the same place and their last entries are whole: the ordinary case, a few reads whatever the size. */
async function openClean(input: RecoverInput, head: StoredHead | undefined): Promise<Recovered | undefined> {
  const { store, journal, hasher } = input
  if (head === undefined) {
    if (journal.length !== HEADER_BYTES || (await lastIndex(store)) !== undefined) return undefined
    const frontier = new Frontier(hasher)
    return clean(frontier)
  }
  if (BigInt(journal.length) !== head.journal || !(await tailPresent(store, head.size))) return undefined
  const frontier = await readFrontier(head.size, storeSource(store), hasher)
  if (frontier === undefined || !equalBytes(frontier.root(), head.root)) return undefined
  return (await groupSound(journal, head)) ? clean(frontier) : undefined
}

function clean(frontier: Frontier): Recovered {
  return { frontier, size: frontier.size, root: frontier.root(), healedRecords: 0, healedFrames: 0, lost: [], conflicts: [], cutBytes: 0 }
}

/** Are the journal's frames of the last group whole, and is the last one the head's? */
async function groupSound(journal: Journal, head: StoredHead): Promise<boolean> {
  const reader = new FrameReader(journal)
  let offset = Number(head.groupJournal)
  for (let index = head.groupSize; index < head.size; index++) {
    const frame = await reader.frameAt(offset, index)
    if (frame === undefined) return false
    offset += FRAME_HEAD_BYTES + frame.payload.length
  }
  return BigInt(offset) === head.journal
}

async function tailPresent(store: Store, size: number): Promise<boolean> {
  for (let to = size; to > 0 && to > size - TAIL_ENTRIES; to -= CHUNK) {
    const records = await readRecords(store, Math.max(0, to - CHUNK), to)
    if (records.includes(undefined)) return false
  }
  return true
}

/** One is ahead of the other by what a crash or a lost tail leaves: only that part is walked. */
async function openTail(input: RecoverInput, head: StoredHead | undefined): Promise<Recovered | undefined> {
  if (head === undefined) return undefined
  const { store, hasher } = input
  if (!(await tailPresent(store, head.groupSize))) return undefined
  const start = await tailStart(input, head)
  if (start === undefined) return undefined
  const frontier = await readFrontier(start.size, storeSource(store), hasher)
  if (frontier === undefined) return undefined
  const result = await merge({ ...input, frontier, offset: start.offset, expected: head.size })
  // Anything unusual is left to the walk over everything, which knows more.
  if (result.lost.length > 0 || result.conflicts.length > 0) return undefined
  if (result.size === head.size && !equalBytes(frontier.root(), head.root)) return undefined
  return await settle(input, result, frontier)
}

/** The last place where journal and database surely agree on what was before it. */
async function tailStart({ store, journal }: RecoverInput, head: StoredHead): Promise<{ size: number; offset: number } | undefined> {
  if (BigInt(journal.length) >= head.groupJournal) return { size: head.groupSize, offset: Number(head.groupJournal) }
  // The journal was cut far before its end: the last record that begins within it.
  let low = 0
  let high = head.groupSize
  while (low < high) {
    const middle = (low + high) >>> 1
    const record = await readRecord(store, middle)
    if (record === undefined) return undefined
    if (record.offset >= journal.length) high = middle
    else low = middle + 1
  }
  const size = Math.max(0, low - 1)
  const record = await readRecord(store, size)
  return record && { size, offset: record.offset }
}

async function openWhole(input: RecoverInput, head: StoredHead | undefined): Promise<Recovered> {
  const { store, hasher } = input
  const expected = Math.max(head?.size ?? 0, ((await lastIndex(store)) ?? -1) + 1)
  const frontier = new Frontier(hasher)
  const result = await merge({ ...input, frontier, offset: HEADER_BYTES, expected })
  if (result.whole) {
    const rewritten = head !== undefined && result.size === head.size && !equalBytes(frontier.root(), head.root)
    return await settle(input, rewritten ? { ...result, conflicts: [...result.conflicts, result.size - 1] } : result, frontier)
  }
  // A gap: the right edge may be known all the same, from the hashes stored beside later entries.
  const edge = head && (await readFrontier(head.size, storeSource(store), hasher))
  const usable = edge !== undefined && head !== undefined && head.size === result.size && equalBytes(edge.root(), head.root)
  return {
    frontier: usable ? edge : undefined,
    size: result.size,
    root: head?.size === result.size ? head.root : frontier.root(),
    healedRecords: result.healedRecords,
    healedFrames: result.healedFrames,
    lost: result.lost,
    conflicts: result.conflicts,
    cutBytes: 0,
  }
}

/** Cuts what is no whole frame off the journal and writes the head that both now stand for. */
async function settle(input: RecoverInput, result: MergeResult, frontier: Frontier): Promise<Recovered> {
  const { store, journal, log } = input
  const cutBytes = Math.max(0, journal.length - result.offset)
  if (cutBytes > 0) await journal.truncate(result.offset)
  const { size, offset, healedRecords, healedFrames, lost, conflicts } = result
  const root = frontier.root()
  const place = { journal: BigInt(offset), groupSize: size, groupJournal: BigInt(offset) }
  await store.write([{ key: HEAD_KEY, value: encodeHead({ log, size, root, ...place }) }])
  return { frontier, size, root, healedRecords, healedFrames, lost, conflicts, cutBytes }
}
