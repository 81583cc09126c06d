// What a node keeps of its threads: both chains byte for byte, and its own notes. It is also the sign-once table: a sequence number that has a
// message is never signed again.

import type { Store, Write } from '@haggle/store'
import { bytes, decodeAs, encodeAs, fields, list, oneOf, type Schema, text, toHex, uint } from '@haggle/wire'

/** How a thread began, from this node's side. */
export interface ThreadRecord {
  /** 16 bytes. */
  readonly thread: Uint8Array
  readonly role: 'renter' | 'provider'
  /** 32-byte key of the other side. */
  readonly peerKey: Uint8Array
  /** Addresses that reached it. */
  readonly addresses: readonly string[]
  /** Unix seconds. */
  readonly startedAt: number
}

const RECORD: Schema<ThreadRecord> = fields({
  thread: bytes({ length: 16 }),
  role: oneOf('renter', 'provider'),
  peerKey: bytes({ length: 32 }),
  addresses: list(text({ max: 512 }), { max: 8 }),
  startedAt: uint({}),
})

/** Both chains of a thread as they are kept, in their order. */
export interface StoredChains {
  readonly own: readonly Uint8Array[]
  readonly theirs: readonly Uint8Array[]
}

/** Reads and prepares writes; the caller decides what goes into one batch. */
export interface ThreadStore {
  /** Threads that are not closed. */
  open(): Promise<readonly ThreadRecord[]>
  /** Every thread ever, oldest key first. */
  all(): AsyncIterable<ThreadRecord>
  record(thread: Uint8Array): Promise<ThreadRecord | undefined>
  chains(thread: Uint8Array): Promise<StoredChains>
  note(thread: Uint8Array, name: string): Promise<Uint8Array | undefined>
  /** The next unused contract number of this node in `role`. */
  nextNumber(role: 'renter' | 'provider'): Promise<number>
  /** The thread of a contract (64 hex digits), from the first ACCEPT or CONFIRM on. */
  ofContract(contract: string): Promise<Uint8Array | undefined>
  begin(record: ThreadRecord): Write[]
  putContract(contract: Uint8Array, thread: Uint8Array): Write
  message(thread: Uint8Array, side: 'own' | 'theirs', seq: number, bytes: Uint8Array): Write
  putNote(thread: Uint8Array, name: string, value: Uint8Array | null): Write
  putNumber(role: 'renter' | 'provider', next: number): Write
  /** The thread needs no more attention; its chains stay. */
  closed(thread: Uint8Array): Write
  write(batch: readonly Write[], options?: { sync?: boolean }): Promise<void>
}

const SIDE = { own: 'o', theirs: 't' } as const

/** A thread store over `store`. */
export function threadStore(store: Store): ThreadStore {
  const seqText = (seq: number): string => seq.toString(16).padStart(8, '0')
  const recordKey = (thread: Uint8Array): string => `r!${toHex(thread)}`
  const openKey = (thread: Uint8Array): string => `open!${toHex(thread)}`
  const chainPrefix = (thread: Uint8Array, side: 'own' | 'theirs'): string => `m!${toHex(thread)}!${SIDE[side]}!`

  async function chain(thread: Uint8Array, side: 'own' | 'theirs'): Promise<Uint8Array[]> {
    const prefix = chainPrefix(thread, side)
    const messages: Uint8Array[] = []
    for await (const [, value] of store.range({ gte: prefix, lt: `${prefix}~` })) messages.push(value)
    return messages
  }

  return {
    async open() {
      const keys: string[] = []
      for await (const [key] of store.range({ gte: 'open!', lt: 'open!~' })) keys.push(`r!${key.slice('open!'.length)}`)
      const records = await store.getMany(keys)
      return records.filter((value) => value !== undefined).map((value) => decodeAs(RECORD, value))
    },
    async *all() {
      for await (const [, value] of store.range({ gte: 'r!', lt: 'r!~' })) yield decodeAs(RECORD, value)
    },
    async record(thread) {
      const value = await store.get(recordKey(thread))
      return value === undefined ? undefined : decodeAs(RECORD, value)
    },
    async chains(thread) {
      const [own, theirs] = await Promise.all([chain(thread, 'own'), chain(thread, 'theirs')])
      return { own, theirs }
    },
    note: (thread, name) => store.get(`n!${toHex(thread)}!${name}`),
    async nextNumber(role) {
      const value = await store.get(`number!${role}`)
      return value === undefined ? 0 : new DataView(value.buffer, value.byteOffset).getUint32(0)
    },
    ofContract: (contract) => store.get(`c!${contract}`),
    putContract: (contract, thread) => ({ key: `c!${toHex(contract)}`, value: thread }),
    begin: (record) => [
      { key: recordKey(record.thread), value: encodeAs(RECORD, record) },
      { key: openKey(record.thread), value: new Uint8Array(0) },
    ],
    message: (thread, side, seq, data) => ({ key: chainPrefix(thread, side) + seqText(seq), value: data }),
    putNote: (thread, name, value) => ({ key: `n!${toHex(thread)}!${name}`, value }),
    putNumber(role, next) {
      const value = new Uint8Array(4)
      new DataView(value.buffer).setUint32(0, next)
      return { key: `number!${role}`, value }
    },
    closed: (thread) => ({ key: openKey(thread), value: null }),
    write: (batch, options) => store.write(batch, options),
  }
}
