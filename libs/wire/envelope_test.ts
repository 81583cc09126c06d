// Envelopes: what is sealed is opened, each rule refuses with its own code, and in the order that is written down.

import { sha256 } from '@noble/hashes/sha2.js'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  bytes,
  concat,
  decode,
  type Draft,
  encode,
  envelopeId,
  equalBytes,
  fields,
  HaggleError,
  isMessage,
  type MessageType,
  MESSAGE_LIMITS,
  messageTypes,
  networkId,
  open,
  type OpenOptions,
  peekEnvelope,
  seal,
  type Signer,
  signingInput,
  type Suite,
  tbsOf,
  text,
  toHex,
  uint,
  utf8,
  type Value,
} from './mod.ts'

/** A stand-in for signatures: enough to tell who signed what. The real ones are tested with the vectors, in identity. */
function seal64(key: Uint8Array, message: Uint8Array): Uint8Array {
  const half = sha256(concat(key, message))
  return concat(half, half)
}
const suite: Suite = {
  sha256: (data) => sha256(data),
  verify: (signature, message, publicKey) => equalBytes(signature, seal64(publicKey, message)),
  screenKey: (publicKey) => publicKey[0] !== 0,
}
function signerOf(byte: number): Signer {
  const publicKey = new Uint8Array(32).fill(byte)
  return { publicKey, sign: (message) => seal64(publicKey, message) }
}

const hello = {
  type: 'hello',
  schema: fields({ words: text({ max: 200 }), n: uint() }),
  maxLifetimeS: 60,
  thread: false,
  audience: false,
} as const
const reply = {
  type: 'reply',
  schema: fields({ words: text({ max: 200 }), n: uint() }),
  maxLifetimeS: 60,
  thread: true,
  audience: true,
} as const
type Body = { words: string; n: number }

const alice = signerOf(1)
const bob = signerOf(2)
const network = networkId('devnet-test')
const id = new Uint8Array(32).fill(7)
const thread = new Uint8Array(16).fill(8)
const open1: Draft<Body> = {
  network,
  audience: null,
  thread: null,
  seq: 1000,
  prev: null,
  ack: null,
  iat: 1000,
  exp: 1060,
  body: { words: 'hi', n: 1 },
}
const private1: Draft<Body> = { ...open1, audience: bob.publicKey, thread, seq: 3, prev: id, ack: id }
const options: OpenOptions = { network, nowS: 1000, suite }

function codeOf(run: () => unknown): string {
  try {
    run()
    return 'fine'
  } catch (error) {
    return error instanceof HaggleError ? error.code : String(error)
  }
}

/** An envelope that `seal` would refuse to make: any values, signed all the same. */
function forge(parts: readonly Value[], signer = alice): Uint8Array {
  const tbs = encode(parts)
  const signature = signer.sign(signingInput(String(parts[1]), parts[2] as Uint8Array, tbs, suite))
  return concat(Uint8Array.of(0x92), tbs, Uint8Array.of(0xc4, 64), signature)
}
const helloParts: readonly Value[] = [1, 'hello', network, alice.publicKey, null, null, 1000, null, null, 1000, 1060, ['hi', 1]]
const replyParts: readonly Value[] = [1, 'reply', network, alice.publicKey, bob.publicKey, thread, 3, id, id, 1000, 1060, ['hi', 1]]
function replaced(parts: readonly Value[], changes: Readonly<Record<number, Value>>): Uint8Array {
  return forge(parts.map((part, i) => changes[i] ?? (i in changes ? null : part)))
}

