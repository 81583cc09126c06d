// When a receipt counts as one that only one side signed: not before the protocol stops waiting for the other side.

import { setTimeout as pause } from 'node:timers/promises'
import { CLOSE_MS } from '@haggle/contract'

/** Between two looks, ms. */
const LOOK_MS = 250
/** A side waits {@link CLOSE_MS} for the other's RECEIPT; what came in the last moment is then being written. Ms. */
const WAIT_MS = CLOSE_MS + 5_000

/** Looks until both have signed, or until nobody waits for that any more; gives who has. */
export async function untilSignedByBoth(
  look: () => Promise<string>,
  { everyMs = LOOK_MS, mostMs = WAIT_MS }: { readonly everyMs?: number; readonly mostMs?: number } = {},
): Promise<string> {
  for (let left = mostMs; ; left -= everyMs) {
    const signers = await look()
    if (signers === 'both' || left <= 0) return signers
    await pause(everyMs)
  }
}
