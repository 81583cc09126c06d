// Books on disk: one record for each channel and one for each contract in it, written together and synced before anything is signed or served.

import type { Store, Write } from '@haggle/store'
import { big, bytes, decodeAs, encodeAs, fields, nullable, oneOf, type Schema, toHex } from '@haggle/wire'
import type { SignedVoucher } from './channels.ts'
import type { PayeeBook, PayeeEntry } from './payee_book.ts'
import type { PayerBook, PayerEntry } from './payer_book.ts'

const amount: Schema<bigint> = big({ maxBytes: 16 })
const hash: Schema<Uint8Array> = bytes({ length: 32 })

const payerHead: Schema<Omit<PayerBook, 'entries' | 'deposit'>> = fields({
  channel: hash,
  payee: bytes({ length: 20 }),
  signed: amount,
  settled: amount,
})
const payerEntry: Schema<PayerEntry> = fields({ state: oneOf('open', 'ended'), promise: amount, owed: amount, cap: amount })
const best: Schema<SignedVoucher> = fields({ channel: hash, cumulative: amount, sig: bytes({ max: 65 }) })
const payeeHead: Schema<Omit<PayeeBook, 'entries'>> = fields({
  channel: hash,
  renter: nullable(hash),
  best: nullable(best),
  settled: amount,
})
const payeeEntry: Schema<PayeeEntry> = fields({
  state: oneOf('open', 'ended', 'agreed'),
  contract: hash,
  promise: amount,
  due: amount,
  evidence: hash,
  claimed: amount,
})

/** A kind of book, as it is kept. */
interface Kind<Book, Entry> {
  readonly prefix: string
  readonly head: Schema<Book>
  readonly entry: Schema<Entry>
}

const PAYER: Kind<Omit<PayerBook, 'entries' | 'deposit'>, PayerEntry> = { prefix: 'payer', head: payerHead, entry: payerEntry }
const PAYEE: Kind<Omit<PayeeBook, 'entries'>, PayeeEntry> = { prefix: 'payee', head: payeeHead, entry: payeeEntry }

type Entries<Entry> = ReadonlyMap<string, Entry>

/** The writes that turn `before` into `after`. */
function writesOf<Head extends { readonly channel: Uint8Array; readonly entries: Entries<Entry> }, Entry>(
  { prefix, head, entry }: Kind<Omit<Head, 'entries' | 'deposit'>, Entry>,
  after: Head,
  before: Head | undefined,
): Write[] {
  const id = `${prefix}-${toHex(after.channel)}`
  const changed = [...after.entries].filter(([thread, value]) => before?.entries.get(thread) !== value)
  const gone = before === undefined ? [] : [...before.entries.keys()].filter((thread) => !after.entries.has(thread))
  return [
    { key: id, value: encodeAs(head, after) },
    ...changed.map(([thread, value]) => ({ key: `${id}-${thread}`, value: encodeAs(entry, value) })),
    ...gone.map((thread) => ({ key: `${id}-${thread}`, value: null })),
  ]
}

async function load<Head, Entry>(
  store: Store,
  { prefix, head, entry }: Kind<Head, Entry>,
): Promise<(Head & { readonly entries: Map<string, Entry> })[]> {
  const books: (Head & { readonly entries: Map<string, Entry> })[] = []
  for await (const [key, value] of store.range({ gte: `${prefix}-`, lt: `${prefix}.` })) {
    const [, , thread] = key.split('-')
    // The record of a channel comes before those of its contracts: its key is their prefix.
    if (thread === undefined) books.push({ ...decodeAs(head, value), entries: new Map() })
    else books.at(-1)?.entries.set(thread, decodeAs(entry, value))
  }
  return books
}

/** Where the books of one rail are kept. */
export class BookStore {
  readonly #store: Store

  constructor(store: Store) {
    this.#store = store
  }

  payers(): Promise<Omit<PayerBook, 'deposit'>[]> {
    return load(this.#store, PAYER)
  }

  payees(): Promise<PayeeBook[]> {
    return load(this.#store, PAYEE)
  }

  putPayer(after: PayerBook, before?: PayerBook): Promise<void> {
    return this.#store.write(writesOf(PAYER, after, before))
  }

  putPayee(after: PayeeBook, before?: PayeeBook): Promise<void> {
    return this.#store.write(writesOf(PAYEE, after, before))
  }

  /** Forgets a payer's book: its channel is closed. */
  dropPayer({ channel, entries }: PayerBook): Promise<void> {
    const id = `payer-${toHex(channel)}`
    return this.#store.write([{ key: id, value: null }, ...[...entries.keys()].map((thread) => ({ key: `${id}-${thread}`, value: null }))])
  }

  /** Remembers that a channel to `payee` is being opened: one that is found without a book then is this node's own. */
  opening(payee: Uint8Array): Promise<void> {
    return this.#store.write([{ key: `opening-${toHex(payee)}`, value: Uint8Array.of(1) }])
  }

  /** The book of a channel that was being opened. */
  adopt(book: PayerBook): Promise<void> {
    return this.#store.write([...writesOf(PAYER, book, undefined), { key: `opening-${toHex(book.payee)}`, value: null }])
  }

  async isOpening(payee: Uint8Array): Promise<boolean> {
    return (await this.#store.get(`opening-${toHex(payee)}`)) !== undefined
  }
}
