// Makes a libp2p node from what an owner decides, and gives it back as a Network.

import { networkInterfaces } from 'node:os'
import { circuitRelayServer, circuitRelayTransport, RELAY_V2_STOP_CODEC } from '@libp2p/circuit-relay-v2'
import type { CircuitRelayService } from '@libp2p/circuit-relay-v2'
import { privateKeyFromRaw } from '@libp2p/crypto/keys'
import type { GossipSub } from '@libp2p/gossipsub'
import type { ComponentLogger, Libp2p, PeerDiscovery } from '@libp2p/interface'
import { mdns } from '@libp2p/mdns'
import type { MulticastDNSComponents } from '@libp2p/mdns'
import { noise } from '@libp2p/noise'
import { preSharedKey } from '@libp2p/pnet'
import { tcp } from '@libp2p/tcp'
import { webSockets } from '@libp2p/websockets'
import { yamux } from '@libp2p/yamux'
import { createLibp2p } from 'libp2p'
import { screenKey } from '@haggle/identity'
import { nodeEd25519 } from '@haggle/identity/node'
import { concat, HaggleError, networkTag, systemClock, toHex } from '@haggle/wire'
import type { Clock } from '@haggle/wire'
import { dialRank, originOf, subnetOf } from './addresses.ts'
import { checkAddresses, checkListen, listenError } from './dial_address.ts'
import type { DhtReason } from './dht.ts'
import { createGate } from './gater.ts'
import type { Gate, GateReason } from './gater.ts'
import { MeshKeeper } from './keeper.ts'
import type { KeeperComponents } from './keeper.ts'
import { libp2pNetwork } from './libp2p_network.ts'
import { noiseCrypto } from './_noise_crypto.ts'
import { quietLogger } from './_quiet_logger.ts'
import { MESH_LIMITS, RELAY_LIMITS } from './limits.ts'
import type { MeshLimits } from './limits.ts'
import type { Network } from './network.ts'
import { KnownPeers } from './peers.ts'
import { meshServices } from './services.ts'
import type { PeerStorage } from './peers.ts'

/**
 * What a node is for. `node`: listens, serves the DHT. `client`: no listening port, reachable through relays. `relay`: bootstrap, circuit relay and DHT server.
 */
export type NodePreset = 'node' | 'client' | 'relay'

/** Options of {@link createNode}. */
export interface NodeOptions {
  /** The 32-byte Ed25519 seed of the identity: it becomes libp2p's key, so that the connection proves the key that signs. */
  readonly seed: Uint8Array
  /** 32 bytes. Nodes of another network speak another DHT protocol. */
  readonly networkId: Uint8Array
  /** The gossip topics that exist here; any other is dropped. `@haggle/discovery` lists the market's. */
  readonly topics: readonly string[]
  /** Default `node`. */
  readonly preset?: NodePreset
  /** Multiaddrs to listen on. Default `/ip4/0.0.0.0/tcp/0` and its IPv6 twin; a client listens on none. */
  readonly listen?: readonly string[]
  /** Multiaddrs to tell others instead of those found. */
  readonly announce?: readonly string[]
  /** Multiaddrs, with `/p2p/`, of nodes to join through. */
  readonly bootstrap?: readonly string[]
  /** Multiaddrs, with `/p2p/`, of relays to be reachable through. Default: a client's bootstraps, otherwise none. */
  readonly relays?: readonly string[]
  /** 32 bytes: only nodes that have them can connect. */
  readonly psk?: Uint8Array
  /** Finds and is found on the local network by multicast. Default false. */
  readonly mdns?: boolean
  /** Where peers are remembered over restarts. Default: nowhere. */
  readonly storage?: PeerStorage
  /** Overrides of {@link MESH_LIMITS} ({@link RELAY_LIMITS} for a relay). */
  readonly limits?: Partial<MeshLimits>
  /** Address ranges that are counted like public addresses though they are private. Default: none. */
  readonly cappedRanges?: readonly string[]
  /** Connections that the node keeps up by itself, when it knows that many peers. Default 8. */
  readonly wanted?: number
  readonly clock?: Clock
  /** True for a key that may be believed. Default: `screenKey` of `@haggle/identity`; a suite's own remembers its answers. */
  readonly screenKey?: (publicKey: Uint8Array) => boolean
  /** Takes libp2p's own debug lines. Default: nobody does; `defaultLogger()` of `@libp2p/logger` prints what `DEBUG` names. */
  readonly logger?: ComponentLogger
  /** Told of what goes wrong inside and does not end the node, such as a storage that fails. Default: nobody is told. */
  readonly onProblem?: (error: unknown) => void
}

