// PeerIds: the text that libp2p gives a key, and refusals of all other text.

import { fromHex } from '@haggle/wire'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { peerIdOf, publicKeyOf } from './mod.ts'

describe('peerIdOf()', () => {
  it('gives the PeerId that libp2p gives', () => {
    // The key of RFC 8032 test 1, named by @libp2p/peer-id.
    expect(peerIdOf(fromHex('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a'))).toBe(
      '12D3KooWQK1wnefoLrcVHbbnf5tLzbopUd3K3bFAoJpA7YJgL5pV',
    )
  })

  it('throws E_PEER_ID when the key is not 32 bytes', () => {
    expect(() => peerIdOf(new Uint8Array(33))).toThrow(expect.objectContaining({ code: 'E_PEER_ID' }))
  })
})

describe('publicKeyOf()', () => {
  it('undoes peerIdOf()', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (key) => {
        expect(publicKeyOf(peerIdOf(key))).toEqual(Uint8Array.from(key))
      }),
    )
  })

  it.each([
    ['', 'empty'],
    ['12D3Koo', 'cut'],
    ['QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N', 'an RSA PeerId'],
    ['16Uiu2HAmV6pV7aSqcgcM3dBYuCVXxfsckVuq2UE9ehyT7XN4gWhf', 'a secp256k1 PeerId'],
    ['bafzaajaiaejcbv25tn', 'a CID'],
    ['12D3KooWQK1wnefoLrcVHbbnf5tLzbopUd3K3bFAoJpA7YJgL5pV ', 'a space after it'],
    ['112D3KooWQK1wnefoLrcVHbbnf5tLzbopUd3K3bFAoJpA7YJgL5pV', 'one more leading 1'],
    ['0OIl', 'letters that base58 has not'],
    ['1'.repeat(10_000), 'far too long'],
  ])('throws E_PEER_ID when given %s (%s)', (text) => {
    expect(() => publicKeyOf(text)).toThrow(expect.objectContaining({ code: 'E_PEER_ID' }))
  })
})
