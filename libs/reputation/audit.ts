// What a log leaves out: numbers that are missing, contracts never closed, logs replaced. Each counts against the log that has it and nobody else.

import type { EntryKind } from './entry.ts'

/** Seconds within which a contract's last message has to be followed by its closing. */
export const CLOSE_WITHIN_S = 3600

/** Seconds by which a closing may come to light later than it was written: a head is signed every ten minutes with changes. */
export const SHOWN_WITHIN_S = 600

/** Milliseconds in a second. */
const MS_PER_S = 1000

/** What bounds a contract's time, of its terms; ms. */
export interface ContractTimes {
  /** From its confirmation to its start. */
  readonly stagingMs: number
  /** The run at its longest. */
  readonly maxMs: number
  /** How long a provider goes on without its renter. */
  readonly idleMs: number
  /** How long a silence is forgiven. */
  readonly graceMs: number
}

/**
 * Seconds from a contract's opening after which it is over for both parties, whatever they have heard of each other: staging and the run at their longest,
 * and the silence that each forgives behind them.
 */
export function longestOf({ stagingMs, maxMs, idleMs, graceMs }: ContractTimes): number {
  return Math.ceil((stagingMs + maxMs + idleMs + graceMs) / MS_PER_S)
}

/** How {@link audit} reads a log. */
export interface AuditOptions {
  /** Unix seconds. */
  readonly now: number
  /** Seconds that a contract may last of which nothing is known but that it was opened. */
  readonly longestS: number
  /** Unix seconds at which contracts were over for both sides, by the owner's number: of those that the reader knows, as a party to them. */
  readonly over?: ReadonlyMap<number, number>
}

/** An entry as a log shows it to everybody: nothing but its kind, number and time. */
export interface LogLine {
  /** Place in the log, from 0. */
  readonly index: number
  /** What kind of entry it is. */
  readonly kind: EntryKind
  /** The owner's running number of the contract, or null. */
  readonly number: number | null
  /** Unix seconds. */
  readonly at: number
}

/** What an audit finds. */
export interface Audit {
  /** Contracts opened. */
  readonly opened: number
  /** Numbers below the highest that were neither opened nor made void. */
  readonly missing: readonly number[]
  /** Contracts opened, not closed, and quiet for longer than they may have run. */
  readonly unclosed: readonly number[]
  /** Numbers used twice, or closed and void at once. */
  readonly repeated: readonly number[]
  /** True when the log succeeds another. */
  readonly succeeds: boolean
}

/** How many gaps a score counts: every finding is one. */
export function gapsOf({ missing, unclosed, repeated, succeeds }: Audit): number {
  return missing.length + unclosed.length + repeated.length + (succeeds ? 1 : 0)
}

/**
 * Reads the lines of a log, in any order. A contract that is open counts as unclosed when an hour, and the ten minutes in which it comes to light, have
 * passed since it was over: as the reader knows, or else `longestS` after its opening.
 */
export function audit(lines: Iterable<LogLine>, { now, longestS, over = new Map() }: AuditOptions): Audit {
  const opened = new Map<number, number>()
  const closed = new Set<number>()
  const voided = new Set<number>()
  const repeated = new Set<number>()
  let succeeds = false
  for (const { kind, number, at } of [...lines].sort((a, b) => a.index - b.index)) {
    if (kind === 'succeeds') succeeds = true
    if (number === null) continue
    if (kind === 'opened') {
      if (opened.has(number) || voided.has(number)) repeated.add(number)
      opened.set(number, at)
    } else if (kind === 'void') {
      if (voided.has(number) || closed.has(number)) repeated.add(number)
      voided.add(number)
    } else if (kind === 'closed') {
      // A closing may come again, with the receipt that the other side signed later; a void number has none.
      if (voided.has(number)) repeated.add(number)
      closed.add(number)
    }
  }
  const used = [...opened.keys(), ...voided, ...closed]
  const highest = used.reduce((max, number) => Math.max(max, number), -1)
  // A first log begins at 0 or 1; a successor goes on where its owner was.
  const lowest = used.reduce((min, number) => Math.min(min, number), succeeds ? Infinity : 1)
  const missing: number[] = []
  for (let number = lowest; number <= highest; number++)
    if (!opened.has(number) && !voided.has(number) && !closed.has(number)) missing.push(number)
  const overdue = now - CLOSE_WITHIN_S - SHOWN_WITHIN_S
  const unclosed = [...opened]
    .filter(([number, at]) => !closed.has(number) && !voided.has(number) && (over.get(number) ?? at + longestS) < overdue)
    .map(([number]) => number)
  return { opened: opened.size, missing, unclosed: unclosed.sort((a, b) => a - b), repeated: [...repeated].sort((a, b) => a - b), succeeds }
}
