/**
 * The peer-to-peer network as the market sees it: one {@link Network} interface, over libp2p or in memory.
 *
 * Nothing above this library knows libp2p. `@haggle/mesh/node` makes libp2p nodes with the market's limits and settings; `@haggle/mesh/testing` has the
 * suite that every implementation passes.
 *
 * @example Two nodes in memory
 * ```ts
 * import { memoryNetwork } from "@haggle/mesh";
 * import { expect } from "vitest";
 *
 * const hub = memoryNetwork();
 * const ada = hub.join({ publicKey: new Uint8Array(32).fill(1), peerId: "ada" });
 * const bob = hub.join({ publicKey: new Uint8Array(32).fill(2), peerId: "bob" });
 * const heard: string[] = [];
 * await bob.subscribe("news", ({ data }) => {
 *   heard.push(new TextDecoder().decode(data));
 *   return "accept";
 * });
 * await ada.connect({ peerId: "bob" });
 * expect(await ada.publish("news", new TextEncoder().encode("hello"))).toBe(1);
 * await Promise.resolve();
 * expect(heard).toEqual(["hello"]);
 * await hub.stop();
 * ```
 *
 * @module
 */

export * from './errors.ts'
export { libp2pNetwork, pathOf } from './libp2p_network.ts'
export type { Libp2pNetworkOptions } from './libp2p_network.ts'
export type { Libp2pComponents, Libp2pSource } from './libp2p_parts.ts'
export * from './memory_network.ts'
export * from './network.ts'
