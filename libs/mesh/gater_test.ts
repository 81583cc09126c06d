// The connection gate: every bound holds, ends when connections close, and is what stops the attack (each is also shown switched off).

import type { MultiaddrConnection } from '@libp2p/interface'
import { generateKeyPairFromSeed, publicKeyFromRaw } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey, peerIdFromPublicKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { afterEach, describe, expect, it } from 'vitest'
import { screenKey } from '@haggle/identity'
import { dialRank, inRange, originOf, subnetOf } from './addresses.ts'
import { openBare } from './_optimistic.ts'
import { createGate, MESH_LIMITS } from './node.ts'
import type { GateOptions, MeshLimits } from './node.ts'
import { eventually, seedOf, targetOf, testNodes } from './_test_nodes.ts'

const peers = await Promise.all(
  Array.from({ length: 6 }, async (_, i) => peerIdFromPrivateKey(await generateKeyPairFromSeed('Ed25519', seedOf(i + 1)))),
)

function peer(i: number): (typeof peers)[number] {
  const found = peers[i]
  if (found === undefined) throw new Error('no such peer')
  return found
}

function connection(address: string): MultiaddrConnection & { end(): void } {
  const target = new EventTarget()
  return Object.assign(target, {
    remoteAddr: multiaddr(address),
    end: () => target.dispatchEvent(new Event('close')),
  }) as unknown as MultiaddrConnection & { end(): void }
}

function gate(limits: Partial<MeshLimits> = {}, more: Partial<GateOptions> = {}) {
  const clock = { ms: 0 }
  const made = createGate({ limits: { ...MESH_LIMITS, newPerIpPerSecond: 1_000, ...limits }, screenKey, nowMs: () => clock.ms, ...more })
  return { ...made, clock, inbound: (address: string) => made.gater.denyInboundConnection?.(connection(address)) }
}

const OFF = Number.POSITIVE_INFINITY

