// Pushing and serving alone: pages, strangers, wrong answers, what a reader may see.

import { createIdentity, type Identity } from '@haggle/identity'
import { nodeSuite } from '@haggle/identity/node'
import { type MemoryNetwork, memoryNetwork, type MemoryNode } from '@haggle/mesh'
import { type Entry, memoryJournal, type Memory, openMemory } from '@haggle/reputation'
import { memoryStore } from '@haggle/store'
import { networkId, readFrames, writeFrame } from '@haggle/wire'
import { seededRandom, virtualClock } from '@haggle/wire/testing'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { ask } from './ask.ts'
import { followCounterparties } from './counterparties.ts'
import { type KeptEntries, keptEntries } from './kept_entries.ts'
import { encodeAnswer, LOG_PROTOCOL, MAX_FRAME_BYTES } from './protocol.ts'
import { pushHead } from './push.ts'
import { serveLog, type ServeParts } from './serve.ts'

const suite = nodeSuite()
const clock = virtualClock()
const AT = Math.floor(clock.now() / 1000)
const network = networkId('devnet-push')

interface Node {
  readonly identity: Identity
  readonly network: MemoryNode
  readonly memory: Memory
  readonly kept: KeptEntries
}

let hub: MemoryNetwork
beforeEach(() => (hub = memoryNetwork()))
afterEach(async () => await hub.stop())

async function join(seed: number): Promise<Node> {
  const identity = createIdentity(new Uint8Array(32).fill(seed))
  const memory = await openMemory({
    store: memoryStore(),
    journal: async () => memoryJournal(),
    signer: identity.signer,
    suite,
    clock,
    random: seededRandom(seed),
    network,
  })
  await memory.heads.shown(null)
  return { identity, memory, network: hub.join(identity), kept: keptEntries(memoryStore()) }
}

async function serve({ identity, network: own, memory, kept }: Node, rest: Partial<ServeParts> = {}): Promise<void> {
  await serveLog({
    network: own,
    memory,
    kept,
    counterparties: followCounterparties(() => memory.ledger),
    signer: identity.signer,
    suite,
    clock,
    ...rest,
  })
}

const about = (peer: Node, bytes: number): Entry => ({
  kind: 'receipt',
  at: AT,
  number: null,
  peer: peer.identity.publicKey,
  contract: null,
  facts: null,
  evidence: [new Uint8Array(bytes)],
})

const push = async (from: Node, to: Node): ReturnType<typeof pushHead> =>
  await pushHead({ network: from.network, clock, memory: from.memory, suite }, await from.memory.heads.sign('asked'), {
    target: { peerId: to.identity.peerId },
    key: to.identity.publicKey,
    from: 0,
  })

it('pushHead() brings every entry about the counterparty, page by page, and leaves out those too large for any frame', async () => {
  const [a, b] = [await join(1), await join(2)]
  await serve(b)
  await b.memory.ledger.append([about(a, 0)])
  await a.memory.ledger.append([
    ...Array.from({ length: 150 }, () => about(b, 300)),
    about(b, 50_000),
    ...Array.from({ length: 5 }, () => about(b, 20_000)),
  ])
  expect(await push(a, b)).toMatchObject({ kind: 'cosigned' })
  const kept: number[] = []
  for await (const { index } of b.kept.of(a.identity.publicKey, 0, 0)) kept.push(index)
  expect(kept).toEqual([...Array.from({ length: 150 }, (_, i) => i), 151, 152, 153, 154, 155])
})

it("serveLog() cosigns no stranger and nobody else's head", async () => {
  const [a, b, c] = [await join(1), await join(2), await join(3)]
  await serve(b)
  await a.memory.ledger.append([about(b, 0)])
  expect(await push(a, b)).toEqual({ kind: 'refused' })
  await b.memory.ledger.append([about(a, 0), about(c, 0)])
  const head = await a.memory.heads.sign('asked')
  const answer = await ask(
    { network: c.network, clock },
    { peerId: b.identity.peerId },
    { name: 'push', body: { head: head.bytes, from: 0, proof: [], entries: [] } },
  )
  expect(answer).toEqual({ name: 'refused', body: { reason: 'stranger' } })
  expect(await push(a, b)).toMatchObject({ kind: 'cosigned' })
})

it('serveLog() shows an entry to whom it is about, or to everybody as `isPublic` says', async () => {
  const [a, b] = [await join(1), await join(2)]
  await a.memory.ledger.append([
    { ...about(b, 5), kind: 'witness' },
    { ...about(b, 5), peer: null, kind: 'challenge' },
  ])
  await serve(a, { isPublic: ({ entry }) => entry.kind === 'challenge' })
  const lines = { name: 'lines', body: { from: 0, to: 2 } } as const
  const stranger = await join(3)
  expect(await ask({ network: stranger.network, clock }, { peerId: a.identity.peerId }, lines)).toMatchObject({
    body: {
      lines: [
        { kind: 'witness', bytes: null },
        { kind: 'challenge', bytes: (await a.memory.ledger.get(1)).bytes },
      ],
    },
  })
  expect(await ask({ network: b.network, clock }, { peerId: a.identity.peerId }, lines)).toMatchObject({
    body: {
      lines: [
        { kind: 'witness', bytes: (await a.memory.ledger.get(0)).bytes },
        { kind: 'challenge', bytes: (await a.memory.ledger.get(1)).bytes },
      ],
    },
  })
})

it("pushHead() believes no cosignature but the counterparty's own of this head", async () => {
  const [a, b] = [await join(1), await join(2)]
  await a.memory.ledger.append([about(b, 0)])
  const head = await a.memory.heads.sign('asked')
  await b.network.handle(LOG_PROTOCOL, async (stream) => {
    for await (const _ of readFrames(stream, { maxBytes: MAX_FRAME_BYTES })) break
    await stream.send(writeFrame(encodeAnswer('cosigned', { envelope: head.bytes }), MAX_FRAME_BYTES))
    await stream.close()
  })
  await expect(push(a, b)).rejects.toMatchObject({ code: 'E_ENVELOPE_TYPE' })
})
