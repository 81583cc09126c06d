// The signed envelope: how every message of the market names its author, reader, place in a thread, time and body (spec/wire.md, Envelope).

import { concat, equalBytes, utf8 } from './bytes.ts'
import { decode, encodeShared, type Value } from './dialect.ts'
import { HaggleError } from './errors.ts'
import { type Limits, MESSAGE_LIMITS } from './limits.ts'
import { type Schema, within } from './schema.ts'

/** Signs with one Ed25519 key, which it keeps to itself. */
export interface Signer {
  /** The key's 32 public bytes. */
  readonly publicKey: Uint8Array
  /** The 64-byte signature of `message`. */
  sign(message: Uint8Array): Uint8Array
}

/** The cryptography an envelope needs: `portableSuite()` of `@haggle/identity`, or `nodeSuite()` of `@haggle/identity/node`. */
export interface Suite {
  /** The 32-byte SHA-256 of `data`. */
  sha256(data: Uint8Array): Uint8Array
  /** The one verdict of spec/identity.md, key screening included. Never throws. */
  verify(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean
  /** False for a key that must not be believed: malformed, small-order or with torsion. Never throws. */
  screenKey(publicKey: Uint8Array): boolean
}

/** One kind of message: its name on the wire, the schema of its body and the rules of its header. */
export interface MessageType<T> {
  /** 1 to 32 characters of `a-z`, `0-9` and `-`, a letter first. */
  readonly type: string
  /** What the body holds. */
  readonly schema: Schema<T>
  /** Most seconds from `iat` to `exp`. */
  readonly maxLifetimeS: number
  /** True: it belongs to a thread. False: its thread, prev and ack are nil. */
  readonly thread: boolean
  /** True: it names its reader. False: anyone may read it. */
  readonly audience: boolean
  /** Bounds of the whole envelope; messages that carry documents need more than the default {@link MESSAGE_LIMITS}. */
  readonly limits?: Limits
}

/** What an envelope says besides its body. Binary fields are 32 bytes (thread: 16); times are unix seconds. */
export interface Header {
  /** Name of the message type. */
  readonly type: string
  /** {@link networkId} of the network it belongs to. */
  readonly network: Uint8Array
  /** Public key of its author. */
  readonly signer: Uint8Array
  /** Public key of the only reader meant, or null for anyone. */
  readonly audience: Uint8Array | null
  /** 16 random bytes that name a negotiation and the contract that comes of it, or null. */
  readonly thread: Uint8Array | null
  /** In a thread 0, 1, 2 … per signer; outside of one max(last + 1, unix seconds) per (signer, type). */
  readonly seq: number
  /** Id of the signer's own last message in the thread; null exactly when `seq` is 0 or there is no thread. */
  readonly prev: Uint8Array | null
  /** Id of the other side's last message that the signer has processed, or null. */
  readonly ack: Uint8Array | null
  /** When it was signed. */
  readonly iat: number
  /** When it ends. */
  readonly exp: number
}

/** An envelope that was sealed here, or opened and found good. */
export interface Message<T = unknown> extends Header {
  /** sha256("haggle-id/1\0" ‖ tbs): the signature is not part of it. */
  readonly id: Uint8Array
  /** The envelope as sent: kept and passed on as it is, never rebuilt. */
  readonly bytes: Uint8Array
  /** 64 bytes. */
  readonly signature: Uint8Array
  /** The body as its schema reads it. */
  readonly body: T
  /** The body as the dialect reads it. */
  readonly rawBody: Value
}

/** What {@link seal} needs besides type, signer and suite. */
export interface Draft<T> extends Omit<Header, 'type' | 'signer'> {
  /** The body as its schema builds it. */
  readonly body: T
}

/** How {@link open} judges. */
export interface OpenOptions {
  /** The network that the message must name: {@link networkId}. */
  readonly network: Uint8Array
  /** The reader's own key: a message for another is refused. Leave out to read anyone's (verifiers, explorers). */
  readonly audience?: Uint8Array
  /** Unix seconds now. Leave out for a stored message, which does not expire. */
  readonly nowS?: number
  /** The cryptography: id, key screening and signature. */
  readonly suite: Suite
  /** Deduplication and rate, asked before the signature is paid for. Returns false to refuse with `E_ENVELOPE_REFUSED`, or throws its own error. */
  readonly admit?: (header: Header, id: Uint8Array) => boolean
}

/** The types that a reader knows: one type, or several by their names. */
export type MessageTypes<T> = MessageType<T> | ReadonlyMap<string, MessageType<T>> | Readonly<Record<string, MessageType<T>>>

/** Seconds that two clocks may differ. */
export const MAX_SKEW_S = 30

const ENVELOPE_VERSION = 1
/** Bytes of `[tbs, sig]` around tbs: the array's head, the head of the bin, 64 bytes of signature. */
const SIGNATURE_BYTES = 64
const AROUND_TBS = 1 + 2 + SIGNATURE_BYTES
const TYPE_PATTERN = /^[a-z][a-z0-9-]{0,31}$/
const ID_PREFIX = /* @__PURE__ */ utf8('haggle-id/1\0')
const SIGNING_PREFIX = /* @__PURE__ */ utf8('haggle-envelope/1\0')

function refuse(code: string, what: string, details: Readonly<Record<string, string | number | boolean | null>> = {}): HaggleError {
  return new HaggleError(code, `Cannot accept the message: ${what}`, { details })
}

/** The part of an envelope that is signed, as it stands in its bytes. Only for bytes that {@link open} or {@link seal} gave. */
export function tbsOf(envelope: Uint8Array): Uint8Array {
  return envelope.subarray(1, envelope.length - SIGNATURE_BYTES - 2)
}

/** sha256("haggle-id/1\0" ‖ tbs), the id of a message (spec/wire.md, Ids). */
export function envelopeId(tbs: Uint8Array, suite: Pick<Suite, 'sha256'>): Uint8Array {
  return suite.sha256(concat(ID_PREFIX, tbs))
}

/** What the signature covers: "haggle-envelope/1\0" ‖ u8 len(type) ‖ type ‖ network ‖ sha256(tbs) (spec/wire.md, Envelope). */
export function signingInput(type: string, network: Uint8Array, tbs: Uint8Array, suite: Pick<Suite, 'sha256'>): Uint8Array {
  const input = new Uint8Array(signingLength(type))
  writeSigningInput(input, type, network, suite.sha256(tbs))
  return input
}

function signingLength(type: string): number {
  return SIGNING_PREFIX.length + 1 + type.length + 64
}

function writeSigningInput(input: Uint8Array, type: string, network: Uint8Array, digest: Uint8Array): void {
  let at = SIGNING_PREFIX.length
  input.set(SIGNING_PREFIX, 0)
  input[at++] = type.length
  // A type's name is ASCII: one byte a character.
  for (let i = 0; i < type.length; i++) input[at++] = type.charCodeAt(i)
  input.set(network, at)
  input.set(digest, at + 32)
}

/**
 * Signs a message. Throws `E_WIRE_SCHEMA`, `E_WIRE_*` and the `E_ENVELOPE_*` codes of {@link open} for a draft that nobody would accept.
 * Signing twice at one (thread, seq) is evidence against the signer: ask a sign-once table first.
 *
 * @example
 * ```ts
 * import { networkId, open, seal, fields, text } from "@haggle/wire";
 * import { createIdentity, portableSuite } from "@haggle/identity";
 * import { expect } from "vitest";
 *
 * const hello = { type: "hello", schema: fields({ words: text({ max: 80 }) }), maxLifetimeS: 60, thread: false, audience: false };
 * const suite = portableSuite();
 * const alice = createIdentity(new Uint8Array(32).fill(1));
 * const network = networkId("devnet-1");
 * const sent = seal(hello, { network, audience: null, thread: null, seq: 7, prev: null, ack: null, iat: 1000, exp: 1060, body: { words: "hi" } }, alice.signer, suite);
 * expect(open(sent.bytes, hello, { network, nowS: 1010, suite }).body.words).toBe("hi");
 * ```
 */
export function seal<T>(messageType: MessageType<T>, draft: Draft<T>, signer: Signer, suite: Suite): Message<T> {
  const { type, limits = MESSAGE_LIMITS } = messageType
  const { network, audience, thread, seq, prev, ack, iat, exp, body } = draft
  const rawBody = within('body', '', () => messageType.schema.build(body))
  const unsigned: Value = [ENVELOPE_VERSION, type, network, signer.publicKey, audience, thread, seq, prev, ack, iat, exp, rawBody]
  checkHeader(readHeader(unsigned).header, messageType)
  const tbs = encodeShared(unsigned, {
    maxBytes: limits.maxBytes - AROUND_TBS,
    maxDepth: limits.maxDepth - 1,
    maxItems: limits.maxItems - 2,
  })
  // One allocation for all: the id's input, whose prefix's last byte then becomes the envelope's first, and behind the envelope the signature's input.
  const start = ID_PREFIX.length - 1
  const tbsEnd = start + 1 + tbs.length
  const end = start + tbs.length + AROUND_TBS
  const buffer = new Uint8Array(end + signingLength(type))
  buffer.set(ID_PREFIX, 0)
  buffer.set(tbs, start + 1)
  const id = suite.sha256(buffer.subarray(0, tbsEnd))
  const input = buffer.subarray(end)
  writeSigningInput(input, type, network, suite.sha256(buffer.subarray(start + 1, tbsEnd)))
  const signature = signer.sign(input)
  if (signature.length !== SIGNATURE_BYTES) throw refuse('E_ENVELOPE_SHAPE', 'its signature must be 64 bytes')
  buffer[start] = 0x92
  buffer[tbsEnd] = 0xc4
  buffer[tbsEnd + 1] = SIGNATURE_BYTES
  buffer.set(signature, tbsEnd + 2)
  const bytes = buffer.subarray(start, end)
  return { type, network, signer: signer.publicKey, audience, thread, seq, prev, ack, iat, exp, id, bytes, signature, body, rawBody }
}

/**
 * Reads and judges an envelope. The checks run in this order, and the first that fails names the code: length and dialect (`E_WIRE_*`); schema
 * (`E_ENVELOPE_SHAPE`, `E_ENVELOPE_TYPE`, `E_WIRE_SCHEMA`, `E_ENVELOPE_LIFETIME`); `E_ENVELOPE_NETWORK`; `E_ENVELOPE_AUDIENCE`; the window
 * (`E_ENVELOPE_EARLY`, `E_ENVELOPE_EXPIRED`); `admit` (`E_ENVELOPE_REFUSED`); `E_ENVELOPE_KEY`; `E_ENVELOPE_SIGNATURE`.
 * The result keeps views of `bytes`: the caller must not change them afterwards.
 */
export function open<T>(bytes: Uint8Array, types: MessageTypes<T>, options: OpenOptions): Message<T> {
  const known = typeNamed(types, peekType(bytes))
  const { tbs, header, rawBody, signature } = split(bytes, known?.limits ?? MESSAGE_LIMITS)
  if (known === undefined) throw refuse('E_ENVELOPE_TYPE', `its type "${header.type}" is not known here`, { type: header.type })
  const body = within('body', '', () => known.schema.parse(rawBody))
  checkHeader(header, known)
  if (!equalBytes(header.network, options.network)) throw refuse('E_ENVELOPE_NETWORK', 'it belongs to another network')
  if (options.audience && header.audience && !equalBytes(header.audience, options.audience))
    throw refuse('E_ENVELOPE_AUDIENCE', 'it is for another reader')
  if (options.nowS !== undefined) {
    if (header.iat > options.nowS + MAX_SKEW_S)
      throw refuse('E_ENVELOPE_EARLY', `it is from ${header.iat - options.nowS} s in the future`, { skewS: header.iat - options.nowS })
    if (header.exp < options.nowS - MAX_SKEW_S)
      throw refuse('E_ENVELOPE_EXPIRED', `it expired ${options.nowS - header.exp} s ago`, { skewS: header.exp - options.nowS })
  }
  const { suite } = options
  const id = envelopeId(tbs, suite)
  if (options.admit && !options.admit(header, id)) throw refuse('E_ENVELOPE_REFUSED', 'it was seen before or comes too often')
  if (!suite.screenKey(header.signer)) throw refuse('E_ENVELOPE_KEY', 'its key must not be believed')
  if (!suite.verify(signature, signingInput(header.type, header.network, tbs, suite), header.signer)) {
    throw refuse('E_ENVELOPE_SIGNATURE', 'its signature does not fit')
  }
  return { ...header, id, bytes, signature, body, rawBody }
}

/**
 * The header and id of an envelope whose signature nobody has checked: for deduplication, routing and evidence, never for belief.
 * Throws `E_WIRE_*` and `E_ENVELOPE_SHAPE`.
 */
export function peekEnvelope(
  bytes: Uint8Array,
  suite: Pick<Suite, 'sha256'>,
  limits: Limits = MESSAGE_LIMITS,
): Header & { readonly id: Uint8Array; readonly rawBody: Value } {
  const { tbs, header, rawBody } = split(bytes, limits)
  return { ...header, id: envelopeId(tbs, suite), rawBody }
}

/** True when `message` is of this type, and then its body is typed. */
export function isMessage<T>(message: Message, messageType: MessageType<T>): message is Message<T> {
  return message.type === messageType.type
}

/** A table of message types by name, for {@link open}. */
export function messageTypes(...types: readonly MessageType<unknown>[]): ReadonlyMap<string, MessageType<unknown>> {
  return new Map(types.map((type) => [type.type, type]))
}

function typeNamed<T>(types: MessageTypes<T>, name: string): MessageType<T> | undefined {
  if (types instanceof Map) return (types as ReadonlyMap<string, MessageType<T>>).get(name)
  if (isType<T>(types)) return types.type === name ? types : undefined
  const record = types as Readonly<Record<string, MessageType<T>>>
  return Object.hasOwn(record, name) ? record[name] : undefined
}

function isType<T>(types: MessageTypes<T>): types is MessageType<T> {
  return 'schema' in types && typeof (types as MessageType<T>).type === 'string'
}

/** The type's name at its fixed place, before anything is checked: only to choose the limits. Empty when it is not there. */
function peekType(bytes: Uint8Array): string {
  if (bytes[0] !== 0x92 || bytes[1] !== 0x9c || bytes[2] !== ENVELOPE_VERSION) return ''
  const head = bytes[3] ?? 0
  // Names of 32 characters need the longer head 0xd9 0x20.
  const [from, length] = head === 0xd9 ? [5, bytes[4] ?? 0] : [4, (head & 0xe0) === 0xa0 ? head & 0x1f : 0]
  if (length > 32) return ''
  return String.fromCharCode(...bytes.subarray(from, from + length))
}

interface Parts {
  readonly tbs: Uint8Array
  readonly header: Header
  readonly rawBody: Value
  readonly signature: Uint8Array
}

function split(bytes: Uint8Array, limits: Limits): Parts {
  const envelope = decode(bytes, limits)
  if (!Array.isArray(envelope) || envelope.length !== 2) throw refuse('E_ENVELOPE_SHAPE', 'an envelope is an array of two')
  const [unsigned, signature] = envelope as readonly Value[]
  if (!(signature instanceof Uint8Array) || signature.length !== SIGNATURE_BYTES)
    throw refuse('E_ENVELOPE_SHAPE', 'its signature must be 64 bytes')
  return { tbs: tbsOf(bytes), signature, ...readHeader(unsigned as Value) }
}

function readHeader(unsigned: Value): { header: Header; rawBody: Value } {
  if (!Array.isArray(unsigned) || unsigned.length !== 12) throw refuse('E_ENVELOPE_SHAPE', 'its signed part must be an array of 12')
  const [version, type, network, signer, audience, thread, seq, prev, ack, iat, exp, body] = unsigned as readonly Value[]
  if (version !== ENVELOPE_VERSION) throw refuse('E_ENVELOPE_SHAPE', 'its version must be 1')
  if (typeof type !== 'string' || !TYPE_PATTERN.test(type)) throw refuse('E_ENVELOPE_SHAPE', 'its type must be a short lower-case name')
  if (!Array.isArray(body)) throw refuse('E_ENVELOPE_SHAPE', 'its body must be an array')
  const header: Header = {
    type,
    network: binOf(network, 32, 'network'),
    signer: binOf(signer, 32, 'signer'),
    audience: nilOr(audience, 32, 'audience'),
    thread: nilOr(thread, 16, 'thread'),
    seq: uintOf(seq, 'seq'),
    prev: nilOr(prev, 32, 'prev'),
    ack: nilOr(ack, 32, 'ack'),
    iat: uintOf(iat, 'iat'),
    exp: uintOf(exp, 'exp'),
  }
  if (header.thread === null) {
    if (header.prev !== null || header.ack !== null) throw refuse('E_ENVELOPE_SHAPE', 'prev and ack must be nil outside a thread')
  } else if ((header.seq === 0) !== (header.prev === null)) throw refuse('E_ENVELOPE_SHAPE', 'prev must be nil at seq 0 and there only')
  return { header, rawBody: body }
}

function checkHeader(header: Header, messageType: MessageType<unknown>): void {
  const { type, thread, audience, iat, exp } = header
  if ((thread !== null) !== messageType.thread)
    throw refuse('E_ENVELOPE_SHAPE', `a message of type "${type}" ${messageType.thread ? 'needs a thread' : 'has no thread'}`)
  if ((audience !== null) !== messageType.audience)
    throw refuse('E_ENVELOPE_SHAPE', `a message of type "${type}" ${messageType.audience ? 'names its reader' : 'names no reader'}`)
  if (exp < iat || exp - iat > messageType.maxLifetimeS) {
    throw refuse('E_ENVELOPE_LIFETIME', `exp - iat must be 0 to ${messageType.maxLifetimeS} s, is ${exp - iat}`, { lifetimeS: exp - iat })
  }
}

function binOf(value: Value | undefined, length: number, name: string): Uint8Array {
  if (!(value instanceof Uint8Array) || value.length !== length) throw refuse('E_ENVELOPE_SHAPE', `its ${name} must be ${length} bytes`)
  return value
}

function nilOr(value: Value | undefined, length: number, name: string): Uint8Array | null {
  return value === null ? null : binOf(value, length, name)
}

function uintOf(value: Value | undefined, name: string): number {
  if (typeof value !== 'number') throw refuse('E_ENVELOPE_SHAPE', `its ${name} must be a number`)
  return value
}
