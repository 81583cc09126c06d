// An aggregator over an anchor in memory: what it takes in and refuses, what is anchored, and the files that it gives out.

import { createIdentity, type Identity } from '@haggle/identity'
import { memoryStore, type Store } from '@haggle/store'
import { networkId, seal, toHex } from '@haggle/wire'
import { virtualClock } from '@haggle/wire/testing'
import { beforeEach, describe, expect, it } from 'vitest'
import { suite } from './_fixture.ts'
import { AGGREGATE_LOG, verifyAnchorProof } from './aggregate.ts'
import { type Aggregator, type AggregatorInit, openAggregator } from './aggregator.ts'
import { ANCHOR_EVERY_MS, type ChainAnchor } from './anchor.ts'
import { checkpointMessage, type Head, type SignedHead } from './checkpoint.ts'
import { readEvidence } from './evidence.ts'
import { type HeadBook, openHeadBook } from './head_book.ts'
import { type MemoryAnchors, memoryAnchors } from './memory_anchor.ts'

const network = networkId('devnet-aggregator')
const clock = virtualClock()
const ACCOUNT = new Uint8Array(20).fill(3)
const [known, other, stranger] = [1, 2, 3].map((byte) => createIdentity(new Uint8Array(32).fill(byte))) as [Identity, Identity, Identity]

/** A head of `size` entries; by default the first of its log. */
function headOf(
  { signer }: Identity,
  size: number,
  body: { prev?: number; root?: number; log?: number; network?: Uint8Array } = {},
): SignedHead {
  const root = (fill: number): Uint8Array => new Uint8Array(32).fill(fill)
  const { prev = 0, log = 0 } = body
  const full = {
    ...{ log, size, root: root(body.root ?? size), prevSize: prev, prevRoot: root(prev) },
    ...{ block: null, reason: 'asked' as const },
  }
  const header = { network: body.network ?? network, audience: null, thread: null, seq: 1, prev: null, ack: null, iat: 1, exp: 2 }
  return seal(checkpointMessage, { ...header, body: full }, signer, suite)
}

const store = (): { tree: Store; book: Store } => ({ tree: memoryStore(), book: memoryStore() })

