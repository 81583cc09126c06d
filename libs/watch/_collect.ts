// Collecting: asks the witnesses of a case for the bitmaps of a window that are not here yet.

import { bitmapDigest, type Case, signedBy } from '@haggle/witness'
import type { RoleParts } from './_role.ts'

/** Asks for what is missing; returns the places whose bitmap is here now. */
export async function collectBitmaps(
  { ask, court, evidence }: RoleParts,
  { id, committee, slotS }: Case,
  window: number,
): Promise<ReadonlySet<number>> {
  const have = new Set((await evidence.bitmaps(id, window)).map(({ index }) => index))
  const missing = [...committee.entries()].filter(([index]) => !have.has(index))
  await Promise.allSettled(
    missing.map(async ([index, { account, peerKey }]) => {
      const answer = await ask(peerKey, { name: 'bitmap', body: { id, window } }, slotS * 1_000)
      if (answer.name !== 'bitmap') return
      const { down, sig } = answer.body
      if (!signedBy(account, bitmapDigest(court.parameters, { id, window, down }), sig)) return
      await evidence.keepBitmap(id, window, { index, down, sig })
      have.add(index)
    }),
  )
  return have
}
