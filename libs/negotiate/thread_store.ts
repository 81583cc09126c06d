// What a node keeps of its threads: both chains byte for byte, and its own notes. It is also the sign-once table: a sequence number that has a
// message is never signed again.

import type { Store, Write } from '@haggle/store'
import { bytes, decodeAs, encodeAs, fields, HaggleError, list, oneOf, type Schema, text, toHex, uint } from '@haggle/wire'

/** How a thread began, from this node's side. */
export interface ThreadRecord {
  /** 16 bytes. */
  readonly thread: Uint8Array
  /** Which side this node is. */
  readonly role: 'renter' | 'provider'
  /** 32-byte key of the other side. */
  readonly peerKey: Uint8Array
  /** Addresses that reached it, at most 8. */
  readonly addresses: readonly string[]
  /** Unix seconds. */
  readonly startedAt: number
}

/** Most addresses of one record, and octets of each. */
const MAX_ADDRESSES = 8
const MAX_ADDRESS_BYTES = 512

const RECORD: Schema<ThreadRecord> = fields({
  thread: bytes({ length: 16 }),
  role: oneOf('renter', 'provider'),
  peerKey: bytes({ length: 32 }),
  addresses: list(text({ max: MAX_ADDRESS_BYTES }), { max: MAX_ADDRESSES }),
  startedAt: uint({}),
})

/** Contract numbers: all below `next` are in signed messages, but for those of `free`. */
export interface StoredNumbers {
  /** The lowest number that was never given. */
  readonly next: number
  /** At most 1,000. */
  readonly free: readonly number[]
}

/** Where the numbers are kept. */
const NUMBERS_KEY = 'number!'

/** Free numbers that are kept. */
const MAX_FREE = 1_000

const NUMBERS: Schema<StoredNumbers> = fields({ next: uint({}), free: list(uint({}), { max: MAX_FREE }) })

/** Both chains of a thread as they are kept, in their order, from 0 without a gap. */
export interface StoredChains {
  /** This side's envelopes. */
  readonly own: readonly Uint8Array[]
  /** The other side's envelopes. */
  readonly theirs: readonly Uint8Array[]
}

/** Two messages that one peer signed at one sequence number. */
export interface Equivocation {
  /** Their sequence number. */
  readonly seq: number
  /** The envelope that came later; the one that came first is in the chain. */
  readonly other: Uint8Array
}

/** Reads and prepares writes; the caller decides what goes into one batch. */
export interface ThreadStore {
  /** Threads that are not closed. A record that can't be read any more is left out. */
  open(): Promise<readonly ThreadRecord[]>
  /** Every thread ever, in the order of their random ids. */
  all(): AsyncIterable<ThreadRecord>
  /** How the thread began, and whether it was closed since. */
  record(thread: Uint8Array): Promise<{ readonly record: ThreadRecord; readonly closed: boolean } | undefined>
  /** Both chains up to the first message that is missing. */
  chains(thread: Uint8Array): Promise<StoredChains>
  /** Messages of one chain from `seq` on, `limit` at most, up to the first that is missing. */
  messages(
    thread: Uint8Array,
    side: 'own' | 'theirs',
    part: { readonly seq: number; readonly limit: number },
  ): Promise<readonly Uint8Array[]>
  /** A note that was kept with the thread. */
  note(thread: Uint8Array, name: string): Promise<Uint8Array | undefined>
  /** What the peer signed twice. */
  equivocations(thread: Uint8Array): Promise<readonly Equivocation[]>
  /** The contract numbers of this node. */
  numbers(): Promise<StoredNumbers>
  /** The thread of a contract (64 hex digits), from the first ACCEPT or CONFIRM on. */
  ofContract(contract: string): Promise<Uint8Array | undefined>
  /** The thread is there, and open. */
  begin(record: ThreadRecord): Write[]
  /** The contract (32 bytes) belongs to the thread. */
  putContract(contract: Uint8Array, thread: Uint8Array): Write
  /** The envelope of a chain at `seq`. */
  message(thread: Uint8Array, side: 'own' | 'theirs', seq: number, bytes: Uint8Array): Write
  /** A note of the thread; null takes it away. */
  putNote(thread: Uint8Array, name: string, value: Uint8Array | null): Write
  /** The second envelope that a peer signed at one number. */
  putEquivocation(thread: Uint8Array, equivocation: Equivocation): Write
  /** The value is asked for when the batch is written, so that batches may overtake each other. */
  putNumbers(current: () => StoredNumbers): Write
  /** The thread needs no more attention; its chains stay. */
  closed(thread: Uint8Array): Write
  /** Rejects with the store's error; then nothing of the batch is written. */
  write(batch: readonly Write[], options?: { sync?: boolean }): Promise<void>
}

const SIDE = { own: 'o', theirs: 't' } as const

