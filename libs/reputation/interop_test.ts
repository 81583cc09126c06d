// The ledger against a published verifier that isn't ours, @transmute/rfc9162, both ways: it checks our proofs and we check its.
//
// It departs from the RFC in one place that is worked round here: between a tree of a power of two and a larger one it puts the older root,
// which section 2.1.4.1 leaves out, at the head of the consistency path.

import { createRequire } from 'node:module'
import type * as Published from '@transmute/rfc9162'
import { beforeAll, describe, expect, it } from 'vitest'
import { all, entryOf, ledgerOf, sha256 } from './_fixture.ts'
import type { Ledger, StoredEntry } from './ledger.ts'
import { verifyConsistency, verifyInclusion } from './rfc9162.ts'

// A CommonJS module with a default export: what an import gives differs between Node and bundlers, what require gives does not.
const { default: rfc9162 } = createRequire(import.meta.url)('@transmute/rfc9162') as typeof Published.default

const SIZE = 33

const isPowerOfTwo = (n: number): boolean => (n & (n - 1)) === 0

describe('@transmute/rfc9162', () => {
  let ledger: Ledger
  let stored: StoredEntry[]
  /** What the RFC calls the entries of the log: for us the salted hash of each. */
  let data: Uint8Array[]

  beforeAll(async () => {
    ledger = await ledgerOf()
    await ledger.append(Array.from({ length: SIZE }, (_, i) => entryOf(i)))
    stored = await all(ledger.entries())
    data = stored.map(({ salt, bytes }) => sha256(Uint8Array.from([...salt, ...bytes])))
  })

  it('computes the same leaves and the same root at every size', async () => {
    for (let size = 1; size <= SIZE; size++) {
      expect(await rfc9162.leaf(data[size - 1]!)).toEqual(stored[size - 1]!.leaf)
      expect(await rfc9162.treeHead(data.slice(0, size))).toEqual(await ledger.rootAt(size))
    }
  })

  it('accepts our inclusion proofs, and we its', async () => {
    for (const size of [1, 2, 7, 8, 32, SIZE]) {
      const root = await ledger.rootAt(size)
      for (let index = 0; index < size; index++) {
        const { leaf } = stored[index]!
        const path = await ledger.inclusionProof(index, size)
        expect(
          await rfc9162.verifyInclusionProof(root, leaf, { log_id: '', tree_size: size, leaf_index: index, inclusion_path: path }),
        ).toBe(true)
        const theirs = await rfc9162.inclusionProof(data[index]!, data.slice(0, size))
        expect(verifyInclusion({ leaf, index, size, root, proof: theirs.inclusion_path }, sha256)).toBe(true)
      }
    }
  })

  it('accepts our consistency proofs, and we its', async () => {
    for (const to of [2, 3, 8, 21, SIZE]) {
      const toRoot = await ledger.rootAt(to)
      for (let from = 1; from < to; from++) {
        const fromRoot = await ledger.rootAt(from)
        const proof = await ledger.consistencyProof(from, to)
        const consistency_path = isPowerOfTwo(from) ? [fromRoot, ...proof] : proof
        expect(
          await rfc9162.verifyConsistencyProof(fromRoot, toRoot, { log_id: '', tree_size_1: from, tree_size_2: to, consistency_path }),
        ).toBe(true)
        const older = await rfc9162.inclusionProof(data[0]!, data.slice(0, from))
        const theirs = (await rfc9162.consistencyProof(older, data.slice(0, to))).consistency_path
        expect(verifyConsistency({ from, to, fromRoot, toRoot, proof: isPowerOfTwo(from) ? theirs.slice(1) : theirs }, sha256)).toBe(true)
      }
    }
  })

  it('refuses what we refuse: a proof of another leaf', async () => {
    const path = await ledger.inclusionProof(4, SIZE)
    const root = await ledger.rootAt(SIZE)
    expect(
      await rfc9162.verifyInclusionProof(root, stored[5]!.leaf, { log_id: '', tree_size: SIZE, leaf_index: 4, inclusion_path: path }),
    ).toBe(false)
    expect(verifyInclusion({ leaf: stored[5]!.leaf, index: 4, size: SIZE, root, proof: path }, sha256)).toBe(false)
  })
})
