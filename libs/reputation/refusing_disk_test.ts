// A disk that refuses some of the writes, before or after they reached it: nothing acknowledged is lost, nothing else is made of it, and the ledger goes on.

import { memoryStore, type Store, type Write } from '@haggle/store'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { entryOf, ledgerOf } from './_fixture.ts'
import { type Journal, memoryJournal } from './journal.ts'

/**
 * What becomes of a write: done; refused; done and said to be refused; done in part and refused; refused, and in the database all the same once it is opened
 * anew, which it is before the next write.
 */
type Fate = 'done' | 'refused' | 'unsure' | 'torn' | 'late'

const refusal = (): Error => Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' })

/** Carries a write out as fate has it. */
async function carryOut(fate: Fate, write: () => Promise<void>, part: () => Promise<void> = async () => undefined): Promise<void> {
  if (fate === 'done' || fate === 'unsure') await write()
  if (fate === 'torn') await part()
  if (fate !== 'done') throw refusal()
}

/** A store and a journal that ask `next` before each write. */
function refusing(next: (side: 'store' | 'journal') => Fate): { store: Store; journal: Journal } {
  const store = memoryStore()
  const journal = memoryJournal()
  const late: (readonly Write[])[] = []
  const write: Store['write'] = async (batch, options) => {
    const fate = next('store')
    if (fate !== 'refused') for (const one of late.splice(0)) await store.write(one)
    if (fate === 'late') late.push(batch)
    await carryOut(fate, () => store.write(batch, options))
  }
  return {
    store: { ...store, write },
    journal: {
      ...journal,
      get length() {
        return journal.length
      },
      append: (bytes) =>
        carryOut(
          next('journal'),
          () => journal.append(bytes),
          () => journal.append(bytes.subarray(0, bytes.length >> 1)),
        ),
      overwrite: (from, bytes) =>
        carryOut(
          next('journal'),
          () => journal.overwrite(from, bytes),
          () => journal.overwrite(from, bytes.subarray(0, bytes.length >> 1)),
        ),
      truncate: (length) => carryOut(next('journal'), () => journal.truncate(length)),
    },
  }
}

const fate: fc.Arbitrary<Fate> = fc.constantFrom('done', 'done', 'refused', 'unsure', 'torn', 'late')

it('append() loses nothing that it acknowledged, and never calls itself damaged, whatever a disk refuses', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ count: fc.integer({ min: 1, max: 3 }), fates: fc.array(fate, { maxLength: 6 }) }), { maxLength: 12 }),
      async (calls) => {
        let fates: Fate[] = []
        const disk = refusing(() => fates.shift() ?? 'done')
        const ledger = await ledgerOf(disk)
        const acknowledged = new Map<number, number>()
        let n = 0
        const append = async (count: number): Promise<void> => {
          const from = n
          n += count
          const first = await ledger.append(Array.from({ length: count }, (_, i) => entryOf(from + i)))
          for (let i = 0; i < count; i++) acknowledged.set(first + i, from + i)
        }
        for (const call of calls) {
          fates = [...call.fates]
          await append(call.count).catch((error: unknown) => expect(error).toMatchObject({ code: 'E_LEDGER_WRITE' }))
          expect(['ok', 'failed']).toContain(ledger.status().state)
        }
        fates = []
        await append(1)
        const again = await ledgerOf(disk)
        for (const one of [ledger, again]) {
          expect(one.status()).toMatchObject({ state: 'ok', lost: [], conflicts: [] })
          for (const [index, number] of acknowledged) expect((await one.get(index)).entry).toEqual(entryOf(number))
        }
        expect(again.head()).toEqual(ledger.head())
        expect((await again.check()).ok).toBe(true)
      },
    ),
    { numRuns: 300 },
  )
})
