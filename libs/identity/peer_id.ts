// PeerIds: the name of a public key in the peer-to-peer network, as libp2p writes it (spec/identity.md, PeerId).

import { concat, HaggleError } from '@haggle/wire'
import { base58btc } from 'multiformats/bases/base58'

/** Identity multihash (0x00) of 36 bytes: a libp2p public key of type Ed25519 (08 01), 32 bytes long (12 20). */
const PREFIX = Uint8Array.of(0x00, 0x24, 0x08, 0x01, 0x12, 0x20)

/**
 * The PeerId of a 32-byte public key, in base58: `12D3Koo…`.
 *
 * @example
 * ```ts
 * import { createIdentity, peerIdOf, publicKeyOf } from "@haggle/identity";
 * import { expect } from "vitest";
 *
 * const { publicKey } = createIdentity(new Uint8Array(32).fill(1));
 * expect(peerIdOf(publicKey)).toMatch(/^12D3Koo/);
 * expect(publicKeyOf(peerIdOf(publicKey))).toEqual(publicKey);
 * ```
 */
export function peerIdOf(publicKey: Uint8Array): string {
  if (publicKey.length !== 32) throw new HaggleError('E_PEER_ID', `Cannot name the key: must be 32 bytes, is ${publicKey.length}`)
  return base58btc.baseEncode(concat(PREFIX, publicKey))
}

/** The 32-byte public key inside a PeerId. Throws `E_PEER_ID` for anything but an Ed25519 PeerId in base58. The key is not screened. */
export function publicKeyOf(peerId: string): Uint8Array {
  const wrong = new HaggleError('E_PEER_ID', `Cannot read the peer id "${peerId.slice(0, 64)}": must be an Ed25519 PeerId such as 12D3Koo…`)
  if (peerId.length > 64) throw wrong
  let bytes: Uint8Array
  try {
    bytes = base58btc.baseDecode(peerId)
  } catch {
    // The decoder's own words name letters, not what to do.
    throw wrong
  }
  if (bytes.length !== PREFIX.length + 32 || PREFIX.some((byte, i) => bytes[i] !== byte) || base58btc.baseEncode(bytes) !== peerId)
    throw wrong
  return bytes.slice(PREFIX.length)
}
