// Vectors of networks and envelopes: three messages of one thread, two outside of one, and one bad envelope for each rule.

import { createIdentity, portableSuite } from '@haggle/identity'
import {
  concat,
  type Draft,
  encode,
  errorCode,
  fields,
  fromHex,
  type Message,
  type MessageType,
  messageTypes,
  networkId,
  networkTag,
  open,
  type OpenOptions,
  seal,
  type Signer,
  signingInput,
  tbsOf,
  text,
  toHex,
  uint,
  utf8,
  type Value,
} from '@haggle/wire'
import { toJson } from './dialect_vectors.ts'
import type { Json } from './main.ts'

interface Body {
  readonly words: string
  readonly n: number
}

const suite = portableSuite()
const schema = fields({ words: text({ max: 200 }), n: uint() })
const hello: MessageType<Body> = { type: 'hello', schema, maxLifetimeS: 60, thread: false, audience: false }
const reply: MessageType<Body> = { type: 'reply', schema, maxLifetimeS: 60, thread: true, audience: true }
const types = messageTypes(hello, reply)
const alice = createIdentity(new Uint8Array(32).fill(1))
const bob = createIdentity(new Uint8Array(32).fill(2))
const network = networkId('devnet-vectors')
const thread = fromHex('00112233445566778899aabbccddeeff')
const NOW_S = 1_800_000_000
const window = { iat: NOW_S, exp: NOW_S + 60 }

export function make(): Readonly<Record<string, Json>> {
  const good = goodMessages()
  return {
    'envelope.json': {
      page: 'spec/wire.md, Envelope',
      note: 'Types of these vectors: body [text of at most 200 bytes, uint], at most 60 s. good: open to `nowS`. bad: the first check that fails gives `code`.',
      types: [hello, reply].map(({ type, maxLifetimeS, thread: inThread, audience }) => ({
        type,
        maxLifetimeS,
        thread: inThread,
        audience,
      })),
      networks: [networkVector('haggle'), networkVector('devnet-vectors'), networkVector('friends', utf8('our own swarm'))],
      network: toHex(network),
      nowS: NOW_S,
      keys: { alice: keyVector(alice), bob: keyVector(bob) },
      good: good.map(([name, message]) => goodVector(name, message)),
      bad: badEnvelopes(good[1]?.[1] as Message<Body>).map(([name, envelope, code, options]) => badVector(name, envelope, code, options)),
    },
  }
}

function keyVector({ seed, publicKey, peerId }: typeof alice): Json {
  return { seed: toHex(seed), publicKey: toHex(publicKey), peerId }
}

function networkVector(name: string, psk?: Uint8Array): Json {
  const id = networkId(name, psk)
  return { name, psk: psk ? toHex(psk) : null, id: toHex(id), tag: networkTag(id) }
}

function goodMessages(): readonly (readonly [string, Message<Body>])[] {
  const outside = { network, audience: null, thread: null, seq: NOW_S, prev: null, ack: null, ...window }
  const inside = { network, thread, ...window }
  const first = seal(
    reply,
    { ...inside, audience: bob.publicKey, seq: 0, prev: null, ack: null, body: { words: 'first', n: 0 } },
    alice.signer,
    suite,
  )
  const answer = seal(
    reply,
    { ...inside, audience: alice.publicKey, seq: 0, prev: null, ack: first.id, body: { words: 'answer', n: 1 } },
    bob.signer,
    suite,
  )
  const second = seal(
    reply,
    { ...inside, audience: bob.publicKey, seq: 1, prev: first.id, ack: answer.id, body: { words: 'Größe 東京', n: 0xffffffff } },
    alice.signer,
    suite,
  )
  return [
    ['outside a thread', seal(hello, { ...outside, body: { words: 'hi', n: 1 } }, alice.signer, suite)],
    ['first of a thread', first],
    ['the answer, first of the other chain', answer],
    ['second of a chain', second],
    [
      'the longest type name',
      seal({ ...hello, type: `a${'-1z'.repeat(10)}b` }, { ...outside, body: { words: '', n: 0 } }, bob.signer, suite),
    ],
  ]
}

function goodVector(name: string, message: Message<Body>): Json {
  const { type, signer, audience, seq, prev, ack, iat, exp, id, bytes, signature, rawBody } = message
  const tbs = tbsOf(bytes)
  const hex = (value: Uint8Array | null): string | null => (value ? toHex(value) : null)
  return {
    name,
    header: {
      type,
      network: toHex(message.network),
      signer: toHex(signer),
      audience: hex(audience),
      thread: hex(message.thread),
      seq,
      prev: hex(prev),
      ack: hex(ack),
      iat,
      exp,
    },
    body: toJson(rawBody),
    tbs: toHex(tbs),
    signingInput: toHex(signingInput(type, message.network, tbs, suite)),
    signature: toHex(signature),
    id: toHex(id),
    envelope: toHex(bytes),
  }
}

/** A signed envelope of any values, also of those that `seal` would refuse. */
function forge(parts: readonly Value[], signer: Signer): Uint8Array {
  const tbs = encode(parts)
  const networkOf = parts[2] instanceof Uint8Array ? parts[2] : network
  return concat(
    Uint8Array.of(0x92),
    tbs,
    Uint8Array.of(0xc4, 64),
    signer.sign(signingInput(String(parts[1]).slice(0, 64), networkOf, tbs, suite)),
  )
}

