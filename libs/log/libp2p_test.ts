// The log protocol over real connections: what the memory network promises, libp2p keeps.

import { createIdentity } from '@haggle/identity'
import { nodeSuite } from '@haggle/identity/node'
import { createNode, type MeshNode } from '@haggle/mesh/node'
import { type Entry, type Memory, memoryJournal, openMemory } from '@haggle/reputation'
import { memoryStore } from '@haggle/store'
import { networkId, systemClock } from '@haggle/wire'
import { seededRandom } from '@haggle/wire/testing'
import { expect, it } from 'vitest'
import { type LogService, startLog } from './log_service.ts'
import { evidenceTopic } from './protocol.ts'

const suite = nodeSuite()
const clock = systemClock()
const id = networkId('devnet-log-libp2p')

interface Node {
  readonly key: Uint8Array
  readonly mesh: MeshNode
  readonly memory: Memory
  readonly log: LogService
}

async function start(byte: number): Promise<Node> {
  const seed = new Uint8Array(32).fill(byte)
  const { signer, publicKey: key } = createIdentity(seed)
  const mesh = await createNode({ seed, networkId: id, topics: [evidenceTopic(id)], listen: ['/ip4/127.0.0.1/tcp/0'] })
  const memory = await openMemory({
    store: memoryStore(),
    journal: async () => memoryJournal(),
    signer,
    suite,
    clock,
    random: seededRandom(byte),
    network: id,
  })
  const log = await startLog({ network: mesh.network, networkId: id, memory, store: memoryStore(), signer, suite, clock })
  return { key, mesh, memory, log }
}

it('startLog() is confirmed, cosigned and audited over libp2p', async () => {
  const [a, b] = [await start(1), await start(2)]
  try {
    const about = (peer: Node, kind: Entry['kind'], number: number): Entry => ({
      kind,
      at: Math.floor(clock.now() / 1000),
      number,
      peer: peer.key,
      contract: new Uint8Array(32).fill(number),
      facts: null,
      evidence: [new Uint8Array(700)],
    })
    await b.memory.ledger.append([about(a, 'opened', 1)])
    for (let number = 1; number <= 80; number++) await a.memory.ledger.append([about(b, 'opened', number), about(b, 'closed', number)])
    await a.mesh.network.connect({ peerId: b.mesh.network.peerId, addresses: b.mesh.network.addresses() })
    expect(await a.log.confirm()).toBe('ok')
    expect(await a.log.checkpoint()).toMatchObject({ cosigned: 1, failed: 0 })
    await a.memory.ledger.append([about(b, 'opened', 82)])
    expect(await a.log.checkpoint()).toMatchObject({ cosigned: 1, failed: 0 })
    expect((await b.memory.book.last(a.key))?.body.size).toBe(161)
    expect(await b.log.auditPeer(a.key)).toMatchObject({ opened: 81, missing: [81] })
  } finally {
    for (const { log, mesh } of [a, b]) {
      await log.stop()
      await mesh.stop()
    }
  }
}, 60_000)