/**
 * A thread store over `store`.
 *
 * @example
 * ```ts
 * import { threadStore } from "@haggle/negotiate";
 * import { memoryStore } from "@haggle/store";
 * import { expect } from "vitest";
 *
 * const threads = threadStore(memoryStore());
 * const record = { thread: new Uint8Array(16), role: "renter", peerKey: new Uint8Array(32), addresses: [], startedAt: 0 } as const;
 * await threads.write([...threads.begin(record), threads.message(record.thread, "own", 0, Uint8Array.of(1))]);
 * expect((await threads.chains(record.thread)).own).toEqual([Uint8Array.of(1)]);
 * expect(await threads.open()).toEqual([record]);
 * ```
 */
export function threadStore(store: Store): ThreadStore {
  const seqText = (seq: number): string => seq.toString(16).padStart(8, '0')
  const recordKey = (thread: Uint8Array): string => `r!${toHex(thread)}`
  const openKey = (thread: Uint8Array): string => `open!${toHex(thread)}`
  const chainPrefix = (thread: Uint8Array, side: 'own' | 'theirs'): string => `m!${toHex(thread)}!${SIDE[side]}!`
  const doublePrefix = (thread: Uint8Array): string => `e!${toHex(thread)}!`

  async function messages(
    thread: Uint8Array,
    side: 'own' | 'theirs',
    { seq, limit }: { readonly seq: number; readonly limit: number },
  ): Promise<Uint8Array[]> {
    const prefix = chainPrefix(thread, side)
    const found: Uint8Array[] = []
    for await (const [key, value] of store.range({
      gte: prefix + seqText(seq),
      lt: `${prefix}~`,
      ...(limit === Infinity ? {} : { limit }),
    })) {
      if (key !== prefix + seqText(seq + found.length)) break
      found.push(value)
    }
    return found
  }

  return {
    async open() {
      const keys: string[] = []
      for await (const [key] of store.range({ gte: 'open!', lt: 'open!~' })) keys.push(`r!${key.slice('open!'.length)}`)
      const records: ThreadRecord[] = []
      for (const key of keys) {
        // A value that is damaged on disk must not keep the node from its other threads.
        const value = await store.get(key).catch(() => undefined)
        const record = value === undefined ? undefined : readRecord(value)
        if (record !== undefined) records.push(record)
      }
      return records
    },
    async *all() {
      for await (const [, value] of store.range({ gte: 'r!', lt: 'r!~' })) {
        const record = readRecord(value)
        if (record !== undefined) yield record
      }
    },
    async record(thread) {
      const [value, open] = await store.getMany([recordKey(thread), openKey(thread)])
      const record = value === undefined ? undefined : readRecord(value)
      return record === undefined ? undefined : { record, closed: open === undefined }
    },
    async chains(thread) {
      const whole = { seq: 0, limit: Infinity }
      const [own, theirs] = await Promise.all([messages(thread, 'own', whole), messages(thread, 'theirs', whole)])
      return { own, theirs }
    },
    messages,
    note: (thread, name) => store.get(`n!${toHex(thread)}!${name}`),
    async equivocations(thread) {
      const prefix = doublePrefix(thread)
      const found: Equivocation[] = []
      for await (const [key, other] of store.range({ gte: prefix, lt: `${prefix}~` })) {
        found.push({ seq: Number.parseInt(key.slice(prefix.length), 16), other })
      }
      return found
    },
    async numbers() {
      const value = await store.get(NUMBERS_KEY)
      return value === undefined ? { next: 0, free: [] } : decodeAs(NUMBERS, value)
    },
    ofContract: (contract) => store.get(`c!${contract}`),
    putContract: (contract, thread) => ({ key: `c!${toHex(contract)}`, value: thread }),
    begin: (record) => [
      { key: recordKey(record.thread), value: encodeAs(RECORD, { ...record, addresses: keepable(record.addresses) }) },
      { key: openKey(record.thread), value: new Uint8Array(0) },
    ],
    message: (thread, side, seq, data) => ({ key: chainPrefix(thread, side) + seqText(seq), value: data }),
    putNote: (thread, name, value) => ({ key: `n!${toHex(thread)}!${name}`, value }),
    putEquivocation: (thread, { seq, other }) => ({ key: doublePrefix(thread) + seqText(seq), value: other }),
    putNumbers: (current) => ({
      key: NUMBERS_KEY,
      get value() {
        return encodeAs(NUMBERS, current())
      },
    }),
    closed: (thread) => ({ key: openKey(thread), value: null }),
    write: (batch, options) => store.write(batch, options),
  }
}

/** Addresses come from elsewhere: what does not fit a record is not worth a thread. */
function keepable(addresses: readonly string[]): readonly string[] {
  return addresses.filter((address) => address.length <= MAX_ADDRESS_BYTES && /^[\x20-\x7e]*$/.test(address)).slice(0, MAX_ADDRESSES)
}

function readRecord(value: Uint8Array): ThreadRecord | undefined {
  try {
    return decodeAs(RECORD, value)
  } catch (error) {
    // A damaged record must not keep the node from its other threads.
    if (error instanceof HaggleError) return undefined
    throw error
  }
}
