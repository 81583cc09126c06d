// What is refused by its bytes alone: points and scalars that are not canonical, and points of small order (spec/identity.md, Verdict).

import { fromHex } from '@haggle/wire'
import { Point } from '@noble/ed25519'

/** The y coordinates of the eight points whose order divides 8, little-endian: 0 and ±1, and the two of order 8. */
const SMALL_ORDER_Y: readonly Uint8Array[] = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
].map((hex) => fromHex(hex))

/** L = 2^252 + 27742317777372353535851937790883648493, the order of the base point, little-endian. */
const ORDER: Uint8Array = /* @__PURE__ */ fromHex('edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010')

/** True when the y of a 32-byte point is below p = 2^255 - 19. */
export function isCanonicalY(point: Uint8Array): boolean {
  if (((point[31] as number) & 0x7f) !== 0x7f) return true
  for (let i = 30; i > 0; i--) if (point[i] !== 0xff) return true
  return (point[0] as number) < 0xed
}

/** True when a 32-byte point with a canonical y has an order that divides 8, whatever its sign bit. */
export function isSmallOrder(point: Uint8Array): boolean {
  for (const y of SMALL_ORDER_Y) {
    let i = 0
    while (i < 31 && point[i] === y[i]) i++
    if (i === 31 && ((point[31] as number) & 0x7f) === y[31]) return true
  }
  return false
}

/** True when 32 bytes, little-endian, are below L. */
export function isCanonicalScalar(scalar: Uint8Array): boolean {
  for (let i = 31; i >= 0; i--) {
    const difference = (scalar[i] as number) - (ORDER[i] as number)
    if (difference !== 0) return difference < 0
  }
  return false
}

/** The point of a public key that may be believed: canonical, on the curve, not small-order, without torsion. Undefined otherwise. */
export function keyPoint(publicKey: Uint8Array): Point | undefined {
  if (publicKey.length !== 32 || !isCanonicalY(publicKey) || isSmallOrder(publicKey)) return undefined
  let point: Point
  try {
    point = Point.fromBytes(publicKey)
  } catch {
    // Not on the curve: noble has no other way to say so.
    return undefined
  }
  return point.isTorsionFree() ? point : undefined
}

/**
 * False for a public key under which signatures prove nothing: malformed, of small order (one constant signature then fits any message) or with a
 * torsion part (implementations then disagree). About 1 ms; suites remember the answer for the keys they saw last.
 *
 * @example
 * ```ts
 * import { createIdentity, screenKey } from "@haggle/identity";
 * import { expect } from "vitest";
 *
 * expect(screenKey(createIdentity(new Uint8Array(32)).publicKey)).toBe(true);
 * expect(screenKey(new Uint8Array(32))).toBe(false);
 * ```
 */
export function screenKey(publicKey: Uint8Array): boolean {
  return keyPoint(publicKey) !== undefined
}

/** True when the 64 bytes of a signature could be good under some key: R canonical and not small-order, S below L. */
export function screenSignature(signature: Uint8Array): boolean {
  if (signature.length !== 64) return false
  const r = signature.subarray(0, 32)
  return isCanonicalY(r) && !isSmallOrder(r) && isCanonicalScalar(signature.subarray(32))
}
