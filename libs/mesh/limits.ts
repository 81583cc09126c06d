// Every bound of a mesh node in one place: what it accepts from others at most.

/** Bounds of a node. All counts are at one time unless they say per second. */
export interface MeshLimits {
  /** Connections in all. */
  readonly maxConnections: number
  /** Inbound connections of one public IP address. */
  readonly maxPerIp: number
  /** Inbound connections of one public /24 (IPv4) or /48 (IPv6). */
  readonly maxPerSubnet: number
  /** Inbound connections through one relay. */
  readonly maxPerRelay: number
  /** Relayed inbound connections of one key. */
  readonly maxPerRelayedKey: number
  /** Direct inbound connections of one key. */
  readonly maxPerKey: number
  /** New inbound connections of one public IP address per second, with a burst of four times as many. */
  readonly newPerIpPerSecond: number
  /** Inbound connections that have not finished their handshake. */
  readonly maxPending: number
  /** A new inbound stream must say its protocol within this many ms. */
  readonly firstByteMs: number
  /** Octets of one gossip message. An advert is <= 512. */
  readonly maxGossipBytes: number
  /** Messages of one gossip RPC. */
  readonly maxGossipMessages: number
  /** Gossip messages beyond its rate that a neighbour is forgiven at once; one more a second is. Then it is banned. */
  readonly floodForgiven: number
  /** DHT keys that one peer may provide here. */
  readonly dhtKeysPerPeer: number
  /** Providers kept of one DHT key. */
  readonly dhtPeersPerKey: number
  /** Octets of all provider records. */
  readonly dhtBytes: number
  /** Addresses kept of one peer. */
  readonly addressesPerPeer: number
  /** A peer that gossip scoring has given up on is refused for this many ms. */
  readonly banMs: number
}

/** The limits of the first day. spec/mesh.md says why each. */
export const MESH_LIMITS: MeshLimits = {
  maxConnections: 200,
  maxPerIp: 8,
  maxPerSubnet: 32,
  maxPerRelay: 64,
  maxPerRelayedKey: 2,
  maxPerKey: 4,
  newPerIpPerSecond: 5,
  maxPending: 64,
  firstByteMs: 5_000,
  maxGossipBytes: 1_024,
  maxGossipMessages: 256,
  floodForgiven: 20,
  dhtKeysPerPeer: 64,
  dhtPeersPerKey: 256,
  dhtBytes: 16 * 1024 * 1024,
  addressesPerPeer: 16,
  banMs: 10 * 60 * 1_000,
}

/** What a relay needs more of: it carries other people's connections. */
export const RELAY_LIMITS: MeshLimits = { ...MESH_LIMITS, maxConnections: 4_000, maxPending: 256 }
