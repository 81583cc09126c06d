// Anchor files over the memory network: given to the owner of a log, who may be a stranger with its head in hand, and to nobody what isn't true.

import { createIdentity, type Identity } from '@haggle/identity'
import { nodeSuite } from '@haggle/identity/node'
import { type MemoryNetwork, memoryNetwork, type MemoryNode } from '@haggle/mesh'
import {
  type Aggregator,
  ANCHOR_EVERY_MS,
  checkpointMessage,
  type Entry,
  memoryJournal,
  type Memory,
  openAggregator,
  openMemory,
} from '@haggle/reputation'
import { type MemoryAnchors, memoryAnchors } from '@haggle/reputation/testing'
import { memoryStore } from '@haggle/store'
import { DOCUMENT_LIMITS, encode, networkId, readFrames, seal, utf8, type Value, writeFrame } from '@haggle/wire'
import { virtualClock } from '@haggle/wire/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ask } from './ask.ts'
import { followCounterparties } from './counterparties.ts'
import { fetchAnchor } from './fetch_anchor.ts'
import { keptEntries } from './kept_entries.ts'
import { type LogService, startLog } from './log_service.ts'
import { decodeAnswer, decodeQuestion, encodeAnswer, LOG_PROTOCOL, MAX_ANCHOR_BYTES, MAX_FRAME_BYTES } from './protocol.ts'
import { serveLog } from './serve.ts'

const suite = nodeSuite()
const id = networkId('devnet-anchor')
const clock = virtualClock()
const CHAIN = 31337

/** One node of a test. */
interface Peer {
  readonly identity: Identity
  readonly network: MemoryNode
  readonly memory: Memory
  readonly log: LogService
}

let hub: MemoryNetwork
let chain: MemoryAnchors
let running: Peer[]
beforeEach(() => {
  hub = memoryNetwork()
  chain = memoryAnchors()
  running = []
})
afterEach(async () => {
  for (const peer of running) await peer.log.stop()
  await hub.stop()
})

async function join(seed: number): Promise<Peer> {
  const identity = createIdentity(new Uint8Array(32).fill(seed))
  const common = { signer: identity.signer, suite, clock }
  const random = (length: number): Uint8Array => new Uint8Array(length).fill(seed)
  const memory = await openMemory({ ...common, store: memoryStore(), journal: async () => memoryJournal(), random, network: id })
  await memory.heads.shown(null)
  const network = hub.join(identity)
  const peer = { identity, network, memory, log: await startLog({ ...common, network, networkId: id, memory, store: memoryStore() }) }
  running.push(peer)
  return peer
}

const aggregatorOf = async ({ log }: Peer): Promise<Aggregator> =>
  await log.aggregate({ anchors: chain.of(new Uint8Array(20).fill(3)), chain: CHAIN })
const anchor = async (aggregator: Aggregator): Promise<unknown> => await aggregator.anchors.anchor(await aggregator.sign())

/** Writes an entry about nobody into the log of `peer`, and signs the head. */
async function grow({ memory }: Peer, number: number): Promise<void> {
  const entry: Entry = { kind: 'challenge', at: 1, number, peer: null, contract: null, facts: null, evidence: [utf8(`${number}`)] }
  await memory.ledger.append([entry])
  await memory.heads.sign('asked')
}

/** `peer` asks `of` for its anchor file. */
const fetched = (peer: Peer, of: Peer): ReturnType<typeof fetchAnchor> =>
  fetchAnchor({ ...peer, clock, suite }, { peerId: of.identity.peerId })
/** `peer` asks `of` for the file of any owner with any head. */
const asked = async (peer: Peer, of: Peer, body: { owner: Uint8Array; head: Uint8Array | null }): Promise<unknown> =>
  await ask({ network: peer.network, clock }, { peerId: of.identity.peerId }, { name: 'anchor', body })

