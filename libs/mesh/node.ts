/**
 * libp2p nodes with the market's transports, limits and settings, for Node.
 *
 * @example
 * ```ts
 * import { createNode } from "@haggle/mesh/node";
 * import { expect } from "vitest";
 *
 * const quiet = { listen: ["/ip4/127.0.0.1/tcp/0"], topics: [], networkId: new Uint8Array(32) };
 * const a = await createNode({ ...quiet, seed: new Uint8Array(32).fill(1) });
 * const b = await createNode({ ...quiet, seed: new Uint8Array(32).fill(2) });
 * await a.network.connect({ peerId: b.network.peerId, addresses: b.network.addresses() });
 * expect(a.network.path(b.network.peerId)?.kind).toBe("direct");
 * await a.stop();
 * await b.stop();
 * ```
 *
 * @module
 */

export { createNode } from './create_node.ts'
export type { MeshNode, MeshStats, NodeOptions, NodePreset } from './create_node.ts'
export { boundedProviders } from './dht.ts'
export type { DhtReason } from './dht.ts'
export { createGate } from './gater.ts'
export type { Gate, GateOptions, GateReason } from './gater.ts'
export { MESH_LIMITS, RELAY_LIMITS } from './limits.ts'
export type { MeshLimits } from './limits.ts'
export { KnownPeers, MAX_KNOWN_PEERS } from './peers.ts'
export type { KnownPeer, PeerStorage } from './peers.ts'
export { meshServices } from './services.ts'
export type { MeshServiceOptions, MeshServices } from './services.ts'
