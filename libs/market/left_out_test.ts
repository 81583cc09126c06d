import type { EntryKind } from '@haggle/reputation'
import { expect, it } from 'vitest'
import { leftOut } from './left_out.ts'

async function* entriesOf(...lines: readonly (readonly [kind: EntryKind, number: number | null])[]): AsyncGenerator<{
  index: number
  entry: { kind: EntryKind; number: number | null }
}> {
  for (const [index, [kind, number]] of lines.entries()) yield { index, entry: { kind, number } }
}

it('leftOut() names what neither the entries that came back nor those written since explain', async () => {
  const lines = [
    ['opened', 0],
    ['closed', 0],
    ['opened', 2],
    ['void', 3],
  ] as const
  expect(await leftOut(entriesOf(...lines, ['opened', 7], ['closed', 7], ['opened', 9]), 4)).toEqual([1, 4, 5, 6])
  // A number that was used again says nothing of what was left out, and numbers that are still to come are nobody's business.
  expect(await leftOut(entriesOf(...lines, ['opened', 2], ['opened', 5]), 4)).toEqual([1, 4])
})

it('leftOut() is empty when nothing was numbered since, and in a log that succeeds another', async () => {
  expect(await leftOut(entriesOf(['opened', 0], ['opened', 4]), 2)).toEqual([])
  expect(await leftOut(entriesOf(['opened', 0], ['opened', 4], ['receipt', null]), 2)).toEqual([])
  expect(await leftOut(entriesOf(['succeeds', 0], ['opened', 9]), 0)).toEqual([])
})