describe('createGate()', () => {
  it('refuses the ninth connection of one public address, and takes one again when one has closed', () => {
    const { gater, inbound, refused } = gate()
    const first = connection('/ip4/8.8.8.8/tcp/1')
    expect(gater.denyInboundConnection?.(first)).toBe(false)
    for (let i = 0; i < 7; i++) expect(inbound('/ip4/8.8.8.8/tcp/1')).toBe(false)
    expect(inbound('/ip4/8.8.8.8/tcp/2')).toBe(true)
    expect(inbound('/ip4/8.8.4.4/tcp/2')).toBe(false)
    expect(refused.get('ip')).toBe(1)
    first.end()
    expect(inbound('/ip4/8.8.8.8/tcp/2')).toBe(false)
    const off = gate({ maxPerIp: OFF })
    for (let i = 0; i < 20; i++) expect(off.inbound('/ip4/8.8.8.8/tcp/1')).toBe(false)
  })

  it('refuses the 33rd connection of one /24', () => {
    const fill = (limits: Partial<MeshLimits>): number => {
      const { inbound } = gate(limits)
      let taken = 0
      for (let i = 0; i < 60; i++) if (inbound(`/ip4/8.8.8.${i}/tcp/1`) === false) taken += 1
      return taken
    }
    expect(fill({})).toBe(32)
    expect(fill({ maxPerSubnet: OFF })).toBe(60)
  })

  it('refuses new connections of one address above its rate, and takes them again later', () => {
    const open = (limits: Partial<MeshLimits>): { taken: number; later: boolean } => {
      const { gater, clock } = gate({ maxPerIp: OFF, maxPerSubnet: OFF, ...limits })
      let taken = 0
      for (let i = 0; i < 100; i++) if (gater.denyInboundConnection?.(connection('/ip4/8.8.8.8/tcp/1')) === false) taken += 1
      clock.ms += 1_000
      return { taken, later: gater.denyInboundConnection?.(connection('/ip4/8.8.8.8/tcp/1')) === false }
    }
    expect(open({ newPerIpPerSecond: 5 })).toEqual({ taken: 20, later: true })
    expect(open({ newPerIpPerSecond: OFF }).taken).toBe(100)
  })

  it('does not count private addresses unless their range is listed', () => {
    const { inbound } = gate()
    for (let i = 0; i < 50; i++) expect(inbound('/ip4/127.0.0.1/tcp/1')).toBe(false)
    const listed = gate({}, { cappedRanges: ['127.0.0.0/8'] })
    let taken = 0
    for (let i = 0; i < 50; i++) if (listed.inbound('/ip4/127.0.0.1/tcp/1') === false) taken += 1
    expect(taken).toBe(8)
  })

  it('counts relayed connections per relay and per key, not under the address of the relay', async () => {
    const relay = peer(0).toString()
    const via = (): MultiaddrConnection => connection(`/ip4/8.8.8.8/tcp/1/p2p/${relay}/p2p-circuit`)
    const { gater, inbound, refused } = gate({ maxPerRelay: 5 })
    for (let i = 0; i < 20; i++) expect(inbound(`/ip4/8.8.8.8/tcp/1/p2p/${relay}/p2p-circuit`)).toBe(false)
    const encrypted = (i: number) => gater.denyInboundEncryptedConnection?.(peer(i), via())
    expect([encrypted(1), encrypted(1), encrypted(1)]).toEqual([false, false, true])
    expect([encrypted(2), encrypted(2), encrypted(3), encrypted(4)]).toEqual([false, false, false, true])
    expect([refused.get('relayed-key'), refused.get('relay')]).toEqual([1, 1])
    const off = gate({ maxPerRelay: OFF, maxPerRelayedKey: OFF })
    for (let i = 0; i < 20; i++) expect(off.gater.denyInboundEncryptedConnection?.(peer(1), via())).toBe(false)
  })

  it('refuses the fifth direct connection of one key', () => {
    const count = (limits: Partial<MeshLimits>): number => {
      const { gater } = gate(limits)
      return Array.from({ length: 9 }, () => gater.denyInboundEncryptedConnection?.(peer(1), connection('/ip4/127.0.0.1/tcp/1'))).filter(
        (denied) => denied === false,
      ).length
    }
    expect(count({})).toBe(4)
    expect(count({ maxPerKey: OFF })).toBe(9)
  })

  it('refuses keys under which any signature would verify, and says that there is no such key to dial', () => {
    const weak = peerIdFromPublicKey(publicKeyFromRaw(Uint8Array.of(1, ...new Uint8Array(31))))
    const { gater, refused } = gate()
    expect(gater.denyInboundEncryptedConnection?.(weak, connection('/ip4/127.0.0.1/tcp/1'))).toBe(true)
    expect(gater.denyOutboundEncryptedConnection?.(weak, connection('/ip4/127.0.0.1/tcp/1'))).toBe(true)
    expect(() => gater.denyDialPeer?.(weak)).toThrow(
      expect.objectContaining({ code: 'E_PEER_ID', message: expect.stringContaining('no such key') }),
    )
    expect(refused.get('key-screen')).toBe(3)
    expect(gate({}, { screenKey: () => true }).gater.denyDialPeer?.(weak)).toBe(false)
  })

  it('refuses a banned peer until the ban is over', () => {
    const { gater, ban, isBanned, clock } = gate({ banMs: 1_000 })
    ban(peer(1).toString())
    expect(gater.denyDialPeer?.(peer(1))).toBe(true)
    expect(gater.denyInboundRelayReservation?.(peer(1))).toBe(true)
    expect(gater.denyDialPeer?.(peer(2))).toBe(false)
    clock.ms = 1_001
    expect(isBanned(peer(1).toString())).toBe(false)
    expect(gater.denyDialPeer?.(peer(1))).toBe(false)
  })

  it('refuses everyone new after close()', () => {
    const { gater, close, inbound } = gate()
    close()
    expect(inbound('/ip4/127.0.0.1/tcp/1')).toBe(true)
    expect(gater.denyInboundRelayReservation?.(peer(1))).toBe(true)
    expect(gater.denyOutboundRelayedConnection?.(peer(1), peer(2))).toBe(true)
  })
})

describe('createNode() behind its gate', { timeout: 60_000 }, () => {
  const nodes = testNodes()
  afterEach(() => nodes.stop())

  const crowd = async (limits: Partial<MeshLimits>): Promise<number> => {
    const target = await nodes.node({ limits: { newPerIpPerSecond: 1_000, ...limits }, cappedRanges: ['127.0.0.0/8'], seed: seedOf(100) })
    const callers = await Promise.all(Array.from({ length: 6 }, (_, i) => nodes.node({ preset: 'client', seed: seedOf(200 + i) })))
    const dials = await Promise.allSettled(callers.map((caller) => caller.network.connect(targetOf(target))))
    return dials.filter(({ status }) => status === 'fulfilled').length
  }

  it('holds the cap per address over real sockets', async () => {
    expect(await crowd({ maxPerIp: 3 })).toBe(3)
  })

  it('takes them all with the cap off', async () => {
    expect(await crowd({ maxPerIp: OFF })).toBe(6)
  })
})

