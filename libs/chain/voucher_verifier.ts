// Checks vouchers fast: the signer of a channel is the same for thousands of them, so its key is found once and kept with a table of its multiples.

import { equalBytes, toHex } from '@haggle/wire'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { accountOf, recoverKey, SIGNATURE_BYTES } from './wallet.ts'

/** Whether `account` (20 bytes) signed `digest`. Never throws. */
export type SignatureCheck = (digest: Uint8Array, signature: Uint8Array, account: Uint8Array) => boolean

/** Signers whose tables are kept: 0.5 MB each. A node has fewer paying peers at a time. */
const MAX_SIGNERS = 64
/** Bits of a window: larger ones are faster once made, and take longer to make. */
const WINDOW_BITS = 6

/** Signatures of a signer after which its table pays: making it costs about as much as three plain checks. */
const TABLE_AFTER = 4

type Point = InstanceType<typeof secp256k1.Point>

interface Known {
  readonly key: Point
  checks: number
}

/**
 * A check with a memory of the last 64 signers. The same verdict as recovering the signer each time, which is what the contracts do.
 *
 * @example
 * ```ts
 * import { signatureCheck, walletSigner } from "@haggle/chain";
 * import { expect } from "vitest";
 *
 * const check = signatureCheck();
 * const wallet = walletSigner(new Uint8Array(32).fill(7));
 * const digest = new Uint8Array(32).fill(1);
 * expect(check(digest, wallet.sign(digest), wallet.account)).toBe(true);
 * expect(check(new Uint8Array(32), wallet.sign(digest), wallet.account)).toBe(false);
 * ```
 */
export function signatureCheck(): SignatureCheck {
  const signers = new Map<string, Known>()
  return (digest, signature, account) => {
    if (signature.length !== SIGNATURE_BYTES || digest.length !== 32 || account.length !== 20) return false
    const name = toHex(account)
    const known = signers.get(name)
    if (known === undefined) {
      const key = recoverKey(digest, signature)
      if (key === undefined || !equalBytes(accountOf(key), account)) return false
      remember(signers, name, { key: secp256k1.Point.fromBytes(key), checks: 1 })
      return true
    }
    // The newest is last, so that the oldest is the first to go.
    signers.delete(name)
    signers.set(name, known)
    known.checks++
    if (known.checks === TABLE_AFTER) known.key.precompute(WINDOW_BITS, false)
    return isSignature(digest, signature, known.key)
  }
}

function remember(signers: Map<string, Known>, name: string, known: Known): void {
  signers.set(name, known)
  const oldest = signers.size > MAX_SIGNERS ? signers.keys().next().value : undefined
  if (oldest !== undefined) signers.delete(oldest)
}

/** SEC 1, 4.1.4, and the parity that v states: R = (h·G + r·Q) / s must be the point that recovering would start from. */
function isSignature(digest: Uint8Array, signature: Uint8Array, key: Point): boolean {
  const v = signature[64]
  if (v !== 27 && v !== 28) return false
  const { BASE, Fn } = secp256k1.Point
  try {
    const parsed = secp256k1.Signature.fromBytes(signature.subarray(0, 64), 'compact')
    if (parsed.hasHighS()) return false
    const inverse = Fn.inv(parsed.s)
    const fromDigest = Fn.mul(Fn.create(BigInt(`0x${toHex(digest)}`)), inverse)
    const fromKey = Fn.mul(parsed.r, inverse)
    const sum = key.multiplyUnsafe(fromKey).add(BASE.multiplyUnsafe(fromDigest))
    if (sum.is0()) return false
    const { x, y } = sum.toAffine()
    // x ≥ n would need v 29 or 30, which the contracts refuse.
    return x === parsed.r && (y & 1n) === BigInt(v - 27)
  } catch {
    // r or s is zero or too large: no signature.
    return false
  }
}
