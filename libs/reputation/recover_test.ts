// Whatever a crash or a flipped bit does to journal or database, opening heals it from the other or says what is lost, and never makes a second root.

import { memoryStore, type Store, type Write } from '@haggle/store'
import { HaggleError } from '@haggle/wire'
import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { all, entryOf, ledgerOf } from './_fixture.ts'
import { HEADER_BYTES } from './_frames.ts'
import { type Journal, memoryJournal } from './journal.ts'
import type { Ledger } from './ledger.ts'
import { HEAD_KEY, recordKey } from './_records.ts'

const SIZE = 50

/** A ledger's two halves, and copies of them that a test may spoil. */
interface Halves {
  store: Store
  journal: Journal
}

/** The keys that hold damaged values, as LevelDB reports them: reads of them throw. */
function damagedStore(inner: Store, bad: ReadonlySet<string>): Store {
  const refuse = (key: string): void => {
    if (bad.has(key)) throw new HaggleError('E_STORE_CORRUPT', 'damaged', { details: { key } })
  }
  const healed = bad as Set<string>
  return {
    ...inner,
    get: async (key) => (refuse(key), await inner.get(key)),
    async *range(range) {
      for await (const entry of inner.range(range)) {
        refuse(entry[0])
        yield entry
      }
    },
    write: async (batch, options) => {
      await inner.write(batch, options)
      for (const { key } of batch) healed.delete(key)
    },
  }
}

async function copyStore(store: Store): Promise<Store> {
  const copy = memoryStore()
  const writes: Write[] = []
  for await (const [key, value] of store.range()) writes.push({ key, value })
  await copy.write(writes)
  return copy
}

async function contentOf(store: Store): Promise<(readonly [string, Uint8Array])[]> {
  return (await all(store.range())).filter(([key]) => key !== HEAD_KEY)
}

/** A ledger of 50 entries, in groups of 1 to 4, and each of its states on the way. */
async function build(): Promise<{ ledger: Ledger; states: (Halves & { size: number })[] }> {
  const store = memoryStore()
  const journal = memoryJournal()
  const ledger = await ledgerOf({ store, journal })
  const states: (Halves & { size: number })[] = []
  for (let n = 0; n < SIZE;) {
    const group = Array.from({ length: Math.min(1 + (n % 4), SIZE - n) }, (_, i) => entryOf(n + i))
    await ledger.append(group)
    n += group.length
    states.push({ store: await copyStore(store), journal: memoryJournal(await journal.read(0, journal.length)), size: n })
  }
  return { ledger, states }
}

const { ledger: original, states } = await build()
const last = states.at(-1)!
const originalContent = await contentOf(last.store)
const originalJournal = await last.journal.read(0, last.journal.length)
const halves = async (): Promise<Halves> => ({ store: await copyStore(last.store), journal: memoryJournal(originalJournal) })

/** Everything acknowledged is there again, in both halves, under the one root. */
async function expectWhole(opened: Ledger, spoilt: Halves): Promise<void> {
  expect(opened.status()).toMatchObject({ state: 'ok', size: SIZE, lost: [], conflicts: [] })
  expect(opened.head()).toEqual(original.head())
  expect(await opened.check()).toMatchObject({ ok: true, lost: [] })
  expect(await contentOf(spoilt.store)).toEqual(originalContent)
  expect(await spoilt.journal.read(0, spoilt.journal.length)).toEqual(originalJournal)
}

let spoilt: Halves
beforeEach(async () => {
  spoilt = await halves()
})

