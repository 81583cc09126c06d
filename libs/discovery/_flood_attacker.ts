// Ten hostile peers in a process of their own: told by argv whom to flood, they do so until stdin closes, coming back with new keys when thrown out.

import { gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { createIdentity } from '@haggle/identity'
import { nodeEd25519, nodeSuite } from '@haggle/identity/node'
import { fromHex, networkId, seal, systemRandom } from '@haggle/wire'
import { advertMessage, advertTopic, encodeSnapshotRequest, SNAPSHOT_PROTOCOL } from './mod.ts'

const [networkName = '', victimsJson = '[]', honestJson = '[]'] = process.argv.slice(2)
const victims = JSON.parse(victimsJson) as string[]
const honest = (JSON.parse(honestJson) as string[]).map((hex) => fromHex(hex))
const id = networkId(networkName)
const suite = nodeSuite()
const random = systemRandom()
const topic = advertTopic(id, 'cpu')
const counts = { sent: 0, thrownOut: 0, refused: 0 }
let stopped = false

const nowS = (): number => Math.floor(Date.now() / 1_000)

/** A valid advert of a key that nobody has seen. */
function sybil(): Uint8Array {
  const fresh = createIdentity(random(32), nodeEd25519())
  const body = { digest: random(32), classIndex: 0, vramTier: 0, freeCount: 1, priceBucket: 1, region: null, runnerBits: 1, depth: 0, ttlS: 360, addresses: ['/ip4/127.0.0.1/tcp/1'] }
  return seal(advertMessage, { network: id, audience: null, thread: null, seq: nowS(), prev: null, ack: null, iat: nowS(), exp: nowS() + 360, body }, fresh.signer, suite).bytes
}

/** An advert in the name of an honest provider, far in its future, with a signature that does not fit. */
function forged(): Uint8Array {
  const bytes = sybil().slice()
  const victim = honest[(random(1)[0] ?? 0) % Math.max(1, honest.length)]
  if (victim !== undefined) bytes.set(victim, 3 + bytes.subarray(3).findIndex((_, i, all) => all[i] === 0xc4 && all[i + 1] === 32 && i > 40) + 2)
  return bytes
}

const MESSAGES: readonly (() => Uint8Array)[] = [() => random(200), () => random(4_000), forged, sybil, sybil, () => Uint8Array.from([0x92, ...random(60)])]

async function hostile(n: number): Promise<void> {
  while (!stopped) {
    const node = await createLibp2p({
      transports: [tcp()],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      connectionManager: { maxConnections: 1_000 },
      services: {
        identify: identify(),
        pubsub: gossipsub({
          globalSignaturePolicy: 'StrictNoSign', allowPublishToZeroTopicPeers: true, ignoreDuplicatePublishError: true, scoreParams: { IPColocationFactorWeight: 0 },
        }),
      },
    })
    node.services.pubsub.subscribe(topic)
    const dials = await Promise.allSettled(victims.map((address) => node.dial(multiaddr(address))))
    counts.refused += dials.filter(({ status }) => status === 'rejected').length
    const make = MESSAGES[n % MESSAGES.length] ?? sybil
    while (!stopped && node.getPeers().length > 0) {
      for (let i = 0; i < 40; i++) {
        await node.services.pubsub.publish(topic, make())
        counts.sent += 1
      }
      for (const peer of node.getPeers()) void askSnapshot(node, peer)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    if (!stopped) counts.thrownOut += 1
    await node.stop()
  }
}

async function askSnapshot(node: Awaited<ReturnType<typeof createLibp2p>>, peer: ReturnType<typeof node.getPeers>[number]): Promise<void> {
  try {
    const stream = await node.dialProtocol(peer, SNAPSHOT_PROTOCOL, { signal: AbortSignal.timeout(1_000) })
    const request = encodeSnapshotRequest({ classes: [], maxPriceBucket: 255, runnerBits: 0, minFree: 0, nonce: random(16), max: 64 })
    stream.send(Uint8Array.from([0, 0, 0, request.length, ...request]))
  } catch {
    // Refused, which is what the other side is for.
  }
}

process.stdin.resume()
process.stdin.on('end', () => {
  stopped = true
})
await Promise.all(Array.from({ length: 10 }, (_, n) => hostile(n)))
process.stdout.write(`${JSON.stringify(counts)}\n`)
process.exit(0)
