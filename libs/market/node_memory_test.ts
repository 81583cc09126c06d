import { createIdentity, portableSuite } from '@haggle/identity'
import { ask } from '@haggle/log'
import { memoryNetwork, type MemoryNode } from '@haggle/mesh'
import { type Journal, memoryJournal } from '@haggle/reputation'
import { memoryStore, type Store } from '@haggle/store'
import { networkId, type Signer } from '@haggle/wire'
import { seededRandom, virtualClock } from '@haggle/wire/testing'
import { expect, it } from 'vitest'
import { type NodeMemory, openNodeMemory } from './node_memory.ts'
import { STRANGER } from './trust.ts'

const clock = virtualClock()
const [mine, theirs] = [1, 2].map((byte) => createIdentity(new Uint8Array(32).fill(byte)))

async function openOn(
  network: MemoryNode,
  store: Store,
  onProblem: (error: unknown) => void = () => undefined,
  journal: Journal = memoryJournal(),
  signer: Signer = mine!.signer,
): Promise<NodeMemory> {
  return await openNodeMemory({
    network,
    networkId: networkId('devnet-1'),
    store,
    journal: async (log) => (log === 0 ? journal : memoryJournal()),
    signer,
    suite: portableSuite(),
    clock,
    random: seededRandom(1),
    onProblem,
  })
}

it('append() lets everybody read what the terms made public, and only that', async () => {
  const hub = memoryNetwork()
  const [node, stranger] = [hub.join(mine!), hub.join(createIdentity(new Uint8Array(32).fill(3)))]
  const memory = await openOn(node, memoryStore())
  const line = { kind: 'opened', peer: theirs!.publicKey, facts: null, evidence: [], longestS: null } as const
  await memory.append({ ...line, number: 0, contract: new Uint8Array(32).fill(1), isPublic: false })
  await memory.append({ ...line, number: 1, contract: new Uint8Array(32).fill(2), isPublic: true })
  const answer = await ask({ network: stranger, clock }, { peerId: mine!.peerId }, { name: 'lines', body: { from: 0, to: 2 } })
  expect(answer).toMatchObject({
    body: {
      lines: [
        { number: 0, bytes: null, salt: null },
        { number: 1, bytes: expect.any(Uint8Array) },
      ],
    },
  })
  await memory.close()
  await hub.stop()
})

it('append() writes a closing that came while the end of the ledger was lost into its successor', async () => {
  const hub = memoryNetwork()
  const store = memoryStore()
  const line = { kind: 'opened', peer: theirs!.publicKey, facts: null, evidence: [], longestS: null, isPublic: false } as const
  const node = hub.join(mine!)
  const whole = await openOn(node, store)
  for (let n = 0; n < 3; n++) await whole.append({ ...line, number: n, contract: new Uint8Array(32).fill(n) })
  await whole.close()
  // Neither half has the last entry any more, and the head says that there is one.
  const journal = memoryJournal()
  const log = store.sub('memory').sub('log0')
  for await (const [key] of log.range({ gte: 'e', lt: 'f', reverse: true, limit: 1 })) await log.write([{ key, value: null }])
  const problems: unknown[] = []
  const lost = await openOn(node, store, (error) => problems.push(error), journal)
  expect(await lost.status()).toMatchObject({ ledger: 'damaged', size: 3, waiting: 0 })
  await lost.append({ ...line, kind: 'closed', number: 7, contract: new Uint8Array(32).fill(1) })
  expect(problems).toMatchObject([{ code: 'E_LEDGER_DAMAGED' }])
  expect(await lost.status()).toMatchObject({ waiting: 1 })
  await lost.succeed()
  expect(await lost.status()).toMatchObject({ log: 1, size: 2, waiting: 0 })
  expect(lost.nextNumber).toBe(8)
  await lost.close()
  await hub.stop()
})

it('nextNumber is behind the highest in the ledger, also after an opening', async () => {
  const hub = memoryNetwork()
  const store = memoryStore()
  const journal = memoryJournal()
  const node = hub.join(mine!)
  const memory = await openOn(node, store, () => undefined, journal)
  expect(memory.nextNumber).toBe(0)
  const line = { kind: 'opened', peer: theirs!.publicKey, facts: null, evidence: [], longestS: null, isPublic: false } as const
  await memory.append({ ...line, number: 6, contract: new Uint8Array(32).fill(1) })
  await memory.append({ ...line, number: 4, contract: new Uint8Array(32).fill(2) })
  expect(memory.nextNumber).toBe(7)
  await memory.close()
  const again = await openOn(node, store, () => undefined, journal)
  expect(again.nextNumber).toBe(7)
  await again.close()
  await hub.stop()
})

it('numbers of a restored backup go on behind all that it may lack, and what was left out in vain is void once that is back', async () => {
  const hub = memoryNetwork()
  const [node, other] = [hub.join(mine!), hub.join(theirs!)]
  const tell = (error: unknown): void => expect.fail(String(error))
  const peer = await openOn(other, memoryStore(), tell, memoryJournal(), theirs!.signer)
  /** A contract of both: opened, and closed unless it goes on. */
  const deal = async (memory: NodeMemory, number: number, goesOn = false): Promise<void> => {
    const contract = new Uint8Array(32).fill(number + 1)
    const line = { contract, number, facts: null, evidence: [], longestS: null, isPublic: false } as const
    for (const kind of goesOn ? (['opened'] as const) : (['opened', 'closed'] as const)) {
      await memory.append({ ...line, kind, peer: theirs!.publicKey })
      await peer.append({ ...line, kind, peer: mine!.publicKey })
    }
  }
  const journal = memoryJournal()
  const first = await openOn(node, memoryStore(), tell, journal)
  await node.connect({ peerId: theirs!.peerId })
  await deal(first, 0)
  await first.checkpoint()
  const backup = memoryJournal(await journal.read(0, journal.length))
  for (const number of [1, 2, 3]) await deal(first, number)
  await first.checkpoint()
  await first.close()
  await node.stop()

  const restored = hub.join(mine!)
  await restored.connect({ peerId: theirs!.peerId })
  const again = await openOn(restored, memoryStore(), tell, backup)
  await again.checkpoint().catch(() => undefined)
  expect(await again.status()).toMatchObject({ state: 'behind', size: 2, missing: 8 })
  expect(again.nextNumber).toBe(9)
  await deal(again, again.nextNumber, true)
  expect(again.nextNumber).toBe(10)
  await again.fetchLost()
  await expect.poll(async () => (await again.list({ limit: 32 })).filter(({ kind }) => kind === 'void').length).toBe(5)
  expect(again.nextNumber).toBe(10)
  expect(await again.status()).toMatchObject({ state: 'ok', size: 14, waiting: 0 })
  await again.close()
  await peer.close()
  await hub.stop()
})

it('trust() takes everybody for a stranger, and tells the owner, when the memory can not be read', async () => {
  const hub = memoryNetwork()
  const store = memoryStore()
  const problems: unknown[] = []
  const memory = await openOn(hub.join(mine!), store, (error) => problems.push(error))
  expect(await memory.trust([theirs!.publicKey], 'provider')).toEqual([{ ...STRANGER, axesMicro: { completes: 50_000 } }])
  expect(problems).toEqual([])
  await store.close()
  expect(await memory.trust([mine!.publicKey], 'renter')).toEqual([STRANGER])
  expect(problems).toMatchObject([{ code: 'E_STORE_CLOSED' }])
  await memory.close()
  await hub.stop()
})
