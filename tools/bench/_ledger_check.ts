// The row of the full check over the ledger in FOLDER: every entry read from both halves and its tree recomputed, beside its hashes alone.
// Usage: _ledger_check.ts FOLDER, which prints the row as JSON.

import { randomFillSync } from 'node:crypto'
import { nodeSuite } from '@haggle/identity/node'
import { encodeEntry } from '@haggle/reputation'
import { toHex } from '@haggle/wire'
import { closingAt, compacted, openBenchHome } from './_ledger_home.ts'
import { alternate, rowOf } from './row.ts'

/** Entries that the floor hashes in its turn. */
const FLOOR_ENTRIES = 200_000

const { sha256 } = nodeSuite()
await using home = await openBenchHome(process.argv[2] ?? '')
const { ledger } = home
const payload = randomFillSync(new Uint8Array(encodeEntry(closingAt(1, 10)).length + 16))
const leaf = new Uint8Array(33)
const node = new Uint8Array(65)

/** The three hashes of an entry: its bytes, its leaf, and one node. */
function hashAll(): void {
  for (let i = 0; i < FLOOR_ENTRIES; i++) {
    leaf.set(sha256(payload), 1)
    node.set(sha256(leaf), 1)
    sha256(node)
  }
}

const measured = await alternate(
  {
    async subject() {
      await compacted()
      const started = performance.now()
      const report = await ledger.check()
      if (!report.ok) throw new Error(`the check failed: ${toHex(ledger.head().root)}`)
      return [report.entries / ((performance.now() - started) / 1000)]
    },
    floor() {
      const started = performance.now()
      hashAll()
      return [FLOOR_ENTRIES / ((performance.now() - started) / 1000)]
    },
  },
  0.05,
)
const row = rowOf('ledger-check', '/s', measured, {
  aim: { atLeast: 0.6 },
  note: 'every entry read from both halves and hashed; floor: the three hashes of an entry',
})
process.stdout.write(`${JSON.stringify(row)}\n`)
