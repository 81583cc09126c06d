// A ledger on disk for the benchmark: entries like real closings, what it wrote last, and the process that is killed while it appends.
// Usage: _ledger_home.ts FOLDER, which appends until it is killed.

import { randomFillSync } from 'node:crypto'
import { join } from 'node:path'
import { createIdentity } from '@haggle/identity'
import { nodeSuite } from '@haggle/identity/node'
import { type Entry, type Ledger, openLedger } from '@haggle/reputation'
import { openJournal } from '@haggle/reputation/node'
import type { Store, Write } from '@haggle/store'
import { openLevelStore } from '@haggle/store/level'
import { systemClock } from '@haggle/wire'

/** Bytes of each of the two receipts that a closing carries. */
const RECEIPT_BYTES = 375

/** Peers that entries are about besides the first, which has {@link FAMOUS_RECEIPTS}. */
export const PEERS = 5_000

/** Receipts of the first peer. */
export const FAMOUS_RECEIPTS = 10_000

const OWNER = createIdentity(new Uint8Array(32).fill(77))
const SUITE = nodeSuite()
const AT = 1_790_000_000

/** A ledger, what has to be closed with it, and the batches that it wrote since they were last taken. */
export interface BenchHome extends AsyncDisposable {
  readonly ledger: Ledger
  takeBatches(): (readonly Write[])[]
}

/** The key of peer `n`. */
export function peerKey(n: number): Uint8Array {
  return SUITE.sha256(Uint8Array.of(n >> 16, n >> 8, n))
}

/** Closing `index` of a ledger of `entries`: two receipts' worth of bytes that don't compress, and every hundredth or so about the first peer. */
export function closingAt(index: number, entries: number, peers: number = PEERS): Entry {
  const every = Math.max(1, Math.floor(entries / FAMOUS_RECEIPTS))
  const famous = index % every === 0 && index / every < FAMOUS_RECEIPTS
  const random = new Uint8Array(32 + 2 * RECEIPT_BYTES)
  randomFillSync(random)
  return {
    kind: 'closed',
    at: AT + (index >> 4),
    number: index,
    peer: peerKey(famous ? 0 : 1 + (index % peers)),
    contract: random.subarray(0, 32),
    facts: {
      role: 'provider',
      outcome: index % 50 === 49 ? 'failed' : 'settled',
      liable: index % 50 === 49 ? 'provider' : null,
      rail: 'evm',
      settled: BigInt(10_000 + (index % 997) * 1_000),
      meteredS: 600,
      upS: 600,
      speedPermille: 990,
    },
    evidence: [random.subarray(32, 32 + RECEIPT_BYTES), random.subarray(32 + RECEIPT_BYTES)],
  }
}

export async function openBenchHome(folder: string): Promise<BenchHome> {
  const inner = await openLevelStore(join(folder, 'db'))
  const journal = await openJournal(join(folder, 'ledger.journal'))
  let batches: (readonly Write[])[] = []
  const store: Store = {
    ...inner,
    write: async (batch, options) => {
      batches.push(batch)
      await inner.write(batch, options)
    },
  }
  const random = (length: number): Uint8Array => randomFillSync(new Uint8Array(length))
  const ledger = await openLedger({ store, journal, signer: OWNER.signer, suite: SUITE, clock: systemClock(), random })
  return {
    ledger,
    takeBatches() {
      const taken = batches
      batches = []
      return taken
    },
    async [Symbol.asyncDispose]() {
      await ledger.close()
      await journal.close()
      await inner.close()
    },
  }
}

/** Appends `count` closings one by one, `outstanding` at a time. */
export async function appendMany(ledger: Ledger, entries: readonly Entry[], outstanding: number): Promise<void> {
  let next = 0
  const one = async (): Promise<void> => {
    while (next < entries.length) await ledger.append([entries[next++] as Entry])
  }
  await Promise.all(Array.from({ length: outstanding }, one))
}

/** Processor time of a tenth of a second in which the database's thread counts as idle, seconds. */
const IDLE_S = 0.01
/** Longest wait for it, in tenths of a second. */
const MOST_LOOKS = 600

/**
 * Waits until LevelDB has compacted what was written before. All databases of a process share one thread for that: without the wait a turn pays for
 * what the turn before it wrote.
 */
export async function compacted(): Promise<void> {
  for (let looks = 0; looks < MOST_LOOKS; looks++) {
    const before = process.cpuUsage()
    await new Promise((resolve) => setTimeout(resolve, 100))
    const { user, system } = process.cpuUsage(before)
    if ((user + system) / 1e6 < IDLE_S) return
  }
}

if (import.meta.main) {
  const home = await openBenchHome(process.argv[2] ?? '')
  process.stdout.write('appending\n')
  for (let index = home.ledger.size; ; index += 256) {
    await appendMany(
      home.ledger,
      Array.from({ length: 256 }, (_, i) => closingAt(index + i, 1e6)),
      256,
    )
    home.takeBatches()
  }
}
