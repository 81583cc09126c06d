// Heads: signed only by a log that knows its own last word, compared by others, and evidence when two can't both be honest.

import { memoryStore } from '@haggle/store'
import { equalBytes, networkId, seal } from '@haggle/wire'
import { virtualClock } from '@haggle/wire/testing'
import { createIdentity } from '@haggle/identity'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { all, entryOf, ledgerOf, owner, seeded, suite } from './_fixture.ts'
import { type Checkpoint, checkpointMessage, type SignedHead } from './checkpoint.ts'
import { cosign, cosignMessage } from './cosign.ts'
import { contradiction, forkEvidence, isEvidence, readEvidence, rewriteEvidence } from './evidence.ts'
import { type HeadBook, openHeadBook } from './head_book.ts'
import { CHECKPOINT_ENTRIES, CHECKPOINT_MS, type HeadSigner, openHeadSigner } from './head_signer.ts'
import type { Ledger } from './ledger.ts'
import { memoryJournal } from './journal.ts'

const network = networkId('devnet-heads')
const clock = virtualClock()

async function signerOf(ledger: Ledger, store = memoryStore()): Promise<HeadSigner> {
  return await openHeadSigner({ ledger, store, signer: owner.signer, suite, clock, network })
}

const bookOf = (): HeadBook => openHeadBook({ store: memoryStore(), suite, network })
const many = (n: number, from = 0): ReturnType<typeof entryOf>[] => Array.from({ length: n }, (_, i) => entryOf(from + i))

/** A head that says whatever it is told, signed with the owner's key: what a cheater can make. */
function forged(body: Partial<Checkpoint> & { size: number }, signer = owner.signer): SignedHead {
  const root = suite.sha256(Uint8Array.of(body.size))
  const full: Checkpoint = { log: 0, root, prevSize: 0, prevRoot: root, block: null, reason: 'asked', ...body }
  return seal(
    checkpointMessage,
    { network, audience: null, thread: null, seq: 1, prev: null, ack: null, iat: 1, exp: 2, body: full },
    signer,
    suite,
  )
}

