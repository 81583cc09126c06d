// The ciphers of Noise, with the key of a connection prepared once.

import { createCipheriv, createDecipheriv, createSecretKey, getCiphers, type KeyObject } from 'node:crypto'
import type { ICryptoInterface } from '@libp2p/noise'
import { asCrypto, defaultCrypto } from '@libp2p/noise/crypto'
import { Uint8ArrayList } from 'uint8arraylist'

const CHACHA20_POLY1305 = 'chacha20-poly1305'
const TAG_BYTES = 16
const OPTIONS = { authTagLength: TAG_BYTES }
/**
 * Shorter messages go to libp2p's WebAssembly, as it would have them: up to 500 octets it is faster (1 to 4 us), and each native cipher leaves memory outside the heap
 * to the next collection, which gossip would fill it with.
 */
const NATIVE_BYTES = 1200

/**
 * What Noise encrypts with. libp2p's own gives Node the bare key with every message, which Node makes a key object of each time: 10 to 17 us of the 45 that a
 * message of 64 KiB takes. Here that is done once a key. Small messages, and all of them where there is no native cipher, go to libp2p's WebAssembly.
 */
export function noiseCrypto(): ICryptoInterface {
  if (!getCiphers().includes(CHACHA20_POLY1305)) {
    const { chaCha20Poly1305Encrypt, chaCha20Poly1305Decrypt } = asCrypto
    return { ...defaultCrypto, chaCha20Poly1305Encrypt, chaCha20Poly1305Decrypt }
  }
  /** Noise holds one array for each direction of a connection, and nothing else does. */
  const prepared = new WeakMap<Uint8Array, KeyObject>()
  const keyOf = (key: Uint8Array): KeyObject => {
    const known = prepared.get(key)
    if (known !== undefined) return known
    const made = createSecretKey(key)
    prepared.set(key, made)
    return made
  }
  return {
    ...defaultCrypto,
    chaCha20Poly1305Encrypt(plaintext, nonce, ad, key) {
      if (plaintext.byteLength < NATIVE_BYTES) return defaultCrypto.chaCha20Poly1305Encrypt(plaintext, nonce, ad, key)
      const cipher = createCipheriv(CHACHA20_POLY1305, keyOf(key), nonce, OPTIONS)
      cipher.setAAD(ad, { plaintextLength: plaintext.byteLength })
      const sealed = new Uint8ArrayList()
      for (const part of partsOf(plaintext)) sealed.append(cipher.update(part))
      cipher.final()
      sealed.append(cipher.getAuthTag())
      return sealed
    },
    chaCha20Poly1305Decrypt(ciphertext, nonce, ad, key, dst) {
      if (ciphertext.byteLength < NATIVE_BYTES) return defaultCrypto.chaCha20Poly1305Decrypt(ciphertext, nonce, ad, key, dst)
      const length = ciphertext.byteLength - TAG_BYTES
      const open = (sealed: Iterable<Uint8Array>): Uint8ArrayList => {
        const decipher = createDecipheriv(CHACHA20_POLY1305, keyOf(key), nonce, OPTIONS)
        decipher.setAAD(ad, { plaintextLength: length })
        decipher.setAuthTag(ciphertext.subarray(length))
        const opened = new Uint8ArrayList()
        for (const part of sealed) opened.append(decipher.update(part))
        // Throws when anything was changed on the way.
        decipher.final()
        return opened
      }
      if (ciphertext instanceof Uint8Array) return open([ciphertext.subarray(0, length)])
      // libp2p means `dst` for the plaintext and makes it by copying the pieces of the ciphertext together. Where it holds them, one piece is opened instead of
      // several; should it ever hold something else, its tag does not fit and the pieces are opened.
      if (dst?.byteLength !== length) return open(ciphertext.sublist(0, length))
      try {
        return open([dst])
      } catch {
        return open(ciphertext.sublist(0, length))
      }
    },
  }
}

function partsOf(octets: Uint8Array | Uint8ArrayList): Iterable<Uint8Array> {
  return octets instanceof Uint8Array ? [octets] : octets
}
