// Nodes that knew each other find each other again, with every bootstrap dead, after all of them were down, whatever strangers and disks did meanwhile.

import { afterEach, describe, expect, it } from 'vitest'
import { memoryStore } from '@haggle/store'
import { encode } from '@haggle/wire'
import { virtualClock } from '@haggle/wire/testing'
import type { MeshNode } from './node.ts'
import { KnownPeers, MAX_KNOWN_PEERS } from './peers.ts'
import type { PeerStorage } from './peers.ts'
import { eventually, seedOf, targetOf, testNodes } from './_test_nodes.ts'

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

  it('re-forms with a peer that it had dialled, after more strangers than it has places for', async () => {
    const storage = memoryStore()
    const friend = await nodes.node({ seed: seedOf(60) })
    const first = await nodes.node({ seed: seedOf(61), storage, bootstrap: friend.network.addresses() })
    await eventually(() => first.known.all().some(({ peerId }) => peerId === friend.network.peerId))
    const laterS = Math.floor(Date.now() / 1_000) + 5
    for (let i = 0; i < 2 * MAX_KNOWN_PEERS; i++) first.known.note(`stranger${i}`, ['/ip4/127.0.0.1/tcp/1'], laterS + i)
    const port = (friend.network.addresses()[0] ?? '').split('/p2p/')[0] ?? ''
    await nodes.stop()

    await nodes.node({ seed: seedOf(60), listen: [port] })
    const second = await nodes.node({ seed: seedOf(61), storage, wanted: 8 })
    await eventually(() => second.network.peers().includes(friend.network.peerId))
  })
})

describe('MeshKeeper and what can not be written', { timeout: 60_000 }, () => {
  it('remembers the others when a peer lists an address that no record takes', async () => {
    const storage = memoryStore()
    const problems: unknown[] = []
    const victim = await nodes.node({ storage, onProblem: (error) => problems.push(error) })
    const attacker = await nodes.node({ announce: ['/dns4/a\u0007b/tcp/1'] })
    await attacker.network.connect(targetOf(victim))
    await eventually(() => isIdentified(victim, attacker))
    const honest = await nodes.node()
    await honest.network.connect(targetOf(victim))
    await eventually(() => victim.known.all().some(({ peerId }) => peerId === honest.network.peerId))
    await victim.stop()
    expect(victim.libp2p.status).toBe('stopped')
    expect(problems).toEqual([])
    const known = new KnownPeers(storage)
    await known.load()
    expect(known.all().map(({ peerId }) => peerId)).toEqual([honest.network.peerId])
  })

  it('tells when its storage fails, goes on, and stops all the same', async () => {
    const problems: unknown[] = []
    const full = new Error('the disk is full')
    const storage: PeerStorage = { ...memoryStore(), write: () => Promise.reject(full) }
    const node = await nodes.node({ storage, onProblem: (error) => problems.push(error) })
    const other = await nodes.node()
    await node.network.connect(targetOf(other))
    await eventually(() => problems.length > 0)
    expect(node.network.peers()).toEqual([other.network.peerId])
    await node.stop()
    expect(node.libp2p.status).toBe('stopped')
    expect(new Set(problems)).toEqual(new Set([full]))
  })

  it('stops libp2p also when who is told of a problem throws', async () => {
    const store = memoryStore()
    let isFull = true
    const storage: PeerStorage = {
      range: (range) => store.range(range),
      write: (batch) => (isFull ? Promise.reject(new Error('the disk is full')) : store.write(batch)),
    }
    const node = await nodes.node({
      storage,
      onProblem: (error) => {
        throw error
      },
    })
    node.known.note('somebody', ['/ip4/127.0.0.1/tcp/1'], 100)
    await expect(node.stop()).rejects.toThrow('the disk is full')
    expect(node.libp2p.status).toBe('stopped')
    isFull = false
  })
})

