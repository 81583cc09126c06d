// What a payer has promised over one channel: pure accounts, so that parallel jobs never promise more than the channel holds.

import { HaggleError, toHex } from '@haggle/wire'

/** One contract in a payer's book. */
export interface PayerEntry {
  /** `open`: it may still cost more. `ended`: it is over without two signatures, and the provider may claim what was promised. */
  readonly state: 'open' | 'ended'
  /** What the channel pays for it at most, so far: one tick more than `owed`. */
  readonly promise: bigint
  /** `owed` of the last METER that was acknowledged. */
  readonly owed: bigint
  /** Most it may ever cost. */
  readonly cap: bigint
}

/** A payer's book of one channel. Plain data. Amounts are base units. */
export interface PayerBook {
  /** Channel id, 32 bytes. */
  readonly channel: Uint8Array
  /** Who is paid, 20 bytes. */
  readonly payee: Uint8Array
  /** What the chain says was paid in. */
  readonly deposit: bigint
  /** The highest cumulative amount that may have been signed: it never falls. */
  readonly signed: bigint
  /** Sum of what contracts owed that ended with both signatures. */
  readonly settled: bigint
  /** The other contracts, by thread in hex. */
  readonly entries: ReadonlyMap<string, PayerEntry>
}

/** A book of a channel over which nothing was promised. */
export function payerBook(channel: { readonly id: Uint8Array; readonly payee: Uint8Array; readonly deposit: bigint }): PayerBook {
  return { channel: channel.id, payee: channel.payee, deposit: channel.deposit, signed: 0n, settled: 0n, entries: new Map() }
}

function sumOf(book: PayerBook, amountOf: (entry: PayerEntry) => bigint): bigint {
  let sum = book.settled
  for (const entry of book.entries.values()) sum += amountOf(entry)
  return sum
}

/** What the payee may claim at most by what both know: the sum over all contracts. A surplus of ended ones is not in it. */
export function promisedOf(book: PayerBook): bigint {
  return sumOf(book, ({ promise }) => promise)
}

/** What the channel has to hold so that no open contract runs out before its cap. */
export function neededOf(book: PayerBook): bigint {
  return sumOf(book, ({ state, promise, cap }) => (state === 'open' && cap > promise ? cap : promise))
}

/** What {@link promise} is asked for. */
export interface PromiseOf {
  /** Thread, hex. */
  readonly thread: string
  /** `owed` of the METER that is acknowledged; 0 before the first. */
  readonly owed: bigint
  /** What has to be promised then: `aheadOf` the terms and `owed`. */
  readonly ahead: bigint
  /** Most that the contract may ever cost. */
  readonly cap: bigint
}

/**
 * The book once a contract has been promised more. Its `signed` is the cumulative amount to sign, after the book is on disk: a surplus of ended contracts
 * is used up first.
 *
 * @throws HaggleError `E_VOUCHER` when `owed` falls, passes the cap, or the contract is over; `E_FUNDS` when the channel does not hold it.
 */
export function promise(book: PayerBook, { thread, owed, ahead, cap }: PromiseOf): PayerBook {
  const before = book.entries.get(thread)
  const refuse = (why: string): HaggleError => new HaggleError('E_VOUCHER', `Cannot vouch for ${owed}: ${why}`, { details: { thread } })
  if (before !== undefined && before.state !== 'open') throw refuse('the contract is over')
  if (before !== undefined && owed < before.owed) throw refuse(`${before.owed} was acknowledged already`)
  if (owed > cap) throw refuse(`the cap is ${cap}`)
  const entry: PayerEntry = { state: 'open', owed, cap, promise: before !== undefined && before.promise > ahead ? before.promise : ahead }
  const next = { ...book, entries: new Map(book.entries).set(thread, entry) }
  const cumulative = promisedOf(next)
  if (cumulative <= book.signed) return next
  if (cumulative > book.deposit) {
    throw new HaggleError('E_FUNDS', `Cannot promise ${cumulative} in all: the channel holds ${book.deposit}`, {
      details: { channel: toHex(book.channel), deposit: String(book.deposit), needed: String(cumulative) },
      next: 'top the channel up',
    })
  }
  return { ...next, signed: cumulative }
}

/**
 * The book once a contract is over. With both signatures it costs exactly what it owed, and a surplus is free for others; else the payee may claim what
 * was promised, and that stays put aside. An unknown contract changes nothing.
 */
export function endPayer(book: PayerBook, thread: string, end: { readonly owed: bigint; readonly agreed: boolean }): PayerBook {
  const before = book.entries.get(thread)
  if (before === undefined) return book
  const entries = new Map(book.entries)
  if (!end.agreed) return { ...book, entries: entries.set(thread, { ...before, state: 'ended' }) }
  entries.delete(thread)
  return { ...book, settled: book.settled + end.owed, entries }
}
