// The wallet's signer: an account on an EVM chain whose secret never leaves this object.

import { HaggleError, type Random, toHex } from '@haggle/wire'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { keccak_256 } from '@noble/hashes/sha3.js'
import { type Address, getAddress } from 'viem'

/** Signs with one secp256k1 key, which it keeps to itself: no method gives it out, and no print of the object shows it. */
export interface WalletSigner {
  /** The account's 20 bytes. */
  readonly account: Uint8Array
  /** The same as text with its checksum (EIP-55). */
  readonly address: Address
  /** The signature of a 32-byte digest: r, s (low) and v (27 or 28), 65 bytes. Deterministic (RFC 6979). */
  sign(digest: Uint8Array): Uint8Array
}

/** Bytes of a secret. */
export const SECRET_BYTES = 32

/** Bytes of a signature: r, s, v. */
export const SIGNATURE_BYTES = 65

/**
 * The signer of `secret` (32 bytes), which is copied. Throws `E_WALLET_SECRET` when it is no key of the curve.
 *
 * @example
 * ```ts
 * import { recoverSigner, walletSigner } from "@haggle/chain";
 * import { expect } from "vitest";
 *
 * const wallet = walletSigner(new Uint8Array(32).fill(7));
 * const digest = new Uint8Array(32).fill(1);
 * expect(recoverSigner(digest, wallet.sign(digest))).toEqual(wallet.account);
 * ```
 */
export function walletSigner(secret: Uint8Array): WalletSigner {
  if (secret.length !== SECRET_BYTES || !secp256k1.utils.isValidSecretKey(secret)) {
    throw new HaggleError('E_WALLET_SECRET', 'Cannot use the wallet key: it must be 32 bytes, above zero and below the order of secp256k1')
  }
  const own = new Uint8Array(secret)
  const account = accountOf(secp256k1.getPublicKey(own, false))
  return {
    account,
    address: getAddress(`0x${toHex(account)}`),
    sign(digest) {
      const [recovery = 0, ...rs] = secp256k1.sign(digest, own, { prehash: false, lowS: true, format: 'recovered' })
      return Uint8Array.of(...rs, 27 + recovery)
    },
  }
}

/** A new secret. It is for a key file; a signer is made of what the file gives back. */
export function newWalletSecret(random: Random): Uint8Array {
  for (;;) {
    const secret = random(SECRET_BYTES)
    if (secp256k1.utils.isValidSecretKey(secret)) return secret
  }
}

/** The account (20 bytes) that signed `digest`, or undefined for a signature that no key makes. High s is refused, as the contracts do (EIP-2). */
export function recoverSigner(digest: Uint8Array, signature: Uint8Array): Uint8Array | undefined {
  const key = recoverKey(digest, signature)
  return key === undefined ? undefined : accountOf(key)
}

/** The uncompressed public key (65 bytes) that signed `digest`, or undefined. */
export function recoverKey(digest: Uint8Array, signature: Uint8Array): Uint8Array | undefined {
  const v = signature[64]
  if (signature.length !== SIGNATURE_BYTES || digest.length !== 32 || (v !== 27 && v !== 28)) return undefined
  try {
    const parsed = secp256k1.Signature.fromBytes(signature.subarray(0, 64), 'compact')
    if (parsed.hasHighS()) return undefined
    return parsed
      .addRecoveryBit(v - 27)
      .recoverPublicKey(digest)
      .toBytes(false)
  } catch {
    // r or s out of range, or r is no point's x: no key signs so.
    return undefined
  }
}

/** The account of an uncompressed public key (65 bytes): the last 20 bytes of the Keccak-256 of its coordinates. */
export function accountOf(publicKey: Uint8Array): Uint8Array {
  return keccak_256(publicKey.subarray(1)).slice(12)
}
