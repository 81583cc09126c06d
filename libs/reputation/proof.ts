// A portable proof: one entry of a ledger, its place under a signed head, in a file of less than 2 KiB that checks offline (spec/proof.md).

import { CONTRACT_MESSAGES, type ReceiptBody } from '@haggle/contract'
import {
  concat,
  decode,
  encode,
  equalBytes,
  HaggleError,
  type Message,
  MESSAGE_LIMITS,
  open,
  peekEnvelope,
  type Suite,
  toHex,
  utf8,
  type Value,
} from '@haggle/wire'
import type { SignedHead } from './checkpoint.ts'
import { decodeEntry, type Entry, entryLeaf, SALT_BYTES } from './entry.ts'
import { openHead } from './evidence.ts'
import type { Ledger } from './ledger.ts'
import type { Observation } from './observation.ts'
import { HASH_BYTES, verifyInclusion } from './rfc9162.ts'

/** First line of a proof file. */
const MAGIC = /* @__PURE__ */ utf8('haggle-proof/1\n')

/** Bytes that a proof of an ordinary receipt stays below in a log of a million entries. */
export const PROOF_BYTES = 2048

/** What a proof shows. */
export interface Proof {
  /** Key of the log's owner, who wrote the entry. */
  readonly owner: Uint8Array
  /** What it says. */
  readonly entry: Entry
  /** Its place in the owner's log. */
  readonly index: number
  /** The head that it stands under. */
  readonly head: SignedHead
  /** True when both parties signed receipts with the settled amount: more than the owner's word. */
  readonly bothSigned: boolean
}

/**
 * The proof of entry `index` under `head`, which its owner signed when the log had that entry. Throws `E_LEDGER_RANGE` when the head is older.
 */
export async function proveEntry(ledger: Ledger, index: number, head: SignedHead): Promise<Uint8Array> {
  const { bytes, salt } = await ledger.get(index)
  const path = await ledger.inclusionProof(index, head.body.size)
  return concat(MAGIC, encode([bytes, salt, index, path, head.bytes]))
}

/**
 * Checks a proof offline, from the file alone. Throws `E_PROOF_FORMAT` when it isn't one, `E_PROOF_PATH` when the entry isn't under the head, and
 * what `open` throws when the head's signature is bad.
 */
export function verifyProof(file: Uint8Array, suite: Suite): Proof {
  if (!isProof(file)) throw new HaggleError('E_PROOF_FORMAT', 'Cannot read the proof: it does not begin with "haggle-proof/1"')
  const [bytes, salt, index, path, envelope] = parts(decode(file.subarray(MAGIC.length), MESSAGE_LIMITS))
  const head = openHead(envelope, suite)
  const { size, root } = head.body
  if (!verifyInclusion({ leaf: entryLeaf(salt, bytes, suite.sha256), index, size, proof: path, root }, suite.sha256)) {
    throw new HaggleError('E_PROOF_PATH', `Cannot accept the proof: entry ${index} is not under the signed head of size ${size}`, {
      details: { index, size },
    })
  }
  const entry = decodeEntry(bytes)
  return { owner: head.signer, entry, index, head, bothSigned: isBothSigned(entry, head.signer, suite) }
}

/** True when `file` begins as a proof does. */
export function isProof(file: Uint8Array): boolean {
  return equalBytes(file.subarray(0, MAGIC.length), MAGIC)
}

/** What a proof says for scores, or undefined when its entry isn't the end of a contract. */
export function observationOf({ owner, entry, bothSigned }: Proof): Observation | undefined {
  const { kind, peer, contract, facts, at } = entry
  if ((kind !== 'closed' && kind !== 'receipt') || !peer || !contract || !facts) return undefined
  return { contract: toHex(contract), subject: toHex(peer), by: toHex(owner), at, facts, bothSigned }
}

/** Decimals that a token may have beyond the six that facts count in: chain.md allows 36. */
const MOST_FINER = 30

/**
 * Do the receipts in the entry's evidence carry both signatures? Each party's must name the contract, the other and one and the same amount owed, which
 * comes to the settled one in millionths. A receipt with a reason of its own is one side's word.
 */
export function isBothSigned({ peer, contract, facts, evidence }: Entry, owner: Uint8Array, suite: Suite): boolean {
  if (!peer || !contract || !facts) return false
  const owedBy: Record<'owner' | 'peer', bigint[]> = { owner: [], peer: [] }
  for (const envelope of evidence) {
    const receipt = openReceipt(envelope, suite)
    if (receipt === undefined || receipt.body.reason !== null) continue
    const { contract: about, owed } = receipt.body
    if (!equalBytes(about, contract) || !comesTo(owed, facts.settled)) continue
    if (equalBytes(receipt.signer, owner) && equalBytes(receipt.audience!, peer)) owedBy.owner.push(owed)
    if (equalBytes(receipt.signer, peer) && equalBytes(receipt.audience!, owner)) owedBy.peer.push(owed)
  }
  return owedBy.owner.some((owed) => owedBy.peer.includes(owed))
}

/**
 * Is `owed`, in base units of a token whose decimals nobody tells here, `settled` in millionths? Some power of ten has to lead from one to the other, so
 * an entry may say less than was owed and never more.
 */
function comesTo(owed: bigint, settled: bigint): boolean {
  for (let finer = 0, amount = owed; finer <= MOST_FINER && amount >= settled; finer++, amount /= 10n) if (amount === settled) return true
  return false
}

function openReceipt(envelope: Uint8Array, suite: Suite): Message<ReceiptBody> | undefined {
  try {
    return open(envelope, CONTRACT_MESSAGES.receipt, { network: peekEnvelope(envelope, suite).network, suite })
  } catch {
    // Evidence of another kind, or a bad signature: either way no receipt.
    return undefined
  }
}

function parts(value: Value): [bytes: Uint8Array, salt: Uint8Array, index: number, path: Uint8Array[], head: Uint8Array] {
  const malformed = new HaggleError('E_PROOF_FORMAT', 'Cannot read the proof: it must hold an entry, its salt, index and path, and a head')
  if (!Array.isArray(value) || value.length !== 5) throw malformed
  const [bytes, salt, index, path, head] = value as readonly Value[]
  if (!(bytes instanceof Uint8Array) || !(salt instanceof Uint8Array) || salt.length !== SALT_BYTES || typeof index !== 'number')
    throw malformed
  if (!Array.isArray(path) || path.length > 32 || !(head instanceof Uint8Array)) throw malformed
  if (!path.every((hash) => hash instanceof Uint8Array && hash.length === HASH_BYTES)) throw malformed
  return [bytes, salt, index, path as Uint8Array[], head]
}
