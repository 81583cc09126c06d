// Entries that the ledger could not take when they happened: kept on disk, in order and with their times, until it can.

import { decodeEntry, encodeEntry, type Entry } from '@haggle/reputation'
import type { Store } from '@haggle/store'

/** See the file's first line. */
export interface WaitingEntries {
  /** How many wait. */
  readonly count: number
  /** Resolves when it is on disk. Throws `E_WIRE_SCHEMA` and `E_WIRE_SIZE` for what no ledger would take, and what the store throws. */
  add(entry: Entry): Promise<void>
  /** What waits, oldest first. */
  list(): AsyncIterable<Entry>
  /** Gives each to `put`, oldest first, and forgets those that it takes. What it throws is returned: one that can't be put holds up no other. */
  flush(put: (entry: Entry) => Promise<void>): Promise<readonly unknown[]>
}

/** The entries that wait in `store`, a store or sub-store of theirs alone. */
export async function openWaiting(store: Store): Promise<WaitingEntries> {
  const waiting = new Set<string>()
  for await (const [key] of store.range({})) waiting.add(key)
  let next = 1 + Math.max(-1, ...[...waiting].map((key) => Number.parseInt(key, 16)))
  return {
    get count(): number {
      return waiting.size
    },
    async add(entry: Entry): Promise<void> {
      const key = (next++).toString(16).padStart(8, '0')
      await store.write([{ key, value: encodeEntry(entry) }])
      waiting.add(key)
    },
    async *list(): AsyncGenerator<Entry> {
      for await (const [, bytes] of store.range({})) yield decodeEntry(bytes)
    },
    async flush(put: (entry: Entry) => Promise<void>): Promise<readonly unknown[]> {
      const failures: unknown[] = []
      for (const key of waiting) {
        try {
          const bytes = await store.get(key)
          if (bytes !== undefined) await put(decodeEntry(bytes))
          await store.write([{ key, value: null }])
          waiting.delete(key)
        } catch (error) {
          failures.push(error)
        }
      }
      return failures
    },
  }
}