/** What a node counts. */
export interface MeshStats {
  readonly connections: number
  readonly peers: number
  /** Connections of ours that go through a relay. */
  readonly relayed: number
  /** For a relay: reservations held, and circuits open between others. */
  readonly reservations: number
  readonly circuits: number
  /** DHT records refused so far, by reason. */
  readonly dhtRefused: ReadonlyMap<DhtReason, number>
  /** Connections refused so far, by reason. */
  readonly gateRefused: ReadonlyMap<GateReason, number>
}

/** A running node. */
export interface MeshNode {
  readonly network: Network
  /** The libp2p node below, for what the Network does not cover. */
  readonly libp2p: Libp2p<{ pubsub: GossipSub }>
  readonly gate: Gate
  readonly known: KnownPeers
  stats(): MeshStats
  /** Leaves the mesh, writes what it remembers and closes everything. A storage that fails is told to `onProblem` and holds up nothing. */
  stop(): Promise<void>
}

const DEFAULT_LISTEN: readonly string[] = ['/ip4/0.0.0.0/tcp/0', '/ip6/::/tcp/0']
const WANTED_CONNECTIONS = 8
/** TCP, noise and yamux take 7 round trips: 4 s is plenty over any link that is of use. */
const DIAL_ADDRESS_MS = 4_000
const DIAL_MS = 10_000
/** A relay's own figures: the stock ones cut a stream after 2 minutes or 128 KiB and take 15 reservations. */
const RELAY_RESERVATIONS = 1_000
const RELAY_STREAMS = 2_000

/**
 * Starts a node. Resolves once it listens; joining the mesh goes on in the background and never gives up.
 *
 * Throws `E_PORT_TAKEN`, `E_PORT_DENIED` or `E_LISTEN` when it can't listen, `E_ADDRESS` for an address that can't be read or lacks its `/p2p/`.
 */
