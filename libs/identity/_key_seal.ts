// A seed under a passphrase: scrypt makes the key, AES-256-GCM seals (spec/identity.md, Key file).

import { createCipheriv, createDecipheriv, scryptSync } from 'node:crypto'
import { concat, fromHex, type Random, toHex, utf8 } from '@haggle/wire'

/** A sealed seed as it stands in the key file. Binary in hex. */
export interface Sealed {
  readonly kdf: 'scrypt'
  readonly logN: number
  readonly r: number
  readonly p: number
  /** 16 bytes. */
  readonly salt: string
  readonly cipher: 'aes-256-gcm'
  /** 12 bytes. */
  readonly nonce: string
  /** 32 bytes of seed, encrypted, and 16 bytes of tag. */
  readonly data: string
}

/** A file may not make us take more memory than this for scrypt: 128 · N · r at log N 20 and r 8. */
const MAX_SCRYPT_BYTES = 1024 * 1024 * 1024
const BLOCK = 8

/** Seals `seed`; the public key is authenticated with it, so that a file can't be patched together. */
export function sealSeed(
  seed: Uint8Array,
  publicKey: Uint8Array,
  options: { readonly passphrase: string; readonly random: Random; readonly logN: number },
): Sealed {
  const salt = options.random(16)
  const nonce = options.random(12)
  const key = stretch(options.passphrase, salt, options.logN)
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(aad(publicKey))
  const data = concat(cipher.update(seed), cipher.final(), cipher.getAuthTag())
  return {
    kdf: 'scrypt',
    logN: options.logN,
    r: BLOCK,
    p: 1,
    salt: toHex(salt),
    cipher: 'aes-256-gcm',
    nonce: toHex(nonce),
    data: toHex(data),
  }
}

/** The seed, or undefined when the passphrase does not fit or the file is damaged: the two can't be told apart. */
export function unsealSeed(sealed: Sealed, publicKey: Uint8Array, passphrase: string): Uint8Array | undefined {
  if (sealed.kdf !== 'scrypt' || sealed.cipher !== 'aes-256-gcm' || sealed.r !== BLOCK || sealed.p !== 1) return undefined
  if (!Number.isInteger(sealed.logN) || sealed.logN < 14 || sealed.logN > 20) return undefined
  try {
    const data = fromHex(sealed.data, 48)
    const key = stretch(passphrase, fromHex(sealed.salt, 16), sealed.logN)
    const decipher = createDecipheriv('aes-256-gcm', key, fromHex(sealed.nonce, 12), { authTagLength: 16 }).setAAD(aad(publicKey))
    decipher.setAuthTag(data.subarray(32))
    return concat(decipher.update(data.subarray(0, 32)), decipher.final())
  } catch {
    // GCM says only that it does not fit, and hex that is none is damage.
    return undefined
  }
}

function stretch(passphrase: string, salt: Uint8Array, logN: number): Uint8Array {
  return scryptSync(passphrase.normalize('NFKC'), salt, 32, { N: 2 ** logN, r: BLOCK, p: 1, maxmem: MAX_SCRYPT_BYTES + 1024 * 1024 })
}

function aad(publicKey: Uint8Array): Uint8Array {
  return concat(utf8('haggle-key/1\0'), publicKey)
}
