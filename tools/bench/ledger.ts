// The ledger at a million entries: appending, opening, proofs, scores, bytes on disk and the full check, each beside its bare operation.

import { execFile, spawn } from 'node:child_process'
import { randomFillSync } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { createIdentity } from '@haggle/identity'
import { nodeEd25519, nodeSuite } from '@haggle/identity/node'
import { encodeEntry, type Ledger, openHeadBook, openScoreBook, type ScoreBook } from '@haggle/reputation'
import { memoryStore, type Write } from '@haggle/store'
import { systemClock } from '@haggle/wire'
import { Level } from 'level'
import { appendMany, type BenchHome, closingAt, compacted, FAMOUS_RECEIPTS, openBenchHome, peerKey, PEERS } from './_ledger_home.ts'
import { alternate, type BenchRow, quantile, rowOf } from './row.ts'

/** Appends outstanding in the grouped rows. */
const OUTSTANDING = 512
/** Entries of one pass of appending. */
const GROUPED = 8_192
const SINGLE = 200
/** Entries of the smaller ledger that a score's look-up is compared with. */
const SMALL = 10_000

/** Entries of the ledger that is measured. */
const ENTRIES = 1_000_000

const progress = (line: string): void => console.error(`ledger: ${line}`)

type Bare = Level<string, Uint8Array>

const suite = nodeSuite()