export async function createNode(options: NodeOptions): Promise<MeshNode> {
  const preset = options.preset ?? 'node'
  const limits: MeshLimits = { ...(preset === 'relay' ? RELAY_LIMITS : MESH_LIMITS), ...options.limits }
  const clock = options.clock ?? systemClock()
  const bootstrap = checkAddresses(options.bootstrap ?? [])
  const relays = checkAddresses(options.relays ?? (preset === 'client' ? bootstrap : []))
  const known = new KnownPeers(options.storage)
  await known.load()
  const gate = createGate({
    limits,
    screenKey: options.screenKey ?? screenKey,
    nowMs: () => clock.monotonicMs(),
    ...(options.cappedRanges === undefined ? {} : { cappedRanges: options.cappedRanges }),
  })
  const tag = networkTag(options.networkId)
  let components: KeeperComponents | undefined
  const relayIps = new Set<string>()
  const dhtRefused = new Map<DhtReason, number>()

  const libp2p = await createLibp2p({
    privateKey: privateKeyFromRaw(concat(options.seed, nodeEd25519().publicKey(options.seed))),
    start: false,
    logger: options.logger ?? quietLogger(),
    nodeInfo: { name: 'haggle', version: '0.1.0', userAgent: 'haggle/0.1.0' },
    addresses: {
      listen: [...checkListen(options.listen ?? (preset === 'client' ? [] : DEFAULT_LISTEN))],
      ...(options.announce === undefined || options.announce.length === 0 ? {} : { announce: [...checkListen(options.announce)] }),
    },
    transports: [tcp(), webSockets(), circuitRelayTransport()],
    connectionEncrypters: [noise({ crypto: noiseCrypto() })],
    streamMuxers: [yamux({ maxInboundStreams: 1_024, maxOutboundStreams: 4_096 })],
    connectionGater: gate.gater,
    ...(options.psk === undefined ? {} : { connectionProtector: preSharedKey({ psk: swarmKey(options.psk) }) }),
    connectionManager: {
      maxConnections: limits.maxConnections,
      maxIncomingPendingConnections: limits.maxPending,
      // Counts relayed connections under the relay's address: our own gate does it right.
      inboundConnectionThreshold: 10_000,
      inboundUpgradeTimeout: limits.firstByteMs,
      inboundStreamProtocolNegotiationTimeout: limits.firstByteMs,
      dialTimeout: DIAL_MS,
      addressDialTimeout: DIAL_ADDRESS_MS,
      maxParallelDials: 32,
      addressSorter: (a, b) => {
        const own = ownSubnets()
        return Math.sign(dialRank(a.multiaddr, own) - dialRank(b.multiaddr, own)) as -1 | 0 | 1
      },
    },
    // A loaded machine answers late: 10 s without an answer is a dead peer, 2 s is not.
    connectionMonitor: { pingInterval: 15_000, pingTimeout: { minTimeout: 10_000 } },
    ...(options.mdns === true
      ? {
          peerDiscovery: [
            (c: MulticastDNSComponents): PeerDiscovery => mdns({ serviceTag: `_haggle-${tag}._udp.local`, interval: 10_000 })(c),
          ],
        }
      : {}),
    services: {
      ...meshServices({
        networkId: options.networkId,
        topics: options.topics,
        limits,
        client: preset === 'client',
        isShared: (ip) => relayIps.has(ip),
        onDhtRefused: (reason) => dhtRefused.set(reason, (dhtRefused.get(reason) ?? 0) + 1),
      }),
      ...(preset === 'relay'
        ? {
            circuitRelay: circuitRelayServer({
              reservations: { applyDefaultLimit: false, maxReservations: RELAY_RESERVATIONS },
              maxInboundHopStreams: RELAY_STREAMS,
              maxOutboundHopStreams: RELAY_STREAMS,
              maxOutboundStopStreams: RELAY_STREAMS,
            }),
          }
        : {}),
      keeperParts: (all: KeeperComponents): object => {
        components = all
        return {}
      },
    },
  })
  libp2p.addEventListener('connection:open', ({ detail }) => {
    const { ip, relay } = originOf(detail.remoteAddr)
    if (relay !== undefined && ip !== undefined) relayIps.add(ip)
  })
  try {
    await libp2p.start()
  } catch (error) {
    await libp2p.stop()
    throw listenError(error)
  }
  if (components === undefined) throw new Error('libp2p did not call its services')
  const pubsub = libp2p.services.pubsub as GossipSub & { getScore(peerId: string): number }
  const floods = new Map<string, { count: number; atMs: number }>()
  const onFlood = (peerId: string): void => {
    const now = clock.monotonicMs()
    const old = floods.get(peerId) ?? { count: 0, atMs: now }
    const count = Math.max(0, old.count - (now - old.atMs) / 1_000) + 1
    floods.delete(peerId)
    if (count > limits.floodForgiven) return keeper.ban(peerId, 'it floods gossip')
    floods.set(peerId, { count, atMs: now })
    const oldest = floods.keys().next()
    if (floods.size > limits.maxConnections && oldest.done !== true) floods.delete(oldest.value)
  }
  const keeper = new MeshKeeper(components, {
    bootstrap,
    relays,
    known,
    gate,
    clock,
    score: (peerId) => pubsub.getScore(peerId),
    wanted: options.wanted ?? WANTED_CONNECTIONS,
    onProblem: options.onProblem ?? (() => undefined),
  })
  keeper.start()
  return {
    network: libp2pNetwork(libp2p, { topics: new Set(options.topics), onFlood }),
    libp2p,
    gate,
    known,
    stats: () => {
      const connections = libp2p.getConnections()
      return {
        connections: connections.length,
        peers: libp2p.getPeers().length,
        relayed: connections.filter((c) => !c.direct).length,
        reservations: reservationsOf(libp2p.services),
        circuits: connections.reduce(
          (n, c) => n + c.streams.filter((s) => s.protocol === RELAY_V2_STOP_CODEC && s.direction === 'outbound').length,
          0,
        ),
        dhtRefused,
        gateRefused: gate.refused,
      }
    },
    stop: async () => {
      try {
        await keeper.stop()
      } finally {
        await libp2p.stop()
      }
    },
  }
}

function reservationsOf(services: object): number {
  return 'circuitRelay' in services ? (services.circuitRelay as CircuitRelayService).reservations.size : 0
}

/** Subnets of this machine's interfaces, loopback left out. They change when a laptop moves, so they are read when they are needed. */
function ownSubnets(): ReadonlySet<string> {
  const interfaces = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
  return new Set(interfaces.filter(({ internal }) => !internal).map(({ address }) => subnetOf(address)))
}

/** The text form that pnet reads. */
function swarmKey(psk: Uint8Array): Uint8Array {
  if (psk.byteLength !== 32) throw new HaggleError('E_PSK', `A private swarm's key has 32 bytes, this one has ${psk.byteLength}`)
  return new TextEncoder().encode(`/key/swarm/psk/1.0.0/\n/base16/\n${toHex(psk)}`)
}
