// Vectors of the Ed25519 verdict: the edge cases of @haggle/identity/testing in JSON.

import { ed25519Cases, rfc8032Vectors } from '@haggle/identity/testing'
import { toHex } from '@haggle/wire'
import type { Json } from './main.ts'

export function make(): Readonly<Record<string, Json>> {
  return {
    'ed25519.json': {
      page: 'spec/identity.md, Verdict',
      note: 'sign: RFC 8032 section 7.1. verify: `good` is the verdict on the signature, `keyGood` that of the key screening alone.',
      sign: rfc8032Vectors().map(({ name, seed, publicKey, message, signature }) => ({
        name,
        seed: toHex(seed),
        publicKey: toHex(publicKey),
        message: toHex(message),
        signature: toHex(signature),
      })),
      verify: ed25519Cases().map(({ name, publicKey, message, signature, good, keyGood }) => ({
        name,
        publicKey: toHex(publicKey),
        message: toHex(message),
        signature: toHex(signature),
        good,
        keyGood,
      })),
    },
  }
}
