import { pureJsCrypto } from '@libp2p/noise'
import { fromHex, toHex, utf8 } from '@haggle/wire'
import { Uint8ArrayList } from 'uint8arraylist'
import { describe, expect, it } from 'vitest'
import { noiseCrypto } from './_noise_crypto.ts'

const crypto = noiseCrypto()
const SIZES = [0, 1, 12, 511, 1183, 1184, 1199, 1200, 1201, 4096, 65_519]
const key = new Uint8Array(32).map((_, i) => i * 7 + 1)
const nonce = new Uint8Array(12).fill(9)
const ad = utf8('associated')
const octets = (size: number): Uint8Array => new Uint8Array(size).map((_, i) => (i * 31 + (i >> 8)) & 0xff)
/** The same octets in pieces, as they come from a socket. */
const inPieces = (whole: Uint8Array): Uint8ArrayList => {
  const list = new Uint8ArrayList()
  for (let at = 0, step = 1; at < whole.length; at += step, step *= 3) list.append(whole.subarray(at, at + step))
  return list
}

it('gives what RFC 8439, section 2.8.2, does', () => {
  const sealed = crypto.chaCha20Poly1305Encrypt(
    utf8("Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it."),
    fromHex('070000004041424344454647', 12),
    fromHex('50515253c0c1c2c3c4c5c6c7', 12),
    new Uint8Array(32).map((_, i) => 0x80 + i),
  )
  expect(toHex(sealed.subarray(0, 16))).toBe('d31a8d34648e60db7b86afbc53ef7ec2')
  expect(toHex(sealed.subarray(114))).toBe('1ae10b594f09e26a7e902ecbd0600691')
})

describe.each(SIZES)('a message of %i octets', (size) => {
  const plain = octets(size)
  const sealed = pureJsCrypto.chaCha20Poly1305Encrypt(plain, nonce, ad, key).subarray()

  it('is sealed as portable code seals it, whole and in pieces', () => {
    expect(toHex(crypto.chaCha20Poly1305Encrypt(plain, nonce, ad, key).subarray())).toBe(toHex(sealed))
    expect(toHex(crypto.chaCha20Poly1305Encrypt(inPieces(plain), nonce, ad, key).subarray())).toBe(toHex(sealed))
  })

  it('is opened, whole and in pieces', () => {
    expect(toHex(crypto.chaCha20Poly1305Decrypt(sealed.slice(), nonce, ad, key).subarray())).toBe(toHex(plain))
    expect(toHex(crypto.chaCha20Poly1305Decrypt(inPieces(sealed), nonce, ad, key).subarray())).toBe(toHex(plain))
  })

  it('is opened from the copy that libp2p makes, and without it when that is none', () => {
    for (const dst of [sealed.slice(0, size), new Uint8Array(size), ...(size < 1200 ? [] : [new Uint8Array(size + 1)])])
      expect(toHex(crypto.chaCha20Poly1305Decrypt(inPieces(sealed), nonce, ad, key, dst).subarray())).toBe(toHex(plain))
  })

  it('is refused when an octet, the tag, the nonce, the key or what goes with it is another', () => {
    for (const at of [0, size >> 1, size + 15]) {
      const changed = sealed.slice()
      changed[at] = (changed[at] ?? 0) ^ 1
      expect(() => crypto.chaCha20Poly1305Decrypt(inPieces(changed), nonce, ad, key)).toThrow()
      expect(() => crypto.chaCha20Poly1305Decrypt(inPieces(changed), nonce, ad, key, changed.slice(0, size))).toThrow()
    }
    expect(() => crypto.chaCha20Poly1305Decrypt(sealed.slice(), new Uint8Array(12), ad, key)).toThrow()
    expect(() => crypto.chaCha20Poly1305Decrypt(sealed.slice(), nonce, utf8('other'), key)).toThrow()
    expect(() => crypto.chaCha20Poly1305Decrypt(sealed.slice(), nonce, ad, new Uint8Array(32))).toThrow()
  })
})

it('two keys that are alive at once are not mistaken for each other', () => {
  const other = key.slice().reverse()
  const plain = octets(2048)
  for (const k of [key, other, key, other])
    expect(toHex(crypto.chaCha20Poly1305Encrypt(plain, nonce, ad, k).subarray())).toBe(
      toHex(pureJsCrypto.chaCha20Poly1305Encrypt(plain, nonce, ad, k).subarray()),
    )
})