describe('fetchAnchor()', () => {
  it('has a stranger’s head anchored, and gives it the file then', async () => {
    const [operator, owner] = [await join(1), await join(2)]
    const aggregator = await aggregatorOf(operator)
    await grow(owner, 1)
    const by = Math.floor(clock.now() / 1000) + ANCHOR_EVERY_MS / 1000
    await expect(fetched(owner, operator)).rejects.toMatchObject({ code: 'E_ANCHOR_WAITING', details: { by } })
    await anchor(aggregator)
    const { file, proof } = await fetched(owner, operator)
    expect(proof).toMatchObject({ chain: CHAIN, size: 1, head: { signer: owner.identity.publicKey, body: { size: 1 } } })
    expect(file.length).toBeLessThan(MAX_ANCHOR_BYTES)
    // Grown since: the file is of what is anchored, and the rest waits.
    await grow(owner, 2)
    expect((await fetched(owner, operator)).proof.head.body.size).toBe(1)
    await anchor(aggregator)
    expect((await fetched(owner, operator)).proof.head.body.size).toBe(2)
    // Anybody may have it: heads are no secret.
    expect(await asked(await join(3), operator, { owner: owner.identity.publicKey, head: null })).toMatchObject({ name: 'anchored' })
  })

  it('says why there is no file', async () => {
    const [operator, owner] = [await join(1), await join(2)]
    await expect(fetched(owner, operator)).rejects.toMatchObject({ code: 'E_ANCHOR_NONE' })
    await aggregatorOf(operator)
    await expect(fetched(owner, operator)).rejects.toMatchObject({ code: 'E_ANCHOR_NONE' })
    for (let i = 0; i < 30; i++) await fetched(owner, operator).catch(() => undefined)
    await expect(fetched(owner, operator)).rejects.toMatchObject({ code: 'E_ANCHOR_BUSY' })
  })

  it('takes no file that is of another log, and none that proves nothing', async () => {
    const [operator, owner, other] = [await join(1), await join(2), await join(3)]
    const aggregator = await aggregatorOf(operator)
    await grow(other, 1)
    await fetched(other, operator).catch(() => undefined)
    await anchor(aggregator)
    const { file } = await fetched(other, operator)
    const liar = hub.join(createIdentity(new Uint8Array(32).fill(9)))
    let given = file
    await liar.handle(LOG_PROTOCOL, async (stream) => {
      for await (const _ of readFrames(stream, { maxBytes: MAX_FRAME_BYTES })) break
      await stream.send(writeFrame(encodeAnswer('anchored', { file: given }), MAX_FRAME_BYTES))
      await stream.close()
    })
    const from = { peerId: liar.peerId }
    await expect(fetchAnchor({ ...owner, clock, suite }, from)).rejects.toMatchObject({ code: 'E_ANCHOR_OTHER' })
    given = file.slice()
    given[60]! ^= 1
    await expect(fetchAnchor({ ...owner, clock, suite }, from)).rejects.toMatchObject({ code: 'E_ANCHOR_PATH' })
  })
})

