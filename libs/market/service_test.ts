// The market as a service of libp2p nodes that an embedder made.

import { gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { kadDHT } from '@libp2p/kad-dht'
import { noise } from '@libp2p/noise'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { portableSuite } from '@haggle/identity'
import { memoryJobHost } from '@haggle/job'
import { systemClock } from '@haggle/wire'
import { createLibp2p } from 'libp2p'
import { afterEach, expect, it } from 'vitest'
import { market, type MarketInit } from './mod.ts'
import { TEST_MACHINE } from './testing.ts'

const stops: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
})

async function node(init: MarketInit) {
  const made = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: {
      identify: identify(),
      ping: ping(),
      dht: kadDHT({ clientMode: false }),
      pubsub: gossipsub({ globalSignaturePolicy: 'StrictNoSign' }),
      market: market({ network: 'devnet-service', ...init }),
    },
  })
  stops.push(async () => await made.stop())
  return made
}

it('market() runs a job between two libp2p nodes that were there already', async () => {
  const host = memoryJobHost({
    run: async (job) => (job.write('stdout', 'hello\n'), 0),
    clock: systemClock(),
    sha256: portableSuite().sha256,
  })
  const provider = await node({ launcher: host, machine: TEST_MACHINE })
  const renter = await node({})
  await provider.services.market.provide({ price: '0.01' })
  await renter.dial(provider.getMultiaddrs())
  const job = await renter.services.market.run({ command: ['say', 'hello'] })
  const lines: string[] = []
  for await (const line of job.lines()) lines.push(line)
  expect(lines).toEqual(['hello'])
  expect((await job.done).receipt).toMatchObject({ signedBy: 'both', outcome: 'settled' })
})

it('market() names the service that is missing when the node starts', async () => {
  const made = createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { identify: identify(), market: market() },
  })
  await expect(made).rejects.toMatchObject({ code: 'E_SERVICE_MISSING' })
})
