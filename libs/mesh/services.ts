// The libp2p services that the market needs, with its settings: for createNode, and for an embedder's own node.

import { hash } from 'node:crypto'
import type { GossipSub, GossipSubComponents } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import type { Identify, IdentifyComponents } from '@libp2p/identify'
import type { KadDHT, KadDHTComponents } from '@libp2p/kad-dht'
import { ping } from '@libp2p/ping'
import type { Ping, PingComponents } from '@libp2p/ping'
import { networkTag } from '@haggle/wire'
import { meshDht } from './dht.ts'
import type { DhtReason } from './dht.ts'
import { meshGossip } from './gossip.ts'
import { MESH_LIMITS } from './limits.ts'
import type { MeshLimits } from './limits.ts'

/** Options of {@link meshServices}. */
export interface MeshServiceOptions {
  /** 32 bytes. */
  readonly networkId: Uint8Array
  /** The gossip topics that exist, the embedder's own included. */
  readonly topics: readonly string[]
  readonly limits?: MeshLimits
  /** True for a node that serves no DHT: one that others can't dial. Default false. */
  readonly client?: boolean
  /** True for IP addresses that many peers share right now, such as a relay's. */
  readonly isShared?: (ip: string) => boolean
  readonly onDhtRefused?: (reason: DhtReason) => void
}

/** Factories for `createLibp2p({ services })`. */
export interface MeshServices {
  readonly identify: (components: IdentifyComponents) => Identify
  readonly ping: (components: PingComponents) => Ping
  readonly dht: (components: KadDHTComponents) => KadDHT
  readonly pubsub: (components: GossipSubComponents) => GossipSub
}

/** The services with the market's settings, to spread into the `services` of a node of your own. */
export function meshServices(options: MeshServiceOptions): MeshServices {
  const limits = options.limits ?? MESH_LIMITS
  return {
    identify: identify({ runOnLimitedConnection: true }),
    ping: ping({ runOnLimitedConnection: true }),
    dht: meshDht({
      protocol: `/haggle/${networkTag(options.networkId)}/kad/1.0.0`,
      client: options.client ?? false,
      limits,
      ...(options.onDhtRefused === undefined ? {} : { onRefused: options.onDhtRefused }),
    }),
    pubsub: meshGossip({
      topics: options.topics,
      limits,
      sha256,
      ...(options.isShared === undefined ? {} : { isShared: options.isShared }),
    }),
  }
}

function sha256(data: Uint8Array): Uint8Array {
  return hash('sha256', data, 'buffer')
}
