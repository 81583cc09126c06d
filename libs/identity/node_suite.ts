// Ed25519 and sha-256 by Node's own crypto, wrapped in the same checks as the portable ones (spec/identity.md, Verdict).

import { createPrivateKey, createPublicKey, hash, type KeyObject, sign, verify } from 'node:crypto'
import { concat, fromHex, HaggleError, type Signer, type Suite } from '@haggle/wire'
import type { Ed25519 } from './ed25519.ts'
import { Recent } from './_recent.ts'
import { screenKey, screenSignature } from './screen.ts'

/** Heads of RFC 8410 keys: everything but the 32 bytes themselves. */
const PKCS8_HEAD = /* @__PURE__ */ fromHex('302e020100300506032b657004220420')
const SPKI_HEAD = /* @__PURE__ */ fromHex('302a300506032b6570032100')
/** How many public keys are kept ready: a few MiB. */
const REMEMBERED_KEYS = 4096

interface KnownKey {
  readonly key: KeyObject
  /** Undefined until it was asked for: screening costs ten times a verification. */
  screened: boolean | undefined
}

/**
 * Ed25519 of Node, with the verdict of the portable one. Keys are prepared once and the last 4,096 public ones remembered.
 *
 * @example
 * ```ts
 * import { createIdentity, portableEd25519 } from "@haggle/identity";
 * import { nodeEd25519 } from "@haggle/identity/node";
 * import { utf8 } from "@haggle/wire";
 * import { expect } from "vitest";
 *
 * const seed = new Uint8Array(32).fill(3);
 * expect(nodeEd25519().sign(utf8("hi"), seed)).toEqual(portableEd25519.sign(utf8("hi"), seed));
 * expect(createIdentity(seed, nodeEd25519()).publicKey).toEqual(createIdentity(seed).publicKey);
 * ```
 */
export function nodeEd25519(): Ed25519 {
  const { verify: judge } = keyring()
  return {
    publicKey: (seed) => publicOf(privateKey(seed)),
    sign: (message, seed) => plain(sign(null, message, privateKey(seed))),
    verify: judge,
    signer(seed): Signer {
      const key = privateKey(seed)
      return { publicKey: publicOf(key), sign: (message) => plain(sign(null, message, key)) }
    },
  }
}

/** The suite of Node: verdicts as `portableSuite()`, ten times its speed. */
export function nodeSuite(): Suite {
  return { sha256: digest, ...keyring() }
}

/** sha-256 by way of a Latin-1 string: half the time of having Node make a Buffer. */
function digest(data: Uint8Array): Uint8Array {
  const text = hash('sha256', data, 'binary')
  const bytes = new Uint8Array(32)
  for (let i = 0; i < 32; i++) bytes[i] = text.charCodeAt(i)
  return bytes
}

function keyring(): Pick<Suite, 'verify' | 'screenKey'> {
  const keys = new Recent<KnownKey>(REMEMBERED_KEYS)
  function known(publicKey: Uint8Array): KnownKey {
    const name = Buffer.from(publicKey.buffer, publicKey.byteOffset, 32).toString('latin1')
    let entry = keys.get(name)
    if (entry === undefined) {
      const key = createPublicKey({ key: Buffer.from(concat(SPKI_HEAD, publicKey)), format: 'der', type: 'spki' })
      keys.set(name, (entry = { key, screened: undefined }))
    }
    return entry
  }
  return {
    screenKey(publicKey) {
      if (publicKey.length !== 32) return false
      const entry = known(publicKey)
      return (entry.screened ??= screenKey(publicKey))
    },
    verify(signature, message, publicKey) {
      if (publicKey.length !== 32 || !screenSignature(signature)) return false
      const entry = known(publicKey)
      if (entry.screened === false) return false
      // The cheap test first: who only sends noise doesn't make us screen a key.
      return verify(null, message, entry.key, signature) && (entry.screened ??= screenKey(publicKey))
    },
  }
}

function privateKey(seed: Uint8Array): KeyObject {
  if (seed.length !== 32) throw new HaggleError('E_KEY_SEED', `Cannot use the key: a seed must be 32 bytes, is ${seed.length}`)
  return createPrivateKey({ key: Buffer.from(concat(PKCS8_HEAD, seed)), format: 'der', type: 'pkcs8' })
}

function publicOf(key: KeyObject): Uint8Array {
  return plain(createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(SPKI_HEAD.length))
}

/** The same bytes as a plain array: a Buffer has other methods under the same names. */
function plain(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength)
}