describe('openHeadSigner()', () => {
  it('signs nothing until somebody has shown its last head, or that there is none', async () => {
    const ledger = await ledgerOf()
    const heads = await signerOf(ledger)
    await ledger.append(many(3))
    await expect(heads.sign('asked')).rejects.toMatchObject({ code: 'E_HEAD_UNCONFIRMED' })
    expect(await heads.shown(null)).toMatchObject({ state: 'ok' })
    const head = await heads.sign('asked')
    expect(head.body).toMatchObject({ ...ledger.head(), prevSize: 0, reason: 'asked' })
  })

  it('opens no heads that were signed for another network, or with another key', async () => {
    const [ledger, store] = [await ledgerOf(), memoryStore()]
    const heads = await signerOf(ledger, store)
    await heads.shown(null)
    await ledger.append(many(2))
    await heads.sign('asked')
    const parts = { ledger, store, signer: owner.signer, suite, clock, network }
    await expect(openHeadSigner({ ...parts, network: networkId('devnet-other') })).rejects.toMatchObject({ code: 'E_LEDGER_NETWORK' })
    await expect(openHeadSigner({ ...parts, signer: createIdentity(new Uint8Array(32).fill(9)).signer })).rejects.toMatchObject({
      code: 'E_LEDGER_OTHER',
    })
    expect((await openHeadSigner(parts)).status()).toMatchObject({ signedSize: 2 })
  })

  it('chains its heads, gives the same bytes for the same size and keeps them all', async () => {
    const ledger = await ledgerOf()
    const store = memoryStore()
    const heads = await signerOf(ledger, store)
    await heads.shown(null)
    await ledger.append(many(3))
    const [first, again] = await Promise.all([heads.sign('asked'), heads.sign('time')])
    expect(again.bytes).toEqual(first.bytes)
    await ledger.append(many(4))
    const second = await heads.sign('asked')
    expect(second.body).toMatchObject({ size: 7, prevSize: 3, prevRoot: first.body.root })
    expect(second.seq).toBeGreaterThan(first.seq)
    expect(contradiction(first.body, second.body)).toBeUndefined()
    const reopened = await signerOf(ledger, store)
    expect(reopened.last()?.bytes).toEqual(second.bytes)
    expect((await all(reopened.since(0))).map((h) => h.body.size)).toEqual([3, 7])
    await expect(reopened.sign('asked')).rejects.toMatchObject({ code: 'E_HEAD_UNCONFIRMED' })
    expect(await reopened.shown(null)).toMatchObject({ state: 'unconfirmed' })
    expect(await reopened.shown(first.bytes)).toMatchObject({ state: 'ok' })
  })

  it('is behind when somebody shows a larger head, and signs nothing until it has caught up', async () => {
    const journal = memoryJournal()
    const store = memoryStore()
    const ledger = await ledgerOf({ store, journal })
    const heads = await signerOf(ledger)
    await heads.shown(null)
    await ledger.append(many(10))
    const backup = await journal.read(0, journal.length)
    await heads.sign('asked')
    await ledger.append(many(5, 10))
    const last = await heads.sign('asked')
    const kept = (await all(ledger.entries({ from: 10 }))).map(({ index, salt, bytes }) => ({ index, salt, bytes }))

    const restored = await ledgerOf({ journal: memoryJournal(backup), random: seeded(2) })
    const signer = await signerOf(restored)
    await restored.append(many(2, 100)) // contracts go on meanwhile
    expect(await signer.shown(last.bytes)).toMatchObject({ state: 'behind', target: { body: { size: 15 } } })
    await expect(signer.sign('asked')).rejects.toMatchObject({ code: 'E_HEAD_BEHIND' })
    await expect(restored.restore(last.body, kept.slice(1))).rejects.toMatchObject({ code: 'E_RESTORE_ROOT' })
    await expect(restored.restore(last.body, kept.slice(0, 4))).rejects.toMatchObject({ code: 'E_RESTORE_MISSING' })
    expect(restored.size).toBe(12)

    await restored.restore(last.body, kept)
    expect(restored.status()).toMatchObject({ state: 'ok', size: 17 })
    expect(await restored.rootAt(15)).toEqual(last.body.root)
    expect((await restored.get(16)).entry).toEqual(entryOf(101))
    expect((await restored.check()).ok).toBe(true)
    expect(await signer.shown(last.bytes)).toMatchObject({ state: 'ok', target: undefined })
    const next = await signer.sign('asked')
    expect(next.body).toMatchObject({ size: 17, prevSize: 15, prevRoot: last.body.root })
  })

  it('is behind, and catches up, when the log has grown past a head that it does not come to', async () => {
    const whole = await ledgerOf()
    const before = await signerOf(whole)
    await before.shown(null)
    await whole.append(many(6))
    const last = await before.sign('asked')
    const kept = (await all(whole.entries({ from: 2 }))).map(({ index, salt, bytes }) => ({ index, salt, bytes }))

    // A backup from before the first head, with which more was dealt than what it lacks.
    const restored = await ledgerOf({ journal: memoryJournal(), random: seeded(2) })
    await restored.append(many(9, 100))
    const heads = await signerOf(restored)
    expect(await heads.shown(last.bytes)).toMatchObject({ state: 'behind', target: { body: { size: 6 } } })
    await expect(heads.sign('asked')).rejects.toMatchObject({ code: 'E_HEAD_BEHIND' })
    const first = (await all(whole.entries({ to: 2 }))).map(({ index, salt, bytes }) => ({ index, salt, bytes }))
    await restored.restore(last.body, [...first, ...kept])
    expect(restored.status()).toMatchObject({ state: 'ok', size: 15 })
    expect(await heads.shown(last.bytes)).toMatchObject({ state: 'ok', target: undefined })
    expect((await heads.sign('asked')).body).toMatchObject({ size: 15, prevSize: 6, prevRoot: last.body.root })
  })

  it('is forked when somebody shows a head that contradicts one signed here', async () => {
    const ledger = await ledgerOf()
    const heads = await signerOf(ledger)
    await heads.shown(null)
    await ledger.append(many(10))
    await heads.sign('asked')
    expect(await heads.shown(forged({ size: 4 }).bytes)).toMatchObject({ state: 'forked' })
    await expect(heads.sign('asked')).rejects.toMatchObject({ code: 'E_HEAD_FORKED' })
  })

  it('is behind its own word when the ledger came back older than the heads beside it', async () => {
    const ledger = await ledgerOf()
    const store = memoryStore()
    const heads = await signerOf(ledger, store)
    await heads.shown(null)
    await ledger.append(many(3))
    await heads.sign('closing')
    const fresh = await signerOf(await ledgerOf(), store)
    expect(fresh.status()).toMatchObject({ state: 'behind', signedSize: 3 })
  })

  it('refuses heads of other keys and broken signatures', async () => {
    const heads = await signerOf(await ledgerOf())
    const stranger = createIdentity(new Uint8Array(32).fill(9)).signer
    await expect(heads.shown(forged({ size: 4 }, stranger).bytes)).rejects.toMatchObject({ code: 'E_HEAD_OTHER' })
    const broken = forged({ size: 4 }).bytes.slice()
    broken[broken.length - 1]! ^= 1
    await expect(heads.shown(broken)).rejects.toMatchObject({ code: 'E_ENVELOPE_SIGNATURE' })
    expect(heads.status().state).toBe('unconfirmed')
  })

  it('is no head when it names a predecessor that is not smaller', () => {
    expect(() => forged({ size: 4, prevSize: 4 })).toThrow('prevSize')
    expect(() => forged({ size: 4, prevSize: 5 })).toThrow('prevSize')
    expect(forged({ size: 0, prevSize: 0 }).body.size).toBe(0)
  })

  it('due() says when 256 entries came, or ten minutes with any', async () => {
    const ledger = await ledgerOf()
    const heads = await signerOf(ledger)
    await heads.shown(null)
    expect(heads.due()).toBeUndefined()
    clock.advance(CHECKPOINT_MS)
    expect(heads.due()).toBeUndefined()
    await ledger.append(many(1))
    expect(heads.due()).toBe('time')
    await heads.sign('time')
    expect(heads.due()).toBeUndefined()
    await ledger.append(many(CHECKPOINT_ENTRIES))
    expect(heads.due()).toBe('entries')
  })
})

