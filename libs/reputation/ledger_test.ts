// The ledger appends in groups, proves what it holds to anyone, and reads by index, peer and contract.

import { memoryStore, type Store } from '@haggle/store'
import { equalBytes, utf8 } from '@haggle/wire'
import { expect, it } from 'vitest'
import { all, entryOf, ledgerOf, owner, sha256 } from './_fixture.ts'
import { decodeEntry, type Entry, entryLeaf } from './entry.ts'
import { type Journal, memoryJournal } from './journal.ts'
import { leafHash, verifyConsistency, verifyInclusion } from './rfc9162.ts'

const entries = (from: number, to: number): Entry[] => Array.from({ length: to - from }, (_, i) => entryOf(from + i))

it('append() resolves with the index of the first entry and keeps every entry byte for byte', async () => {
  const ledger = await ledgerOf()
  expect(await ledger.append(entries(0, 3))).toBe(0)
  expect(await ledger.append(entries(3, 4))).toBe(3)
  expect(await ledger.append([])).toBe(4)
  const seen = await all(ledger.entries())
  expect(seen.map((s) => s.entry)).toEqual(entries(0, 4))
  for (const { bytes, salt, leaf, entry } of seen) {
    expect(decodeEntry(bytes)).toEqual(entry)
    expect(leaf).toEqual(entryLeaf(salt, bytes, sha256))
    expect(leaf).toEqual(leafHash(sha256(Uint8Array.from([...salt, ...bytes])), sha256))
  }
})

it('append() gives two equal entries different leaves', async () => {
  const ledger = await ledgerOf()
  await ledger.append([entryOf(1), entryOf(1)])
  const [a, b] = await all(ledger.entries())
  expect(equalBytes(a!.leaf, b!.leaf)).toBe(false)
})

it('append() shares writes when many ask at once, in the order they asked', async () => {
  let writes = 0
  const inner = memoryStore()
  const store: Store = { ...inner, write: (batch, options) => (writes++, inner.write(batch, options)) }
  const ledger = await ledgerOf({ store })
  const before = writes
  const firsts = await Promise.all(Array.from({ length: 100 }, (_, i) => ledger.append([entryOf(i)])))
  expect(firsts).toEqual(Array.from({ length: 100 }, (_, i) => i))
  expect(writes - before).toBeLessThan(4)
})

it('append() refuses a bad entry and writes nothing of its call', async () => {
  const ledger = await ledgerOf()
  await expect(ledger.append([entryOf(1), { ...entryOf(2), at: -1 }])).rejects.toMatchObject({ code: 'E_WIRE_SCHEMA' })
  expect(ledger.size).toBe(0)
})

it('append() tells whoever waits when their group can not be made ready, and takes the next', async () => {
  const inner = memoryJournal()
  let broken = false
  const journal: Journal = {
    ...inner,
    get length() {
      return inner.length
    },
    checksum(bytes) {
      if (broken) throw new TypeError('no checksum')
      return inner.checksum(bytes)
    },
  }
  const ledger = await ledgerOf({ journal })
  await ledger.append([entryOf(0)])
  broken = true
  await expect(ledger.append([entryOf(1)])).rejects.toThrow('no checksum')
  broken = false
  expect(await ledger.append([entryOf(2)])).toBe(1)
  expect(ledger.status()).toMatchObject({ state: 'ok', size: 2 })
})

it('append() refuses while the disk refuses, and goes on behind what reached the disk once it takes bytes again', async () => {
  const inner = memoryJournal()
  let full = false
  const journal: Journal = {
    ...inner,
    get length() {
      return inner.length
    },
    append: async (bytes) => (full ? Promise.reject(new Error('ENOSPC')) : await inner.append(bytes)),
    overwrite: async (from, bytes) => (full ? Promise.reject(new Error('ENOSPC')) : await inner.overwrite(from, bytes)),
  }
  const store = memoryStore()
  const ledger = await ledgerOf({ store, journal })
  await ledger.append([entryOf(0)])
  const head = ledger.head()
  full = true
  for (let tries = 0; tries < 2; tries++) {
    await expect(ledger.append([entryOf(1)])).rejects.toMatchObject({ code: 'E_LEDGER_WRITE' })
    expect(ledger.head()).toEqual(head)
    expect(ledger.status().state).toBe('failed')
  }
  full = false
  // The database had taken the first refused entry.
  expect((await Promise.all([ledger.append([entryOf(2)]), ledger.append([entryOf(3)])])).toSorted()).toEqual([2, 3])
  expect(ledger.status()).toMatchObject({ state: 'ok', size: 4 })
  const again = await ledgerOf({ store, journal })
  expect(again.status()).toMatchObject({ state: 'ok', size: 4 })
  expect(again.head()).toEqual(ledger.head())
})

