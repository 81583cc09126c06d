// The published vectors hold for this code: entries, trees, heads, evidence, proofs, scores.

import { readFileSync } from 'node:fs'
import { nodeSuite } from '@haggle/identity/node'
import { errorCode, fromHex, networkId, open, toHex } from '@haggle/wire'
import { describe, expect, it } from 'vitest'
import {
  type Checkpoint,
  checkpointMessage,
  contradiction,
  cosignMessage,
  decodeEntry,
  encodeEntry,
  type Entry,
  entryLeaf,
  type Facts,
  Frontier,
  makeScorer,
  type Observation,
  readEvidence,
  TreeHasher,
  verifyConsistency,
  verifyInclusion,
  verifyProof,
} from './mod.ts'

const suite = nodeSuite()
const { sha256 } = suite

function read<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../../spec/vectors/${name}.json`, import.meta.url), 'utf8')) as T
}

type FactsJson = Omit<Facts, 'settled'> & { settled: string }
type EntryJson = Omit<Entry, 'peer' | 'contract' | 'facts' | 'evidence'> & {
  peer: string | null
  contract: string | null
  facts: FactsJson | null
  evidence: string[]
}

const factsOf = (facts: FactsJson): Facts => ({ ...facts, settled: BigInt(facts.settled) })
const codeOf = (run: () => unknown): string => {
  try {
    run()
    return 'accepted'
  } catch (error) {
    return errorCode(error)
  }
}

describe('spec/vectors/ledger.json', () => {
  const vectors = read<{
    entries: (EntryJson & { name: string; bytes: string })[]
    log: { salt: string; leaf: string }[]
    roots: { size: number; root: string }[]
    inclusion: { index: number; size: number; path: string[] }[]
    consistency: { from: number; to: number; path: string[] }[]
    bad: { name: string; bytes: string }[]
  }>('ledger')

  it.each(vectors.entries)('entry: $name', ({ name: _, bytes, ...json }) => {
    const { kind, at, number, peer, contract, facts, evidence } = json
    const entry: Entry = {
      kind,
      at,
      number,
      peer: peer === null ? null : fromHex(peer),
      contract: contract === null ? null : fromHex(contract),
      facts: facts && factsOf(facts),
      evidence: evidence.map((hex) => fromHex(hex)),
    }
    expect(toHex(encodeEntry(entry))).toBe(bytes)
    expect(decodeEntry(fromHex(bytes))).toEqual(entry)
  })

  it.each(vectors.bad)('no entry: $name', ({ bytes }) => {
    expect(codeOf(() => decodeEntry(fromHex(bytes)))).toMatch(/^E_WIRE_/)
  })

  it('leaves, roots and proofs', () => {
    const tree = new Frontier(new TreeHasher(sha256))
    const roots = new Map([[0, toHex(tree.root())]])
    for (const [i, { salt, leaf }] of vectors.log.entries()) {
      const bytes = fromHex(vectors.entries[i % vectors.entries.length]!.bytes)
      expect(toHex(entryLeaf(fromHex(salt), bytes, sha256))).toBe(leaf)
      tree.push(fromHex(leaf))
      roots.set(i + 1, toHex(tree.root()))
    }
    for (const { size, root } of vectors.roots) expect(roots.get(size)).toBe(root)
    const rootAt = (size: number): Uint8Array => fromHex(roots.get(size)!)
    for (const { index, size, path } of vectors.inclusion) {
      const claim = { leaf: fromHex(vectors.log[index]!.leaf), index, size, proof: path.map((hex) => fromHex(hex)), root: rootAt(size) }
      expect(verifyInclusion(claim, sha256)).toBe(true)
    }
    for (const { from, to, path } of vectors.consistency) {
      expect(
        verifyConsistency({ from, to, fromRoot: rootAt(from), toRoot: rootAt(to), proof: path.map((hex) => fromHex(hex)) }, sha256),
      ).toBe(true)
    }
  })
})

describe('spec/vectors/checkpoint.json', () => {
  const vectors = read<{
    network: string
    heads: { name: string; body: Omit<Checkpoint, 'root' | 'prevRoot'> & { root: string; prevRoot: string }; id: string; bytes: string }[]
    cosigned: { bytes: string; body: { size: number; root: string } }
    pairs: { a: string; b: string; contradict: boolean }[]
    evidence: { good: { kind: string; culprit: string; file: string }[]; bad: { name: string; code: string; file: string }[] }
  }>('checkpoint')
  const network = networkId(vectors.network)
  const heads = new Map(vectors.heads.map(({ name, bytes }) => [name, open(fromHex(bytes), checkpointMessage, { network, suite })]))

  it.each(vectors.heads)('head: $name', ({ name, body, id }) => {
    const head = heads.get(name)!
    expect(toHex(head.id)).toBe(id)
    expect({ ...head.body, root: toHex(head.body.root), prevRoot: toHex(head.body.prevRoot) }).toEqual(body)
  })

  it('cosignature and contradictions', () => {
    const signed = open(fromHex(vectors.cosigned.bytes), cosignMessage, { network, suite })
    expect(signed.body.size).toBe(vectors.cosigned.body.size)
    expect(toHex(signed.body.root)).toBe(vectors.cosigned.body.root)
    for (const { a, b, contradict } of vectors.pairs) {
      expect(contradiction(heads.get(a)!.body, heads.get(b)!.body) !== undefined, `${a} / ${b}`).toBe(contradict)
      expect(contradiction(heads.get(b)!.body, heads.get(a)!.body) !== undefined, `${b} / ${a}`).toBe(contradict)
    }
  })

  it('evidence', () => {
    for (const { kind, culprit, file } of vectors.evidence.good) {
      const found = readEvidence(fromHex(file), suite)
      expect(found.kind).toBe(kind)
      expect(toHex(found.culprit)).toBe(culprit)
    }
    for (const { name, code, file } of vectors.evidence.bad)
      expect(
        codeOf(() => readEvidence(fromHex(file), suite)),
        name,
      ).toBe(code)
  })
})

describe('spec/vectors/proof.json', () => {
  const vectors = read<{
    good: { name: string; index: number; bothSigned: boolean; owner: string; file: string }[]
    bad: { name: string; code: string; file: string }[]
  }>('proof')

  it.each(vectors.good)('proof: $name', ({ index, bothSigned, owner, file }) => {
    const proof = verifyProof(fromHex(file), suite)
    expect({ index: proof.index, bothSigned: proof.bothSigned, owner: toHex(proof.owner) }).toEqual({ index, bothSigned, owner })
  })

  it.each(vectors.bad)('no proof: $name', ({ code, file }) => {
    expect(codeOf(() => verifyProof(fromHex(file), suite))).toBe(code)
  })
})

describe('spec/vectors/score.json', () => {
  const vectors = read<{
    me: string
    now: number
    convicted: string[]
    gaps: Record<string, number>
    observations: (Omit<Observation, 'facts'> & { facts: FactsJson })[]
    scores: { subject: string; role: Facts['role']; value: number; axes: Record<string, { good: number; bad: number; value: number }> }[]
    trust: { key: string; role: Facts['role']; trust: number }[]
  }>('score')
  const observations = vectors.observations.map((each) => ({ ...each, facts: factsOf(each.facts) }))
  const scorer = makeScorer({
    ...vectors,
    observations: observations.toReversed(),
    convicted: new Set(vectors.convicted),
    gaps: new Map(Object.entries(vectors.gaps)),
  })

  it.each(vectors.scores)('$subject as $role', ({ subject, role, value, axes }) => {
    const score = scorer.score(subject, role)
    expect(score.value).toBeCloseTo(value, 9)
    expect(Object.keys(score.axes).sort()).toEqual(Object.keys(axes).sort())
    for (const [axis, expected] of Object.entries(axes)) {
      const found = score.axes[axis as keyof typeof score.axes]!
      for (const part of ['good', 'bad', 'value'] as const) expect(found[part]).toBeCloseTo(expected[part], 9)
    }
  })

  it.each(vectors.trust)('trust in $key as $role', ({ key, role, trust }) => {
    expect(scorer.trust.of(key, role)).toBeCloseTo(trust, 9)
  })
})