/** Every row of the ledger. */
export async function rows(): Promise<readonly BenchRow[]> {
  const root = mkdtempSync(join(tmpdir(), 'haggle-ledger-bench-'))
  try {
    return await measure(root)
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}

async function measure(root: string): Promise<BenchRow[]> {
  const folder = join(root, 'home')
  const bare = await openBare(join(root, 'bare'))
  const found: BenchRow[] = []
  const home = await openBenchHome(folder)
  const before = cpuSeconds()
  await fill(home, bare)
  progress(`filled ${ENTRIES} entries with ${(cpuSeconds() - before).toFixed(0)} s of CPU`)
  found.push(await grouped(home, bare), await single(home, bare), await ingest(home))
  await bare.close()
  found.push(await proofs(home.ledger), await scoreOfOne(home.ledger), await scoreOfMany(home.ledger), await lookUp(home.ledger, root))
  progress('appending, proofs and scores measured')
  await home[Symbol.asyncDispose]()
  found.push(...(await openings(folder)), bytesOnDisk(folder))
  progress('openings measured')
  found.push(await fullCheck(folder))
  return found
}

async function openBare(path: string): Promise<Bare> {
  const db: Bare = new Level(path, { keyEncoding: 'utf8', valueEncoding: 'view' })
  await db.open()
  return db
}

/** The same keys and values straight into LevelDB, the fastest way that it has. */
async function bareWrite(bare: Bare, batch: readonly Write[], sync: boolean): Promise<void> {
  const chained = bare.batch()
  for (const { key, value } of batch) chained.put(key, value as Uint8Array)
  await chained.write({ sync })
}

/** Fills the ledger, and the bare database with the very same batches, so that both are as large when they are measured. */
async function fill({ ledger, takeBatches }: BenchHome, bare: Bare): Promise<void> {
  for (let index = ledger.size; index < ENTRIES; index += GROUPED) {
    const count = Math.min(GROUPED, ENTRIES - index)
    await appendMany(
      ledger,
      Array.from({ length: count }, (_, i) => closingAt(index + i, ENTRIES)),
      1_024,
    )
    for (const batch of takeBatches()) await bareWrite(bare, batch, false)
    if (index % (GROUPED * 16) === 0) progress(`${index} entries`)
  }
}

/** Appends that come together, against one synced batch of LevelDB for each group with the same keys and values. */
async function grouped({ ledger, takeBatches }: BenchHome, bare: Bare): Promise<BenchRow> {
  let batches: (readonly Write[])[] = []
  const measured = await alternate({
    async subject() {
      const made = Array.from({ length: GROUPED }, (_, i) => closingAt(ledger.size + i, ENTRIES))
      await compacted()
      const started = performance.now()
      await appendMany(ledger, made, OUTSTANDING)
      const us = ((performance.now() - started) * 1000) / GROUPED
      batches = takeBatches()
      return [us]
    },
    async floor() {
      await compacted()
      const started = performance.now()
      for (const batch of batches) await bareWrite(bare, batch, true)
      return [((performance.now() - started) * 1000) / GROUPED]
    },
    pairs: 5,
  })
  return rowOf('ledger-append-grouped', 'µs', measured, {
    aim: { atMost: 1.5 },
    note: `${OUTSTANDING} appends at a time, per entry; floor: the same batches in LevelDB, synced`,
  })
}

async function single({ ledger, takeBatches }: BenchHome, bare: Bare): Promise<BenchRow> {
  let batches: (readonly Write[])[] = []
  const measured = await alternate({
    async subject() {
      const samples: number[] = []
      await compacted()
      for (let i = 0; i < SINGLE; i++) {
        const entry = closingAt(ledger.size, ENTRIES)
        const started = performance.now()
        await ledger.append([entry])
        samples.push(performance.now() - started)
      }
      batches = takeBatches()
      return samples
    },
    async floor() {
      const samples: number[] = []
      await compacted()
      for (const batch of batches) {
        const started = performance.now()
        await bareWrite(bare, batch, true)
        samples.push(performance.now() - started)
      }
      return samples
    },
  })
  return rowOf('ledger-append-single', 'ms', measured, {
    aim: { atMost: 1.5 },
    note: 'one at a time; floor: the same batch in LevelDB, synced',
  })
}

/** Receipts verified and appended, against their verification alone. */
async function ingest({ ledger, takeBatches }: BenchHome): Promise<BenchRow> {
  const identity = createIdentity(new Uint8Array(32).fill(3), nodeEd25519())
  const message = randomFillSync(new Uint8Array(400))
  const signature = identity.signer.sign(message)
  const count = 4_096
  const verify = (): void => {
    if (!suite.verify(signature, message, identity.publicKey)) throw new Error('the signature does not verify')
  }
  const measured = await alternate(
    {
      async subject() {
        const made = Array.from({ length: count }, (_, i) => closingAt(ledger.size + i, ENTRIES))
        await compacted()
        const started = performance.now()
        let next = 0
        const one = async (): Promise<void> => {
          while (next < count) {
            const entry = made[next++]
            verify()
            if (entry) await ledger.append([entry])
          }
        }
        await Promise.all(Array.from({ length: OUTSTANDING }, one))
        const rate = count / ((performance.now() - started) / 1000)
        takeBatches()
        return [rate]
      },
      floor() {
        const started = performance.now()
        for (let i = 0; i < count; i++) verify()
        return [count / ((performance.now() - started) / 1000)]
      },
      pairs: 4,
    },
    0.05,
  )
  return rowOf('ledger-ingest', '/s', measured, {
    aim: { atLeast: 0.8 },
    note: 'one verification and one append each; floor: the verification alone',
  })
}

async function proofs(ledger: Ledger): Promise<BenchRow> {
  const samples: number[] = []
  for (let i = 0; i < 2_000; i++) {
    const index = Math.floor((i * 0.618034 * ledger.size) % ledger.size)
    const started = performance.now()
    await ledger.inclusionProof(index)
    samples.push(performance.now() - started)
  }
  const value = quantile(samples, 0.5)
  return plain('ledger-proof', 'ms', {
    value,
    p95: quantile(samples, 0.95),
    samples: samples.length,
    note: `inclusion proof of any entry; ${value < 1 ? 'below' : 'NOT below'} 1 ms`,
  })
}

function bookOver(ledger: Ledger): ScoreBook {
  const heads = openHeadBook({ store: memoryStore(), suite, network: new Uint8Array(32) })
  return openScoreBook({ store: memoryStore(), ledgers: () => [ledger], heads, suite, clock: systemClock(), key: ledger.key })
}

async function scoreOfOne(ledger: Ledger): Promise<BenchRow> {
  const scored = async (): Promise<number[]> => {
    const samples: number[] = []
    for (let i = 0; i < 5; i++) {
      const started = performance.now()
      const { axes } = await bookOver(ledger).score(peerKey(0), 'provider')
      samples.push(performance.now() - started)
      if (!axes.completes) throw new Error('the peer has no receipts')
    }
    return samples
  }
  const read = async (): Promise<number[]> => {
    const samples: number[] = []
    for (let i = 0; i < 5; i++) {
      const started = performance.now()
      let count = 0
      for await (const _ of ledger.summaries(peerKey(0))) count++
      samples.push(performance.now() - started)
      if (count < FAMOUS_RECEIPTS * 0.9) throw new Error(`read ${count} receipts`)
    }
    return samples
  }
  return rowOf('ledger-score-10000', 'ms', await alternate({ subject: scored, floor: read }), {
    note: 'one peer with 10,000 receipts, cold; floor: reading them',
  })
}

async function scoreOfMany(ledger: Ledger): Promise<BenchRow> {
  const keys = Array.from({ length: 1_000 }, (_, i) => peerKey(1 + i))
  const samples: number[] = []
  for (let i = 0; i < 3; i++) {
    const started = performance.now()
    await bookOver(ledger).scores(keys, 'provider')
    samples.push(performance.now() - started)
  }
  return plain('ledger-score-1000-peers', 'ms', {
    value: quantile(samples, 0.5),
    p95: quantile(samples, 0.95),
    samples: samples.length,
    note: 'together, cold: nothing kept from before',
  })
}

/** The score of a peer with its share of the receipts, beside one with as many in a small ledger. */
async function lookUp(large: Ledger, root: string): Promise<BenchRow> {
  const folder = join(root, 'small')
  await using home = await openBenchHome(folder)
  const peers = Math.max(1, Math.round((SMALL * PEERS) / large.size))
  await appendMany(
    home.ledger,
    Array.from({ length: SMALL }, (_, i) => closingAt(i, SMALL * 1_000, peers)),
    1_024,
  )
  const timed = async (ledger: Ledger, of: number): Promise<number[]> => {
    const samples: number[] = []
    for (let i = 0; i < 200; i++) {
      const key = peerKey(1 + (i % of))
      const started = performance.now()
      await bookOver(ledger).score(key, 'provider')
      samples.push(performance.now() - started)
    }
    return samples
  }
  const measured = await alternate({ subject: async () => await timed(large, PEERS), floor: async () => await timed(home.ledger, peers) })
  return rowOf('ledger-score-lookup', 'ms', measured, {
    aim: { atMost: 1.5 },
    note: `a peer with ${Math.round(large.size / PEERS)} receipts, cold; floor: the same at ${SMALL} entries`,
  })
}

async function openings(folder: string): Promise<BenchRow[]> {
  const opened = async (): Promise<number[]> => {
    const started = performance.now()
    const home = await openBenchHome(folder)
    const ms = performance.now() - started
    await home[Symbol.asyncDispose]()
    return [ms]
  }
  const floor = async (): Promise<number[]> => {
    const started = performance.now()
    const db = await openBare(join(folder, 'db'))
    const ms = performance.now() - started
    await db.close()
    return [ms]
  }
  const clean = await alternate({ subject: opened, floor, pairs: 5 })
  const killed: number[] = []
  for (let i = 0; i < 3; i++) {
    const child = spawn(process.execPath, ['--conditions=@haggle/source', join(import.meta.dirname, '_ledger_home.ts'), folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(child.stdout, 'data')
    await new Promise((resolve) => setTimeout(resolve, 500 + i * 217))
    child.kill('SIGKILL')
    await once(child, 'close')
    killed.push(...(await opened()))
  }
  return [
    rowOf('ledger-open-clean', 'ms', clean, { note: `${clean.value < 100 ? 'below' : 'NOT below'} 100 ms; floor: LevelDB alone` }),
    plain('ledger-open-killed', 'ms', {
      value: quantile(killed, 0.5),
      p95: Math.max(...killed),
      samples: killed.length,
      note: 'after kill -9 while appending; every table of the database is verified first',
    }),
  ]
}

function bytesOnDisk(folder: string): BenchRow {
  const sizes = (path: string): number =>
    readdirSync(path, { withFileTypes: true, recursive: true }).reduce(
      (sum, file) => sum + (file.isFile() ? statSync(join(file.parentPath, file.name)).size : 0),
      0,
    )
  const raw = encodeEntry(closingAt(12_345, ENTRIES)).length
  const count = statSync(join(folder, 'ledger.journal')).size / (raw + 28)
  const value = sizes(folder) / count
  return {
    name: 'ledger-bytes',
    value: Number(value.toPrecision(4)),
    unit: 'B',
    floor: raw,
    ratio: Number((value / raw).toPrecision(4)),
    p95: null,
    samples: 1,
    aim: { atMost: 2.3 },
    note: 'on disk per entry, journal included; floor: the entry itself',
  }
}

/** The full check, in a process that has done nothing else. */
async function fullCheck(folder: string): Promise<BenchRow> {
  const script = join(import.meta.dirname, '_ledger_check.ts')
  const { stdout } = await promisify(execFile)(process.execPath, ['--conditions=@haggle/source', script, folder])
  return JSON.parse(stdout) as BenchRow
}

function plain(
  name: string,
  unit: string,
  { value, p95, samples, note }: { value: number; p95: number; samples: number; note: string },
): BenchRow {
  return { name, value: Number(value.toPrecision(4)), unit, floor: null, ratio: null, p95: Number(p95.toPrecision(4)), samples, note }
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}