describe('seal()', () => {
  it('gives what open() gives', () => {
    const types = messageTypes(hello, reply)
    for (const sent of [seal(hello, open1, alice, suite), seal(reply, private1, alice, suite)]) {
      const got = open(sent.bytes, types, { ...options, audience: bob.publicKey })
      expect(got).toEqual(sent)
      expect(got.bytes).toBe(sent.bytes)
    }
  })

  it('puts the fields where the page says', () => {
    const sent = seal(reply, private1, alice, suite)
    expect((decode(sent.bytes) as Value[])[0]).toEqual(replyParts)
    expect(toHex(sent.id)).toBe(toHex(sha256(concat(utf8('haggle-id/1\0'), encode(replyParts)))))
    const input = concat(utf8('haggle-envelope/1\0'), Uint8Array.of(5), utf8('reply'), network, sha256(encode(replyParts)))
    expect(toHex(sent.signature)).toBe(toHex(alice.sign(input)))
    expect(toHex(sent.bytes)).toBe(toHex(forge(replyParts)))
    expect(toHex(tbsOf(sent.bytes))).toBe(toHex(encode(replyParts)))
  })

  it.each<[string, Partial<Draft<Body>>, string]>([
    ['a lifetime above the maximum', { exp: 1061 }, 'E_ENVELOPE_LIFETIME'],
    ['an end before the start', { exp: 999 }, 'E_ENVELOPE_LIFETIME'],
    ['a thread where there is none', { thread, seq: 0 }, 'E_ENVELOPE_SHAPE'],
    ['a reader where there is none', { audience: id }, 'E_ENVELOPE_SHAPE'],
    ['a link outside a thread', { prev: id }, 'E_ENVELOPE_SHAPE'],
    ['an acknowledgement outside a thread', { ack: id }, 'E_ENVELOPE_SHAPE'],
    ['a network of 31 bytes', { network: id.subarray(1) }, 'E_ENVELOPE_SHAPE'],
    ['a sequence above 2^32', { seq: 2 ** 32 }, 'E_WIRE_RANGE'],
    ['a body that does not fit its schema', { body: { words: 'hi', n: -1 } }, 'E_WIRE_SCHEMA'],
  ])('refuses %s', (_, change, code) => {
    expect(codeOf(() => seal(hello, { ...open1, ...change }, alice, suite))).toBe(code)
  })

  it('asks for nothing to be signed when it refuses', () => {
    let asked = 0
    const counting = { publicKey: alice.publicKey, sign: (message: Uint8Array) => (asked++, alice.sign(message)) }
    codeOf(() => seal(hello, { ...open1, exp: 1061 }, counting, suite))
    codeOf(() => seal(hello, { ...open1, body: { words: 'x'.repeat(201), n: 1 } }, counting, suite))
    expect(asked).toBe(0)
  })

  it('keeps to the limits of the whole envelope', () => {
    const blob: MessageType<{ data: Uint8Array }> = {
      type: 'blob',
      schema: fields({ data: bytes({ max: 1 << 17 }) }),
      maxLifetimeS: 60,
      thread: false,
      audience: false,
    }
    const sized = (length: number): Draft<{ data: Uint8Array }> => ({ ...open1, body: { data: new Uint8Array(length) } })
    const overhead = seal(blob, sized(1000), alice, suite).bytes.length - 1000
    const largest = seal(blob, sized(MESSAGE_LIMITS.maxBytes - overhead), alice, suite)
    expect(largest.bytes.length).toBe(MESSAGE_LIMITS.maxBytes)
    expect(codeOf(() => open(largest.bytes, blob, options))).toBe('fine')
    expect(codeOf(() => seal(blob, sized(MESSAGE_LIMITS.maxBytes - overhead + 1), alice, suite))).toBe('E_WIRE_SIZE')
    const wide = { ...blob, limits: { ...MESSAGE_LIMITS, maxBytes: 1 << 17 } }
    const wider = seal(wide, sized(70_000), alice, suite)
    expect(codeOf(() => open(wider.bytes, wide, options))).toBe('fine')
    expect(codeOf(() => open(wider.bytes, messageTypes(hello, wide), options))).toBe('fine')
    expect(codeOf(() => open(wider.bytes, blob, options))).toBe('E_WIRE_SIZE')
    expect(codeOf(() => open(wider.bytes, messageTypes(hello), options))).toBe('E_WIRE_SIZE')
  })

  it('keeps to the depth of the whole envelope', () => {
    const nested = (levels: number): Value => (levels === 1 ? [] : [nested(levels - 1)])
    const deep: MessageType<Value> = {
      type: 'deep',
      schema: { parse: (v) => v, build: (v) => v },
      maxLifetimeS: 60,
      thread: false,
      audience: false,
    }
    expect(codeOf(() => open(seal(deep, { ...open1, body: nested(6) }, alice, suite).bytes, deep, options))).toBe('fine')
    expect(codeOf(() => seal(deep, { ...open1, body: nested(7) }, alice, suite))).toBe('E_WIRE_DEPTH')
  })

  it('signs names of up to 32 characters', () => {
    for (const type of ['a', 'x'.repeat(31), 'y'.repeat(32)]) {
      const named = { ...hello, type }
      expect(codeOf(() => open(seal(named, open1, alice, suite).bytes, messageTypes(named), options))).toBe('fine')
    }
    for (const type of ['', 'A', '1a', 'a b', 'é', 'z'.repeat(33)]) {
      expect(codeOf(() => seal({ ...hello, type }, open1, alice, suite))).toBe('E_ENVELOPE_SHAPE')
    }
  })
})

