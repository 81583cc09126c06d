import { createIdentity } from '@haggle/identity'
import { nodeSuite } from '@haggle/identity/node'
import { memoryNetwork } from '@haggle/mesh'
import { checkpointMessage, forkEvidence } from '@haggle/reputation'
import { networkId, seal, utf8 } from '@haggle/wire'
import { expect, it } from 'vitest'
import { hearEvidence } from './evidence_topic.ts'
import { evidenceTopic } from './protocol.ts'

const suite = nodeSuite()
const id = networkId('devnet-evidence')
const liar = createIdentity(new Uint8Array(32).fill(9))

function head(root: string): ReturnType<typeof seal<never>> {
  const body = {
    log: 0,
    size: 4,
    root: suite.sha256(utf8(root)),
    prevSize: 0,
    prevRoot: suite.sha256(utf8('')),
    block: null,
    reason: 'asked',
  }
  const draft = { network: id, audience: null, thread: null, seq: 1, prev: null, ack: null, iat: 1_790_000_000, exp: 1_790_000_600, body }
  return seal(checkpointMessage, draft as never, liar.signer, suite) as never
}

it('hearEvidence() tells of what convinces, passes it on, and passes on nothing else', async () => {
  const hub = memoryNetwork()
  const [from, relay, to] = [1, 2, 3].map((byte) => hub.join(createIdentity(new Uint8Array(32).fill(byte))))
  await from!.connect({ peerId: relay!.peerId })
  await relay!.connect({ peerId: to!.peerId })
  const heard: string[] = []
  for (const [name, network] of [
    ['relay', relay!],
    ['to', to!],
  ] as const) {
    await hearEvidence({ network, networkId: id, suite, onEvidence: () => heard.push(name) })
  }
  await from!.publish(evidenceTopic(id), utf8('haggle-evidence/1\nno'))
  await from!.publish(evidenceTopic(id), forkEvidence(head('a') as never, head('b') as never))
  await expect.poll(() => heard).toEqual(['relay', 'to'])
  await hub.stop()
})
