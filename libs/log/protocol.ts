// What is said over /haggle/log/1: one question and its answer on each stream, as frames of the dialect (spec/checkpoint.md, Protocol).

import { ENTRY_KINDS, type EntryKind, HASH_BYTES, SALT_BYTES } from '@haggle/reputation'
import {
  bytes,
  decode,
  DOCUMENT_LIMITS,
  encode,
  fields,
  HaggleError,
  list,
  type Limits,
  networkTag,
  nullable,
  oneOf,
  type Schema,
  uint,
  type Value,
} from '@haggle/wire'

/** Asks a node about its log, or tells it about mine. */
export const LOG_PROTOCOL = '/haggle/log/1'

/** Longest question: a head, a proof, and the entries that the reader may see. */
export const MAX_FRAME_BYTES: number = DOCUMENT_LIMITS.maxBytes

/** Heads in one exchange. */
export const MAX_HEADS = 64

/** Lines in one answer: nine items each, within a document's thousand. */
export const MAX_LINES = 100

/** Entries in one push or recovery frame, and bytes that they may have in all. */
export const MAX_KEPT = 64
export const MAX_KEPT_BYTES: number = 44 * 1024

/** Proofs in one presentation, and the longest: two receipts, a path and a head. */
export const MAX_CARRIED = 16
export const MAX_PROOF_BYTES: number = 3 * 1024

/** Longest anchor file: a path of 32 hashes and a head. */
export const MAX_ANCHOR_BYTES: number = 3 * 1024

/** The gossip topic of evidence: `haggle/<first 8 bytes of the network id in hex>/evidence/1`. Nothing else about logs is gossiped. */
export function evidenceTopic(networkId: Uint8Array): string {
  return `haggle/${networkTag(networkId)}/evidence/1`
}

const LIMITS: Limits = DOCUMENT_LIMITS

const hash: Schema<Uint8Array> = bytes({ length: HASH_BYTES })
const key: Schema<Uint8Array> = bytes({ length: 32 })
const path: Schema<readonly Uint8Array[]> = list(hash, { max: 64 })
const envelope: Schema<Uint8Array> = bytes({ max: 1024 })
const envelopes: Schema<readonly Uint8Array[]> = list(envelope, { max: MAX_HEADS })

/** An entry with what proves it against a root. */
export interface EntryFrame {
  readonly index: number
  readonly salt: Uint8Array
  readonly bytes: Uint8Array
}

/** One line of a log as it is served: everybody sees kind, number, time and leaf; entry and salt only who may. */
export interface LineFrame {
  readonly index: number
  readonly kind: EntryKind
  readonly number: number | null
  readonly at: number
  readonly leaf: Uint8Array
  readonly salt: Uint8Array | null
  readonly bytes: Uint8Array | null
}

const entry: Schema<EntryFrame> = fields({ index: uint(), salt: bytes({ length: SALT_BYTES }), bytes: bytes({ max: MAX_KEPT_BYTES }) })
const entries: Schema<readonly EntryFrame[]> = list(entry, { max: MAX_KEPT })
const line: Schema<LineFrame> = fields({
  index: uint(),
  kind: oneOf(...ENTRY_KINDS),
  number: nullable(uint()),
  at: uint(),
  leaf: hash,
  salt: nullable(bytes({ length: SALT_BYTES })),
  bytes: nullable(bytes({ max: MAX_KEPT_BYTES })),
})

/** Questions, by name. */
export interface Questions {
  /** The newest head of `owner`'s log that the other side knows; its own when null. */
  head: { readonly owner: Uint8Array | null }
  /** Its own signed heads of more than `size` entries. */
  heads: { readonly size: number }
  inclusion: { readonly index: number; readonly size: number }
  consistency: { readonly from: number; readonly to: number }
  /** Lines `[from, to)` of its log. */
  lines: { readonly from: number; readonly to: number }
  /** Here is my head, the proof that it extends the one of `from` entries, and my entries about you. */
  push: { readonly head: Uint8Array; readonly from: number; readonly proof: readonly Uint8Array[]; readonly entries: readonly EntryFrame[] }
  /** The entries of my log from `from` on that you keep. */
  kept: { readonly from: number }
  /** Heads of logs that I know: compare them with yours. */
  exchange: { readonly heads: readonly Uint8Array[] }
  /** Proofs that others gave me, about me: count them as far as you trust those who wrote them. */
  present: { readonly proofs: readonly Uint8Array[] }
  /** The anchor file of `owner`'s log. Its owner may bring its newest head, to be under the next anchor. */
  anchor: { readonly owner: Uint8Array; readonly head: Uint8Array | null }
}