describe('MeshKeeper and time', { timeout: 60_000 }, () => {
  it('writes again within a minute what could not be written, and that a peer is still there', async () => {
    const clock = virtualClock()
    const problems: unknown[] = []
    const store = memoryStore()
    let isFull = true
    const storage: PeerStorage = {
      range: (range) => store.range(range),
      write: (batch) => (isFull ? Promise.reject(new Error('the disk is full')) : store.write(batch)),
    }
    const node = await nodes.node({ storage, clock, onProblem: (error) => problems.push(error) })
    const other = await nodes.node()
    await other.network.connect(targetOf(node))
    await eventually(() => problems.length > 0)
    isFull = false
    await clock.settle(62_000)
    const known = new KnownPeers(store)
    await known.load()
    expect(known.all()).toMatchObject([{ peerId: other.network.peerId, source: 'told' }])
    expect((known.all()[0]?.seenS ?? 0) * 1_000).toBeGreaterThanOrEqual(clock.now() - 10_000)
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

/** True when `node` has heard what `other` says of itself. */
async function isIdentified(node: MeshNode, other: MeshNode): Promise<boolean> {
  const heard = await node.libp2p.peerStore.get(other.libp2p.peerId).catch(() => undefined)
  return (heard?.protocols.length ?? 0) > 0
}

describe('KnownPeers', () => {
  const address = (port: number): string => `/ip4/127.0.0.1/tcp/${port}`
  const idsOf = (known: KnownPeers): string[] => known.all().map(({ peerId }) => peerId)
  const loaded = async (storage: PeerStorage): Promise<KnownPeers> => {
    const known = new KnownPeers(storage)
    await known.load()
    return known
  }

  it('comes back from its store with what was noted, whom it dialled first, then the latest', async () => {
    const storage = memoryStore()
    const known = new KnownPeers(storage)
    known.note('a', [address(1)], 100)
    known.note('b', [address(2), address(2)], 200)
    known.note('c', [], 300)
    known.note('d', [address(4)], 50)
    known.noteWorking('e', address(5), 70)
    known.forget('d')
    await known.save()
    expect((await loaded(storage)).all()).toEqual([
      { peerId: 'e', addresses: [address(5)], seenS: 70, source: 'dialled' },
      { peerId: 'b', addresses: [address(2)], seenS: 200, source: 'told' },
      { peerId: 'a', addresses: [address(1)], seenS: 100, source: 'told' },
    ])
  })

  it('puts an address that worked before the others, also before what the peer says later', () => {
    const known = new KnownPeers()
    known.note('a', [address(1), address(2)], 100)
    known.noteWorking('a', address(2), 200)
    known.noteWorking('b', address(3), 100)
    known.note('b', [address(4)], 100)
    expect(known.all().map(({ addresses }) => addresses)).toEqual([
      [address(2), address(1)],
      [address(3), address(4)],
    ])
  })

  it('takes only addresses that can be written, and writes the rest', async () => {
    const storage = memoryStore()
    const known = new KnownPeers(storage)
    known.note('bell', ['/dns4/a\u0007b/tcp/1'], 100)
    known.noteWorking('bell', '/dns4/a\u0007b/tcp/1', 100)
    known.note('octets', [`/dns4/${'é'.repeat(200)}/tcp/1`, address(1)], 100)
    known.noteWorking('octets', '/dns4/a\u0007b/tcp/1', 100)
    known.note('long', [`/dns4/${'a'.repeat(300)}/tcp/1`], 100)
    await known.save()
    expect((await loaded(storage)).all()).toEqual([{ peerId: 'octets', addresses: [address(1)], seenS: 100, source: 'told' }])
  })

  it('keeps no more than its bound, dropping the longest unseen', () => {
    const known = new KnownPeers()
    for (let i = 0; i < MAX_KNOWN_PEERS + 10; i++) known.note(`peer${i}`, [address(1)], 1_000 + i)
    expect(known.all()).toHaveLength(MAX_KNOWN_PEERS)
    expect(known.all().at(-1)?.peerId).toBe('peer10')
  })

  it('keeps whom it dialled when any number of new keys come', () => {
    const known = new KnownPeers()
    for (let i = 0; i < 200; i++) known.noteWorking(`dialled${i}`, address(1), i)
    for (let i = 0; i < 2_000; i++) {
      known.connected(`key${i}`)
      known.note(`key${i}`, [address(2)], 1_000 + i)
      known.disconnected(`key${i}`, 1_000 + i)
    }
    expect(known.all()).toHaveLength(MAX_KNOWN_PEERS)
    expect(known.all().filter(({ source }) => source === 'dialled')).toHaveLength(200)
  })

  it('keeps half of its places for whom it dialled when all the others stay connected', () => {
    const known = new KnownPeers()
    for (let i = 0; i < 300; i++) known.noteWorking(`dialled${i}`, address(1), i)
    for (let i = 0; i < 1_000; i++) {
      known.connected(`key${i}`)
      known.note(`key${i}`, [address(2)], 1_000 + i)
    }
    const half = Array.from({ length: MAX_KNOWN_PEERS / 2 }, (_, i) => `dialled${299 - i}`)
    expect(idsOf(known).slice(0, MAX_KNOWN_PEERS / 2)).toEqual(half)
    expect(known.all()).toHaveLength(MAX_KNOWN_PEERS)
  })

  it('drops nobody who is connected for somebody who is not', () => {
    const known = new KnownPeers()
    known.connected('guest')
    known.note('guest', [address(1)], 0)
    for (let i = 0; i < MAX_KNOWN_PEERS + 10; i++) known.note(`told${i}`, [address(2)], 1_000 + i)
    for (let i = 0; i < MAX_KNOWN_PEERS + 10; i++) known.noteWorking(`dialled${i}`, address(3), 2_000 + i)
    expect(idsOf(known)).toContain('guest')
    known.disconnected('guest', 10)
    known.noteWorking('another', address(3), 4_000)
    expect(idsOf(known)).not.toContain('guest')
  })

  it('has seen last whoever is still connected', async () => {
    const storage = memoryStore()
    const known = new KnownPeers(storage)
    for (const peerId of ['stays', 'left']) {
      known.connected(peerId)
      known.note(peerId, [address(1)], 100)
    }
    known.disconnected('left', 500)
    known.seeConnected(900)
    await known.save()
    expect((await loaded(storage)).all().map(({ peerId, seenS }) => [peerId, seenS])).toEqual([
      ['stays', 900],
      ['left', 500],
    ])
  })

  it('writes at the next save what a save could not write', async () => {
    const store = memoryStore()
    let isFull = false
    const storage: PeerStorage = {
      range: (range) => store.range(range),
      write: (batch) => (isFull ? Promise.reject(new Error('the disk is full')) : store.write(batch)),
    }
    const known = new KnownPeers(storage)
    known.note('a', [address(1)], 100)
    known.note('b', [address(2)], 200)
    await known.save()
    isFull = true
    known.forget('a')
    known.note('c', [address(3)], 300)
    await expect(known.save()).rejects.toThrow('the disk is full')
    isFull = false
    await known.save()
    expect(idsOf(await loaded(storage))).toEqual(['c', 'b'])
  })

  it('has no more to write than it has places, however long its storage fails', async () => {
    const store = memoryStore()
    const sizes: number[] = []
    const storage: PeerStorage = {
      range: (range) => store.range(range),
      write: async (batch) => {
        sizes.push(batch.length)
        throw new Error('the disk is full')
      },
    }
    const known = new KnownPeers(storage)
    for (let round = 0; round < 4; round++) {
      for (let i = 0; i < MAX_KNOWN_PEERS; i++) known.note(`peer${round}.${i}`, [address(1)], 1_000 * round + i)
      await expect(known.save()).rejects.toThrow('the disk is full')
    }
    expect(sizes).toEqual([MAX_KNOWN_PEERS, MAX_KNOWN_PEERS, MAX_KNOWN_PEERS, MAX_KNOWN_PEERS])
  })

  it('leaves nobody in its store who was forgotten while being written', async () => {
    const store = memoryStore()
    const release = Promise.withResolvers<void>()
    const storage: PeerStorage = {
      range: (range) => store.range(range),
      write: async (batch) => {
        await release.promise
        await store.write(batch)
      },
    }
    const known = new KnownPeers(storage)
    known.note('a', [address(1)], 100)
    const first = known.save()
    await Promise.resolve()
    known.forget('a')
    const second = known.save()
    release.resolve()
    await Promise.all([first, second])
    expect(await store.get('peer/a')).toBeUndefined()
  })

  it('reads what an older version wrote, leaves out addresses that it would not take, and drops entries that can not be read', async () => {
    const storage = memoryStore()
    await storage.write([
      { key: 'peer/broken', value: Uint8Array.of(0xc1) },
      { key: 'peer/odd', value: encode([2, 300, 'told', ['/dns4/é/tcp/1']]) },
      { key: 'peer/mixed', value: encode([2, 200, 'dialled', ['/dns4/é/tcp/1', address(1)]]) },
      { key: 'peer/older', value: encode([1, 100, [address(2)]]) },
    ])
    const known = await loaded(storage)
    expect(known.all()).toEqual([
      { peerId: 'mixed', addresses: [address(1)], seenS: 200, source: 'dialled' },
      { peerId: 'older', addresses: [address(2)], seenS: 100, source: 'told' },
    ])
    await known.save()
    expect(await storage.getMany(['peer/broken', 'peer/odd'])).toEqual([undefined, undefined])
  })

  it('reads no more than its bound', async () => {
    const storage = memoryStore()
    await storage.write(
      Array.from({ length: MAX_KNOWN_PEERS + 10 }, (_, i) => ({ key: `peer/${i}`, value: encode([2, 100 + i, 'told', [address(1)]]) })),
    )
    const known = await loaded(storage)
    expect(known.all()).toHaveLength(MAX_KNOWN_PEERS)
    await known.save()
    expect((await loaded(storage)).all()).toEqual(known.all())
  })
})
