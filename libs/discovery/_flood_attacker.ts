// Ten hostile peers in a process of their own: told by argv whom to flood, they do so until stdin closes, coming back with new keys when thrown out.

import { setPriority } from 'node:os'
import { createIdentity } from '@haggle/identity'
import { nodeEd25519, nodeSuite } from '@haggle/identity/node'
import { createNode } from '@haggle/mesh/node'
import type { MeshNode } from '@haggle/mesh/node'
import { fromHex, networkId, seal, systemRandom, writeFrame } from '@haggle/wire'
import { advertMessage } from './advert.ts'
import { encodeSnapshotRequest } from './snapshot.ts'
import { advertTopic, advertTopics, SNAPSHOT_PROTOCOL } from './topics.ts'

const [networkName = '', victimsJson = '[]', honestJson = '[]'] = process.argv.slice(2)
const victims = (JSON.parse(victimsJson) as string[]).map((address) => ({
  peerId: address.split('/p2p/').at(-1) ?? '',
  addresses: [address],
}))
const honest = (JSON.parse(honestJson) as string[]).map((hex) => fromHex(hex))
const id = networkId(networkName)
const suite = nodeSuite()
const ed25519 = nodeEd25519()
const random = systemRandom()
const topic = advertTopic(id, 'cpu')
/** Thrown out so often, it says so: the flood goes on at least until then. */
const ENOUGH = 6
const counts = { sent: 0, thrownOut: 0, refused: 0 }
let stopped = false

const nowS = (): number => Math.floor(Date.now() / 1_000)

/** A valid advert of a key that nobody has seen. */
function sybil(): Uint8Array {
  const fresh = createIdentity(random(32), ed25519)
  const body = {
    digest: random(32),
    classIndex: 0,
    vramTier: 0,
    freeCount: 1,
    priceBucket: 1,
    region: null,
    runnerBits: 1,
    depth: 0,
    ttlS: 360,
    addresses: ['/ip4/127.0.0.1/tcp/1'],
  }
  return seal(
    advertMessage,
    { network: id, audience: null, thread: null, seq: nowS(), prev: null, ack: null, iat: nowS(), exp: nowS() + 360, body },
    fresh.signer,
    suite,
  ).bytes
}

/** An advert in the name of an honest provider, with a signature that does not fit. */
function forged(): Uint8Array {
  const victim = honest[(random(1)[0] ?? 0) % Math.max(1, honest.length)] ?? new Uint8Array(32)
  const fresh = createIdentity(random(32), ed25519)
  const bytes = sybil()
  const at = bytes.findIndex((byte, i) => byte === 0xc4 && bytes[i + 1] === 32 && i > 40)
  bytes.set(victim, at + 2)
  bytes.set(fresh.publicKey, bytes.length - 40)
  return bytes
}

const MESSAGES: readonly (() => Uint8Array)[] = [
  () => random(200),
  () => random(900),
  forged,
  sybil,
  sybil,
  () => Uint8Array.from([0x92, ...random(60)]),
]

async function hostile(n: number): Promise<void> {
  while (!stopped) {
    const node = await createNode({ seed: random(32), networkId: id, topics: advertTopics(id), preset: 'client', wanted: 0 })
    await node.network.subscribe(topic, () => 'ignore')
    const dials = await Promise.allSettled(victims.map((victim) => node.network.connect(victim)))
    counts.refused += dials.filter(({ status }) => status === 'rejected').length
    const make = MESSAGES[n % MESSAGES.length] ?? sybil
    while (!stopped && node.network.peers().length > 0) {
      for (let i = 0; i < 40; i++) {
        await node.network.publish(topic, make())
        counts.sent += 1
      }
      for (const peerId of node.network.peers()) void askSnapshot(node, peerId)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    if (!stopped) counts.thrownOut += 1
    if (!stopped && counts.thrownOut === ENOUGH) process.stdout.write('thrown out\n')
    await node.stop()
  }
}

async function askSnapshot(node: MeshNode, peerId: string): Promise<void> {
  try {
    const stream = await node.network.open({ peerId }, SNAPSHOT_PROTOCOL, { signal: AbortSignal.timeout(1_000) })
    await stream.send(
      writeFrame(encodeSnapshotRequest({ classes: [], maxPriceBucket: 255, runnerBits: 0, minFree: 0, nonce: random(16), max: 64 })),
    )
  } catch {
    // Refused, which is what the other side is for.
  }
}

// A flood comes over the network: it takes what processor the flooded leave, and not theirs.
setPriority(19)
process.stdin.resume()
process.stdin.on('end', () => {
  stopped = true
})
await Promise.all(Array.from({ length: 10 }, (_, n) => hostile(n)))
process.stdout.write(`${JSON.stringify(counts)}\n`)
process.exit(0)
