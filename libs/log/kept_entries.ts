// Entries of other people's logs that are about me: kept for the day that their owner has lost them.

import type { Store, Write } from '@haggle/store'
import { SALT_BYTES } from '@haggle/reputation'
import { concat, toHex } from '@haggle/wire'
import type { EntryFrame } from './protocol.ts'

/** Entries kept of one log: the newest. What an owner lost is lost at the end, or is asked for soon. */
const MAX_PER_OWNER = 4096

/** Entries that counterparties showed, by owner and log. */
export interface KeptEntries {
  keep(owner: Uint8Array, log: number, entries: readonly EntryFrame[]): Promise<void>
  /** Entries of `owner`'s log from index `from` on, in order. */
  of(owner: Uint8Array, log: number, from: number): AsyncIterable<EntryFrame>
}

/** Entries kept in `store`, which is theirs alone. */
export function keptEntries(store: Store): KeptEntries {
  const prefixOf = (owner: Uint8Array, log: number): string => `e${toHex(owner)}${hex8(log)}`
  return {
    async keep(owner: Uint8Array, log: number, entries: readonly EntryFrame[]): Promise<void> {
      if (entries.length === 0) return
      const prefix = prefixOf(owner, log)
      const writes: Write[] = entries.map(({ index, salt, bytes }) => ({ key: prefix + hex8(index), value: concat(salt, bytes) }))
      let count = entries.length
      for await (const [key] of store.range({ gte: `${prefix}0`, lt: `${prefix}g`, reverse: true }))
        if (++count > MAX_PER_OWNER) writes.push({ key, value: null })
      await store.write(writes)
    },
    async *of(owner: Uint8Array, log: number, from: number): AsyncGenerator<EntryFrame> {
      const prefix = prefixOf(owner, log)
      for await (const [key, payload] of store.range({ gte: prefix + hex8(from), lt: `${prefix}g` })) {
        yield { index: Number.parseInt(key.slice(-8), 16), salt: payload.subarray(0, SALT_BYTES), bytes: payload.subarray(SALT_BYTES) }
      }
    },
  }
}

function hex8(value: number): string {
  return value.toString(16).padStart(8, '0')
}
