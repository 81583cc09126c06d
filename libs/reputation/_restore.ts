// Putting back what both halves have lost, from entries that counterparties kept: proven against a signed root before anything is written.

import { concat, equalBytes, HaggleError } from '@haggle/wire'
import type { Store, Write } from '@haggle/store'
import type { Appender } from './_appender.ts'
import { decodeEntry, SALT_BYTES } from './entry.ts'
import { encodeFrame, FRAME_HEAD_BYTES, HEADER_BYTES } from './_frames.ts'
import { indexRowsOf } from './_index.ts'
import type { Journal } from './journal.ts'
import { CHUNK, encodeHead, hashAt, HEAD_KEY, readFrontier, readRecord, readRecords, recordKey, storeSource } from './_records.ts'
import { Frontier, type TreeHasher } from './tree.ts'

/** An entry that somebody else kept. */
export interface KeptEntry {
  /** Its place in the log. */
  readonly index: number
  /** 16 bytes. */
  readonly salt: Uint8Array
  /** The entry's bytes. */
  readonly bytes: Uint8Array
}

/** Keys of own entries that wait to be appended again behind restored ones. */
const TAIL = 't'

/** What restoring works on. */
export interface RestoreInput {
  readonly store: Store
  readonly journal: Journal
  readonly hasher: TreeHasher
  readonly log: number
  /** Entries that the ledger has now, gaps counted. */
  readonly size: number
  /** The size and root to reach: a head that the owner signed. */
  readonly target: { readonly size: number; readonly root: Uint8Array }
  readonly kept: readonly KeptEntry[]
}

/** What has to be written, once it is proven. */
interface Plan {
  /** Entries that go where nothing is. */
  readonly fill: ReadonlyMap<number, Uint8Array>
  /** First index at which the ledger has an entry of its own where the target has another, or nothing at all; the size when there is none. */
  readonly cutAt: number
}

/**
 * Fills gaps and puts the lost end back; own entries that took lost ones' places go behind them. Throws `E_RESTORE_MISSING` when entries are
 * still missing and `E_RESTORE_ROOT` when they don't come to the target's root; then nothing was changed.
 */
export async function restore(input: RestoreInput): Promise<void> {
  const plan = await prove(input)
  const { store, journal, log, target, size, hasher } = input
  await fillGaps(input, plan)
  if (plan.cutAt >= target.size) return
  await setTailAside(input, plan.cutAt)
  const frontier = await readFrontier(plan.cutAt, storeSource(store), hasher)
  if (frontier === undefined) throw missing(plan.cutAt)
  const offset = await offsetOf(store, plan.cutAt)
  const deletes: Write[] = []
  for (let at = plan.cutAt; at < size; at++) {
    const record = await readRecord(store, at)
    deletes.push({ key: recordKey(at), value: null })
    if (record) deletes.push(...indexRowsOf(at, record.payload).map(({ key }) => ({ key, value: null })))
  }
  const place = { journal: BigInt(offset), groupSize: plan.cutAt, groupJournal: BigInt(offset) }
  await store.write([...deletes, { key: HEAD_KEY, value: encodeHead({ log, size: plan.cutAt, root: frontier.root(), ...place }) }])
  await journal.truncate(offset)
}

/** Appends what {@link restore} cut: the restored end, then the own entries that were set aside. */
export async function finishRestore(appender: Appender, input: Pick<RestoreInput, 'store' | 'target' | 'kept'>): Promise<void> {
  const byIndex = new Map(input.kept.map((kept) => [kept.index, kept]))
  const items = []
  for (let at = appender.frontier.size; at < input.target.size; at++) {
    const kept = byIndex.get(at)
    if (kept === undefined) throw missing(at)
    items.push({ entry: decodeEntry(kept.bytes), payload: concat(kept.salt, kept.bytes) })
  }
  if (items.length > 0) await appender.appendPayloads(items)
  await appendTail(appender, input.store)
}

