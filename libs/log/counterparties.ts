// Who my counterparties of the last 90 days are: those whom my heads go to. Read once from the end of the ledger, then followed as it grows.

import type { Ledger } from '@haggle/reputation'
import { equalBytes, fromHex, toHex } from '@haggle/wire'

/** Days for which a counterparty is sent heads after its last entry. */
export const COUNTERPARTY_DAYS = 90

/** Entries read from the end of the ledger at first: bounds the start of a node with a long history. */
const MAX_READ = 20_000

/** Counterparties, newest first. */
export interface Counterparties {
  /** Keys of all that have an entry of the last 90 days. `nowS` is unix seconds. */
  list(nowS: number): Promise<Uint8Array[]>
  has(key: Uint8Array, nowS: number): Promise<boolean>
  /**
   * May `key` say that it knows no head of mine? A counterparty from before this opening may: it would have been brought one. One that came since knows
   * none whatever there was, as a restored backup's first new customer does; it counts only where the log had no counterparty when it was opened.
   */
  mayConfirm(key: Uint8Array, nowS: number): Promise<boolean>
  /** Has the ledger read again: entries were put back among those that were read. */
  reread(): void
}

/** Follows whatever `ledger` gives as the current ledger. */
export function followCounterparties(ledger: () => Ledger): Counterparties {
  const last = new Map<string, number>()
  /** When those that the log had at the opening were dealt with last, as it was then. */
  const before = new Map<string, number>()
  const opened = ledger()
  const openedSize = opened.size
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
      for await (const { index, entry } of current.entries({ from: next, to })) {
        if (entry.peer === null || equalBytes(entry.peer, current.key)) continue
        note(last, toHex(entry.peer), entry.at)
        if (current === opened && index < openedSize) note(before, toHex(entry.peer), entry.at)
      }
      next = to
    }
    return nowS - COUNTERPARTY_DAYS * 86_400
  }
  return {
    async list(nowS: number): Promise<Uint8Array[]> {
      const since = await follow(nowS)
      return [...last]
        .filter(([, at]) => at >= since)
        .sort((a, b) => b[1] - a[1])
        .map(([key]) => fromHex(key))
    },
    async has(key: Uint8Array, nowS: number): Promise<boolean> {
      const since = await follow(nowS)
      return (last.get(toHex(key)) ?? -1) >= since
    },
    async mayConfirm(key: Uint8Array, nowS: number): Promise<boolean> {
      const since = await follow(nowS)
      const known = [...before.values()].some((at) => at >= since) ? before : last
      return (known.get(toHex(key)) ?? -1) >= since
    },
    reread(): void {
      followed = undefined
    },
  }
}

function note(times: Map<string, number>, key: string, at: number): void {
  times.set(key, Math.max(at, times.get(key) ?? 0))
}
