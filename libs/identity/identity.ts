// Who a node is: one Ed25519 key, its PeerId, and a signer that holds the secret.

import type { Signer } from '@haggle/wire'
import type { Ed25519 } from './ed25519.ts'
import { peerIdOf } from './peer_id.ts'
import { portableEd25519 } from './portable.ts'

/** A node's own key. The seed is kept out of logs: it is neither enumerable nor part of its JSON. */
export interface Identity {
  /** 32 bytes. */
  readonly publicKey: Uint8Array
  /** `12D3Koo…` */
  readonly peerId: string
  /** Signs with the seed, which it keeps to itself. */
  readonly signer: Signer
  /** The 32-byte secret of RFC 8032: for the key file and the transport's handshake, nowhere else. */
  readonly seed: Uint8Array
}

/**
 * The identity of a 32-byte seed. Throws `E_KEY_SEED` for another length.
 *
 * @example
 * ```ts
 * import { createIdentity } from "@haggle/identity";
 * import { expect } from "vitest";
 *
 * const alice = createIdentity(new Uint8Array(32).fill(1));
 * expect(alice.peerId).toMatch(/^12D3Koo/);
 * expect(JSON.stringify(alice)).not.toContain("seed");
 * ```
 */
export function createIdentity(seed: Uint8Array, ed25519: Ed25519 = portableEd25519): Identity {
  const secret = Uint8Array.from(seed)
  const publicKey = ed25519.publicKey(secret)
  const signer = ed25519.signer?.(secret) ?? { publicKey, sign: (message: Uint8Array) => ed25519.sign(message, secret) }
  const identity = { publicKey, peerId: peerIdOf(publicKey), signer }
  return Object.defineProperty(identity, 'seed', { value: secret, enumerable: false }) as Identity
}
