// Who my counterparties of the last 90 days are: those whom my heads go to. Read once from the end of the ledger, then followed as it grows.

import type { Ledger } from '@haggle/reputation'
import { fromHex, toHex } from '@haggle/wire'

/** Days for which a counterparty is sent heads after its last entry. */
export const COUNTERPARTY_DAYS = 90

/** Entries read from the end of the ledger at first: bounds the start of a node with a long history. */
const MAX_READ = 20_000

/** Counterparties, newest first. */
export interface Counterparties {
  /** Keys of all that have an entry of the last 90 days. `nowS` is unix seconds. */
  list(nowS: number): Promise<Uint8Array[]>
  has(key: Uint8Array, nowS: number): Promise<boolean>
}

/** Follows whatever `ledger` gives as the current ledger. */
export function followCounterparties(ledger: () => Ledger): Counterparties {
  const last = new Map<string, number>()
  let followed: Ledger | undefined
  let next = 0
  const follow = async (nowS: number): Promise<number> => {
    const current = ledger()
    if (current !== followed) {
      followed = current
      next = Math.max(0, current.size - MAX_READ)
    }
    const to = current.size
    if (next < to) {
      for await (const { entry } of current.entries({ from: next, to }))
        if (entry.peer) last.set(toHex(entry.peer), Math.max(entry.at, last.get(toHex(entry.peer)) ?? 0))
      next = to
    }
    return nowS - COUNTERPARTY_DAYS * 86_400
  }
  return {
    async list(nowS: number): Promise<Uint8Array[]> {
      const since = await follow(nowS)
      const own = toHex(ledger().key)
      return [...last]
        .filter(([key, at]) => at >= since && key !== own)
        .sort((a, b) => b[1] - a[1])
        .map(([key]) => fromHex(key))
    },
    async has(key: Uint8Array, nowS: number): Promise<boolean> {
      const since = await follow(nowS)
      return (last.get(toHex(key)) ?? -1) >= since
    },
  }
}
