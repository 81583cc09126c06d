// createNode(): what goes wrong is said clearly, private swarms are private, and an embedder's own node will do as well.

import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { gossipsub } from '@libp2p/gossipsub'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import { afterEach, describe, expect, it } from 'vitest'
import { libp2pNetwork } from './mod.ts'
import type { Libp2pComponents, Network } from './mod.ts'
import { libp2pParts } from './libp2p_parts.ts'
import { meshServices } from './services.ts'
import { eventually, seedOf, targetOf, testNodes } from './_test_nodes.ts'

const nodes = testNodes()
afterEach(() => nodes.stop())

describe('createNode()', { timeout: 60_000 }, () => {
  it('throws E_PORT_TAKEN when the port is taken', async () => {
    const holder = createServer()
    await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve))
    const { port } = holder.address() as AddressInfo
    await expect(nodes.node({ listen: [`/ip4/127.0.0.1/tcp/${port}`] })).rejects.toMatchObject({
      code: 'E_PORT_TAKEN',
      details: { address: `/ip4/127.0.0.1/tcp/${port}` },
    })
    holder.close()
  })

  it('throws E_LISTEN, E_ADDRESS and E_PSK for what can not work', async () => {
    await expect(nodes.node({ listen: ['/ip4/192.0.2.1/tcp/0'] })).rejects.toMatchObject({ code: 'E_LISTEN' })
    await expect(nodes.node({ listen: ['here'] })).rejects.toMatchObject({ code: 'E_ADDRESS' })
    await expect(nodes.node({ bootstrap: ['/ip4/127.0.0.1/tcp/1'] })).rejects.toMatchObject({ code: 'E_ADDRESS' })
    await expect(nodes.node({ psk: new Uint8Array(3) })).rejects.toMatchObject({ code: 'E_PSK' })
  })

  it('says each address that failed with its reason when a peer can not be reached', async () => {
    const a = await nodes.node()
    const b = await nodes.node()
    const target = targetOf(b)
    await b.stop()
    await expect(a.network.connect(target)).rejects.toMatchObject({
      code: 'E_DIAL',
      message: expect.stringContaining(`${target.addresses[0]}: connection refused`),
    })
  })

  it('connects nodes of a private swarm with each other and with nobody else', async () => {
    const psk = new Uint8Array(32).fill(3)
    const [a, b, stranger, other] = await Promise.all([
      nodes.node({ psk, seed: seedOf(11) }),
      nodes.node({ psk, seed: seedOf(12) }),
      nodes.node({ seed: seedOf(13) }),
      nodes.node({ psk: new Uint8Array(32).fill(4), seed: seedOf(14) }),
    ])
    await a.network.connect(targetOf(b))
    expect(a.network.path(b.network.peerId)?.kind).toBe('direct')
    await expect(stranger.network.connect(targetOf(a))).rejects.toMatchObject({ code: 'E_DIAL' })
    await expect(other.network.connect(targetOf(a))).rejects.toMatchObject({ code: 'E_DIAL' })
  })

  it('joins through its bootstrap by itself', async () => {
    const first = await nodes.node()
    const second = await nodes.node({ bootstrap: first.network.addresses() })
    await eventually(() => second.network.peers().includes(first.network.peerId))
  })

  it('finds others on the local network by multicast, and nobody of another network', async ({ skip }) => {
    if (!(await hasMulticast())) skip('this machine has no multicast on loopback')
    const listen = ['/ip4/127.0.0.1/tcp/0']
    const [a, b] = [await nodes.node({ mdns: true, wanted: 8, listen }), await nodes.node({ mdns: true, wanted: 8, listen })]
    const stranger = await nodes.node({ mdns: true, wanted: 8, listen, networkId: new Uint8Array(32).fill(9) })
    await eventually(() => a.network.peers().includes(b.network.peerId))
    expect(a.network.peers()).not.toContain(stranger.network.peerId)
  })

  it('throws E_TOPIC_CLOSED for a topic that is not in its list', async () => {
    const a = await nodes.node()
    await expect(a.network.subscribe('elsewhere', () => 'accept')).rejects.toMatchObject({ code: 'E_TOPIC_CLOSED' })
    await expect(a.network.publish('elsewhere', new Uint8Array(1))).rejects.toMatchObject({ code: 'E_TOPIC_CLOSED' })
  })
})

/** True when a multicast packet of ours comes back to us. */
function hasMulticast(): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket({ type: 'udp4', reuseAddr: true })
    const done = (works: boolean): void => {
      clearTimeout(timer)
      socket.close(() => resolve(works))
    }
    const timer = setTimeout(() => done(false), 1_000)
    socket.once('error', () => done(false))
    socket.once('message', () => done(true))
    socket.bind(0, () => {
      try {
        socket.addMembership('224.0.0.251')
        socket.setMulticastLoopback(true)
        socket.send('ping', socket.address().port, '224.0.0.251', (error) => error && done(false))
      } catch {
        done(false)
      }
    })
  })
}

describe('libp2pNetwork() on a node of an embedder', { timeout: 60_000 }, () => {
  it('throws E_SERVICE_SETTING when its gossipsub signs', async () => {
    const { identify, ping, dht } = services
    const node = await createLibp2p({ ...(await parts()), services: { identify, ping, dht, pubsub: gossipsub() }, start: false })
    expect(() => libp2pParts(node)).toThrow(expect.objectContaining({ code: 'E_SERVICE_SETTING' }))
  })

  const parts = async () => ({
    privateKey: await generateKeyPairFromSeed('Ed25519', seedOf(99)),
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
  })
  const services = meshServices({ networkId: new Uint8Array(32).fill(7), topics: ['test'] })

  it('works from inside a service, whatever the order and the names of the services are', async () => {
    let network: Network | undefined
    const { identify, ping, dht, pubsub: gossip } = services
    const node = await createLibp2p({
      ...(await parts()),
      services: {
        mine: (components: Libp2pComponents) => ({
          start: () => {
            network = libp2pNetwork(components)
          },
          stop: () => undefined,
        }),
        identify,
        ping,
        dht,
        gossip,
      },
    })
    const other = await nodes.node()
    expect(network).toBeDefined()
    await other.network.handle('/hello/1', async (stream) => {
      await stream.send(new Uint8Array([1]))
      await stream.close()
    })
    const stream = await network?.open(targetOf(other), '/hello/1')
    const got: number[] = []
    for await (const chunk of stream ?? []) got.push(...chunk)
    expect(got).toEqual([1])
    await node.stop()
  })

  it('throws E_SERVICE_MISSING with the name of what the node lacks', async () => {
    const { identify, ping, dht, pubsub } = services
    const without = {
      gossipsub: await createLibp2p({ ...(await parts()), services: { identify, ping, dht }, start: false }),
      'kad-dht': await createLibp2p({ ...(await parts()), services: { identify, ping, pubsub }, start: false }),
    }
    for (const [service, node] of Object.entries(without)) {
      expect(() => libp2pNetwork(node)).toThrow(expect.objectContaining({ code: 'E_SERVICE_MISSING', details: { service } }))
    }
  })
})
