// A provider in a process of its own, for tests of the relay: `node _test_member.ts <node|client> <network> <bootstrap>`. Leaves politely when stdin ends.

import { advertTopics, createDiscovery } from '@haggle/discovery'
import { standingOffer } from '@haggle/discovery/testing'
import { createIdentity } from '@haggle/identity'
import { nodeSuite } from '@haggle/identity/node'
import { createNode } from '@haggle/mesh/node'
import { networkId, systemClock, systemRandom } from '@haggle/wire'

const [preset = 'node', network = '', bootstrap = ''] = process.argv.slice(2)
const id = networkId(network)
const identity = createIdentity(systemRandom()(32))
const mesh = await createNode({
  seed: identity.seed,
  networkId: id,
  topics: advertTopics(id),
  preset: preset === 'client' ? 'client' : 'node',
  bootstrap: [bootstrap],
  ...(preset === 'client' ? {} : { listen: ['/ip4/127.0.0.1/tcp/0'] }),
})
const parts = { networkId: id, suite: nodeSuite(), clock: systemClock() }
const discovery = createDiscovery({ ...parts, network: mesh.network, signer: identity.signer, random: systemRandom() })
await discovery.start()
await mesh.network.handle('/test/blob/1', async (stream) => {
  const chunk = new Uint8Array(256 * 1024)
  for (let sent = 0; sent < 16 * 1024 * 1024; sent += chunk.length) await stream.send(chunk)
  await stream.close()
})
await discovery.announce(() => standingOffer(identity, parts))
while (mesh.network.addresses().length === 0) await new Promise((resolve) => setTimeout(resolve, 10))
process.stdout.write(`${JSON.stringify({ peerId: identity.peerId })}\n`)
process.stdin.resume()
process.stdin.on('end', () => {
  void discovery
    .stop()
    .then(() => mesh.stop())
    .then(() => process.exit(0))
})
