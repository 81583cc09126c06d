// The edge cases that Ed25519 libraries disagree about, made by construction: each says what it is and what the verdict must be.

import { concat, fromHex, utf8 } from '@haggle/wire'
import { Point } from '@noble/ed25519'
import { sha512 } from '@noble/hashes/sha2.js'

/** One signature and the verdict of spec/identity.md on it. */
export interface Ed25519Case {
  /** What is special about it. */
  readonly name: string
  /** A; not always 32 bytes. */
  readonly publicKey: Uint8Array
  /** M. */
  readonly message: Uint8Array
  /** R and S; not always 64 bytes. */
  readonly signature: Uint8Array
  /** The verdict. */
  readonly good: boolean
  /** Whether the key alone passes the screening. */
  readonly keyGood: boolean
}

/** A signature of RFC 8032 section 7.1 with its seed. */
export interface SignatureVector {
  /** Its name in the RFC. */
  readonly name: string
  /** The 32-byte secret. */
  readonly seed: Uint8Array
  /** Its public key. */
  readonly publicKey: Uint8Array
  /** What is signed. */
  readonly message: Uint8Array
  /** The only right signature. */
  readonly signature: Uint8Array
}

const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n
const FIELD = 2n ** 255n - 19n

/** RFC 8032 section 7.1, tests 1 to 3. */
export function rfc8032Vectors(): readonly SignatureVector[] {
  return [
    [
      '1',
      '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
      'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
      '',
      'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
    ],
    [
      '2',
      '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
      '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
      '72',
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
    ],
    [
      '3',
      'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7',
      'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
      'af82',
      '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
    ],
  ].map(([number, seed = '', publicKey = '', message = '', signature = '']) => ({
    name: `RFC 8032 test ${number}`,
    seed: fromHex(seed),
    publicKey: fromHex(publicKey),
    message: fromHex(message),
    signature: fromHex(signature),
  }))
}

/** A point, and the bytes that stand for it: not its canonical encoding in the cases that are about encodings. */
interface Encoded {
  readonly point: Point
  readonly bytes: Uint8Array
}

/** What {@link build} makes a signature from: A = a·B + keyTorsion, R = r·B + nonceTorsion, S = r + k·a + extra. */
interface Recipe {
  readonly name: string
  /** Discrete logarithm of A's prime-order part; 0 for a small-order A. */
  readonly a: bigint
  /** A itself, when it is not a·B. */
  readonly key?: Encoded
  readonly r: bigint
  readonly nonce?: Encoded
  /** Added to S, such as L. */
  readonly extra?: bigint
  /** Messages are tried until k = sha512(R ‖ A ‖ M) suits: how torsion parts are made to cancel or not to. */
  readonly suits?: (k: bigint) => boolean
  /** Bytes hashed in place of R's and A's own: for cases about encodings that are reduced before they are hashed. */
  readonly hashed?: { readonly key?: Uint8Array; readonly nonce?: Uint8Array }
  readonly good: boolean
  readonly keyGood: boolean
}

/**
 * All cases, the same ones every time: signatures that are good, the twelve families of "Taming the many EdDSAs" (Chalkias, Garillot, Nikolaenko
 * 2020, table 3), every encoding of every small-order point as A and as R, S at and above L, and plain damage.
 */
