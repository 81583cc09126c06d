// The tree against a second implementation, written word for word from RFC 9162 section 2.1 and sharing nothing with ours.

import { createHash } from 'node:crypto'
import { nodeSuite } from '@haggle/identity/node'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { emptyRoot, leafHash, verifyConsistency, verifyInclusion } from './rfc9162.ts'
import { consistencySpans, decompose, finisher, Frontier, inclusionSpans, nodesFinishedBy, type Span, TreeHasher } from './tree.ts'

const { sha256 } = nodeSuite()

const HASH = (...parts: Uint8Array[]): Uint8Array => new Uint8Array(createHash('sha256').update(Buffer.concat(parts)).digest())

/** RFC 9162 2.1.1: MTH. */
function MTH(D: Uint8Array[]): Uint8Array {
  const n = D.length
  if (n === 0) return HASH()
  if (n === 1) return HASH(Uint8Array.of(0), D[0]!)
  const k = split(n)
  return HASH(Uint8Array.of(1), MTH(D.slice(0, k)), MTH(D.slice(k)))
}

function split(n: number): number {
  let k = 1
  while (k * 2 < n) k *= 2
  return k
}

/** RFC 9162 2.1.3.1: PATH. */
function PATH(m: number, D: Uint8Array[]): Uint8Array[] {
  const n = D.length
  if (n === 1) return []
  const k = split(n)
  return m < k ? [...PATH(m, D.slice(0, k)), MTH(D.slice(k))] : [...PATH(m - k, D.slice(k)), MTH(D.slice(0, k))]
}

/** RFC 9162 2.1.4.1: PROOF and SUBPROOF. */
function PROOF(m: number, D: Uint8Array[]): Uint8Array[] {
  return m === 0 ? [] : SUBPROOF(m, D, true)
}

function SUBPROOF(m: number, D: Uint8Array[], b: boolean): Uint8Array[] {
  const n = D.length
  if (m === n) return b ? [] : [MTH(D)]
  const k = split(n)
  return m <= k ? [...SUBPROOF(m, D.slice(0, k), b), MTH(D.slice(k))] : [...SUBPROOF(m - k, D.slice(k), false), MTH(D.slice(0, k))]
}

const data = (n: number): Uint8Array[] => Array.from({ length: n }, (_, i) => Uint8Array.of(i & 255, i >> 8))

/** Our tree over the same data, its proofs read the way the ledger reads them: from the hashes that each append made. */
function ours(D: Uint8Array[]): { root(size: number): Uint8Array; proof(spans: Span[]): Uint8Array[] } {
  const hasher = new TreeHasher(sha256)
  const frontier = new Frontier(hasher)
  const made = D.map((d) => frontier.push(leafHash(d, sha256)))
  const fold = (from: number, to: number): Uint8Array => hasher.fold(decompose(from, to).map((node) => made[finisher(node)]![node.level]!))
  return { root: (size) => fold(0, size), proof: (spans) => spans.map(({ from, to }) => fold(from, to)) }
}