describe('createNode() limits', { timeout: 60_000 }, () => {
  const nodes = testNodes()
  afterEach(() => nodes.stop())

  it('takes no more connections than maxConnections', async () => {
    const taken = async (maxConnections: number): Promise<number> => {
      const target = await nodes.node({ limits: { maxConnections } })
      const callers = await Promise.all(Array.from({ length: 6 }, () => nodes.node({ preset: 'client' })))
      for (const caller of callers) await caller.network.connect(targetOf(target)).catch(() => undefined)
      await eventually(() => target.stats().connections >= (maxConnections > 6 ? 6 : 1))
      const { connections } = target.stats()
      await nodes.stop()
      return connections
    }
    expect(await taken(3)).toBeLessThanOrEqual(3)
    expect(await taken(100)).toBe(6)
  })

  it('drops a stream that does not say its protocol in time', async () => {
    const dropped = async (firstByteMs: number): Promise<boolean> => {
      const [a, b] = [await nodes.node(), await nodes.node({ limits: { firstByteMs } })]
      await a.network.connect(targetOf(b))
      const [connection] = a.libp2p.getConnections()
      const stream = connection === undefined ? undefined : await openBare(connection, '/silent/1')
      if (stream === undefined) throw new Error('no bare stream')
      const closed = new Promise<boolean>((resolve) => stream.addEventListener('close', () => resolve(true)))
      const late = new Promise<boolean>((resolve) => setTimeout(() => resolve(false), 1_500))
      const was = await Promise.race([closed, late])
      await nodes.stop()
      return was
    }
    expect(await dropped(200)).toBe(true)
    expect(await dropped(60_000)).toBe(false)
  })
})

describe('addresses', () => {
  it('originOf() tells the next hop, whether it is public, and the relay', () => {
    const relay = peer(0).toString()
    expect(originOf(multiaddr('/ip4/8.8.8.8/tcp/1'))).toEqual({ ip: '8.8.8.8', subnet: '8.8.8', isPublic: true, relay: undefined })
    expect(originOf(multiaddr('/ip4/10.1.2.3/tcp/1')).isPublic).toBe(false)
    expect(originOf(multiaddr(`/ip4/8.8.8.8/tcp/1/p2p/${relay}/p2p-circuit/p2p/${peer(1).toString()}`)).relay).toBe(relay)
    expect(originOf(multiaddr('/dns4/example.org/tcp/1')).ip).toBeUndefined()
  })

  it('dialRank() puts what can work first: public and our own network, loopback, relays, private networks elsewhere', () => {
    const relayed = `/ip4/8.8.8.8/tcp/1/p2p/${peer(0).toString()}/p2p-circuit`
    const order = ['/ip4/192.168.7.9/tcp/1', '/ip4/127.0.0.1/tcp/1', relayed, '/ip4/10.1.2.3/tcp/1']
    const own = new Set(['192.168.7'])
    expect([...order].reverse().sort((a, b) => dialRank(multiaddr(a), own) - dialRank(multiaddr(b), own))).toEqual(order)
    expect(dialRank(multiaddr('/ip4/8.8.8.8/tcp/1'), own)).toBe(0)
    expect(dialRank(multiaddr('/dns4/example.org/tcp/1'), own)).toBe(0)
  })

  it('subnetOf() and inRange() read both kinds of addresses', () => {
    expect(subnetOf('2001:db8:1:2::1')).toBe('2001:db8:1')
    expect(subnetOf('2001:db8::1')).toBe('2001:db8:0')
    expect([inRange('127.3.2.1', '127.0.0.0/8'), inRange('128.0.0.1', '127.0.0.0/8'), inRange('::1', '127.0.0.0/8')]).toEqual([
      true,
      false,
      false,
    ])
    expect([inRange('fd00::1', 'fc00::/7'), inRange('2001:db8::1', 'fc00::/7'), inRange('::1', '::1/128')]).toEqual([true, false, true])
    expect([inRange('172.31.0.1', '172.16.0.0/12'), inRange('172.32.0.1', '172.16.0.0/12')]).toEqual([true, false])
  })
})
