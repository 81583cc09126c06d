// Entries kept for others: by owner and log, from an index on, the newest 4,096.

import { memoryStore } from '@haggle/store'
import { expect, it } from 'vitest'
import { keptEntries } from './kept_entries.ts'
import type { EntryFrame } from './protocol.ts'

const frame = (index: number): EntryFrame => ({
  index,
  salt: new Uint8Array(16).fill(index & 255),
  bytes: Uint8Array.of(index & 255, index >> 8),
})
const [ann, bob] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)]

async function indexes(kept: AsyncIterable<EntryFrame>): Promise<number[]> {
  const found: number[] = []
  for await (const { index } of kept) found.push(index)
  return found
}

it('keptEntries() gives back what it was given, each owner and log apart', async () => {
  const kept = keptEntries(memoryStore())
  await kept.keep(ann, 0, [frame(3), frame(300)])
  await kept.keep(ann, 1, [frame(1)])
  await kept.keep(bob, 0, [frame(2)])
  await kept.keep(bob, 0, [])
  const found: EntryFrame[] = []
  for await (const each of kept.of(ann, 0, 0)) found.push(each)
  expect(found).toEqual([frame(3), frame(300)])
  expect(await indexes(kept.of(ann, 0, 4))).toEqual([300])
  expect(await indexes(kept.of(ann, 1, 0))).toEqual([1])
  expect(await indexes(kept.of(bob, 0, 0))).toEqual([2])
})

it('keptEntries() forgets the oldest of one log when there are too many', async () => {
  const kept = keptEntries(memoryStore())
  for (let from = 0; from < 4_200; from += 100)
    await kept.keep(
      ann,
      0,
      Array.from({ length: 100 }, (_, i) => frame(from + i)),
    )
  const found = await indexes(kept.of(ann, 0, 0))
  expect(found.length).toBeLessThanOrEqual(4_096)
  expect(found.at(-1)).toBe(4_199)
  expect(found[0]).toBeGreaterThanOrEqual(100)
})
