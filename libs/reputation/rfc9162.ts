// The Merkle tree of RFC 9162 section 2.1 over SHA-256: hashes, and how a stranger checks an inclusion or consistency proof.

/** SHA-256, injected: `suite.sha256` of either suite fits. */
export type Sha256 = (data: Uint8Array) => Uint8Array

/** Bytes of a SHA-256 digest. */
export const HASH_BYTES = 32

/** RFC 9162 section 2.1.1: a leaf is hashed behind 0x00 and a node behind 0x01, so neither can be passed off as the other. */
const LEAF_PREFIX = 0x00
const NODE_PREFIX = 0x01

/** `sha256(0x00 ‖ data)`: the hash of one leaf. */
export function leafHash(data: Uint8Array, sha256: Sha256): Uint8Array {
  const input = new Uint8Array(1 + data.length)
  input[0] = LEAF_PREFIX
  input.set(data, 1)
  return sha256(input)
}

/** `sha256(0x01 ‖ left ‖ right)`: the hash of an inner node. */
export function nodeHash(left: Uint8Array, right: Uint8Array, sha256: Sha256): Uint8Array {
  const input = new Uint8Array(1 + 2 * HASH_BYTES)
  input[0] = NODE_PREFIX
  input.set(left, 1)
  input.set(right, 1 + HASH_BYTES)
  return sha256(input)
}

/** The root of a tree with no leaves: `sha256("")`. */
export function emptyRoot(sha256: Sha256): Uint8Array {
  return sha256(new Uint8Array(0))
}

/** What {@link verifyInclusion} is given. */
export interface InclusionClaim {
  /** Leaf hash, 32 bytes. */
  readonly leaf: Uint8Array
  /** Position of the leaf, from 0. */
  readonly index: number
  /** Number of leaves of the tree. */
  readonly size: number
  /** Sibling hashes from the leaf up. */
  readonly proof: readonly Uint8Array[]
  /** Root that the path has to reach, 32 bytes. */
  readonly root: Uint8Array
}

/**
 * True when `claim.proof` leads from the leaf to the root: RFC 9162 section 2.1.3.2. Never throws.
 *
 * @example
 * ```ts
 * import { leafHash, nodeHash, verifyInclusion } from "@haggle/reputation";
 * import { portableSuite } from "@haggle/identity";
 * import { expect } from "vitest";
 *
 * const { sha256 } = portableSuite();
 * const [a, b] = [leafHash(Uint8Array.of(1), sha256), leafHash(Uint8Array.of(2), sha256)];
 * const root = nodeHash(a, b, sha256);
 * expect(verifyInclusion({ leaf: b, index: 1, size: 2, proof: [a], root }, sha256)).toBe(true);
 * expect(verifyInclusion({ leaf: b, index: 0, size: 2, proof: [a], root }, sha256)).toBe(false);
 * ```
 */
export function verifyInclusion(claim: InclusionClaim, sha256: Sha256): boolean {
  const { leaf, index, size, proof, root } = claim
  if (!isCount(index) || !isCount(size) || index >= size || !areHashes([leaf, root, ...proof])) return false
  let fn = index
  let sn = size - 1
  let hash = leaf
  for (const sibling of proof) {
    if (sn === 0) return false
    if (fn % 2 === 1 || fn === sn) {
      hash = nodeHash(sibling, hash, sha256)
      while (fn % 2 === 0 && fn !== 0) {
        fn = fn / 2
        sn = Math.floor(sn / 2)
      }
    } else {
      hash = nodeHash(hash, sibling, sha256)
    }
    fn = Math.floor(fn / 2)
    sn = Math.floor(sn / 2)
  }
  return sn === 0 && equal(hash, root)
}

/** What {@link verifyConsistency} is given: two heads of one log and the proof between them. */
export interface ConsistencyClaim {
  /** Size of the older tree. */
  readonly from: number
  /** Size of the newer tree. */
  readonly to: number
  /** Root of the older tree, 32 bytes. */
  readonly fromRoot: Uint8Array
  /** Root of the newer tree, 32 bytes. */
  readonly toRoot: Uint8Array
  /** Hashes from the older tree to the newer. */
  readonly proof: readonly Uint8Array[]
}

/**
 * True when the tree of `to` leaves extends the tree of `from` leaves: RFC 9162 section 2.1.4.2. A tree extends the empty tree and
 * itself with an empty proof. Never throws.
 */
export function verifyConsistency(claim: ConsistencyClaim, sha256: Sha256): boolean {
  const { from, to, fromRoot, toRoot, proof } = claim
  if (!isCount(from) || !isCount(to) || from > to || !areHashes([fromRoot, toRoot, ...proof])) return false
  if (from === to) return proof.length === 0 && equal(fromRoot, toRoot)
  if (from === 0) return proof.length === 0 && equal(fromRoot, emptyRoot(sha256))
  // A whole subtree's root is the older root itself, and the prover leaves it out.
  const path = isPowerOfTwo(from) ? [fromRoot, ...proof] : [...proof]
  const [first, ...rest] = path
  if (first === undefined) return false
  let fn = from - 1
  let sn = to - 1
  while (fn % 2 === 1) {
    fn = Math.floor(fn / 2)
    sn = Math.floor(sn / 2)
  }
  let older = first
  let newer = first
  for (const hash of rest) {
    if (sn === 0) return false
    if (fn % 2 === 1 || fn === sn) {
      older = nodeHash(hash, older, sha256)
      newer = nodeHash(hash, newer, sha256)
      while (fn % 2 === 0 && fn !== 0) {
        fn = fn / 2
        sn = Math.floor(sn / 2)
      }
    } else {
      newer = nodeHash(newer, hash, sha256)
    }
    fn = Math.floor(fn / 2)
    sn = Math.floor(sn / 2)
  }
  return sn === 0 && equal(older, fromRoot) && equal(newer, toRoot)
}

function isCount(n: number): boolean {
  return Number.isSafeInteger(n) && n >= 0
}

function isPowerOfTwo(n: number): boolean {
  return n > 0 && 2 ** Math.round(Math.log2(n)) === n
}

function areHashes(hashes: readonly Uint8Array[]): boolean {
  return hashes.every((hash) => hash.length === HASH_BYTES)
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i])
}
