// Evidence that the owner of a log lied in it: two signed heads that contradict each other, an entry rewritten, a contract called void; as a file that convinces a stranger.

import { type Bodies, CONTRACT_MESSAGES, type ContractMessageName } from '@haggle/contract'
import {
  concat,
  decode,
  encode,
  equalBytes,
  HaggleError,
  type Limits,
  type Message,
  MESSAGE_LIMITS,
  open,
  peekEnvelope,
  type Suite,
  utf8,
  type Value,
} from '@haggle/wire'
import { checkpointMessage, type Checkpoint, type SignedHead } from './checkpoint.ts'
import { decodeEntry, entryLeaf } from './entry.ts'
import { HASH_BYTES, verifyInclusion } from './rfc9162.ts'

/**
 * - `fork`: two signed heads that can't both be of one log, by what they say of themselves.
 * - `rewrite`: two signed heads, and different leaves that each proves at one index.
 * - `void`: a signed head over an entry that calls a number void, and the CONFIRM and acknowledgement that made a contract of it.
 */
export type EvidenceKind = 'fork' | 'rewrite' | 'void'

/** A leaf at one index under one head. */
export interface LeafShown {
  /** Leaf hash, 32 bytes. */
  readonly leaf: Uint8Array
  /** Inclusion proof of the leaf. */
  readonly proof: readonly Uint8Array[]
}

/** What {@link readEvidence} found in a file. */
export interface Evidence {
  /** What kind of lie it shows. */
  readonly kind: EvidenceKind
  /** The key that signed both heads. */
  readonly culprit: Uint8Array
  /** Which of the signer's logs. */
  readonly log: number
  /** The heads that it rests on: two, or one for `void`. */
  readonly heads: readonly SignedHead[]
  /** What is wrong, in one sentence. */
  readonly sentence: string
}

/** First line of an evidence file. */
const MAGIC = /* @__PURE__ */ utf8('haggle-evidence/1\n')

/** Two heads and two paths of up to 32 hashes each. */
const EVIDENCE_LIMITS: Limits = { ...MESSAGE_LIMITS, maxItems: 128 }

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
  if (newer.prevSize < older.size)
    return `the head of size ${newer.size} follows one of size ${newer.prevSize} and leaves out one of size ${older.size}`
  return undefined
}

/** The file that shows that `a` and `b` contradict each other. Throws `E_EVIDENCE_NONE` when they don't. */
export function forkEvidence(a: SignedHead, b: SignedHead): Uint8Array {
  if (!equalBytes(a.signer, b.signer) || contradiction(a.body, b.body) === undefined)
    throw noEvidence('the heads do not contradict each other')
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
  if (kind === 'void') return readVoid(openHead(first, suite), [second, ...rest], suite)
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

/** What {@link voidEvidence} is made of. */
export interface VoidShown {
  /** The signed head that has the entry. */
  readonly head: SignedHead
  /** Place of the entry. */
  readonly index: number
  /** Its salt, 16 bytes. */
  readonly salt: Uint8Array
  /** The entry's bytes: kind `void`, contract the id of the ACCEPT. */
  readonly bytes: Uint8Array
  /** Its inclusion proof under the head. */
  readonly path: readonly Uint8Array[]
  /** The CONFIRM of that ACCEPT, as it was sent. */
  readonly confirm: Uint8Array
  /** A message of the renter that acknowledges the CONFIRM and isn't a CANCEL. */
  readonly ack: Uint8Array
}

/** The file that shows that a log calls a contract void that was made. Throws `E_EVIDENCE_NONE` when it doesn't show that. */
export function voidEvidence({ head, bytes, salt, index, path, confirm, ack }: VoidShown, suite: Suite): Uint8Array {
  const file = pack(['void', head.bytes, bytes, salt, index, [...path], confirm, ack])
  readEvidence(file, suite)
  return file
}

function readVoid(head: SignedHead, rest: readonly (Value | undefined)[], suite: Suite): Evidence {
  const [bytes, salt, index, path, confirmBytes, ackBytes] = rest
  if (rest.length !== 6 || typeof index !== 'number' || !Array.isArray(path) || path.length > 32 || !path.every(isHash)) throw malformed()
  if (![bytes, salt, confirmBytes, ackBytes].every((part) => part instanceof Uint8Array)) throw malformed()
  const entry = decodeEntry(bytes as Uint8Array)
  const leaf = entryLeaf(salt as Uint8Array, bytes as Uint8Array, suite.sha256)
  const { size, root } = head.body
  if (!verifyInclusion({ leaf, index, size, proof: path, root }, suite.sha256)) throw noEvidence('the entry is not under the head')
  const confirm = openOf('confirm', confirmBytes as Uint8Array, suite)
  const ack = openOf(peekEnvelope(ackBytes as Uint8Array, suite).type as ContractMessageName, ackBytes as Uint8Array, suite)
  const isContract =
    entry.kind === 'void' &&
    entry.contract !== null &&
    equalBytes(confirm.body.accept, entry.contract) &&
    (equalBytes(confirm.signer, head.signer) || equalBytes(confirm.audience!, head.signer)) &&
    equalBytes(ack.signer, confirm.audience!) &&
    equalBytes(ack.thread!, confirm.thread!) &&
    ack.ack !== null &&
    equalBytes(ack.ack, confirm.id) &&
    ack.type !== 'cancel'
  if (!isContract) throw noEvidence('the messages do not make a contract of the void number')
  return {
    kind: 'void',
    culprit: head.signer,
    log: head.body.log,
    heads: [head],
    sentence: `entry ${index} calls a contract void that was confirmed and acknowledged`,
  }
}

function openOf<N extends ContractMessageName>(type: N, envelope: Uint8Array, suite: Suite): Message<Bodies[N]> {
  const known = Object.hasOwn(CONTRACT_MESSAGES, type) ? CONTRACT_MESSAGES[type] : undefined
  if (known === undefined) throw noEvidence('a message is of no kind that a contract has')
  return open(envelope, known, { network: peekEnvelope(envelope, suite).network, suite })
}

/** True when `file` begins as evidence does. */
export function isEvidence(file: Uint8Array): boolean {
  return equalBytes(file.subarray(0, MAGIC.length), MAGIC)
}

function rewritten(
  index: number,
  heads: readonly [SignedHead, SignedHead],
  leaves: readonly [LeafShown, LeafShown],
  suite: Suite,
): string | undefined {
  if (heads[0].body.log !== heads[1].body.log || equalBytes(leaves[0].leaf, leaves[1].leaf)) return undefined
  const proven = heads.every(({ body: { size, root } }, i) => verifyInclusion({ index, size, root, ...leaves[i]! }, suite.sha256))
  return proven
    ? `entry ${index} is one thing under the head of size ${heads[0].body.size} and another under that of size ${heads[1].body.size}`
    : undefined
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
