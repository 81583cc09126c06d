// What a payee was promised over one channel, what it needs, and what it may claim: pure accounts.

import { equalBytes } from '@haggle/wire'
import type { SignedVoucher } from './channels.ts'

/** One contract in a payee's book. */
export interface PayeeEntry {
  /** `open`: it runs. `ended`: it is over without two signatures. `agreed`: it is over, and `due` will never be another sum. */
  readonly state: 'open' | 'ended' | 'agreed'
  /** Contract id, 32 bytes. */
  readonly contract: Uint8Array
  /** What has been promised for it: it may run until it has cost that. */
  readonly promise: bigint
  /** What may be claimed for it: while it is open what the last voucher acknowledges, then what it came to. */
  readonly due: bigint
  /** Id of the renter's message that `due` rests on, 32 bytes. */
  readonly evidence: Uint8Array
  /** How much of `due` earlier claims were for. */
  readonly claimed: bigint
}

/** A payee's book of one channel. Plain data. Amounts are base units. */
export interface PayeeBook {
  /** Channel id, 32 bytes. */
  readonly channel: Uint8Array
  /** Key of the renter that showed the best voucher, 32 bytes; null before the first. */
  readonly renter: Uint8Array | null
  /** The voucher with the highest cumulative amount; null before the first. */
  readonly best: SignedVoucher | null
  /** What contracts came to that are claimed and forgotten. */
  readonly settled: bigint
  /** The others, by thread in hex. */
  readonly entries: ReadonlyMap<string, PayeeEntry>
}

/** A book of a channel of which `claimed` is all that was ever taken. */
export function payeeBook(channel: { readonly id: Uint8Array; readonly claimed: bigint }): PayeeBook {
  return { channel: channel.id, renter: null, best: null, settled: channel.claimed, entries: new Map() }
}

function sumOf(book: PayeeBook, amountOf: (entry: PayeeEntry) => bigint): bigint {
  let sum = book.settled
  for (const entry of book.entries.values()) sum += amountOf(entry)
  return sum
}

/** What vouchers have to reach so that nothing runs unpaid: of what runs its promise, of what is over what it came to. */
export function requiredOf(book: PayeeBook): bigint {
  return sumOf(book, ({ state, promise, due }) => (state === 'open' ? promise : due))
}

/** What may be claimed in all: what contracts came to, of open ones what is acknowledged, and never the surplus of a voucher. */
export function claimableOf(book: PayeeBook): bigint {
  const due = sumOf(book, (entry) => entry.due)
  const most = book.best?.cumulative ?? 0n
  return due < most ? due : most
}

/** What {@link receive} is given: a voucher whose signature is good, and what it is for. */
export interface Received {
  /** Thread, hex. */
  readonly thread: string
  /** Contract id, 32 bytes. */
  readonly contract: Uint8Array
  /** Key of the renter, 32 bytes. */
  readonly renter: Uint8Array
  /** Its signature is good. */
  readonly voucher: SignedVoucher
  /** `owed` of the METER that it acknowledges; 0 before the first. */
  readonly owed: bigint
  /** What has to be promised then: `aheadOf` the terms and `owed`. */
  readonly ahead: bigint
  /** Most that the contract may ever cost. */
  readonly cap: bigint
  /** Id of the message that carries it, 32 bytes. */
  readonly evidence: Uint8Array
}

/** The book with a voucher in it, or why it does not pay. */
export type ReceiveResult = { readonly book: PayeeBook } | { readonly why: string }

/**
 * Takes a voucher. It pays when the best voucher so far, or this one, reaches what all contracts need: vouchers of parallel jobs may arrive in any order.
 * A new contract of another renter than the one who showed the best voucher has to bring a better one, or it would spend a stranger's surplus with a
 * voucher that it found in a transcript.
 */
export function receive(book: PayeeBook, received: Received): ReceiveResult {
  const { thread, voucher, owed, ahead, cap } = received
  const known = book.entries.get(thread)
  // An ACCEPT that came to nothing makes room for the next one in its thread.
  const before = known !== undefined && equalBytes(known.contract, received.contract) ? known : undefined
  if (before !== undefined && before.state !== 'open') return { why: 'the contract is over' }
  if (before !== undefined && owed < before.due) return { why: 'a voucher must not fall' }
  if (owed > cap) return { why: 'a voucher must not pass the cap' }
  const better = book.best === null || voucher.cumulative > book.best.cumulative
  const foreign = book.renter !== null && !equalBytes(book.renter, received.renter)
  if (before === undefined && foreign && !better) return { why: 'the voucher is an old one of another renter' }
  const entry: PayeeEntry = {
    state: 'open',
    contract: received.contract,
    promise: before !== undefined && before.promise > ahead ? before.promise : ahead,
    due: owed,
    evidence: received.evidence,
    claimed: before?.claimed ?? 0n,
  }
  const next: PayeeBook = {
    ...book,
    ...(better ? { best: voucher, renter: received.renter } : {}),
    settled: known !== undefined && before === undefined ? book.settled + known.due : book.settled,
    entries: new Map(book.entries).set(thread, entry),
  }
  const required = requiredOf(next)
  const promised = next.best?.cumulative ?? 0n
  if (promised < required) return { why: `the channel promises ${promised}, and ${required} is needed` }
  return { book: next }
}

/** How a contract ended, as a payee's book reads it. */
export interface PayeeEnd {
  /** What the renter has signed for. */
  readonly owed: bigint
  /** What the payee itself has signed as used. */
  readonly claimed: bigint
  /** Both have signed a RECEIPT with `owed`. */
  readonly agreed: boolean
  /** Id of the renter's message that `owed` rests on, 32 bytes. */
  readonly evidence: Uint8Array
}

/**
 * The book once a contract is over. With both signatures it came to what it owed; else to what was used, as far as it was promised: that was paid for
 * before it was used, so a renter who leaves or turns its word has gained nothing. An unknown contract changes nothing.
 */
export function endPayee(book: PayeeBook, thread: string, end: PayeeEnd): PayeeBook {
  const before = book.entries.get(thread)
  if (before === undefined || before.state === 'agreed') return book
  const due = dueOf(before.promise, end)
  const state = end.agreed ? 'agreed' : 'ended'
  return { ...book, entries: new Map(book.entries).set(thread, { ...before, state, due, evidence: end.evidence }) }
}

/** What a contract that is over came to, when `promise` was promised for it. */
export function dueOf(promise: bigint, { owed, claimed, agreed }: Pick<PayeeEnd, 'owed' | 'claimed' | 'agreed'>): bigint {
  if (agreed) return owed
  const used = claimed < promise ? claimed : promise
  return used > owed ? used : owed
}

/** The book once everything that {@link claimableOf} gave for the book `then` is claimed. Contracts that were over for good by then are forgotten. */
export function claimedAll(book: PayeeBook, then: PayeeBook): PayeeBook {
  const entries = new Map(book.entries)
  let { settled } = book
  for (const [thread, { state, due }] of then.entries) {
    const now = entries.get(thread)
    if (now === undefined) continue
    if (state === 'agreed') {
      entries.delete(thread)
      settled += due
    } else entries.set(thread, { ...now, claimed: due })
  }
  return { ...book, settled, entries }
}

/** The contracts for which more is due than earlier claims were for. */
export function unclaimedOf(book: PayeeBook): readonly PayeeEntry[] {
  return [...book.entries.values()].filter(({ due, claimed }) => due > claimed)
}