describe('openAggregator()', () => {
  let chain: MemoryAnchors
  let disk: { tree: Store; book: Store }
  let book: HeadBook
  let evidence: Uint8Array[]
  beforeEach(() => {
    chain = memoryAnchors()
    disk = store()
    book = openHeadBook({ store: disk.book, suite, network })
    evidence = []
  })

  const open = async (more: Partial<AggregatorInit> = {}): Promise<Aggregator> =>
    await openAggregator({
      store: disk.tree,
      ...{ book, suite, clock, network, anchors: chain.of(ACCOUNT), chain: 31337 },
      onEvidence: (file) => evidence.push(file),
      ...more,
    })
  const anchor = async (aggregator: Aggregator): Promise<Head> => await aggregator.anchors.anchor(await aggregator.sign())
  const sizeOf = async (aggregator: Aggregator, { publicKey }: Identity): Promise<number | null> => {
    const file = await aggregator.fileOf(publicKey)
    if (file === null) return null
    const proof = verifyAnchorProof(file, suite)
    const { account, log, size, root } = proof
    expect([proof.chain, proof.head.signer]).toEqual([31337, publicKey])
    expect(await chain.of(ACCOUNT).check({ account, log, size, root })).toBe('anchored')
    return proof.head.body.size
  }

  it('takes in the newest head of each log in the book, before and after its opening, and proves those that are anchored', async () => {
    await book.consider(headOf(known, 3).bytes)
    const aggregator = await open()
    await book.consider(headOf(other, 7).bytes)
    expect(await aggregator.now()).toEqual({ log: AGGREGATE_LOG, size: 2 })
    expect(aggregator.logs).toBe(2)
    expect([await sizeOf(aggregator, known), await aggregator.dueAtS(stranger.publicKey)]).toEqual([null, null])
    expect(await aggregator.dueAtS(known.publicKey)).toBe(Math.floor(clock.now() / 1000) + ANCHOR_EVERY_MS / 1000)
    expect(await aggregator.entryAtMs(0)).toBe(Math.floor(clock.now() / 1000) * 1000)
    expect(await anchor(aggregator)).toMatchObject({ log: AGGREGATE_LOG, size: 2 })
    expect([await sizeOf(aggregator, known), await sizeOf(aggregator, other), await sizeOf(aggregator, stranger)]).toEqual([3, 7, null])
    expect(await aggregator.dueAtS(known.publicKey)).toBeNull()
  })

  it('has at most two heads of a busy log in one anchor, and the last of them is the newest', async () => {
    const aggregator = await open()
    for (const size of [1, 2, 3, 4]) {
      // Forgetting the one before stands for the proof that this one extends it.
      await disk.book.write([{ key: `l${toHex(known.publicKey)}00000000`, value: null }])
      await book.consider(headOf(known, size, { prev: size - 1 }).bytes)
      await aggregator.now()
    }
    expect(await aggregator.now()).toMatchObject({ size: 1 })
    expect(await anchor(aggregator)).toMatchObject({ size: 2 })
    expect(await sizeOf(aggregator, known)).toBe(4)
  })

  it('proves under what was anchored after it was killed between the tree and the transaction, and anchors the rest then', async () => {
    const first = await open()
    await first.bring(headOf(known, 3).bytes)
    await anchor(first)
    await first.bring(headOf(known, 5, { prev: 3 }).bytes)
    await first.bring(headOf(other, 4).bytes)
    const late = await first.sign()
    // Killed here: the tree has them, the chain does not.
    const again = await open()
    expect([await sizeOf(again, known), await sizeOf(again, other)]).toEqual([3, null])
    expect(await again.sign()).toEqual(late)
    await anchor(again)
    expect([await sizeOf(again, known), await sizeOf(again, other)]).toEqual([5, 4])
  })

  it('learns from the chain of an anchor that it was killed behind', async () => {
    const first = await open()
    await first.bring(headOf(known, 3).bytes)
    await chain.of(ACCOUNT).anchor(await first.sign())
    const again = await open()
    expect(await sizeOf(again, known)).toBeNull()
    await again.anchors.latest(AGGREGATE_LOG)
    chain.down = true
    const third = await open()
    chain.down = false
    expect(await sizeOf(third, known)).toBe(3)
  })

  it('gives out no file of another chain, another account, or a tree that it has lost', async () => {
    const aggregator = await open()
    await aggregator.bring(headOf(known, 3).bytes)
    await anchor(aggregator)
    expect(await (await open({ chain: 1 })).fileOf(known.publicKey)).toBeNull()
    expect(await (await open({ anchors: chain.of(new Uint8Array(20)) })).fileOf(known.publicKey)).toBeNull()
    const empty = await open({ store: memoryStore() })
    await empty.anchors.latest(AGGREGATE_LOG)
    await empty.bring(headOf(known, 4).bytes)
    expect(await empty.fileOf(known.publicKey)).toBeNull()
  })

  it('lets one head of each owner wait, and so many strangers until the next anchor', async () => {
    const aggregator = await open({ maxStrangers: 2 })
    expect(await aggregator.bring(headOf(known, 1).bytes)).toEqual({ kind: 'taken' })
    expect(await aggregator.bring(headOf(known, 1).bytes)).toEqual({ kind: 'known' })
    expect(await aggregator.bring(headOf(known, 2, { prev: 1 }).bytes)).toEqual({ kind: 'known' })
    expect(await aggregator.bring(headOf(known, 9, { log: 1 }).bytes)).toEqual({ kind: 'known' })
    expect(await aggregator.bring(headOf(other, 1).bytes)).toEqual({ kind: 'taken' })
    expect(await aggregator.bring(headOf(stranger, 1).bytes)).toEqual({ kind: 'full' })
    // One that the book knows has a place all the same.
    await book.consider(headOf(stranger, 1).bytes)
    expect(await aggregator.bring(headOf(stranger, 1).bytes)).toEqual({ kind: 'taken' })
    expect(await anchor(aggregator)).toMatchObject({ size: 3 })
    expect(await aggregator.bring(headOf(known, 2, { prev: 1 }).bytes)).toEqual({ kind: 'taken' })
  })

  it('convicts who brings a head that contradicts the one in the tree, and takes nothing more of it', async () => {
    const aggregator = await open()
    await aggregator.bring(headOf(stranger, 3).bytes)
    const answer = await aggregator.bring(headOf(stranger, 3, { root: 77 }).bytes)
    expect(answer).toMatchObject({ kind: 'fork' })
    expect(evidence).toHaveLength(1)
    expect(readEvidence(evidence[0]!, suite)).toMatchObject({ kind: 'fork', culprit: stranger.publicKey })
    expect(await book.convicted(stranger.publicKey)).toEqual(evidence[0])
    expect(await aggregator.bring(headOf(stranger, 8, { prev: 3 }).bytes)).toMatchObject({ kind: 'fork' })
    expect([await aggregator.now(), evidence.length]).toEqual([{ log: AGGREGATE_LOG, size: 1 }, 1])
  })

  it('convicts who shows the book another head than it brought, and keeps it out of the tree', async () => {
    const aggregator = await open()
    await aggregator.bring(headOf(stranger, 3).bytes)
    await book.consider(headOf(stranger, 4, { prev: 0 }).bytes)
    expect(await aggregator.sign()).toMatchObject({ size: 1 })
    expect(await book.convicted(stranger.publicKey)).toBeDefined()
    expect(evidence).toHaveLength(1)
  })

  it('convicts who brings a head that contradicts one that the book knows', async () => {
    const aggregator = await open()
    await book.consider(headOf(known, 3).bytes)
    expect(await aggregator.bring(headOf(known, 3, { root: 77 }).bytes)).toMatchObject({ kind: 'fork' })
    expect(await book.convicted(known.publicKey)).toBeDefined()
    expect(evidence).toHaveLength(1)
  })

  it('refuses a head that is forged or of another network', async () => {
    const aggregator = await open()
    const forged = headOf(known, 3).bytes.slice()
    forged[forged.length - 1]! ^= 1
    await expect(aggregator.bring(forged)).rejects.toMatchObject({ code: expect.stringMatching(/^E_ENVELOPE_/) })
    const foreign = headOf(known, 3, { network: networkId('devnet-elsewhere') }).bytes
    await expect(aggregator.bring(foreign)).rejects.toMatchObject({ code: expect.stringMatching(/^E_ENVELOPE_/) })
    expect(await aggregator.now()).toMatchObject({ size: 0 })
  })

  it('takes in heads that come at the same time one after the other', async () => {
    const aggregator = await open()
    const people = Array.from({ length: 20 }, (_, n) => createIdentity(new Uint8Array(32).fill(100 + n)))
    await Promise.all([...people.map((person) => aggregator.bring(headOf(person, 1).bytes)), aggregator.sign(), aggregator.now()])
    await anchor(aggregator)
    for (const person of people) expect(await sizeOf(aggregator, person)).toBe(1)
    await aggregator.close()
  })

  it('asks nothing of a chain that is down to give out a file', async () => {
    const aggregator = await open()
    await aggregator.bring(headOf(known, 3).bytes)
    await anchor(aggregator)
    chain.down = true
    expect(await aggregator.fileOf(known.publicKey)).not.toBeNull()
    await expect((aggregator.anchors satisfies ChainAnchor).latest(AGGREGATE_LOG)).rejects.toMatchObject({ code: 'E_CHAIN_UNREACHABLE' })
  })
})