export function ed25519Cases(): readonly Ed25519Case[] {
  const a = scalarOf('key')
  const r = scalarOf('nonce')
  const torsion = torsionPoints()
  const order2 = torsion[4] as Point
  const order4 = torsion[2] as Point
  const order8 = torsion[1] as Point
  const mixedKey = encoded(times(a).add(order8))
  const mixedNonce = encoded(times(r).add(order8))
  const smallKey = encoded(order8)
  const smallNonce = encoded(order8)
  const identity = encoded(Point.ZERO)
  const identityAbove = { point: Point.ZERO, bytes: encode(FIELD + 1n, 0) }
  const order4Above = { point: pointWithY(0n), bytes: encode(FIELD, 0) }
  const bad = { good: false, keyGood: false }
  const badHere = { good: false, keyGood: true }
  const recipes: Recipe[] = [
    { name: 'a plain signature', a, r, good: true, keyGood: true },
    { name: 'another key and nonce', a: scalarOf('key 2'), r: scalarOf('nonce 2'), good: true, keyGood: true },
    { name: 'the key is the base point', a: 1n, r, good: true, keyGood: true },
    { name: 'the nonce is 1', a, r: 1n, good: true, keyGood: true },
    { name: 'the nonce is L - 1', a, r: ORDER - 1n, good: true, keyGood: true },

    {
      name: 'taming 0: A and R of small order, S = 0',
      a: 0n,
      key: smallKey,
      r: 0n,
      nonce: smallNonce,
      suits: (k) => (1n + k) % 8n === 0n,
      ...bad,
    },
    { name: 'taming 1: A of small order, R mixed', a: 0n, key: smallKey, r, nonce: mixedNonce, suits: (k) => (1n + k) % 8n === 0n, ...bad },
    { name: 'taming 2: A mixed, R of small order', a, key: mixedKey, r: 0n, nonce: smallNonce, suits: (k) => (1n + k) % 8n === 0n, ...bad },
    {
      name: 'taming 3: A and R mixed, their torsion cancels',
      a,
      key: mixedKey,
      r,
      nonce: mixedNonce,
      suits: (k) => (1n + k) % 8n === 0n,
      ...bad,
    },
    {
      name: 'taming 4: A and R mixed, only the equation times 8 holds',
      a,
      key: mixedKey,
      r,
      nonce: mixedNonce,
      suits: (k) => (1n + k) % 8n !== 0n,
      ...bad,
    },
    { name: 'taming 5: A mixed, R of order L, only the equation times 8 holds', a, key: mixedKey, r, suits: (k) => k % 8n !== 0n, ...bad },
    { name: 'taming 6: S = L + a good S', a, r, extra: ORDER, ...badHere },
    { name: 'taming 7: S far above L', a, r, extra: 14n * ORDER, ...badHere },
    {
      name: 'taming 8: R the identity, not canonical, hashed as it is',
      a,
      key: mixedKey,
      r: 0n,
      nonce: identityAbove,
      suits: (k) => k % 8n === 0n,
      ...bad,
    },
    {
      name: 'taming 9: R the identity, not canonical, hashed reduced',
      a,
      key: mixedKey,
      r: 0n,
      nonce: identityAbove,
      hashed: { nonce: identity.bytes },
      suits: (k) => k % 8n === 0n,
      ...bad,
    },
    { name: 'taming 10: A of order 4, not canonical, hashed as it is', a: 0n, key: order4Above, r, suits: (k) => k % 4n === 0n, ...bad },
    {
      name: 'taming 11: A of order 4, not canonical, hashed reduced',
      a: 0n,
      key: order4Above,
      r,
      hashed: { key: encode(0n, 0) },
      suits: (k) => k % 4n === 0n,
      ...bad,
    },

    {
      name: 'A of order L and a part of order 8, invisible to the plain equation',
      a,
      key: mixedKey,
      r,
      suits: (k) => k % 8n === 0n,
      ...bad,
    },
    {
      name: 'A of order L and a part of order 4, invisible to the plain equation',
      a,
      key: encoded(times(a).add(order4)),
      r,
      suits: (k) => k % 4n === 0n,
      ...bad,
    },
    {
      name: 'A of order L and a part of order 2, invisible to the plain equation',
      a,
      key: encoded(times(a).add(order2)),
      r,
      suits: (k) => k % 2n === 0n,
      ...bad,
    },
    { name: 'R of order L and a part of order 8, only the equation times 8 holds', a, r, nonce: mixedNonce, ...badHere },
    { name: 'R of order L and a part of order 4, only the equation times 8 holds', a, r, nonce: encoded(times(r).add(order4)), ...badHere },
    { name: 'R of order L and a part of order 2, only the equation times 8 holds', a, r, nonce: encoded(times(r).add(order2)), ...badHere },
    { name: 'R is the identity, the plain equation holds', a, r: 0n, nonce: identity, ...badHere },
    { name: 'R is the identity, not canonical, the plain equation holds', a, r: 0n, nonce: identityAbove, ...badHere },
    {
      name: 'R is the identity with its sign bit, the plain equation holds',
      a,
      r: 0n,
      nonce: { point: Point.ZERO, bytes: encode(1n, 1) },
      ...badHere,
    },
    ...smallOrderEncodings(torsion).flatMap((small, i): Recipe[] => [
      { name: `A of small order, encoding ${i}, fits any message`, a: 0n, key: small, r, suits: (k) => k % 8n === 0n, ...bad },
      { name: `R of small order, encoding ${i}`, a, r: 0n, nonce: small, ...badHere },
    ]),
  ]
  const cases = recipes.map(build)
  return [...rfcCases(), ...cases, ...damaged(cases[0] as Ed25519Case, scalarOf('key'))]
}

function rfcCases(): readonly Ed25519Case[] {
  return rfc8032Vectors().map(({ name, publicKey, message, signature }) => ({
    name,
    publicKey,
    message,
    signature,
    good: true,
    keyGood: true,
  }))
}

