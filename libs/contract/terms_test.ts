import { errorCode, fromHex, toHex } from '@haggle/wire'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeTerms, encodeTerms, type Terms, termsHash } from './terms.ts'

function vectors<T>(name: string): T {
  return JSON.parse(readFileSync(join(import.meta.dirname, '../../spec/vectors', `${name}.json`), 'utf8')) as T
}

describe('encodeTerms()', () => {
  interface TermsVectors {
    readonly good: readonly { readonly name: string; readonly bytes: string; readonly hash: string }[]
    readonly bad: readonly { readonly name: string; readonly bytes: string; readonly code: string }[]
  }
  const { good, bad } = vectors<TermsVectors>('terms')
  it.each(good.map((each) => [each.name, each] as const))('gives back the bytes of "%s"', (_, { bytes, hash }) => {
    const terms = decodeTerms(fromHex(bytes))
    expect(toHex(encodeTerms(terms))).toBe(bytes)
    expect(toHex(termsHash(fromHex(bytes)))).toBe(hash)
  })
  it.each(bad.map((each) => [each.name, each] as const))('refuses "%s"', (_, { bytes, code }) => {
    let thrown: unknown
    try {
      decodeTerms(fromHex(bytes))
    } catch (error) {
      thrown = error
    }
    expect(errorCode(thrown)).toBe(code)
  })
  it('round-trips any well-formed terms', () => {
    const base = decodeTerms(fromHex(good[0]?.bytes ?? ''))
    const hash = fc.uint8Array({ minLength: 32, maxLength: 32 })
    const meter = fc.record({
      unit: fc.constant('ms' as const),
      price: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      per: fc.bigInt({ min: 1n, max: 2n ** 64n - 1n }),
    })
    const any = fc.record({
      offerDigest: fc.option(hash),
      meters: fc.tuple(meter),
      cap: fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }),
      tickMs: fc.integer({ min: 100, max: 60_000 }),
      maxMs: fc.integer({ min: 1_000, max: 2_592_000_000 }),
      sla: fc.option(fc.uint8Array({ maxLength: 1_024 })),
      extends: fc.option(hash),
    })
    fc.assert(
      fc.property(any, (changes) => {
        const terms: Terms = { ...base, ...changes }
        expect(decodeTerms(encodeTerms(terms))).toEqual(terms)
      }),
    )
  })
})
