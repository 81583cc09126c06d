// The journal on disk does what the one in memory does, and is there when it is opened again.

import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, expect, it } from 'vitest'
import { crc32 } from './crc32.ts'
import { ledgerJournals, openJournal } from './file_journal.ts'
import { type Journal, memoryJournal } from './journal.ts'

const root = await mkdtemp(join(tmpdir(), 'haggle-journal-'))
afterAll(async () => await rm(root, { recursive: true }))
let files = 0

const step = fc.oneof(
  fc.record({ kind: fc.constant('append' as const), bytes: fc.uint8Array({ maxLength: 40 }) }),
  fc.record({ kind: fc.constant('overwrite' as const), at: fc.nat(), bytes: fc.uint8Array({ maxLength: 10 }) }),
  fc.record({ kind: fc.constant('truncate' as const), at: fc.nat() }),
)

it('openJournal() keeps the same bytes as memoryJournal() through any writes, and across an opening', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
      const path = join(root, `${++files}.journal`)
      const memory = memoryJournal()
      let file: Journal = await openJournal(path)
      for (const each of steps) {
        const within = each.kind === 'append' ? 0 : each.at % (memory.length + 1)
        for (const journal of [memory, file]) {
          if (each.kind === 'append') await journal.append(each.bytes)
          else if (each.kind === 'truncate') await journal.truncate(within)
          else await journal.overwrite(within, each.bytes)
        }
        expect(file.length).toBe(memory.length)
      }
      await file.close()
      file = await openJournal(path)
      expect(await file.read(0, 1e6)).toEqual(await memory.read(0, 1e6))
      expect(await file.read(3, 5)).toEqual(await memory.read(3, 5))
      expect((await file.read(memory.length + 5, 5)).length).toBe(0)
      await file.close()
    }),
    { numRuns: 40 },
  )
})

it('same() of both journals is true for the same bytes alone', async () => {
  const journal = await openJournal(join(root, 'same'))
  for (const { same } of [journal, memoryJournal()]) {
    fc.assert(fc.property(fc.uint8Array(), fc.uint8Array(), (a, b) => same(a, b) === (a.join() === b.join())))
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1 }), fc.nat(), (bytes, at) => {
        const other = Uint8Array.of(0, ...bytes).subarray(1)
        expect(same(bytes, other)).toBe(true)
        other[at % other.length]! ^= 1
        expect(same(bytes, other)).toBe(false)
      }),
    )
  }
  await journal.close()
})

it('openJournal() gives the checksum that crc32() gives', async () => {
  const journal = await openJournal(join(root, 'checksum'))
  expect(crc32(new TextEncoder().encode('123456789'))).toBe(0xcbf43926)
  fc.assert(fc.property(fc.uint8Array(), (bytes) => journal.checksum(bytes) === crc32(bytes)))
  await journal.close()
})

it('ledgerJournals() names the first ledger.journal and successors by number, for their owner alone', async () => {
  const journals = ledgerJournals(join(root, 'home'))
  for (const log of [0, 1]) await (await journals(log)).close()
  expect((await stat(join(root, 'home', 'ledger.journal'))).mode & 0o777).toBe(0o600)
  expect((await stat(join(root, 'home', 'ledger.1.journal'))).isFile()).toBe(true)
})

it('openJournal() says which file it cannot open', async () => {
  await expect(openJournal(root)).rejects.toMatchObject({ code: 'E_JOURNAL_OPEN', details: { path: root } })
})