/** Answers, by name. */
export interface Answers {
  /** Heads: one, several, or none. */
  heads: { readonly heads: readonly Uint8Array[] }
  /** A proof, and for inclusion the leaf. */
  proof: { readonly leaf: Uint8Array | null; readonly path: readonly Uint8Array[] }
  lines: { readonly lines: readonly LineFrame[] }
  /** Agreed: the head extends what was known. */
  cosigned: { readonly envelope: Uint8Array }
  /** The proof has to start at `from` entries. */
  ask: { readonly from: number }
  /** I know a later head, or another one: here it is. */
  known: { readonly head: Uint8Array }
  /** It contradicts what I know: the evidence. */
  fork: { readonly evidence: Uint8Array }
  entries: { readonly entries: readonly EntryFrame[] }
  /** Heads of the same logs that I know better, and evidence against their owners. */
  exchanged: { readonly heads: readonly Uint8Array[]; readonly evidence: readonly Uint8Array[] }
  /** So many of the proofs count here. */
  taken: { readonly count: number }
  /** The newest head of that log that is anchored, in a file that proves it. */
  anchored: { readonly file: Uint8Array }
  /** No head of that log is anchored yet, and one waits: to be anchored by then, unix seconds. */
  waiting: { readonly by: number }
  refused: { readonly reason: 'unknown' | 'range' | 'rate' | 'stranger' | 'full' }
}

const QUESTIONS: { readonly [N in keyof Questions]: Schema<Questions[N]> } = {
  head: fields({ owner: nullable(key) }),
  heads: fields({ size: uint() }),
  inclusion: fields({ index: uint(), size: uint() }),
  consistency: fields({ from: uint(), to: uint() }),
  lines: fields({ from: uint(), to: uint() }),
  push: fields({ head: envelope, from: uint(), proof: path, entries }),
  kept: fields({ from: uint() }),
  exchange: fields({ heads: envelopes }),
  present: fields({ proofs: list(bytes({ max: MAX_PROOF_BYTES }), { max: MAX_CARRIED }) }),
  anchor: fields({ owner: key, head: nullable(envelope) }),
}

const ANSWERS: { readonly [N in keyof Answers]: Schema<Answers[N]> } = {
  heads: fields({ heads: envelopes }),
  proof: fields({ leaf: nullable(hash), path }),
  lines: fields({ lines: list(line, { max: MAX_LINES }) }),
  cosigned: fields({ envelope }),
  ask: fields({ from: uint() }),
  known: fields({ head: envelope }),
  fork: fields({ evidence: bytes({ max: 16 * 1024 }) }),
  entries: fields({ entries }),
  exchanged: fields({ heads: envelopes, evidence: list(bytes({ max: 16 * 1024 }), { max: 2 }) }),
  taken: fields({ count: uint({ max: MAX_CARRIED }) }),
  anchored: fields({ file: bytes({ max: MAX_ANCHOR_BYTES }) }),
  waiting: fields({ by: uint() }),
  refused: fields({ reason: oneOf('unknown', 'range', 'rate', 'stranger', 'full') }),
}

/** A question or an answer with its name. */
export type Named<T> = { [N in keyof T]: { readonly name: N; readonly body: T[N] } }[keyof T]

/** The bytes of a question: `[name, body]`. */
export function encodeQuestion<N extends keyof Questions>(name: N, body: Questions[N]): Uint8Array {
  return encode([name, QUESTIONS[name].build(body)], LIMITS)
}

/** Reads a question. Throws `E_WIRE_*`, and `E_LOG_QUESTION` for a name that isn't known. */
export function decodeQuestion(frame: Uint8Array): Named<Questions> {
  return decodeNamed<Questions>(frame, QUESTIONS)
}

/** The bytes of an answer: `[name, body]`. */
export function encodeAnswer<N extends keyof Answers>(name: N, body: Answers[N]): Uint8Array {
  return encode([name, ANSWERS[name].build(body)], LIMITS)
}

/** Reads an answer. Throws `E_WIRE_*`, and `E_LOG_QUESTION` for a name that isn't known. */
export function decodeAnswer(frame: Uint8Array): Named<Answers> {
  return decodeNamed<Answers>(frame, ANSWERS)
}

function decodeNamed<T>(frame: Uint8Array, schemas: { readonly [N in keyof T]: Schema<T[N]> }): Named<T> {
  const value = decode(frame, LIMITS)
  const [name, body] = Array.isArray(value) && value.length === 2 ? (value as readonly Value[]) : []
  if (typeof name !== 'string' || body === undefined || !Object.hasOwn(schemas, name)) {
    throw new HaggleError('E_LOG_QUESTION', 'Cannot read the frame: it is neither a question nor an answer about logs')
  }
  const known = name as keyof T & string
  return { name: known, body: schemas[known].parse(body) } as Named<T>
}
