// Which network a message belongs to: a hash of its name, and of the key of a private swarm (spec/wire.md, Network).

import { sha256 } from '@noble/hashes/sha2.js'
import { concat, toHex, utf8 } from './bytes.ts'

/** Name of the public network. */
export const PUBLIC_NETWORK = 'haggle'

/**
 * sha256("haggle-network/1\0" ‖ name), or with a private swarm's key sha256("haggle-network/1\0" ‖ name ‖ "\0" ‖ sha256(psk)). 32 bytes.
 *
 * @example
 * ```ts
 * import { networkId, networkTag } from "@haggle/wire";
 * import { expect } from "vitest";
 *
 * expect(networkTag(networkId("haggle"))).toHaveLength(16);
 * ```
 */
export function networkId(name: string, psk?: Uint8Array): Uint8Array {
  const prefix = utf8(`haggle-network/1\0${name}`)
  return sha256(psk === undefined ? prefix : concat(prefix, Uint8Array.of(0), sha256(psk)))
}

/** The first 8 bytes of a network id in hex: what topics and DHT keys carry. */
export function networkTag(id: Uint8Array): string {
  return toHex(id.subarray(0, 8))
}