describe('serveLog()', () => {
  it('tells a stranger for whom there is no place before the next anchor so', async () => {
    const [owner, { memory, identity }] = [await join(1), await join(2)]
    const network = hub.join(createIdentity(new Uint8Array(32).fill(9)))
    const anchors = chain.of(new Uint8Array(20).fill(3))
    const parts = { ...{ network, memory, suite, clock }, signer: identity.signer, store: memoryStore() }
    const full = await openAggregator({ ...parts, book: memory.book, network: id, anchors, chain: CHAIN, maxStrangers: 0 })
    const counterparties = followCounterparties(() => memory.ledger)
    await serveLog({ ...parts, counterparties, kept: keptEntries(memoryStore()), aggregator: () => full })
    await grow(owner, 1)
    await expect(fetchAnchor({ ...owner, clock, suite }, { peerId: network.peerId })).rejects.toMatchObject({ code: 'E_ANCHOR_BUSY' })
  })

  it('takes no head into an anchor but from its owner', async () => {
    const [operator, owner, thief] = [await join(1), await join(2), await join(3)]
    const aggregator = await aggregatorOf(operator)
    await grow(owner, 1)
    const head = owner.memory.heads.last()!.bytes
    const refused = { name: 'refused', body: { reason: 'stranger' } }
    expect(await asked(thief, operator, { owner: owner.identity.publicKey, head })).toEqual(refused)
    expect(await asked(thief, operator, { owner: thief.identity.publicKey, head })).toEqual(refused)
    expect(await aggregator.now()).toMatchObject({ size: 0 })
  })

  it('takes no head whose signature is wrong, and none that is no head', async () => {
    const [operator, owner] = [await join(1), await join(2)]
    const aggregator = await aggregatorOf(operator)
    await grow(owner, 1)
    const forged = owner.memory.heads.last()!.bytes.slice()
    forged[forged.length - 1]! ^= 1
    for (const head of [forged, utf8('no envelope')])
      await expect(asked(owner, operator, { owner: owner.identity.publicKey, head })).rejects.toMatchObject({ code: expect.any(String) })
    expect(await aggregator.now()).toMatchObject({ size: 0 })
  })

  it('answers with the evidence who brings a head that contradicts one that it brought before, and tells everybody', async () => {
    const [operator, owner, witness] = [await join(1), await join(2), await join(3)]
    await aggregatorOf(operator)
    await witness.network.connect({ peerId: operator.identity.peerId })
    const { publicKey, signer } = owner.identity
    const head = (root: number): Uint8Array => {
      const body = { log: 0, size: 3, root: new Uint8Array(32).fill(root), prevSize: 0, prevRoot: new Uint8Array(32) }
      const header = { network: id, audience: null, thread: null, seq: 1, prev: null, ack: null, iat: 1, exp: 2 }
      return seal(checkpointMessage, { ...header, body: { ...body, block: null, reason: 'asked' } }, signer, suite).bytes
    }
    expect(await asked(owner, operator, { owner: publicKey, head: head(1) })).toMatchObject({ name: 'waiting' })
    expect(await asked(owner, operator, { owner: publicKey, head: head(2) })).toMatchObject({ name: 'fork' })
    for (let i = 0; i < 50; i++) await clock.settle(0)
    for (const { memory } of [operator, witness]) expect(await memory.book.convicted(publicKey)).toBeDefined()
  })

  it('answers few questions about anchors of one peer at once: each costs a signature and a write', async () => {
    const [operator, owner] = [await join(1), await join(2)]
    await aggregatorOf(operator)
    const { publicKey } = owner.identity
    const answers: unknown[] = []
    for (let i = 0; i < 30; i++) answers.push(await asked(owner, operator, { owner: publicKey, head: null }))
    const rate = { name: 'refused', body: { reason: 'rate' } }
    expect(answers.slice(0, 15)).not.toContainEqual(rate)
    expect(answers.slice(20)).toEqual(answers.slice(20).map(() => rate))
  })
})

it('decodeQuestion() and decodeAnswer() read no head, owner or file that is larger than any', () => {
  const owner = new Uint8Array(32)
  const question = (...body: Value[]): unknown => decodeQuestion(encode(['anchor', body], DOCUMENT_LIMITS))
  expect(question(owner, new Uint8Array(1024))).toMatchObject({ name: 'anchor' })
  expect(() => question(owner, new Uint8Array(1025))).toThrow('head')
  expect(() => question(new Uint8Array(33), null)).toThrow('owner')
  const answer = (length: number): unknown => decodeAnswer(encode(['anchored', [new Uint8Array(length)]], DOCUMENT_LIMITS))
  expect(answer(MAX_ANCHOR_BYTES)).toMatchObject({ name: 'anchored' })
  expect(() => answer(MAX_ANCHOR_BYTES + 1)).toThrow('file')
})
