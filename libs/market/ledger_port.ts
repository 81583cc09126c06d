// What the market writes into the ledger of @haggle/reputation: contracts opened, closed and void, each with its signed evidence.

import { peerIdOf } from '@haggle/identity'
import type { Outcome } from '@haggle/contract'
import { CREDIT_DECIMALS, CREDITS } from '@haggle/offer'
import type { PaymentRail } from '@haggle/payment'
import type { Entry, Facts, Ledger } from '@haggle/reputation'
import { type Clock, formatAmount, toHex } from '@haggle/wire'
import type { LedgerLine, LedgerPort } from './parts.ts'

/** Entries of one contract that are looked through for a repeat. */
const MAX_REPEATS = 16

/** A {@link LedgerPort} over a ledger. Appending a line again that is there already does nothing. */
export function ledgerPort(ledger: Ledger, clock: Clock): LedgerPort {
  let queue: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const done = queue.then(work)
    queue = done.catch(() => undefined)
    return done
  }
  return {
    append: (line) =>
      inTurn(async () => {
        if (await isThere(ledger, line)) return
        await ledger.append([entryOf(line, Math.floor(clock.now() / 1000))])
      }),
    async list({ limit }) {
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

async function isThere(ledger: Ledger, line: LedgerLine): Promise<boolean> {
  let seen = 0
  for await (const { entry } of ledger.byContract(line.contract)) {
    // A later closing replaces an earlier one: only the same outcome is a repeat.
    if (entry.kind === line.kind && (line.kind !== 'closed' || sameFacts(entry.facts, line.facts))) return true
    if (++seen >= MAX_REPEATS) return false
  }
  return false
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

/** What {@link factsOf} adds to an outcome. */
export interface FactsOptions {
  /** What the other side was. */
  readonly peerRole: 'provider' | 'renter'
  readonly rail: Pick<PaymentRail, 'isMoney' | 'decimals'>
  /** What the rail settled, base units. */
  readonly settled: bigint
}

/** What a score will need to know of an outcome. Amounts of a finer token are rounded down to millionths. */
export function factsOf(outcome: Outcome, { peerRole, rail, settled }: FactsOptions): Facts {
  const liable = outcome.kind === 'failed' || outcome.kind === 'cancelled' ? outcome.by : null
  return {
    role: peerRole,
    outcome: outcome.kind === 'settled' || outcome.kind === 'failed' || outcome.kind === 'disputed' ? outcome.kind : 'cancelled',
    liable,
    rail: rail.isMoney ? 'evm' : 'free',
    settled: settled / 10n ** BigInt(rail.decimals - CREDIT_DECIMALS),
    meteredS: Number((outcome.usage[0] ?? 0n) / 1000n),
    upS: null,
    speedPermille: null,
  }
}
