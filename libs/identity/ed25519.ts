// Ed25519 as the market needs it: an interface with one verdict, whoever implements it (spec/identity.md, Verdict).

import type { Signer } from '@haggle/wire'

/**
 * Ed25519 (RFC 8032) with the verdict of spec/identity.md: the same bytes are good or bad in every implementation.
 * Each passes `testEd25519` of `@haggle/identity/testing`.
 */
export interface Ed25519 {
  /** The 32-byte public key of a 32-byte seed. */
  publicKey(seed: Uint8Array): Uint8Array
  /** The 64-byte signature of `message`, deterministic as in RFC 8032. */
  sign(message: Uint8Array, seed: Uint8Array): Uint8Array
  /** True when the signature is good under the verdict. Never throws: bytes of a wrong length are simply not good. */
  verify(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean
  /** A signer that has prepared the key once. Left out: `sign` is called with the seed each time. */
  signer?(seed: Uint8Array): Signer
}
