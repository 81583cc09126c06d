// Evidence that the owner of a log showed two histories: when two signed heads contradict each other, and the file that convinces a stranger.

import { concat, decode, encode, equalBytes, HaggleError, MESSAGE_LIMITS, open, peekEnvelope, type Suite, utf8, type Value } from '@haggle/wire'
import { checkpointMessage, type Checkpoint, type SignedHead } from './checkpoint.ts'
import { HASH_BYTES, verifyInclusion } from './rfc9162.ts'

/**
 * - `fork`: two signed heads that can't both be of one log, by what they say of themselves.
 * - `rewrite`: two signed heads, and different leaves that each proves at one index.
 */
export type EvidenceKind = 'fork' | 'rewrite'

/** A leaf at one index under one head. */
export interface LeafShown {
  readonly leaf: Uint8Array
  readonly proof: readonly Uint8Array[]
}

/** What {@link readEvidence} found in a file. */
export interface Evidence {
  readonly kind: EvidenceKind
  /** The key that signed both heads. */
  readonly culprit: Uint8Array
  readonly log: number
  readonly heads: readonly [SignedHead, SignedHead]
  /** What is wrong, in one sentence. */
  readonly sentence: string
}

/** First line of an evidence file. */
const MAGIC = /* @__PURE__ */ utf8('haggle-evidence/1\n')

/** Two heads and two paths of up to 32 hashes each. */
const EVIDENCE_LIMITS = { ...MESSAGE_LIMITS, maxItems: 128 }

/**
 * Why two heads of one signer and log can't both be honest, or undefined when they can. The heads of a log form one chain, each naming size
 * and root of the one before: two of one size must agree, none may skip another, and none may remember another differently.
 */
export function contradiction(a: Checkpoint, b: Checkpoint): string | undefined {
  if (a.log !== b.log) return undefined
  const [older, newer] = a.size <= b.size ? [a, b] : [b, a]
  if (older.size === newer.size) {
    if (!equalBytes(older.root, newer.root)) return `two roots for size ${older.size}`
    return undefined
  }
  if (newer.prevSize === older.size && !equalBytes(newer.prevRoot, older.root)) {
    return `the head of size ${newer.size} remembers another root for size ${older.size}`
  }
  if (newer.prevSize < older.size) return `the head of size ${newer.size} follows one of size ${newer.prevSize} and leaves out one of size ${older.size}`
  return undefined
}

/** The file that shows that `a` and `b` contradict each other. Throws `E_EVIDENCE_NONE` when they don't. */
export function forkEvidence(a: SignedHead, b: SignedHead): Uint8Array {
  if (!equalBytes(a.signer, b.signer) || contradiction(a.body, b.body) === undefined) throw noEvidence('the heads do not contradict each other')
  return pack(['fork', a.bytes, b.bytes])
}

/** The file that shows that entry `index` differs under two heads. Throws `E_EVIDENCE_NONE` when it doesn't show that. */
export function rewriteEvidence(
  shown: { readonly index: number; readonly heads: readonly [SignedHead, SignedHead]; readonly leaves: readonly [LeafShown, LeafShown] },
  suite: Suite,
): Uint8Array {
  const { index, heads, leaves } = shown
  if (rewritten(index, heads, leaves, suite) === undefined) throw noEvidence('the leaves do not differ, or are not proven')
  const [a, b] = leaves
  return pack(['rewrite', heads[0].bytes, heads[1].bytes, index, a.leaf, [...a.proof], b.leaf, [...b.proof]])
}

/**
 * Checks an evidence file offline. Throws `E_EVIDENCE_FORMAT` when it isn't one, what `open` throws for a bad envelope, and `E_EVIDENCE_NONE`
 * when it is sound and shows nothing.
 */
export function readEvidence(file: Uint8Array, suite: Suite): Evidence {
  if (!isEvidence(file)) throw new HaggleError('E_EVIDENCE_FORMAT', 'Cannot read the evidence: it does not begin with "haggle-evidence/1"')
  const value = decode(file.subarray(MAGIC.length), EVIDENCE_LIMITS)
  if (!Array.isArray(value) || value.length < 3) throw malformed()
  const [kind, first, second, ...rest] = value as readonly Value[]
  const heads = [openHead(first, suite), openHead(second, suite)] as const
  const [a, b] = heads
  if (!equalBytes(a.signer, b.signer) || !equalBytes(a.network, b.network)) throw noEvidence('the heads have different signers')
  const found = { culprit: a.signer, log: a.body.log, heads }
  if (kind === 'fork' && rest.length === 0) {
    const sentence = contradiction(a.body, b.body)
    if (sentence === undefined) throw noEvidence('the heads do not contradict each other')
    return { kind, ...found, sentence }
  }
  const [index, leafA, proofA, leafB, proofB] = rest
  if (kind !== 'rewrite' || rest.length !== 5 || typeof index !== 'number') throw malformed()
  const leaves = [shownLeaf(leafA, proofA), shownLeaf(leafB, proofB)] as const
  const sentence = rewritten(index, heads, leaves, suite)
  if (sentence === undefined) throw noEvidence('the leaves do not differ, or are not proven')
  return { kind, ...found, sentence }
}

/** True when `file` begins as evidence does. */
export function isEvidence(file: Uint8Array): boolean {
  return equalBytes(file.subarray(0, MAGIC.length), MAGIC)
}

function rewritten(index: number, heads: readonly [SignedHead, SignedHead], leaves: readonly [LeafShown, LeafShown], suite: Suite): string | undefined {
  if (heads[0].body.log !== heads[1].body.log || equalBytes(leaves[0].leaf, leaves[1].leaf)) return undefined
  const proven = heads.every(({ body: { size, root } }, i) => verifyInclusion({ index, size, root, ...leaves[i]! }, suite.sha256))
  return proven ? `entry ${index} is one thing under the head of size ${heads[0].body.size} and another under that of size ${heads[1].body.size}` : undefined
}

/** Opens a head whatever its network: evidence and proofs are judged by themselves. */
export function openHead(envelope: Value | undefined, suite: Suite): SignedHead {
  if (!(envelope instanceof Uint8Array)) throw malformed()
  return open(envelope, checkpointMessage, { network: peekEnvelope(envelope, suite).network, suite })
}

function shownLeaf(leaf: Value | undefined, proof: Value | undefined): LeafShown {
  if (!isHash(leaf) || !Array.isArray(proof) || proof.length > 32 || !proof.every(isHash)) throw malformed()
  return { leaf, proof }
}

function isHash(value: Value | undefined): value is Uint8Array {
  return value instanceof Uint8Array && value.length === HASH_BYTES
}

function pack(value: Value): Uint8Array {
  return concat(MAGIC, encode(value, EVIDENCE_LIMITS))
}

function malformed(): HaggleError {
  return new HaggleError('E_EVIDENCE_FORMAT', 'Cannot read the evidence: it holds something other than two heads and what they show')
}

function noEvidence(why: string): HaggleError {
  return new HaggleError('E_EVIDENCE_NONE', `Cannot accept the evidence: ${why}`)
}
