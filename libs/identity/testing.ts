/**
 * The compliance suites of the cryptography: what every implementation of `Ed25519` and every `Suite` passes.
 *
 * The edge cases themselves are data ({@link ed25519Cases}), so that an implementation in another language can be held to them too;
 * spec/vectors/ed25519.json has them in JSON.
 *
 * @module
 */

import { equalBytes, type Suite, toHex, utf8 } from '@haggle/wire'
import { seededRandom } from '@haggle/wire/testing'
import type { Ed25519 } from './ed25519.ts'
import { ed25519Cases, rfc8032Vectors } from './testing_cases.ts'
import { portableEd25519 } from './portable.ts'

export { type Ed25519Case, ed25519Cases, rfc8032Vectors, type SignatureVector } from './testing_cases.ts'

/** The part of a test runner that the suites need; vitest's and node:test's `it` fit. */
export interface CryptoTestKit {
  /** Registers one test. */
  it(title: string, run: () => void): void
}

/** Registers every test of {@link Ed25519} against `implementation`. */
export function testEd25519(name: string, implementation: Ed25519, { it }: CryptoTestKit): void {
  for (const { name: title, seed, publicKey, message, signature } of rfc8032Vectors()) {
    it(`${name}: sign() and publicKey() give the bytes of ${title}`, () => {
      same(implementation.publicKey(seed), publicKey)
      same(implementation.sign(message, seed), signature)
      const signer = implementation.signer?.(seed)
      if (signer) {
        same(signer.publicKey, publicKey)
        same(signer.sign(message), signature)
      }
    })
  }
  it(`${name}: sign() gives the bytes of the portable one for other seeds and lengths`, () => {
    const random = seededRandom('ed25519')
    for (const length of [0, 1, 63, 64, 111, 112, 113, 1000]) {
      const seed = random(32)
      const message = random(length)
      const signature = implementation.sign(message, seed)
      same(signature, portableEd25519.sign(message, seed))
      same(implementation.publicKey(seed), portableEd25519.publicKey(seed))
      truth(implementation.verify(signature, message, implementation.publicKey(seed)), true)
    }
  })
  it(`${name}: sign() and publicKey() refuse a seed that is not 32 bytes`, () => {
    for (const length of [0, 31, 33, 64]) {
      throws(() => implementation.sign(new Uint8Array(0), new Uint8Array(length)))
      throws(() => implementation.publicKey(new Uint8Array(length)))
    }
  })
  testVerify(name, implementation.verify, { it })
}

/** Registers every test of `Suite` against what `create` makes, which must be new each time. */
export function testSuite(name: string, create: () => Suite, { it }: CryptoTestKit): void {
  it(`${name}: sha256() gives the digests of FIPS 180-2`, () => {
    const suite = create()
    same(toHex(suite.sha256(utf8('abc'))), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
    same(toHex(suite.sha256(new Uint8Array(0))), 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
  })
  const suite = create()
  for (const { name: title, publicKey, keyGood } of ed25519Cases()) {
    it(`${name}: screenKey() says ${keyGood} to the key of: ${title}`, () => {
      truth(create().screenKey(publicKey), keyGood)
      truth(suite.screenKey(publicKey), keyGood)
    })
  }
  testVerify(name, suite.verify, { it })
  it(`${name}: verify() says the same twice and in any order with screenKey()`, () => {
    for (const { publicKey, message, signature, good } of ed25519Cases().slice(0, 24)) {
      const fresh = create()
      truth(fresh.verify(signature, message, publicKey), good)
      fresh.screenKey(publicKey)
      truth(fresh.verify(signature, message, publicKey), good)
    }
  })
}

function testVerify(name: string, verify: Ed25519['verify'], { it }: CryptoTestKit): void {
  for (const { name: title, publicKey, message, signature, good } of ed25519Cases()) {
    it(`${name}: verify() says ${good} when ${title}`, () => truth(verify(signature, message, publicKey), good))
  }
}

function same(actual: Uint8Array | string, wanted: Uint8Array | string): void {
  const equal = typeof actual === 'string' || typeof wanted === 'string' ? actual === wanted : equalBytes(actual, wanted)
  if (!equal) throw new Error(`must be ${shown(wanted)}, is ${shown(actual)}`)
}

function truth(actual: boolean, wanted: boolean): void {
  if (actual !== wanted) throw new Error(`must be ${wanted}, is ${String(actual)}`)
}

function throws(run: () => unknown): void {
  let threw = false
  try {
    run()
  } catch {
    // Any refusal will do here.
    threw = true
  }
  if (!threw) throw new Error('must throw')
}

function shown(value: Uint8Array | string): string {
  return typeof value === 'string' ? value : toHex(value)
}
