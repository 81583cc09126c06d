// Ed25519 for any host, from noble's points and our own verdict (RFC 8032 section 5.1; spec/identity.md).

import { concat, equalBytes, HaggleError, type Signer, type Suite, toHex } from '@haggle/wire'
import { Point } from '@noble/ed25519'
import { sha256, sha512 } from '@noble/hashes/sha2.js'
import type { Ed25519 } from './ed25519.ts'
import { Recent } from './_recent.ts'
import { keyPoint, screenSignature } from './screen.ts'

/** L, the order of the base point. */
const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n
/** How many public keys a suite remembers the screening of: 1 MiB or so. */
const REMEMBERED_KEYS = 4096

/**
 * Ed25519 in TypeScript, for browsers and as the reference. It signs and verifies about 0.5 thousand messages a second; Node's is
 * `nodeEd25519()` of `@haggle/identity/node`.
 */
export const portableEd25519: Ed25519 = {
  publicKey: (seed) => expand(seed).publicKey,
  sign: (message, seed) => signWith(expand(seed), message),
  verify(signature, message, publicKey) {
    if (!screenSignature(signature)) return false
    const point = keyPoint(publicKey)
    return point !== undefined && fits(signature, message, publicKey, point)
  },
  signer: portableSigner,
}

/**
 * The suite of any host: what `seal` and `open` of `@haggle/wire` need. Remembers the screening of the last 4,096 keys.
 *
 * @example
 * ```ts
 * import { createIdentity, portableSuite } from "@haggle/identity";
 * import { utf8 } from "@haggle/wire";
 * import { expect } from "vitest";
 *
 * const suite = portableSuite();
 * const { publicKey, signer } = createIdentity(new Uint8Array(32).fill(7));
 * expect(suite.verify(signer.sign(utf8("hi")), utf8("hi"), publicKey)).toBe(true);
 * ```
 */
export function portableSuite(): Suite {
  const points = new Recent<Point | 'refused'>(REMEMBERED_KEYS)
  function pointOf(publicKey: Uint8Array): Point | undefined {
    const name = toHex(publicKey)
    let point = points.get(name)
    if (point === undefined) points.set(name, (point = keyPoint(publicKey) ?? 'refused'))
    return point === 'refused' ? undefined : point
  }
  return {
    sha256: (data) => sha256(data),
    screenKey: (publicKey) => publicKey.length === 32 && pointOf(publicKey) !== undefined,
    verify(signature, message, publicKey) {
      if (publicKey.length !== 32 || !screenSignature(signature)) return false
      const point = pointOf(publicKey)
      return point !== undefined && fits(signature, message, publicKey, point)
    },
  }
}

interface Expanded {
  readonly scalar: bigint
  readonly prefix: Uint8Array
  readonly publicKey: Uint8Array
}

function portableSigner(seed: Uint8Array): Signer {
  const key = expand(seed)
  return { publicKey: key.publicKey, sign: (message) => signWith(key, message) }
}

/** RFC 8032 section 5.1.5. */
function expand(seed: Uint8Array): Expanded {
  if (seed.length !== 32) throw new HaggleError('E_KEY_SEED', `Cannot use the key: a seed must be 32 bytes, is ${seed.length}`)
  const hash = sha512(seed)
  hash[0] = (hash[0] as number) & 0xf8
  hash[31] = ((hash[31] as number) & 0x7f) | 0x40
  const scalar = littleEndian(hash.subarray(0, 32)) % ORDER
  return { scalar, prefix: hash.slice(32), publicKey: Point.BASE.multiply(scalar).toBytes() }
}

/** RFC 8032 section 5.1.6. */
function signWith(key: Expanded, message: Uint8Array): Uint8Array {
  const r = littleEndian(sha512(concat(key.prefix, message))) % ORDER
  const point = Point.BASE.multiply(r).toBytes()
  const k = littleEndian(sha512(concat(point, key.publicKey, message))) % ORDER
  return concat(point, toLittleEndian((r + k * key.scalar) % ORDER))
}

/** encode(S·B - k·A) == R, for a screened signature and key. */
function fits(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array, point: Point): boolean {
  const r = signature.subarray(0, 32)
  const s = littleEndian(signature.subarray(32))
  const k = littleEndian(sha512(concat(r, publicKey, message))) % ORDER
  const right = Point.BASE.multiply(s, false).subtract(point.multiply(k, false))
  return equalBytes(right.toBytes(), r)
}

function littleEndian(bytes: Uint8Array): bigint {
  return BigInt(`0x${toHex(bytes.toReversed())}`)
}

function toLittleEndian(value: bigint): Uint8Array {
  const bytes = new Uint8Array(32)
  for (let i = 0, rest = value; i < 32; i++, rest >>= 8n) bytes[i] = Number(rest & 0xffn)
  return bytes
}
