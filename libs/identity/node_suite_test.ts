// What Node's suite adds to the shared suites of ed25519_test.ts: plain results and no confusion between the keys it remembers.

import { utf8 } from '@haggle/wire'
import { describe, expect, it } from 'vitest'
import { createIdentity } from './mod.ts'
import { nodeEd25519, nodeSuite } from './node.ts'

describe('nodeSuite()', () => {
  it('gives plain Uint8Arrays, not Buffers', () => {
    const { signer, publicKey } = createIdentity(new Uint8Array(32).fill(1), nodeEd25519())
    for (const bytes of [nodeSuite().sha256(utf8('a')), publicKey, signer.sign(utf8('a'))]) expect(bytes.constructor).toBe(Uint8Array)
  })

  it('verify() tells keys apart when they lie in one buffer', () => {
    const alice = createIdentity(new Uint8Array(32).fill(1), nodeEd25519())
    const bob = createIdentity(new Uint8Array(32).fill(2), nodeEd25519())
    const buffer = new Uint8Array(80)
    buffer.set(alice.publicKey, 3)
    buffer.set(bob.publicKey, 40)
    const suite = nodeSuite()
    const signature = alice.signer.sign(utf8('a'))
    expect(suite.verify(signature, utf8('a'), buffer.subarray(3, 35))).toBe(true)
    expect(suite.verify(signature, utf8('a'), buffer.subarray(40, 72))).toBe(false)
  })

  it('verify() stays right when more keys came by than it remembers', () => {
    const suite = nodeSuite()
    const { signer, publicKey } = createIdentity(new Uint8Array(32).fill(1), nodeEd25519())
    const signature = signer.sign(utf8('a'))
    expect(suite.verify(signature, utf8('a'), publicKey)).toBe(true)
    const key = new Uint8Array(32)
    for (let i = 0; i < 4100; i++) {
      key[0] = i & 0xff
      key[1] = i >> 8
      expect(suite.verify(signature, utf8('a'), key)).toBe(false)
    }
    expect(suite.verify(signature, utf8('a'), publicKey)).toBe(true)
  })
})