/** Appends own entries that a restoring set aside and that aren't in the ledger yet. Opening calls it too, for a restoring that a crash cut short. */
export async function appendTail(appender: Appender, store: Store): Promise<void> {
  const tail: { key: string; payload: Uint8Array }[] = []
  for await (const [key, payload] of store.range({ gte: TAIL, lt: 'u' })) tail.push({ key, payload })
  if (tail.length === 0) return
  const from = Number.parseInt(tail[0]!.key.slice(1), 16)
  const present = new Set<string>()
  for (let at = from; at < appender.frontier.size; at += CHUNK) {
    for (const record of await readRecords(store, at, Math.min(at + CHUNK, appender.frontier.size)))
      if (record) present.add(record.payload.join())
  }
  const items = tail
    .filter(({ payload }) => !present.has(payload.join()))
    .map(({ payload }) => ({ entry: decodeEntry(payload.subarray(SALT_BYTES)), payload }))
  if (items.length > 0) await appender.appendPayloads(items)
  await store.write(tail.map(({ key }) => ({ key, value: null })))
}

/** Recomputes the target's root from what is here and what was kept, without writing. */
async function prove({ store, hasher, size, target, kept }: RestoreInput): Promise<Plan> {
  const payloads = new Map(kept.map(({ index, salt, bytes }) => [index, concat(salt, bytes)]))
  const frontier = new Frontier(hasher)
  const fill = new Map<number, Uint8Array>()
  let cutAt = Math.max(size, target.size)
  for (let from = 0; from < target.size; from += CHUNK) {
    const to = Math.min(from + CHUNK, target.size)
    const records = await readRecords(store, from, to)
    for (let at = from; at < to; at++) {
      const record = at < size ? records[at - from] : undefined
      const payload = payloads.get(at)
      const leaf = payload ? hasher.leaf(payload) : record && hashAt(record, 0)
      if (leaf === undefined) throw missing(at)
      frontier.push(leaf)
      if (record === undefined && at < size && payload) fill.set(at, payload)
      const replaced = record !== undefined && payload !== undefined && !equalBytes(record.payload, payload)
      if ((replaced || at >= size) && at < cutAt) cutAt = at
    }
  }
  if (!equalBytes(frontier.root(), target.root)) {
    throw new HaggleError('E_RESTORE_ROOT', 'Cannot restore the ledger: what was fetched does not come to the root that was signed', {
      next: 'ask other counterparties, or start a successor: haggle ledger succeed',
    })
  }
  return { fill, cutAt }
}

/** Writes the frames of lost entries into their places; walking over both halves then rebuilds their records. */
async function fillGaps({ store, journal }: RestoreInput, { fill, cutAt }: Plan): Promise<void> {
  let behind = { index: -1, offset: HEADER_BYTES }
  for (const [index, payload] of [...fill].sort(([a], [b]) => a - b)) {
    if (index >= cutAt) return
    const offset = behind.index === index ? behind.offset : await offsetOf(store, index)
    const frame = encodeFrame({ index, payload }, journal)
    await journal.overwrite(offset, frame)
    behind = { index: index + 1, offset: offset + frame.length }
  }
}

/** Where entry `index` begins in the journal, from the record before it. */
async function offsetOf(store: Store, index: number): Promise<number> {
  if (index === 0) return HEADER_BYTES
  const record = await readRecord(store, index - 1)
  if (record === undefined) throw missing(index - 1)
  return record.offset + FRAME_HEAD_BYTES + record.payload.length
}

async function setTailAside({ store, size }: RestoreInput, from: number): Promise<void> {
  const writes: Write[] = []
  for (let at = from; at < size; at++) {
    const record = await readRecord(store, at)
    if (record) writes.push({ key: TAIL + at.toString(16).padStart(8, '0'), value: record.payload })
  }
  if (writes.length > 0) await store.write(writes)
}

function missing(index: number): HaggleError {
  return new HaggleError('E_RESTORE_MISSING', `Cannot restore the ledger: nobody has given entry ${index}`, {
    details: { index },
    next: 'ask other counterparties, or start a successor: haggle ledger succeed',
  })
}
