// Contract numbers that a node left out while it did not know all of its own log: nobody may take them for contracts that it hides.

import type { Entry } from '@haggle/reputation'

/** What of a ledger's entry tells its number. */
interface NumberedEntry {
  readonly index: number
  readonly entry: Pick<Entry, 'kind' | 'number'>
}

/**
 * Numbers that none of a ledger's entries explains, below the first new one that those from index `from` on have: what a node left out for entries that it lacked,
 * and they did not use. Ascending. Empty when nothing was numbered behind them.
 */
export async function leftOut(entries: AsyncIterable<NumberedEntry>, from: number): Promise<number[]> {
  const used = new Set<number>()
  // Logs begin at 0 or 1.
  let lowest = 1
  let highestBefore = -1
  const since: number[] = []
  for await (const { index, entry } of entries) {
    // A successor goes on where its owner was: it lacks nothing of the log before.
    if (entry.kind === 'succeeds') return []
    const { number } = entry
    if (number === null) continue
    used.add(number)
    lowest = Math.min(lowest, number)
    if (index < from) highestBefore = Math.max(highestBefore, number)
    else since.push(number)
  }
  const first = since.filter((number) => number > highestBefore).reduce((least, number) => Math.min(least, number), Infinity)
  const unexplained: number[] = []
  if (first < Infinity) for (let number = lowest; number < first; number++) if (!used.has(number)) unexplained.push(number)
  return unexplained
}

/** The entry that makes a number void for which there never was an ACCEPT. `at`: unix seconds. */
export function voidOf(number: number, at: number): Entry {
  return { kind: 'void', at, number, peer: null, contract: null, facts: null, evidence: [] }
}
