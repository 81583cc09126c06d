// Accounts of a chain as a witness needs them: keccak256, secp256k1 signatures of 65 bytes, and the address behind one.

import { concat } from '@haggle/wire'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { keccak_256 } from '@noble/hashes/sha3.js'

/** Signs 32-byte digests as one account of a chain; a wallet may take its time. */
export interface AccountSigner {
  /** The account, 20 bytes. */
  readonly account: Uint8Array
  /** r ‖ s ‖ v, 65 bytes, s in the lower half, v 27 or 28. */
  sign(digest: Uint8Array): Uint8Array | Promise<Uint8Array>
}

/** The 32-byte Keccak-256 of the chain (not SHA3-256). */
export function keccak256(data: Uint8Array): Uint8Array {
  return keccak_256(data)
}

/** The last 20 bytes of the hash of the public key (65 bytes, uncompressed). */
function addressOf(publicKey: Uint8Array): Uint8Array {
  return keccak_256(publicKey.subarray(1)).subarray(12)
}

/**
 * An account from its 32 secret bytes: for tests, simulations, and session keys that live in a process. Throws for bytes that are no secret key.
 *
 * @example
 * ```ts
 * import { localAccount, recoverAddress } from "@haggle/witness";
 * import { expect } from "vitest";
 *
 * const wallet = localAccount(new Uint8Array(32).fill(1));
 * const digest = new Uint8Array(32).fill(7);
 * expect(recoverAddress(digest, await wallet.sign(digest))).toEqual(wallet.account);
 * ```
 */
export function localAccount(secret: Uint8Array): AccountSigner {
  return {
    account: addressOf(secp256k1.getPublicKey(secret, false)),
    sign: (digest) => {
      const recovered = secp256k1.sign(digest, secret, { prehash: false, format: 'recovered' })
      return concat(recovered.subarray(1), Uint8Array.of(27 + (recovered[0] as number)))
    },
  }
}

/** The address whose key signed `digest`, or null for a signature that the chain refuses: other length, v, or an s in the upper half. Never throws. */
export function recoverAddress(digest: Uint8Array, signature: Uint8Array): Uint8Array | null {
  const v = signature[64]
  if (signature.length !== 65 || (v !== 27 && v !== 28)) return null
  try {
    const parsed = secp256k1.Signature.fromBytes(concat(Uint8Array.of(v - 27), signature.subarray(0, 64)), 'recovered')
    if (parsed.hasHighS()) return null
    return addressOf(parsed.recoverPublicKey(digest).toBytes(false))
  } catch {
    // r or s out of range, or no point with that r: no key signed this.
    return null
  }
}
