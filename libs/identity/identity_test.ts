// Identities: what their key and name are, and that the seed does not slip out.

import { inspect } from 'node:util'
import { equalBytes, toHex, utf8 } from '@haggle/wire'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createIdentity, portableEd25519, portableSuite } from './mod.ts'
import { nodeEd25519 } from './node.ts'

describe('createIdentity()', () => {
  it('gives the same identity with either implementation', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (seed) => {
        const portable = createIdentity(seed)
        const native = createIdentity(seed, nodeEd25519())
        expect(native.peerId).toBe(portable.peerId)
        expect(native.publicKey).toEqual(portable.publicKey)
        expect(native.signer.publicKey).toEqual(portable.publicKey)
        expect(native.signer.sign(seed)).toEqual(portable.signer.sign(seed))
      }),
      { numRuns: 10 },
    )
  })

  it('signs with an implementation that prepares no signer', () => {
    const { publicKey, sign, verify } = portableEd25519
    const { signer } = createIdentity(new Uint8Array(32).fill(9), { publicKey, sign, verify })
    expect(portableSuite().verify(signer.sign(utf8('a')), utf8('a'), signer.publicKey)).toBe(true)
  })

  it('keeps the seed out of what is printed and of JSON', () => {
    const seed = new Uint8Array(32).fill(0xab)
    const identity = createIdentity(seed)
    expect(identity.seed).toEqual(seed)
    expect(JSON.stringify(identity)).not.toContain('171')
    expect(inspect(identity, { depth: 5 })).not.toContain('seed')
    expect(Object.keys({ ...identity })).not.toContain('seed')
  })

  it('does not follow when the caller changes the seed afterwards', () => {
    const seed = new Uint8Array(32).fill(1)
    const identity = createIdentity(seed, nodeEd25519())
    const before = toHex(identity.signer.sign(utf8('a')))
    seed.fill(2)
    expect(toHex(identity.signer.sign(utf8('a')))).toBe(before)
    expect(equalBytes(identity.seed, seed)).toBe(false)
  })

  it('throws E_KEY_SEED when the seed is not 32 bytes', () => {
    expect(() => createIdentity(new Uint8Array(31))).toThrow(expect.objectContaining({ code: 'E_KEY_SEED' }))
    expect(() => createIdentity(new Uint8Array(33), nodeEd25519())).toThrow(expect.objectContaining({ code: 'E_KEY_SEED' }))
  })
})