describe('open()', () => {
  it('takes types as one, as a map and as a record, and knows no type by its prototype', () => {
    const sent = seal(hello, open1, alice, suite)
    for (const types of [hello, messageTypes(reply, hello), { hello, reply }] as const) {
      const got = open<unknown>(sent.bytes, types, options)
      expect(isMessage(got, hello) && got.body.words).toBe('hi')
      expect(isMessage(got, reply)).toBe(false)
    }
    const strange = replaced(helloParts, { 1: 'constructor' })
    expect(codeOf(() => open<unknown>(strange, { hello }, options))).toBe('E_ENVELOPE_TYPE')
    expect(codeOf(() => open<unknown>(sent.bytes, reply, options))).toBe('E_ENVELOPE_TYPE')
  })

  it.each<[string, Uint8Array, string]>([
    ['no envelope', encode([]), 'E_ENVELOPE_SHAPE'],
    ['three parts', encode([helloParts, new Uint8Array(64), 0]), 'E_ENVELOPE_SHAPE'],
    ['a signature of 63 bytes', encode([helloParts, new Uint8Array(63)]), 'E_ENVELOPE_SHAPE'],
    ['a signature of 65 bytes', encode([helloParts, new Uint8Array(65)]), 'E_ENVELOPE_SHAPE'],
    ['no signature', encode([helloParts, null]), 'E_ENVELOPE_SHAPE'],
    ['a signed part in a bin', encode([encode(helloParts), new Uint8Array(64)]), 'E_ENVELOPE_SHAPE'],
    ['11 positions', forge(helloParts.slice(0, 11)), 'E_ENVELOPE_SHAPE'],
    ['13 positions', forge([...helloParts, null]), 'E_ENVELOPE_SHAPE'],
    ['version 0', replaced(helloParts, { 0: 0 }), 'E_ENVELOPE_SHAPE'],
    ['version 2', replaced(helloParts, { 0: 2 }), 'E_ENVELOPE_SHAPE'],
    ['a type in capitals', replaced(helloParts, { 1: 'Hello' }), 'E_ENVELOPE_SHAPE'],
    ['an unknown type', replaced(helloParts, { 1: 'goodbye' }), 'E_ENVELOPE_TYPE'],
    [
      'a network of 16 bytes',
      encode([[...helloParts.slice(0, 2), thread, ...helloParts.slice(3)], new Uint8Array(64)]),
      'E_ENVELOPE_SHAPE',
    ],
    [
      'a signer of 31 bytes',
      encode([[...helloParts.slice(0, 3), id.subarray(1), ...helloParts.slice(4)], new Uint8Array(64)]),
      'E_ENVELOPE_SHAPE',
    ],
    ['an audience of 16 bytes', replaced(replyParts, { 4: thread }), 'E_ENVELOPE_SHAPE'],
    ['no audience', replaced(replyParts, { 4: null }), 'E_ENVELOPE_SHAPE'],
    ['an audience too many', replaced(helloParts, { 4: id }), 'E_ENVELOPE_SHAPE'],
    ['a thread of 32 bytes', replaced(replyParts, { 5: id }), 'E_ENVELOPE_SHAPE'],
    ['no thread', replaced(replyParts, { 5: null, 7: null, 8: null }), 'E_ENVELOPE_SHAPE'],
    ['a thread too many', replaced(helloParts, { 5: thread, 6: 0 }), 'E_ENVELOPE_SHAPE'],
    ['text as seq', replaced(replyParts, { 6: '3' }), 'E_ENVELOPE_SHAPE'],
    ['no prev at seq 3', replaced(replyParts, { 7: null }), 'E_ENVELOPE_SHAPE'],
    ['prev at seq 0', replaced(replyParts, { 6: 0 }), 'E_ENVELOPE_SHAPE'],
    ['a prev of 16 bytes', replaced(replyParts, { 7: thread }), 'E_ENVELOPE_SHAPE'],
    ['an ack of 16 bytes', replaced(replyParts, { 8: thread }), 'E_ENVELOPE_SHAPE'],
    ['prev outside a thread', replaced(helloParts, { 7: id }), 'E_ENVELOPE_SHAPE'],
    ['ack outside a thread', replaced(helloParts, { 8: id }), 'E_ENVELOPE_SHAPE'],
    ['nil as iat', replaced(helloParts, { 9: null }), 'E_ENVELOPE_SHAPE'],
    ['true as exp', replaced(helloParts, { 10: true }), 'E_ENVELOPE_SHAPE'],
    ['a body that is no array', replaced(helloParts, { 11: 'hi' }), 'E_ENVELOPE_SHAPE'],
    ['a body of one position', replaced(helloParts, { 11: ['hi'] }), 'E_WIRE_SCHEMA'],
    ['a body of three positions', replaced(helloParts, { 11: ['hi', 1, null] }), 'E_WIRE_SCHEMA'],
    ['exp before iat', replaced(helloParts, { 10: 999 }), 'E_ENVELOPE_LIFETIME'],
    ['a lifetime above the maximum', replaced(helloParts, { 10: 1061 }), 'E_ENVELOPE_LIFETIME'],
    ['another network', replaced(helloParts, { 2: networkId('haggle') }), 'E_ENVELOPE_NETWORK'],
    ['another reader', replaced(replyParts, { 4: id }), 'E_ENVELOPE_AUDIENCE'],
    ['a time 31 s ahead', replaced(helloParts, { 9: 1031, 10: 1040 }), 'E_ENVELOPE_EARLY'],
    ['an end 31 s ago', replaced(helloParts, { 9: 960, 10: 969 }), 'E_ENVELOPE_EXPIRED'],
    ['a key that is screened out', forge(helloParts.with(3, new Uint8Array(32)), signerOf(0)), 'E_ENVELOPE_KEY'],
    ['another signer', forge(helloParts, bob), 'E_ENVELOPE_SIGNATURE'],
    ['a byte too many', concat(forge(helloParts), Uint8Array.of(0)), 'E_WIRE_TRAILING'],
    ['nothing', new Uint8Array(0), 'E_WIRE_TRUNCATED'],
  ])('refuses %s', (_, envelope, code) => {
    expect(codeOf(() => open<unknown>(envelope, messageTypes(hello, reply), { ...options, audience: bob.publicKey }))).toBe(code)
  })

  it('accepts 30 s of skew either way and no window at all for a stored message', () => {
    const early = replaced(helloParts, { 9: 1030, 10: 1040 })
    const late = replaced(helloParts, { 9: 960, 10: 970 })
    const ancient = replaced(helloParts, { 9: 1, 10: 2 })
    expect(codeOf(() => open(early, hello, options))).toBe('fine')
    expect(codeOf(() => open(late, hello, options))).toBe('fine')
    expect(codeOf(() => open(ancient, hello, options))).toBe('E_ENVELOPE_EXPIRED')
    expect(codeOf(() => open(ancient, hello, { network, suite }))).toBe('fine')
  })

  it('reads a message for another when it is given no key of its own', () => {
    expect(codeOf(() => open(forge(replyParts), reply, options))).toBe('fine')
  })

  it('checks in the order that is written down', () => {
    // Each mistake hides all that come after it in this list.
    const mistakes: readonly [string, Readonly<Record<number, Value>>][] = [
      ['E_ENVELOPE_TYPE', { 1: 'unknown' }],
      ['E_WIRE_SCHEMA', { 11: ['hi'] }],
      ['E_ENVELOPE_LIFETIME', { 10: 5000 }],
      ['E_ENVELOPE_NETWORK', { 2: id }],
      ['E_ENVELOPE_AUDIENCE', { 4: id }],
      ['E_ENVELOPE_EARLY', { 9: 2000, 10: 2010 }],
      ['E_ENVELOPE_REFUSED', { 6: 666 }],
      ['E_ENVELOPE_KEY', { 3: new Uint8Array(32) }],
    ]
    let changes: Readonly<Record<number, Value>> = {}
    for (const [code, change] of mistakes.toReversed()) {
      changes = { ...changes, ...change }
      const envelope = replaced(replyParts, changes)
      envelope[envelope.length - 1]! ^= 1
      const admit: OpenOptions['admit'] = ({ seq }) => seq !== 666
      expect(codeOf(() => open<unknown>(envelope, messageTypes(reply), { ...options, audience: bob.publicKey, admit }))).toBe(code)
    }
  })

  it('asks admit() with the id before it pays for the signature', () => {
    const sent = seal(hello, open1, alice, suite)
    let verified = 0
    const counting: Suite = {
      ...suite,
      verify: (...args) => (verified++, suite.verify(...args)),
      screenKey: (key) => (verified++, suite.screenKey(key)),
    }
    const seen: string[] = []
    const admit: OpenOptions['admit'] = ({ type }, messageId) => {
      seen.push(`${type} ${toHex(messageId)}`)
      return false
    }
    expect(codeOf(() => open(sent.bytes, hello, { ...options, suite: counting, admit }))).toBe('E_ENVELOPE_REFUSED')
    expect(seen).toEqual([`hello ${toHex(sent.id)}`])
    expect(verified).toBe(0)
  })

  it('believes a screened-out key as soon as screening is off', () => {
    const envelope = forge(helloParts.with(3, new Uint8Array(32)), signerOf(0))
    expect(codeOf(() => open(envelope, hello, { ...options, suite: { ...suite, screenKey: () => true } }))).toBe('fine')
  })

  it('refuses a sealed envelope after any change of any byte', () => {
    const sent = seal(reply, private1, alice, suite)
    fc.assert(
      fc.property(fc.nat({ max: sent.bytes.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const changed = Uint8Array.from(sent.bytes)
        changed[at]! ^= change
        expect(codeOf(() => open<unknown>(changed, messageTypes(reply), options))).not.toBe('fine')
      }),
      { numRuns: 2000 },
    )
  })

  it('gives back every draft it can carry', () => {
    const draft = fc.record({
      seq: fc.nat({ max: 0xffffffff }),
      iat: fc.nat({ max: 0xffffffff - 60 }),
      life: fc.nat({ max: 60 }),
      words: fc.string({ unit: 'grapheme-ascii', maxLength: 60 }),
      n: fc.nat({ max: 0xffffffff }),
      ack: fc.boolean(),
    })
    fc.assert(
      fc.property(draft, ({ seq, iat, life, words, n, ack }) => {
        const sent = seal(
          reply,
          { ...private1, seq, prev: seq === 0 ? null : id, ack: ack ? id : null, iat, exp: iat + life, body: { words, n } },
          alice,
          suite,
        )
        expect(open(sent.bytes, reply, { network, suite, nowS: iat })).toEqual(sent)
      }),
    )
  })
})

describe('peekEnvelope()', () => {
  it('gives header and id without asking for the signature', () => {
    const sent = seal(reply, private1, alice, suite)
    const broken = Uint8Array.from(sent.bytes)
    broken[broken.length - 1]! ^= 1
    const { id: peeked, type, seq, rawBody } = peekEnvelope(broken, suite)
    expect({ id: toHex(peeked), type, seq, rawBody }).toEqual({ id: toHex(sent.id), type: 'reply', seq: 3, rawBody: ['hi', 1] })
    expect(toHex(envelopeId(tbsOf(sent.bytes), suite))).toBe(toHex(sent.id))
  })

  it('refuses what is no envelope', () => {
    expect(codeOf(() => peekEnvelope(encode([1, 2]), suite))).toBe('E_ENVELOPE_SHAPE')
    expect(codeOf(() => peekEnvelope(Uint8Array.of(0xc1), suite))).toBe('E_WIRE_TYPE')
  })
})
