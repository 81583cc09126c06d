/**
 * Keys and names: Ed25519 with one verdict on every host, key screening, PeerIds.
 *
 * Libraries disagree about odd Ed25519 signatures, and a signer could use that to split the network; so the verdict is fixed byte by byte in
 * spec/identity.md and one suite of edge cases holds every implementation to it. Node's native one and the key file are in `@haggle/identity/node`.
 *
 * @example
 * ```ts
 * import { createIdentity, portableSuite } from "@haggle/identity";
 * import { utf8 } from "@haggle/wire";
 * import { expect } from "vitest";
 *
 * const alice = createIdentity(new Uint8Array(32).fill(1));
 * const signature = alice.signer.sign(utf8("one job, please"));
 * expect(portableSuite().verify(signature, utf8("one job, please"), alice.publicKey)).toBe(true);
 * ```
 *
 * @module
 */
export type { Ed25519 } from './ed25519.ts'
export { createIdentity, type Identity } from './identity.ts'
export { peerIdOf, publicKeyOf } from './peer_id.ts'
export { portableEd25519, portableSuite } from './portable.ts'
export { screenKey } from './screen.ts'
export { bindingMessage, checkBinding, sealBinding, type SealBindingOptions, type WalletBinding } from './wallet_binding.ts'