describe('openLedger()', () => {
  it('rebuilds the database when it is gone', async () => {
    spoilt.store = memoryStore()
    await expectWhole(await ledgerOf(spoilt), spoilt)
  })

  it('rebuilds the journal when it is gone', async () => {
    spoilt.journal = memoryJournal()
    await expectWhole(await ledgerOf(spoilt), spoilt)
  })

  it('rebuilds the journal when it is cut at any byte', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: originalJournal.length - 1 }), async (length) => {
        const cut = { ...(await halves()), journal: memoryJournal(originalJournal.subarray(0, length)) }
        await expectWhole(await ledgerOf(cut), cut)
      }),
      { numRuns: 60 },
    )
  })

  it('catches the database up when it is at any earlier state', async () => {
    for (const state of states) {
      const behind = { store: await copyStore(state.store), journal: memoryJournal(originalJournal) }
      await expectWhole(await ledgerOf(behind), behind)
    }
  })

  it('cuts a torn write off and keeps what was acknowledged, whatever the tail holds', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: states.length - 2 }), fc.nat(), fc.uint8Array({ maxLength: 40 }), async (at, cut, junk) => {
        const state = states[at]!
        const torn = originalJournal.slice(0, state.journal.length + (cut % (states[at + 1]!.journal.length - state.journal.length)))
        const files = { store: await copyStore(state.store), journal: memoryJournal(Uint8Array.from([...torn, ...junk])) }
        const opened = await ledgerOf(files)
        expect(opened.status().state).toBe('ok')
        expect(opened.size).toBeGreaterThanOrEqual(state.size)
        expect(opened.head().root).toEqual(await original.rootAt(opened.size))
        expect((await all(opened.entries())).length).toBe(opened.size)
        await opened.append([entryOf(100)])
        expect((await (await ledgerOf(files)).check()).ok).toBe(true)
      }),
      { numRuns: 100 },
    )
  })

  it('heals or reports any one flipped bit of the journal', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: originalJournal.length * 8 - 1 }), async (bit) => {
        const bytes = originalJournal.slice()
        bytes[bit >> 3]! ^= 1 << (bit & 7)
        const flipped = { ...(await halves()), journal: memoryJournal(bytes) }
        const opened = await ledgerOf(flipped)
        await opened.check()
        await expectWhole(opened, flipped)
      }),
      { numRuns: 200 },
    )
  })

  it('heals any records, rows or head that the database has lost or has damaged', async () => {
    const keys = [...originalContent.map(([key]) => key).filter((key) => key.startsWith('e')), HEAD_KEY]
    await fc.assert(
      fc.asyncProperty(fc.subarray(keys, { minLength: 1 }), fc.boolean(), async (bad, missing) => {
        const files = await halves()
        const set = new Set(bad)
        if (missing) await files.store.write(bad.map((key) => ({ key, value: null })))
        const store = missing ? files.store : damagedStore(files.store, set)
        const opened = await ledgerOf({ ...files, store })
        expect(opened.head()).toEqual(original.head())
        expect((await all(opened.entries())).length).toBe(SIZE)
        await opened.check()
        await expectWhole(opened, files)
      }),
      { numRuns: 60 },
    )
  })

  it('writes the index again when a row of it is damaged or was lost', async () => {
    const rows = originalContent.map(([key]) => key).filter((key) => /^[pc]/.test(key))
    const peer = new Uint8Array(32).fill(2)
    const expected = (await all(original.bySubject(peer))).map(({ index }) => index)
    for (const bad of [rows[3]!, rows.find((key) => key.startsWith('p0202') && key.endsWith('c'))!]) {
      const files = await halves()
      const opened = await ledgerOf({ ...files, store: damagedStore(files.store, new Set([bad])) })
      expect((await all(opened.bySubject(peer))).map(({ index }) => index)).toEqual(expected)
      expect((await all(opened.bySubject(peer, { reverse: true, limit: 2 }))).map(({ index }) => index)).toEqual(
        expected.toReversed().slice(0, 2),
      )
      await opened.check()
      await expectWhole(opened, files)
    }
    await spoilt.store.write(rows.filter((_, i) => i % 3 === 0).map((key) => ({ key, value: null })))
    await expectWhole(await ledgerOf({ ...spoilt, suspect: true }), spoilt)
  })

  it('reports what both have lost, signs no other root for the size, and goes on appending when the right edge is known', async () => {
    const bytes = originalJournal.slice()
    const at = Number((await offsetOf(10)) + 20)
    bytes[at]! ^= 1
    await spoilt.store.write([{ key: recordKey(10), value: null }])
    const files = { ...spoilt, journal: memoryJournal(bytes) }
    const opened = await ledgerOf(files)
    expect((await opened.check()).lost).toEqual([{ from: 10, to: 11 }])
    expect(opened.status()).toMatchObject({ state: 'damaged', lost: [{ from: 10, to: 11 }] })
    expect(opened.head()).toEqual(original.head())
    await expect(opened.get(10)).rejects.toMatchObject({ code: 'E_LEDGER_LOST' })
    expect((await opened.get(11)).entry).toEqual(entryOf(11))
    expect(await opened.append([entryOf(SIZE)])).toBe(SIZE)
  })

  it('appends nothing when both have lost the end that the head knows of', async () => {
    await spoilt.store.write([{ key: recordKey(SIZE - 1), value: null }])
    const files = { ...spoilt, journal: memoryJournal(originalJournal.subarray(0, originalJournal.length - 3)) }
    const opened = await ledgerOf(files)
    expect(opened.status()).toMatchObject({ state: 'damaged', lost: [{ from: SIZE - 1, to: SIZE }] })
    await expect(opened.append([entryOf(99)])).rejects.toMatchObject({ code: 'E_LEDGER_DAMAGED' })
    expect(opened.head()).toEqual(original.head())
  })

  it('reports entries of which both halves have different sound versions', async () => {
    const other = await ledgerOf({ store: memoryStore(), journal: (spoilt.journal = memoryJournal()) })
    for (let n = 0; n < SIZE; n++) await other.append([entryOf(n + 1)])
    const opened = await ledgerOf({ store: spoilt.store, journal: spoilt.journal })
    expect((await opened.check()).ok).toBe(false)
    expect(opened.status().state).toBe('damaged')
  })
})

async function offsetOf(index: number): Promise<number> {
  let offset = HEADER_BYTES
  for (let i = 0; i < index; i++) offset += 12 + 16 + (await original.get(i)).bytes.length
  return offset
}
