// The DHT holds provider records only, bounded per peer, per key and in all; values are refused over the wire.

import { afterEach, describe, expect, it } from 'vitest'
import { boundedProviders, MESH_LIMITS } from './node.ts'
import type { DhtReason, MeshLimits, MeshNode } from './node.ts'
import { eventually, targetOf, testNodes } from './_test_nodes.ts'

type Key = Parameters<ReturnType<typeof boundedProviders>['get']>[0]

/** All that is asked of a key is its text. */
function keyOf(text: string): Key {
  return { toString: () => text } as Key
}

const OFF = Number.POSITIVE_INFINITY

function store(limits: Partial<MeshLimits> = {}) {
  const refused: DhtReason[] = []
  const datastore = boundedProviders({ limits: { ...MESH_LIMITS, ...limits }, own: 'me', onRefused: (reason) => refused.push(reason) })
  const put = async (cid: string | number, peer: string | number): Promise<boolean> => {
    try {
      await datastore.put(keyOf(`/dht/provider/${cid}/${peer}`), new Uint8Array(8))
      return true
    } catch {
      return false
    }
  }
  return { datastore, put, refused }
}

describe('boundedProviders()', () => {
  it('keeps 64 keys of one peer, and our own without bound', async () => {
    const { put, refused } = store()
    for (let i = 0; i < 64; i++) expect(await put(i, 'them')).toBe(true)
    expect(await put(64, 'them')).toBe(false)
    expect(await put(3, 'them')).toBe(true)
    expect(refused).toEqual(['keys-per-peer'])
    for (let i = 0; i < 100; i++) expect(await put(i, 'me')).toBe(true)
    const off = store({ dhtKeysPerPeer: OFF })
    for (let i = 0; i < 100; i++) expect(await off.put(i, 'them')).toBe(true)
  })

  it('keeps 256 peers of one key', async () => {
    const { put, refused } = store()
    for (let i = 0; i < 256; i++) expect(await put('k', i)).toBe(true)
    expect(await put('k', 256)).toBe(false)
    expect(await put('k', 'me')).toBe(true)
    expect(refused).toEqual(['peers-per-key'])
    const off = store({ dhtPeersPerKey: OFF })
    for (let i = 0; i < 300; i++) expect(await off.put('k', i)).toBe(true)
  })

  it('keeps what its octets allow, and takes more when some have gone', async () => {
    const { datastore, put, refused } = store({ dhtBytes: 1_000 })
    let kept = 0
    while (await put('k', kept)) kept += 1
    expect(kept).toBe(3)
    expect(refused).toEqual(['bytes'])
    await datastore.delete(keyOf('/dht/provider/k/0'))
    expect(await put('k', 9)).toBe(true)
    const off = store({ dhtBytes: OFF })
    for (let i = 0; i < 20; i++) expect(await off.put('k', i)).toBe(true)
  })

  it('refuses everything that is no provider record', async () => {
    const { datastore, refused } = store()
    for (const key of ['/dht/record/abc', '/peers/x', '/dht/provider/onlykey'])
      await expect(datastore.put(keyOf(key), new Uint8Array(1))).rejects.toThrow('refused')
    expect(refused).toEqual(['value', 'value', 'value'])
  })

  it('lists the providers of one key, and forgets what was deleted', async () => {
    const { datastore, put } = store()
    await put('a', 1)
    await put('a', 2)
    await put('ab', 3)
    const list = async (): Promise<string[]> => {
      const keys: string[] = []
      for await (const { key } of datastore.query({ prefix: '/dht/provider/a' })) keys.push(key.toString())
      return keys
    }
    expect(await list()).toEqual(['/dht/provider/a/1', '/dht/provider/a/2'])
    await datastore.delete(keyOf('/dht/provider/a/1'))
    expect(await list()).toEqual(['/dht/provider/a/2'])
    expect(await datastore.has(keyOf('/dht/provider/a/1'))).toBe(false)
    await expect(datastore.get(keyOf('/dht/provider/a/1'))).rejects.toMatchObject({ name: 'NotFoundError' })
  })
})

describe('meshDht() over real sockets', { timeout: 60_000 }, () => {
  const nodes = testNodes()
  afterEach(() => nodes.stop())

  it('refuses PUT_VALUE, with a namespace and without one', async () => {
    const [server, hostile] = [await nodes.node(), await nodes.node()]
    await hostile.network.connect(targetOf(server))
    await eventually(async () => (await hostile.libp2p.peerStore.get(server.libp2p.peerId)).protocols.some((p) => p.includes('kad')))
    for (const key of ['/pk/abc', '/x/y', 'plain']) {
      expect(await ask(hostile, server, putValue(key)), key).toBe('refused')
      expect(await ask(hostile, server, getValue(key)), key).not.toContain('stolen')
    }
    expect(server.stats().dhtRefused.get('value')).toBe(1)
  })

  it('bounds what one peer may provide', async () => {
    const server = await nodes.node({ limits: { dhtKeysPerPeer: 3 } })
    const hostile = await nodes.node()
    await hostile.network.connect(targetOf(server))
    await eventually(async () => {
      await hostile.network.provide(new Uint8Array(32).fill(1))
      for await (const found of server.network.findProviders(new Uint8Array(32).fill(1))) return found.peerId === hostile.network.peerId
      return false
    })
    for (let i = 2; i < 9; i++) await hostile.network.provide(new Uint8Array(32).fill(i))
    await eventually(() => (server.stats().dhtRefused.get('keys-per-peer') ?? 0) >= 5)
  })
})

/** A message of kad-dht's protocol, by hand: fields 1 (type), 2 (key) and 3 (record). */
function kadMessage(type: number, key: string, record?: Uint8Array): Uint8Array {
  const parts = [Uint8Array.of(0x08, type), field(2, bytes(key)), ...(record === undefined ? [] : [field(3, record)])]
  return Uint8Array.from(parts.flatMap((part) => [...part]))
}

function putValue(key: string): Uint8Array {
  return kadMessage(
    0,
    key,
    Uint8Array.from([...field(1, bytes(key)), ...field(2, bytes('stolen')), ...field(5, bytes(new Date().toISOString()))]),
  )
}

function getValue(key: string): Uint8Array {
  return kadMessage(1, key)
}

function field(number: number, value: Uint8Array): Uint8Array {
  return Uint8Array.from([(number << 3) | 2, value.length, ...value])
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

/** Sends one kad-dht message; the answer as text, or 'refused' when the stream is dropped. */
async function ask(from: MeshNode, to: MeshNode, message: Uint8Array): Promise<string> {
  const stream = await from.libp2p.dialProtocol(to.libp2p.peerId, `/haggle/${'07'.repeat(8)}/kad/1.0.0`)
  stream.send(Uint8Array.from([message.length, ...message]))
  await stream.close()
  let answer = ''
  try {
    for await (const chunk of stream) answer += new TextDecoder().decode(chunk.subarray())
    return answer === '' ? 'refused' : answer
  } catch {
    return 'refused'
  }
}
