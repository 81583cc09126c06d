// Gossip: whole delivery on one address, ids that a broken copy can't take, closed topics, and neighbours who lie are thrown out.

import { gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { afterEach, describe, expect, it } from 'vitest'
import type { MeshNode } from './node.ts'
import { eventually, seedOf, targetOf, testNodes } from './_test_nodes.ts'

const nodes = testNodes()
const strangers: { stop(): unknown }[] = []
afterEach(async () => {
  await Promise.all(strangers.splice(0).map((stranger) => stranger.stop()))
  await nodes.stop()
})

/** A stock gossipsub node that connects to `target` and says what it likes. */
async function stranger(n: number, target: MeshNode, globalSignaturePolicy: 'StrictNoSign' | 'StrictSign' = 'StrictNoSign') {
  let published = 0
  const node = await createLibp2p({
    privateKey: await generateKeyPairFromSeed('Ed25519', seedOf(1_000 + n)),
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: {
      identify: identify(),
      pubsub: gossipsub({
        globalSignaturePolicy,
        // It may say the same thing twice.
        msgIdFn: () => new Uint8Array(new Uint32Array([n, published++]).buffer),
        allowPublishToZeroTopicPeers: true,
        ignoreDuplicatePublishError: true,
        scoreParams: { IPColocationFactorWeight: 0 },
      }),
    },
  })
  strangers.push(node)
  await node.dial(target.network.addresses().map((address) => multiaddr(address)))
  node.services.pubsub.subscribe('test')
  await eventually(() => node.services.pubsub.getSubscribers('test').length > 0)
  // What is said before its own stream is open is lost.
  await eventually(() =>
    node.getConnections().some(({ streams }) => streams.some((s) => s.direction === 'outbound' && s.protocol.startsWith('/meshsub/'))),
  )
  return node
}

describe('meshGossip()', { timeout: 60_000 }, () => {
  it('delivers everything between many nodes on one address', async () => {
    const COUNT = 14
    const MESSAGES = 20
    const hub = await nodes.node()
    const heard: Set<string>[] = []
    const all = [hub]
    for (let i = 1; i < COUNT; i++) all.push(await nodes.node({ preset: 'client', bootstrap: hub.network.addresses(), relays: [] }))
    const warm = new Set<MeshNode>()
    for (const node of all) {
      const mine = new Set<string>()
      heard.push(mine)
      await node.network.subscribe('test', ({ data }) => {
        const text = new TextDecoder().decode(data)
        if (text.startsWith('m')) mine.add(text)
        else warm.add(node)
        return 'accept'
      })
    }
    // What is said before the hub has heard that a node subscribes does not reach it: so everybody but the speaker has to hear something first.
    let said = 0
    for (const speaker of [all[1], all[2]]) {
      warm.clear()
      await eventually(async () => {
        await speaker?.network.publish('test', new TextEncoder().encode(`probe ${said++}`))
        return warm.size >= COUNT - 1
      })
    }
    for (let m = 0; m < MESSAGES; m++) await all[1 + (m % (COUNT - 1))]?.network.publish('test', new TextEncoder().encode(`m${m}`))
    await eventually(() => heard.every((mine, i) => mine.size >= MESSAGES - (i === 0 ? 0 : Math.ceil(MESSAGES / (COUNT - 1)))))
    const sent = (i: number): number =>
      Array.from({ length: MESSAGES }, (_, m) => 1 + (m % (COUNT - 1))).filter((sender) => sender === i).length
    heard.forEach((mine, i) => expect(mine.size, `node ${i}`).toBe(MESSAGES - sent(i)))
  })

  it('bans a neighbour that passes on what its validator rejects, and keeps one that is only ignored', async () => {
    const node = await nodes.node()
    await node.network.subscribe('test', ({ data }) => (data[0] === 0 ? 'reject' : 'ignore'))
    const [liar, bore] = [await stranger(1, node), await stranger(2, node)]
    let said = 0
    await eventually(async () => {
      said += 1
      await liar.services.pubsub.publish('test', Uint8Array.of(0, said))
      await bore.services.pubsub.publish('test', Uint8Array.of(1, said))
      return node.gate.isBanned(liar.peerId.toString())
    })
    await eventually(() => !node.network.peers().includes(liar.peerId.toString()))
    expect(node.network.peers()).toContain(bore.peerId.toString())
    // The caller may believe for a moment that it is connected still, or again: the refusal comes when its key is known.
    await eventually(async () => {
      await liar
        .dial(
          node.network.addresses().map((address) => multiaddr(address)),
          { force: true },
        )
        .catch(() => undefined)
      return (node.gate.refused.get('banned') ?? 0) > 0
    })
    expect(node.network.peers()).not.toContain(liar.peerId.toString())
  })

  it('bans a neighbour whose validator says flood, and does not blame who passes on the same message', async () => {
    const node = await nodes.node({ limits: { floodForgiven: 5 } })
    let floods = ''
    await node.network.subscribe('test', ({ from }) => (from === floods ? 'flood' : 'accept'))
    const [flooder, honest] = [await stranger(6, node), await stranger(7, node)]
    floods = flooder.peerId.toString()
    let said = 0
    await eventually(async () => {
      said += 1
      await flooder.services.pubsub.publish('test', Uint8Array.of(said))
      await honest.services.pubsub.publish('test', Uint8Array.of(said))
      return node.gate.isBanned(floods)
    })
    expect(node.network.peers()).toContain(honest.peerId.toString())
    expect(node.gate.isBanned(honest.peerId.toString())).toBe(false)
  })

  it('keeps nothing of topics that do not exist', async () => {
    const node = await nodes.node()
    await node.network.subscribe('test', () => 'accept')
    const noisy = await stranger(3, node)
    for (let i = 0; i < 50; i++) noisy.services.pubsub.subscribe(`made up ${i}`)
    const pubsub: object = node.libp2p.services.pubsub
    const topics = Reflect.get(pubsub, 'topics') as Map<string, Set<string>>
    await noisy.services.pubsub.publish('test', Uint8Array.of(9))
    await eventually(() => topics.get('test')?.has(noisy.peerId.toString()) === true)
    expect([...topics.keys()]).toEqual(['test'])
  })

  it('is not silenced by the same bytes on another topic, nor by a signed copy', async () => {
    const node = await nodes.node({ topics: ['test', 'other'] })
    const heard: string[] = []
    await node.network.subscribe('test', ({ data }) => {
      heard.push(`test ${data.join()}`)
      return 'accept'
    })
    await node.network.subscribe('other', () => 'ignore')
    const [honest, signing] = [await stranger(4, node), await stranger(5, node, 'StrictSign')]
    await honest.services.pubsub.publish('other', Uint8Array.of(7))
    await signing.services.pubsub.publish('test', Uint8Array.of(7))
    await eventually(
      () =>
        (Reflect.get(node.libp2p.services.pubsub, 'getScore') as (peer: string) => number).call(
          node.libp2p.services.pubsub,
          signing.peerId.toString(),
        ) < 0,
    )
    await honest.services.pubsub.publish('test', Uint8Array.of(7))
    await eventually(() => heard.includes('test 7'))
  })

  it('ranges of shared addresses are not punished, single public ones are', async () => {
    const node = await nodes.node()
    const pubsub: object = node.libp2p.services.pubsub
    const { params } = Reflect.get(pubsub, 'score') as {
      params: { IPColocationFactorWhitelist: Set<string>; IPColocationFactorWeight: number; topics: object }
    }
    expect(params.IPColocationFactorWeight).toBeLessThan(0)
    expect(['127.0.0.1', '10.9.8.7', '192.168.1.1', '::1'].map((ip) => params.IPColocationFactorWhitelist.has(ip))).toEqual([
      true,
      true,
      true,
      true,
    ])
    expect(params.IPColocationFactorWhitelist.has('8.8.8.8')).toBe(false)
    expect(Object.keys(params.topics)).toEqual(['test'])
    await node.network.connect(targetOf(await nodes.node()))
  })
})
