// What the tests of this library share: a ledger over memory with seeded chance, entries made of a number, and files that tests may damage.

import { createIdentity } from '@haggle/identity'
import { nodeSuite } from '@haggle/identity/node'
import { memoryStore, type Store } from '@haggle/store'
import { type Clock, type Random, utf8 } from '@haggle/wire'
import type { Entry } from './entry.ts'
import { type Journal, memoryJournal } from './journal.ts'
import { type Ledger, type LedgerInit, openLedger } from './ledger.ts'

export const suite: ReturnType<typeof nodeSuite> = nodeSuite()
export const owner: ReturnType<typeof createIdentity> = createIdentity(new Uint8Array(32).fill(7))
export const sha256: (data: Uint8Array) => Uint8Array = suite.sha256

/** Bytes that depend on `seed` and the number of calls alone. */
export function seeded(seed: number): Random {
  let calls = 0
  return (length) => {
    const blocks: number[] = []
    for (let i = 0; blocks.length < length; i++) blocks.push(...sha256(utf8(`${seed}/${calls}/${i}`)))
    calls++
    return Uint8Array.from(blocks.slice(0, length))
  }
}

export const fixedClock: Clock = { now: () => 1_800_000_000_000, monotonicMs: () => 0, after: () => () => undefined }

/** Entry `n`: peer and contract by turns, evidence of a length that varies. */
export function entryOf(n: number): Entry {
  return {
    kind: n % 3 === 0 ? 'opened' : n % 3 === 1 ? 'closed' : 'receipt',
    at: 1_790_000_000 + n,
    number: n,
    peer: new Uint8Array(32).fill(n % 5),
    contract: sha256(utf8(`contract ${n}`)),
    facts:
      n % 3 === 1
        ? {
            role: 'provider',
            outcome: 'settled',
            liable: null,
            rail: 'free',
            settled: BigInt(n) * 1_000n,
            meteredS: n,
            upS: n,
            speedPermille: 950,
          }
        : null,
    evidence: [utf8(`evidence ${n} `.repeat(1 + (n % 7)))],
  }
}

/** A ledger over `store` and `journal`, both in memory unless given. */
export async function ledgerOf(parts: Partial<LedgerInit> & { store?: Store; journal?: Journal } = {}): Promise<Ledger> {
  return await openLedger({
    store: memoryStore(),
    journal: memoryJournal(),
    signer: owner.signer,
    suite,
    clock: fixedClock,
    random: seeded(1),
    ...parts,
  })
}

/** All that an async iterable gives. */
export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const item of items) list.push(item)
  return list
}
