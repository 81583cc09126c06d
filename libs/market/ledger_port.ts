// What the market writes into the ledger of @haggle/reputation: contracts opened, closed and void, each with its signed evidence.

import { peerIdOf } from '@haggle/identity'
import { CREDITS } from '@haggle/offer'
import type { Entry, Facts, Ledger } from '@haggle/reputation'
import { type Clock, equalBytes, errorCode, formatAmount, toHex } from '@haggle/wire'
import type { WaitingEntries } from './waiting_entries.ts'

/** One entry for the ledger, as the market writes it. */
export interface LedgerLine {
  readonly kind: 'opened' | 'closed' | 'void'
  /** This node's own number of the contract. */
  readonly number: number
  /** Contract id, 32 bytes. */
  readonly contract: Uint8Array
  /** The other side's key, 32 bytes. */
  readonly peer: Uint8Array
  /** How it ended, for `closed`. */
  readonly facts: Facts | null
  /** Signed envelopes that back it, as they were sent. */
  readonly evidence: readonly Uint8Array[]
  /** Seconds from its opening after which the contract is over for both sides whatever they hear, by its terms; null without terms. */
  readonly longestS: number | null
  /** True when the terms let everybody read the contract's entries. */
  readonly isPublic: boolean
}

/** The node's append-only memory, as the market uses it. */
export interface LedgerPort {
  /** Resolves when it is on disk: in the ledger, or waiting for it. Appending the same kind and contract again is harmless. */
  append(line: LedgerLine): Promise<void>
  /** Newest first. */
  list(options: {
    readonly limit: number
  }): Promise<
    readonly { readonly index: number; readonly kind: string; readonly at: number; readonly peer: Uint8Array; readonly summary: string }[]
  >
}

/** A {@link LedgerPort} that keeps what its ledger can't take. */
export interface WaitingLedgerPort extends LedgerPort {
  /** Entries that wait for the ledger. */
  readonly waiting: number
  /** Appends what waits, as far as the ledger takes it. */
  flush(): Promise<void>
}

/** What {@link ledgerPort} needs. */
export interface LedgerPortInit {
  readonly clock: Clock
  readonly waiting: WaitingEntries
  /** Told why an entry has to wait. */
  readonly onProblem?: (error: unknown) => void
}

/** Entries of one contract that are looked through for a repeat. */
const MAX_REPEATS = 16

/** What no ledger takes, now or later. */
const NO_ENTRY: readonly unknown[] = ['E_WIRE_SCHEMA', 'E_WIRE_SIZE']

/**
 * A {@link LedgerPort} over whatever is the current ledger. Appending a line again that is there already does nothing. A line that the ledger can't take,
 * because its end is lost or its disk refuses, waits with its time: a closing is told once, and must not be lost for that.
 */
export function ledgerPort(current: () => Ledger, { clock, waiting, onProblem = () => undefined }: LedgerPortInit): WaitingLedgerPort {
  let queue: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const done = queue.then(work)
    queue = done.catch(() => undefined)
    return done
  }
  const put = async (entry: Entry): Promise<void> => {
    const ledger = current()
    try {
      if (!(await isThere(ledger, entry))) await ledger.append([entry])
    } catch (error) {
      // A successor took its place meanwhile.
      if (errorCode(error) !== 'E_LEDGER_CLOSED' || current() === ledger) throw error
      await put(entry)
    }
  }
  const flush = async (): Promise<void> => {
    const [failure] = waiting.count === 0 ? [] : await waiting.flush(put)
    if (failure !== undefined) onProblem(failure)
  }
  return {
    get waiting(): number {
      return waiting.count
    },
    append: (line) =>
      inTurn(async () => {
        const entry = entryOf(line, Math.floor(clock.now() / 1000))
        try {
          await put(entry)
        } catch (error) {
          if (NO_ENTRY.includes(errorCode(error))) throw error
          onProblem(error)
          return await waiting.add(entry)
        }
        await flush()
      }),
    flush: () => inTurn(flush),
    async list({ limit }) {
      const ledger = current()
      const from = Math.max(0, ledger.size - limit)
      const lines: { index: number; kind: string; at: number; peer: Uint8Array; summary: string }[] = []
      for (let index = ledger.size - 1; index >= from; index--) {
        const { entry } = await ledger.get(index)
        lines.push({ index, kind: entry.kind, at: entry.at, peer: entry.peer ?? new Uint8Array(32), summary: summaryOf(entry) })
      }
      return lines
    },
  }
}

async function isThere(ledger: Ledger, line: Entry): Promise<boolean> {
  let seen = 0
  for await (const { entry } of ledger.byContract(line.contract!)) {
    // A later closing replaces an earlier one, such as one that the other side has signed since: only the same word is a repeat.
    if (entry.kind === line.kind && (line.kind !== 'closed' || sameWord(entry, line))) return true
    if (++seen >= MAX_REPEATS) return false
  }
  return false
}

function sameWord(a: Pick<Entry, 'facts' | 'evidence'>, b: Pick<Entry, 'facts' | 'evidence'>): boolean {
  return (
    sameFacts(a.facts, b.facts) &&
    a.evidence.length === b.evidence.length &&
    a.evidence.every((bytes, i) => equalBytes(bytes, b.evidence[i]!))
  )
}

function sameFacts(a: Facts | null, b: Facts | null): boolean {
  if (a === null || b === null) return a === b
  return a.outcome === b.outcome && a.settled === b.settled && a.meteredS === b.meteredS && a.liable === b.liable
}

function entryOf({ kind, contract, peer, number, facts, evidence }: LedgerLine, at: number): Entry {
  return { kind, at, number, peer, contract, facts, evidence }
}

function summaryOf({ kind, contract, facts, peer }: Entry): string {
  const id = contract === null ? '' : toHex(contract).slice(0, 8)
  const who = peer === null ? '' : ` with ${peerIdOf(peer)}`
  const what =
    facts === null
      ? ''
      : ` ${facts.outcome}, ${facts.meteredS} s, ${formatAmount(facts.settled)} ${facts.rail === 'free' ? CREDITS : 'of its token'}`
  return `${kind} ${id}${who}${what}`
}