type Bad = readonly [name: string, envelope: Uint8Array, code: string, options?: Partial<OpenOptions>]

function badEnvelopes(message: Message<Body>): readonly Bad[] {
  const draft: Draft<Body> = message
  const parts: readonly Value[] = [
    1,
    'reply',
    network,
    alice.publicKey,
    bob.publicKey,
    thread,
    1,
    message.id,
    message.id,
    draft.iat,
    draft.exp,
    ['hi', 1],
  ]
  const changed = (position: number, value: Value, signer = alice.signer): Uint8Array => forge(parts.with(position, value), signer)
  const whole = forge(parts, alice.signer)
  const flipped = (at: number): Uint8Array => whole.map((byte, i) => (i === (at + whole.length) % whole.length ? byte ^ 1 : byte))
  const identityKey = concat(Uint8Array.of(1), new Uint8Array(31))
  return [
    ['a byte after the end', concat(whole, Uint8Array.of(0)), 'E_WIRE_TRAILING'],
    ['the last byte missing', whole.subarray(0, -1), 'E_WIRE_TRUNCATED'],
    ['an array of one', encode([tbsValue(parts)]), 'E_ENVELOPE_SHAPE'],
    ['a signature of 63 bytes', encode([tbsValue(parts), new Uint8Array(63)]), 'E_ENVELOPE_SHAPE'],
    ['the signed part as a bin', encode([tbsOf(whole), whole.subarray(-64)]), 'E_ENVELOPE_SHAPE'],
    ['13 positions', forge([...parts, null], alice.signer), 'E_ENVELOPE_SHAPE'],
    ['11 positions', forge(parts.slice(0, 11), alice.signer), 'E_ENVELOPE_SHAPE'],
    ['version 2', changed(0, 2), 'E_ENVELOPE_SHAPE'],
    ['a type in capitals', changed(1, 'Reply'), 'E_ENVELOPE_SHAPE'],
    ['a type of 33 characters', changed(1, 'a'.repeat(33)), 'E_ENVELOPE_SHAPE'],
    ['an unknown type', changed(1, 'unknown'), 'E_ENVELOPE_TYPE'],
    ['no audience', changed(4, null), 'E_ENVELOPE_SHAPE'],
    ['a thread of 15 bytes', changed(5, thread.subarray(1)), 'E_ENVELOPE_SHAPE'],
    ['seq 1 without prev', changed(7, null), 'E_ENVELOPE_SHAPE'],
    ['seq 0 with prev', changed(6, 0), 'E_ENVELOPE_SHAPE'],
    ['a body of three', changed(11, ['hi', 1, null]), 'E_WIRE_SCHEMA'],
    ['a body of one', changed(11, ['hi']), 'E_WIRE_SCHEMA'],
    ['a body with text as a number', changed(11, ['hi', '1']), 'E_WIRE_SCHEMA'],
    ['exp before iat', changed(10, NOW_S - 1), 'E_ENVELOPE_LIFETIME'],
    ['61 s of life', changed(10, NOW_S + 61), 'E_ENVELOPE_LIFETIME'],
    ['another network', changed(2, networkId('haggle')), 'E_ENVELOPE_NETWORK'],
    ['another reader', changed(4, alice.publicKey), 'E_ENVELOPE_AUDIENCE'],
    ['31 s ahead', whole, 'E_ENVELOPE_EARLY', { nowS: NOW_S - 31 }],
    ['ended 31 s ago', whole, 'E_ENVELOPE_EXPIRED', { nowS: NOW_S + 91 }],
    ['a small-order key', changed(3, identityKey), 'E_ENVELOPE_KEY'],
    ['signed by another key', changed(3, bob.publicKey), 'E_ENVELOPE_SIGNATURE'],
    ['a flipped bit in the signature', flipped(-1), 'E_ENVELOPE_SIGNATURE'],
    ['a flipped bit in the body', flipped(-67), 'E_ENVELOPE_SIGNATURE'],
    ['signed for another type', resigned(parts, 'hello', network), 'E_ENVELOPE_SIGNATURE'],
    ['signed for another network', resigned(parts, 'reply', networkId('haggle')), 'E_ENVELOPE_SIGNATURE'],
    ['the bare hash signed', concat(whole.subarray(0, -64), alice.signer.sign(suite.sha256(tbsOf(whole)))), 'E_ENVELOPE_SIGNATURE'],
  ]
}

function tbsValue(parts: readonly Value[]): Value {
  return [...parts]
}

function resigned(parts: readonly Value[], type: string, forNetwork: Uint8Array): Uint8Array {
  const tbs = encode(parts)
  return concat(Uint8Array.of(0x92), tbs, Uint8Array.of(0xc4, 64), alice.signer.sign(signingInput(type, forNetwork, tbs, suite)))
}

function badVector(name: string, envelope: Uint8Array, code: string, changes: Partial<OpenOptions> = {}): Json {
  const options: OpenOptions = { network, audience: bob.publicKey, nowS: NOW_S, suite, ...changes }
  let found = 'fine'
  try {
    open(envelope, types, options)
  } catch (error) {
    found = errorCode(error)
  }
  if (found !== code) throw new Error(`${name}: is ${found}, not ${code}`)
  return { name, envelope: toHex(envelope), nowS: options.nowS ?? null, audience: toHex(options.audience as Uint8Array), code }
}
