// The golden bytes of envelopes, keys, names and key files, with real signatures by both suites.

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fields, fromHex, type MessageType, messageTypes, networkId, networkTag, open, seal, text, toHex, uint } from '@haggle/wire'
import { describe, expect, it } from 'vitest'
import { createIdentity, portableEd25519, portableSuite, publicKeyOf } from './mod.ts'
import { nodeEd25519, nodeSuite, openKeyFile } from './node.ts'

function read<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../../spec/vectors/${name}`, import.meta.url), 'utf8')) as T
}

interface Header {
  type: string
  audience: string | null
  thread: string | null
  seq: number
  prev: string | null
  ack: string | null
  iat: number
  exp: number
  signer: string
}
interface EnvelopeVectors {
  networks: { name: string; psk: string | null; id: string; tag: string }[]
  network: string
  nowS: number
  keys: Record<string, { seed: string; publicKey: string; peerId: string }>
  good: { name: string; header: Header; body: [string, number]; id: string; signature: string; envelope: string }[]
  bad: { name: string; envelope: string; nowS: number; audience: string; code: string }[]
}
interface IdentityVectors {
  identities: { seed: string; publicKey: string; peerId: string }[]
  notPeerIds: { name: string; text: string; code: string }[]
  keyFiles: { name: string; passphrase: string | null; content: string; seed: string; peerId: string }[]
}
interface Ed25519Vectors {
  sign: { name: string; seed: string; publicKey: string; message: string; signature: string }[]
  verify: { name: string; publicKey: string; message: string; signature: string; good: boolean; keyGood: boolean }[]
}

const envelopes = read<EnvelopeVectors>('envelope.json')
const identities = read<IdentityVectors>('identity.json')
const ed25519 = read<Ed25519Vectors>('ed25519.json')
const network = fromHex(envelopes.network)
const bin = (hex: string | null): Uint8Array | null => (hex === null ? null : fromHex(hex))

function typeOf({ type, thread, audience }: Pick<Header, 'type' | 'thread' | 'audience'>): MessageType<{ words: string; n: number }> {
  const schema = fields({ words: text({ max: 200 }), n: uint() })
  return { type, schema, maxLifetimeS: 60, thread: thread !== null, audience: audience !== null }
}

describe.each([
  ['portable', portableSuite(), portableEd25519],
  ['node', nodeSuite(), nodeEd25519()],
] as const)('spec/vectors/envelope.json with the %s suite', (_, suite, implementation) => {
  it.each(envelopes.good)('seal() and open() agree with "$name"', ({ header, body, id, signature, envelope }) => {
    const key = Object.values(envelopes.keys).find(({ publicKey }) => publicKey === header.signer)
    const { signer } = createIdentity(fromHex(key?.seed ?? ''), implementation)
    const { seq, iat, exp } = header
    const sent = seal(
      typeOf(header),
      {
        network,
        audience: bin(header.audience),
        thread: bin(header.thread),
        seq,
        prev: bin(header.prev),
        ack: bin(header.ack),
        iat,
        exp,
        body: { words: body[0], n: body[1] },
      },
      signer,
      suite,
    )
    expect(toHex(sent.bytes)).toBe(envelope)
    expect(toHex(sent.id)).toBe(id)
    expect(toHex(sent.signature)).toBe(signature)
    expect(open(fromHex(envelope), typeOf(header), { network, nowS: envelopes.nowS, suite })).toEqual(sent)
  })

  const types = messageTypes(typeOf({ type: 'hello', thread: null, audience: null }), typeOf({ type: 'reply', thread: '', audience: '' }))
  it.each(envelopes.bad)('open() refuses "$name"', ({ envelope, nowS, audience, code }) => {
    const options = { network, nowS, audience: fromHex(audience), suite }
    expect(() => open(fromHex(envelope), types, options)).toThrow(expect.objectContaining({ code }))
  })
})

describe('spec/vectors/envelope.json', () => {
  it.each(envelopes.networks)('networkId() agrees with "$name"', ({ name, psk, id, tag }) => {
    expect(toHex(networkId(name, bin(psk) ?? undefined))).toBe(id)
    expect(networkTag(fromHex(id))).toBe(tag)
  })
})

describe('spec/vectors/identity.json', () => {
  it.each(identities.identities)('createIdentity() agrees with $peerId', ({ seed, publicKey, peerId }) => {
    const identity = createIdentity(fromHex(seed), nodeEd25519())
    expect({ publicKey: toHex(identity.publicKey), peerId: identity.peerId }).toEqual({ publicKey, peerId })
    expect(toHex(publicKeyOf(peerId))).toBe(publicKey)
  })

  it.each(identities.notPeerIds)('publicKeyOf() refuses what is $name', ({ text: words, code }) => {
    expect(() => publicKeyOf(words)).toThrow(expect.objectContaining({ code }))
  })

  it.each(identities.keyFiles)('openKeyFile() opens a file with $name', async ({ passphrase, content, seed, peerId }) => {
    const home = await mkdtemp(join(tmpdir(), 'haggle-vectors-'))
    try {
      await writeFile(join(home, 'key'), content, { mode: 0o600 })
      const identity = await openKeyFile(join(home, 'key'), passphrase === null ? {} : { passphrase })
      expect({ seed: toHex(identity.seed), peerId: identity.peerId }).toEqual({ seed, peerId })
    } finally {
      await rm(home, { recursive: true })
    }
  })
})

describe.each([
  ['portable', portableSuite(), portableEd25519],
  ['node', nodeSuite(), nodeEd25519()],
] as const)('spec/vectors/ed25519.json with the %s suite', (_, suite, implementation) => {
  it('sign() agrees with every vector', () => {
    for (const { name, seed, publicKey, message, signature } of ed25519.sign) {
      expect(toHex(implementation.publicKey(fromHex(seed))), name).toBe(publicKey)
      expect(toHex(implementation.sign(fromHex(message), fromHex(seed))), name).toBe(signature)
    }
  })

  it('verify() and screenKey() agree with every vector', () => {
    for (const { name, publicKey, message, signature, good, keyGood } of ed25519.verify) {
      const judged = {
        good: suite.verify(fromHex(signature), fromHex(message), fromHex(publicKey)),
        keyGood: suite.screenKey(fromHex(publicKey)),
      }
      expect(judged, name).toEqual({ good, keyGood })
    }
  })
})
