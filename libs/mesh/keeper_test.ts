// Nodes that knew each other find each other again, with every bootstrap dead, after all of them were down.

import { afterEach, describe, expect, it } from 'vitest'
import { memoryStore } from '@haggle/store'
import { KnownPeers, MAX_KNOWN_PEERS } from './peers.ts'
import { eventually, seedOf, testNodes } from './_test_nodes.ts'

const nodes = testNodes()
afterEach(() => nodes.stop())

describe('MeshKeeper', { timeout: 60_000 }, () => {
  const restart = async (isRemembering: boolean): Promise<boolean> => {
    const stores = Array.from({ length: 3 }, () => memoryStore())
    const up = (i: number, bootstrap: string[], listen: string) =>
      nodes.node({
        seed: seedOf(50 + i),
        bootstrap,
        listen: [listen],
        wanted: 8,
        ...(isRemembering ? { storage: stores[i] ?? memoryStore() } : {}),
      })
    const relay = await nodes.node({ preset: 'relay', seed: seedOf(40) })
    const bootstrap = relay.network.addresses()
    const first = await Promise.all([0, 1, 2].map((i) => up(i, bootstrap, '/ip4/127.0.0.1/tcp/0')))
    await eventually(() => first.every((node) => node.network.peers().length >= 3))
    const ports = first.map((node) => (node.network.addresses()[0] ?? '').split('/p2p/')[0] ?? '')
    await nodes.stop()

    const again = await Promise.all(ports.map((port, i) => up(i, bootstrap, port)))
    const isFormed = (): boolean => again.every((node) => node.network.peers().length === 2)
    if (isRemembering) await eventually(isFormed)
    else await new Promise((resolve) => setTimeout(resolve, 3_000))
    return isFormed()
  }

  it('re-forms from what it remembers when every bootstrap is dead', async () => {
    expect(await restart(true)).toBe(true)
  })

  it('does not without a memory', async () => {
    expect(await restart(false)).toBe(false)
  })
})

describe('MeshKeeper and gossip', { timeout: 60_000 }, () => {
  it('gets back a neighbour whose gossip stream was lost', async () => {
    const hub = await nodes.node()
    const leaf = await nodes.node({ preset: 'client', bootstrap: hub.network.addresses(), relays: [] })
    const heard: string[] = []
    await hub.network.subscribe('test', ({ data }) => {
      heard.push(new TextDecoder().decode(data))
      return 'accept'
    })
    const say = async (word: string): Promise<boolean> => {
      await leaf.network.publish('test', new TextEncoder().encode(`${word} ${Math.random()}`))
      return heard.some((text) => text.startsWith(word))
    }
    await eventually(() => say('before'))
    // As when opening it had failed: gossipsub itself never tries again.
    for (const stream of leaf.libp2p.getConnections()[0]?.streams ?? []) {
      if (stream.direction === 'outbound' && stream.protocol.startsWith('/meshsub/')) stream.abort(new Error('lost'))
    }
    await eventually(() => say('after'))
  })
})

describe('KnownPeers', () => {
  it('comes back from its store with what was noted, the latest first', async () => {
    const storage = memoryStore()
    const known = new KnownPeers(storage)
    known.note('a', ['/ip4/127.0.0.1/tcp/1'], 100)
    known.note('b', ['/ip4/127.0.0.1/tcp/2', '/ip4/127.0.0.1/tcp/2'], 200)
    known.note('c', [], 300)
    known.note('d', ['/ip4/127.0.0.1/tcp/4'], 50)
    known.forget('d')
    await known.save()
    const again = new KnownPeers(storage)
    await again.load()
    expect(again.all()).toEqual([
      { peerId: 'b', addresses: ['/ip4/127.0.0.1/tcp/2'], seenS: 200 },
      { peerId: 'a', addresses: ['/ip4/127.0.0.1/tcp/1'], seenS: 100 },
    ])
  })

  it('puts an address that worked before the others', () => {
    const known = new KnownPeers()
    known.note('a', ['/ip4/127.0.0.1/tcp/1', '/ip4/127.0.0.1/tcp/2'], 100)
    known.noteWorking('a', '/ip4/127.0.0.1/tcp/2', 200)
    known.noteWorking('b', '/ip4/127.0.0.1/tcp/3', 100)
    expect(known.all().map(({ addresses }) => addresses)).toEqual([
      ['/ip4/127.0.0.1/tcp/2', '/ip4/127.0.0.1/tcp/1'],
      ['/ip4/127.0.0.1/tcp/3'],
    ])
  })

  it('keeps no more than its bound, dropping the longest unseen', () => {
    const known = new KnownPeers()
    for (let i = 0; i < MAX_KNOWN_PEERS + 10; i++) known.note(`peer${i}`, ['/ip4/127.0.0.1/tcp/1'], 1_000 + i)
    expect(known.all()).toHaveLength(MAX_KNOWN_PEERS)
    expect(known.all().at(-1)?.peerId).toBe('peer10')
  })

  it('drops entries that can not be read', async () => {
    const storage = memoryStore()
    await storage.write([{ key: 'peer/broken', value: Uint8Array.of(0xc1) }])
    const known = new KnownPeers(storage)
    await known.load()
    expect(known.all()).toEqual([])
    await known.save()
    expect(await storage.get('peer/broken')).toBeUndefined()
  })
})