describe('openHeadBook()', () => {
  it('takes a head that extends the last one and refuses one without its proof', async () => {
    const ledger = await ledgerOf()
    const heads = await signerOf(ledger)
    await heads.shown(null)
    const book = bookOf()
    await ledger.append(many(5))
    const first = await heads.sign('asked')
    expect(await book.consider(first.bytes)).toEqual({ kind: 'first' })
    await ledger.append(many(6))
    const second = await heads.sign('asked')
    expect(await book.consider(second.bytes)).toEqual({ kind: 'unproven', from: 5 })
    expect((await book.last(owner.publicKey))?.body.size).toBe(5)
    expect(await book.consider(second.bytes, await ledger.consistencyProof(5, 11))).toEqual({ kind: 'extends' })
    expect(await book.consider(second.bytes)).toEqual({ kind: 'known' })
    expect(await book.consider(first.bytes)).toEqual({ kind: 'older' })
    expect((await book.last(owner.publicKey, 0))?.body.size).toBe(11)
    expect((await all(book.newest(10))).map((h) => h.body.size)).toEqual([11])
    expect(await book.convicted(owner.publicKey)).toBeUndefined()
  })

  it('finds a split view in whichever order and with whichever sizes its heads arrive, and remembers it', async () => {
    // Two histories of one log, each honest by itself: heads of sizes 2, 5, 9 … with their own roots, after a common start.
    const chain = (sizes: readonly number[], side: number): SignedHead[] =>
      sizes.map((size, i) => {
        const rootOf = (n: number): Uint8Array => suite.sha256(Uint8Array.of(n, n <= 2 ? 0 : side))
        const prevSize = sizes[i - 1] ?? 0
        return forged({ size, root: rootOf(size), prevSize, prevRoot: rootOf(prevSize) })
      })
    const rising = fc
      .uniqueArray(fc.integer({ min: 3, max: 40 }), { minLength: 1, maxLength: 6 })
      .map((sizes) => [2, ...sizes.sort((a, b) => a - b)])
    await fc.assert(
      fc.asyncProperty(rising, rising, fc.infiniteStream(fc.nat()), async (a, b, order) => {
        const [left, right] = [chain(a, 1), chain(b, 2)]
        const heads = [...left, ...right].map((head) => ({ head, at: order.next().value as number })).sort((x, y) => x.at - y.at)
        const book = bookOf()
        for (const { head } of heads) await book.consider(head.bytes)
        const file = await book.convicted(owner.publicKey)
        expect(file).toBeDefined()
        expect(equalBytes(readEvidence(file!, suite).culprit, owner.publicKey)).toBe(true)
      }),
      { numRuns: 60 },
    )
  })

  it('never convicts an honest log, whichever of its heads arrive in whichever order', async () => {
    const ledger = await ledgerOf()
    const heads = await signerOf(ledger)
    await heads.shown(null)
    const signed: SignedHead[] = []
    for (let i = 0; i < 8; i++) {
      await ledger.append(many(1 + (i % 3)))
      signed.push(await heads.sign('asked'))
    }
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray(signed), async (some) => {
        const book = bookOf()
        for (const head of some) expect((await book.consider(head.bytes)).kind).not.toBe('fork')
        expect(await book.convicted(owner.publicKey)).toBeUndefined()
      }),
    )
  })

  it("accuse() takes evidence from anyone and nothing that isn't evidence", async () => {
    const book = bookOf()
    const file = forkEvidence(forged({ size: 4 }), forged({ size: 4, root: new Uint8Array(32) }))
    expect(isEvidence(file)).toBe(true)
    expect(await book.accuse(file)).toMatchObject({ kind: 'fork', sentence: 'two roots for size 4' })
    expect(await book.convicted(owner.publicKey)).toEqual(file)
    for (let at = 0; at < file.length; at += 7) {
      const bad = file.slice()
      bad[at]! ^= 1
      await expect(bookOf().accuse(bad)).rejects.toThrow()
    }
    expect(() => forkEvidence(forged({ size: 4 }), forged({ size: 5, prevSize: 4, prevRoot: suite.sha256(Uint8Array.of(4)) }))).toThrow()
  })
})