describe('the tree', () => {
  const D = data(70)
  const tree = ours(D)

  it('Frontier has the roots of RFC 9162 at every size', () => {
    const frontier = new Frontier(new TreeHasher(sha256))
    for (let n = 0; n <= D.length; n++) {
      expect(frontier.root()).toEqual(MTH(D.slice(0, n)))
      expect(tree.root(n)).toEqual(MTH(D.slice(0, n)))
      if (n < D.length) expect(frontier.push(leafHash(D[n]!, sha256)).length).toBe(1 + nodesFinishedBy(n))
    }
    expect(emptyRoot(sha256)).toEqual(MTH([]))
  })

  it('inclusion proofs are those of RFC 9162 and verify, at every index and size', () => {
    for (let size = 1; size <= 40; size++) {
      const root = MTH(D.slice(0, size))
      for (let index = 0; index < size; index++) {
        const proof = tree.proof(inclusionSpans(index, size))
        expect(proof).toEqual(PATH(index, D.slice(0, size)))
        expect(verifyInclusion({ leaf: leafHash(D[index]!, sha256), index, size, proof, root }, sha256)).toBe(true)
      }
    }
  })

  it('consistency proofs are those of RFC 9162 and verify, between every two sizes', () => {
    for (let to = 0; to <= 40; to++) {
      for (let from = 0; from <= to; from++) {
        const proof = tree.proof(consistencySpans(from, to))
        expect(proof).toEqual(PROOF(from, D.slice(0, to)))
        expect(verifyConsistency({ from, to, fromRoot: MTH(D.slice(0, from)), toRoot: MTH(D.slice(0, to)), proof }, sha256)).toBe(true)
      }
    }
  })

  it('verifyInclusion() refuses another index, size, leaf, root or a changed proof', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.nat(), fc.nat(), fc.nat({ max: 4 }), (size, i, at, kind) => {
        const index = i % size
        const good = { leaf: leafHash(D[index]!, sha256), index, size, proof: PATH(index, D.slice(0, size)), root: MTH(D.slice(0, size)) }
        const flip = (bytes: Uint8Array): Uint8Array => bytes.map((byte, j) => (j === at % 32 ? byte ^ 1 : byte))
        const bad = [
          {
            ...good,
            index: (index + 1 + (at % (size + 3))) % (size + 4) === index ? index + size : (index + 1 + (at % (size + 3))) % (size + 4),
          },
          { ...good, leaf: flip(good.leaf) },
          { ...good, root: flip(good.root) },
          { ...good, proof: [...good.proof, good.root] },
          good.proof.length === 0
            ? { ...good, size: size + 1 }
            : { ...good, proof: good.proof.map((h, j) => (j === at % good.proof.length ? flip(h) : h)) },
        ][kind]!
        expect(verifyInclusion(good, sha256)).toBe(true)
        expect(verifyInclusion(bad, sha256)).toBe(false)
      }),
    )
  })

  it('verifyInclusion() and verifyConsistency() refuse lengths and numbers that no proof has', () => {
    const root = MTH(D.slice(0, 1))
    expect(verifyInclusion({ leaf: root, index: 0, size: 1, proof: [], root }, sha256)).toBe(true)
    expect(verifyInclusion({ leaf: root, index: 1, size: 1, proof: [], root }, sha256)).toBe(false)
    expect(verifyInclusion({ leaf: root, index: -1, size: 1, proof: [], root }, sha256)).toBe(false)
    expect(verifyInclusion({ leaf: root, index: 0.5, size: 1, proof: [], root }, sha256)).toBe(false)
    expect(verifyInclusion({ leaf: root.subarray(1), index: 0, size: 1, proof: [], root: root.subarray(1) }, sha256)).toBe(false)
    const two = MTH(D.slice(0, 2))
    expect(verifyConsistency({ from: 2, to: 1, fromRoot: two, toRoot: root, proof: [] }, sha256)).toBe(false)
    expect(verifyConsistency({ from: 1, to: 2, fromRoot: root, toRoot: two, proof: [] }, sha256)).toBe(false)
    expect(verifyConsistency({ from: 0, to: 2, fromRoot: root, toRoot: two, proof: [] }, sha256)).toBe(false)
    expect(verifyConsistency({ from: 2, to: 2, fromRoot: two, toRoot: root, proof: [] }, sha256)).toBe(false)
  })

  it('verifyConsistency() refuses a log that was rewritten', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.nat(), fc.nat(), (to, f, r) => {
        const from = 1 + (f % to)
        const changed = D.slice(0, to).map((d, i) => (i === r % from ? Uint8Array.of(9, 9, 9) : d))
        const claim = { from, to, fromRoot: MTH(D.slice(0, from)), toRoot: MTH(changed), proof: PROOF(from, changed) }
        expect(verifyConsistency(claim, sha256)).toBe(false)
      }),
    )
  })
})
