// A secret of 32 bytes under a passphrase: scrypt makes the key, AES-256-GCM seals (spec/identity.md, Key file).

import { createCipheriv, createDecipheriv, scrypt } from 'node:crypto'
import { concat, fromHex, type Random, toHex } from '@haggle/wire'

/** A sealed secret as it stands in a file. Binary in hex. */
export interface Sealed {
  readonly kdf: 'scrypt'
  /** log2 of scrypt's N, 14 to 20. */
  readonly logN: number
  /** 8. */
  readonly r: number
  /** 1. */
  readonly p: number
  /** 16 bytes. */
  readonly salt: string
  readonly cipher: 'aes-256-gcm'
  /** 12 bytes. */
  readonly nonce: string
  /** The 32 bytes, encrypted, and 16 bytes of tag. */
  readonly data: string
}

/** A file may not make us take more memory than this for scrypt: 128 · N · r at log N 20 and r 8. */
const MAX_SCRYPT_BYTES = 1024 * 1024 * 1024
const BLOCK = 8

/** log2 of scrypt's N where nothing else is said: 128 MiB and about half a second. */
export const SCRYPT_LOG_N = 17

/** What the seal binds together. */
export interface SealOptions {
  /** What opens it. */
  readonly passphrase: string
  /** What is authenticated with the secret, such as its public key: a file can't be patched together. */
  readonly context: Uint8Array
}

/** Seals `secret`, 32 bytes. */
export async function sealSecret(
  secret: Uint8Array,
  options: SealOptions & { readonly random: Random; readonly logN?: number },
): Promise<Sealed> {
  const { context, random, logN = SCRYPT_LOG_N } = options
  const salt = random(16)
  const nonce = random(12)
  const key = await stretch(options.passphrase, salt, logN)
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(context)
  const data = concat(cipher.update(secret), cipher.final(), cipher.getAuthTag())
  return { kdf: 'scrypt', logN, r: BLOCK, p: 1, salt: toHex(salt), cipher: 'aes-256-gcm', nonce: toHex(nonce), data: toHex(data) }
}

/** The secret, or undefined when the passphrase does not fit or the file is damaged: the two can't be told apart. */
export async function unsealSecret(sealed: Sealed, { passphrase, context }: SealOptions): Promise<Uint8Array | undefined> {
  if (sealed.kdf !== 'scrypt' || sealed.cipher !== 'aes-256-gcm' || sealed.r !== BLOCK || sealed.p !== 1) return undefined
  if (!Number.isInteger(sealed.logN) || sealed.logN < 14 || sealed.logN > 20) return undefined
  try {
    const data = fromHex(sealed.data, 48)
    const key = await stretch(passphrase, fromHex(sealed.salt, 16), sealed.logN)
    const decipher = createDecipheriv('aes-256-gcm', key, fromHex(sealed.nonce, 12), { authTagLength: 16 }).setAAD(context)
    decipher.setAuthTag(data.subarray(32))
    return concat(decipher.update(data.subarray(0, 32)), decipher.final())
  } catch {
    // GCM says only that it does not fit, and hex that is none is damage.
    return undefined
  }
}

/** On a thread of its own: half a second would hold up everything else. */
function stretch(passphrase: string, salt: Uint8Array, logN: number): Promise<Uint8Array> {
  const cost = { N: 2 ** logN, r: BLOCK, p: 1, maxmem: MAX_SCRYPT_BYTES + 1024 * 1024 }
  return new Promise((resolve, reject) => {
    scrypt(passphrase.normalize('NFKC'), salt, 32, cost, (error, key) => (error ? reject(error) : resolve(key)))
  })
}