it('proofs verify for every index and between every two sizes', async () => {
  const ledger = await ledgerOf()
  for (let i = 0; i < 20; i++) await ledger.append([entryOf(i)])
  const stored = await all(ledger.entries())
  for (let to = 0; to <= 20; to++) {
    const toRoot = await ledger.rootAt(to)
    for (let from = 0; from <= to; from++) {
      const proof = await ledger.consistencyProof(from, to)
      expect(verifyConsistency({ from, to, fromRoot: await ledger.rootAt(from), toRoot, proof }, sha256)).toBe(true)
    }
    for (let index = 0; index < to; index++) {
      const proof = await ledger.inclusionProof(index, to)
      expect(verifyInclusion({ leaf: stored[index]!.leaf, index, size: to, proof, root: toRoot }, sha256)).toBe(true)
    }
  }
  expect(ledger.head()).toEqual({ log: 0, size: 20, root: await ledger.rootAt(20) })
})

it('bySubject() and byContract() find what is about a peer and about a contract', async () => {
  const ledger = await ledgerOf()
  await ledger.append(entries(0, 23))
  const about = async (options?: { reverse?: boolean; limit?: number }): Promise<number[]> =>
    (await all(ledger.bySubject(new Uint8Array(32).fill(2), options))).map((s) => s.index)
  expect(await about()).toEqual([2, 7, 12, 17, 22])
  expect(await about({ reverse: true, limit: 2 })).toEqual([22, 17])
  expect((await all(ledger.byContract(sha256(utf8('contract 7'))))).map((s) => s.index)).toEqual([7])
  expect(await all(ledger.byContract(sha256(utf8('contract 99'))))).toEqual([])
})

it('reads refuse what is outside of the ledger, and everything after close()', async () => {
  const ledger = await ledgerOf()
  await ledger.append(entries(0, 2))
  await expect(ledger.get(2)).rejects.toMatchObject({ code: 'E_LEDGER_RANGE' })
  await expect(ledger.inclusionProof(2)).rejects.toMatchObject({ code: 'E_LEDGER_RANGE' })
  await expect(ledger.inclusionProof(0, 0)).rejects.toMatchObject({ code: 'E_LEDGER_RANGE' })
  await expect(ledger.consistencyProof(2, 1)).rejects.toMatchObject({ code: 'E_LEDGER_RANGE' })
  await expect(ledger.rootAt(3)).rejects.toMatchObject({ code: 'E_LEDGER_RANGE' })
  await expect(ledger.get(0.5)).rejects.toMatchObject({ code: 'E_LEDGER_RANGE' })
  const waiting = ledger.append([entryOf(2)])
  await ledger.close()
  expect(await waiting).toBe(2)
  await expect(ledger.append([entryOf(3)])).rejects.toMatchObject({ code: 'E_LEDGER_CLOSED' })
  await expect(ledger.get(0)).rejects.toMatchObject({ code: 'E_LEDGER_CLOSED' })
})

it('openLedger() goes on where it was, and refuses the journal of another key or log', async () => {
  const parts = { store: memoryStore(), journal: memoryJournal() }
  const first = await ledgerOf(parts)
  await first.append(entries(0, 9))
  await first.close()
  const second = await ledgerOf(parts)
  expect(second.head()).toEqual(first.head())
  expect(second.status()).toEqual({ state: 'ok', size: 9, healed: 0, cutBytes: 0, lost: [], conflicts: [] })
  expect(await second.append(entries(9, 10))).toBe(9)
  await expect(ledgerOf({ ...parts, log: 1 })).rejects.toMatchObject({ code: 'E_LEDGER_OTHER' })
  const stranger = { publicKey: new Uint8Array(32).fill(3), sign: owner.signer.sign }
  await expect(ledgerOf({ ...parts, signer: stranger })).rejects.toMatchObject({ code: 'E_LEDGER_OTHER' })
})