describe('rewriteEvidence()', () => {
  it('shows that one entry changed between two heads, and refuses when it did not', async () => {
    const before = await ledgerOf()
    const after = await ledgerOf()
    await before.append(many(6))
    await after.append([...many(2), ...many(7, 50)])
    const heads = [
      forged({ size: 6, root: before.head().root }),
      forged({ size: 9, root: after.head().root, prevSize: 6, prevRoot: before.head().root }),
    ] as const
    const leafOf = async (ledger: Ledger, index: number): Promise<{ leaf: Uint8Array; proof: Uint8Array[] }> => ({
      leaf: (await ledger.get(index)).leaf,
      proof: await ledger.inclusionProof(index),
    })
    expect(contradiction(heads[0].body, heads[1].body)).toBeUndefined()
    const leaves = [await leafOf(before, 4), await leafOf(after, 4)] as const
    const file = rewriteEvidence({ index: 4, heads, leaves }, suite)
    expect(readEvidence(file, suite)).toMatchObject({ kind: 'rewrite', log: 0 })
    expect(() => rewriteEvidence({ index: 4, heads, leaves: [leaves[0], leaves[0]] }, suite)).toThrow()
    expect(() => rewriteEvidence({ index: 3, heads, leaves }, suite)).toThrow()
  })
})

it('cosign() names the head that was found to extend', async () => {
  const head = forged({ size: 4 })
  const peer = createIdentity(new Uint8Array(32).fill(8))
  const signed = cosign(head, { signer: peer.signer, suite, clock, seq: 5 })
  expect(signed).toMatchObject({ type: cosignMessage.type, body: { log: 0, size: 4, root: head.body.root, owner: owner.publicKey } })
})