/** A good signature, damaged in each way that a wire or a liar could. */
function damaged(whole: Ed25519Case, a: bigint): readonly Ed25519Case[] {
  const { signature, publicKey } = whole
  const r = signature.subarray(0, 32)
  const s = signature.subarray(32)
  const offCurve = encode(2n, 0)
  const change = (name: string, changes: Partial<Ed25519Case>): Ed25519Case => ({ ...whole, good: false, ...changes, name })
  return [
    change('another message', { message: utf8('another') }),
    change('the empty message', { message: new Uint8Array(0) }),
    change('another key', { publicKey: times(a + 1n).toBytes() }),
    change('the sign bit of A flipped', { publicKey: flip(publicKey, 255) }),
    change('the sign bit of R flipped', { signature: flip(signature, 255) }),
    change('the lowest bit of R flipped', { signature: flip(signature, 0) }),
    change('the lowest bit of S flipped', { signature: flip(signature, 256) }),
    change('the highest bit of S set', { signature: flip(signature, 511) }),
    change('S negated', { signature: concat(r, littleEndian((ORDER - fromLittleEndian(s)) % ORDER)) }),
    change('S = 0', { signature: concat(r, new Uint8Array(32)) }),
    change('S = L', { signature: concat(r, littleEndian(ORDER)) }),
    change('S = L - 1', { signature: concat(r, littleEndian(ORDER - 1n)) }),
    change('S all ones', { signature: concat(r, new Uint8Array(32).fill(0xff)) }),
    change('R and S swapped', { signature: concat(s, r) }),
    change('R not on the curve', { signature: concat(offCurve, s) }),
    change('R all ones', { signature: concat(new Uint8Array(32).fill(0xff), s) }),
    change('A not on the curve', { publicKey: offCurve, keyGood: false }),
    change('A all ones', { publicKey: new Uint8Array(32).fill(0xff), keyGood: false }),
    change('A one byte short', { publicKey: publicKey.subarray(0, 31), keyGood: false }),
    change('A one byte long', { publicKey: concat(publicKey, Uint8Array.of(0)), keyGood: false }),
    change('A empty', { publicKey: new Uint8Array(0), keyGood: false }),
    change('one byte short', { signature: signature.subarray(0, 63) }),
    change('one byte long', { signature: concat(signature, Uint8Array.of(0)) }),
    change('no signature', { signature: new Uint8Array(0) }),
    change('all zero', { signature: new Uint8Array(64) }),
    { ...change('all zero under the all-zero key', { signature: new Uint8Array(64), publicKey: new Uint8Array(32) }), keyGood: false },
    ...canonicalBounds(whole),
  ]
}

/** Keys whose y is just below and at p: only those below are read at all. */
function canonicalBounds(whole: Ed25519Case): readonly Ed25519Case[] {
  const cases: Ed25519Case[] = []
  for (let y = FIELD; y < 2n ** 255n; y++) {
    cases.push({ ...whole, name: `A with y = p + ${y - FIELD}`, publicKey: encode(y, 0), good: false, keyGood: false })
  }
  return cases
}

function build(recipe: Recipe): Ed25519Case {
  const { name, a, r, good, keyGood, extra = 0n, suits = () => true } = recipe
  const key = recipe.key ?? encoded(times(a))
  const nonce = recipe.nonce ?? encoded(times(r))
  for (let attempt = 0; ; attempt++) {
    const message = utf8(`${name} #${attempt}`)
    const k = fromLittleEndian(sha512(concat(recipe.hashed?.nonce ?? nonce.bytes, recipe.hashed?.key ?? key.bytes, message))) % ORDER
    if (!suits(k)) continue
    const s = ((r + k * a) % ORDER) + extra
    return { name, publicKey: key.bytes, message, signature: concat(nonce.bytes, littleEndian(s)), good, keyGood }
  }
}

/** The points whose order divides 8; the i-th is i times the first of order 8. */
function torsionPoints(): readonly Point[] {
  const generator = Point.fromHex('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a')
  const points = [Point.ZERO]
  for (let i = 1; i < 8; i++) points.push((points[i - 1] as Point).add(generator))
  return points
}

/** Every 32 bytes that some library reads as a small-order point: the 8 canonical ones, and those with y + p or a sign bit on x = 0. */
function smallOrderEncodings(torsion: readonly Point[]): readonly Encoded[] {
  const above = [0n, 1n].flatMap((y) => [0, 1].map((sign) => ({ point: pointWithY(y, sign), bytes: encode(FIELD + y, sign) })))
  const signed = [1n, FIELD - 1n].map((y) => ({ point: pointWithY(y), bytes: encode(y, 1) }))
  return [...torsion.map(encoded), ...above, ...signed]
}

function pointWithY(y: bigint, sign = 0): Point {
  return Point.fromBytes(encode(y, y === 1n ? 0 : sign))
}

function encoded(point: Point): Encoded {
  return { point, bytes: point.toBytes() }
}

function times(scalar: bigint): Point {
  return Point.BASE.multiply(scalar % ORDER, false)
}

function scalarOf(name: string): bigint {
  return fromLittleEndian(sha512(utf8(`haggle ed25519 case: ${name}`))) % ORDER
}

function encode(y: bigint, sign: number): Uint8Array {
  const bytes = littleEndian(y)
  bytes[31] = (bytes[31] as number) | (sign << 7)
  return bytes
}

function flip(bytes: Uint8Array, bit: number): Uint8Array {
  const flipped = Uint8Array.from(bytes)
  flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7))
  return flipped
}

function littleEndian(value: bigint): Uint8Array {
  const bytes = new Uint8Array(32)
  for (let i = 0, rest = value; i < 32; i++, rest >>= 8n) bytes[i] = Number(rest & 0xffn)
  return bytes
}

function fromLittleEndian(bytes: Uint8Array): bigint {
  let value = 0n
  for (let i = bytes.length - 1; i >= 0; i--) value = value * 256n + BigInt(bytes[i] as number)
  return value
}
