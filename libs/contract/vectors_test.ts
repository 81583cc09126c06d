import { portableSuite } from '@haggle/identity'
import type { Meter } from '@haggle/offer'
import { errorCode, fromHex, toHex } from '@haggle/wire'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { believes, decodeTerms, encodeTerms, owedFor, type Terms, termsHash, verifyTranscript } from './mod.ts'

const suite = portableSuite()

function vectors<T>(name: string): T {
  return JSON.parse(readFileSync(join(import.meta.dirname, '../../spec/vectors', `${name}.json`), 'utf8')) as T
}

interface Report {
  readonly ok: boolean
  readonly outcome: string
  readonly owed: string
  readonly errors: readonly { readonly at: number; readonly code: string }[]
}
type Cases = readonly { readonly name: string; readonly file: string; readonly report: Report }[]

describe('verifyTranscript()', () => {
  const { good, bad } = vectors<{ readonly good: Cases; readonly bad: Cases }>('transcript')
  const shortOf = (file: string): Report => {
    const { ok, outcome, owed, errors } = verifyTranscript(fromHex(file), suite)
    return { ok, outcome: outcome.kind, owed: owed.toString(), errors: errors.map(({ at, code }) => ({ at, code })) }
  }
  it.each(good.map((each) => [each.name, each] as const))('takes "%s"', (name, { file, report }) => {
    expect(shortOf(file)).toMatchObject({ ok: true, outcome: report.outcome, owed: report.owed })
    expect(name.startsWith(report.outcome)).toBe(true)
  })
  it.each(bad.map((each) => [each.name, each] as const))('refuses "%s"', (name, { file, report }) => {
    const found = shortOf(file)
    expect(found.ok).toBe(false)
    expect(found.errors).toEqual(report.errors)
    const rule = /^([a-z]+): /.exec(name)?.[1]
    if (rule !== undefined) expect(found.errors[0]?.code).toBe(`E_TRANSCRIPT_${rule.toUpperCase()}`)
  })
  it('says open, and is right, when a good file is cut anywhere', () => {
    const whole = fromHex(good[0]?.file ?? '')
    fc.assert(
      fc.property(fc.integer({ min: 400, max: whole.length - 1 }), (length) => {
        const report = verifyTranscript(whole.subarray(0, length), suite)
        expect([report.errors.length === 0 || report.errors[0]?.code === 'E_TRANSCRIPT_EMPTY', report.outcome.kind]).toEqual([true, 'open'])
      }),
      { numRuns: 40 },
    )
  })
  it('finds an error when any bit of a good file is flipped', () => {
    const whole = fromHex(good[0]?.file ?? '')
    fc.assert(
      fc.property(fc.integer({ min: 0, max: whole.length * 8 - 1 }), (bit) => {
        const flipped = whole.slice()
        flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
        const report = verifyTranscript(flipped, suite)
        // A length that now points past the end cuts the file there.
        expect(report.ok && !report.cut).toBe(false)
      }),
      { numRuns: 60 },
    )
  })
})

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

describe('owedFor()', () => {
  interface MeteringVectors {
    readonly owed: readonly {
      readonly meters: readonly { readonly unit: Meter['unit']; readonly price: string; readonly per: string }[]
      readonly cap: string
      readonly usage: readonly string[]
      readonly owed: string
    }[]
    readonly believes: readonly { readonly usedMs: string; readonly ownMs: number; readonly believes: boolean }[]
  }
  const metering = vectors<MeteringVectors>('metering')
  it('is one ceil over the exact sum, within the cap', () => {
    for (const { meters, cap, usage, owed } of metering.owed) {
      const terms = { meters: meters.map(({ unit, price, per }) => ({ unit, price: BigInt(price), per: BigInt(per) })), cap: BigInt(cap) }
      expect(owedFor(terms, usage.map(BigInt)).toString()).toBe(owed)
    }
  })
  it('never falls when usage grows, and is never more than a unit above the exact sum', () => {
    const amount = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })
    fc.assert(
      fc.property(amount, fc.bigInt({ min: 1n, max: 2n ** 32n }), amount, amount, (price, per, one, more) => {
        const terms = { meters: [{ unit: 'ms' as const, price, per }], cap: 2n ** 130n }
        const owed = owedFor(terms, [one])
        expect(owedFor(terms, [one + more]) >= owed).toBe(true)
        expect(owed * per >= one * price && (owed - 1n) * per < one * price).toBe(true)
      }),
    )
  })
  it('goes with believes(): the larger of a second and 0.1 %', () => {
    for (const each of metering.believes) expect(believes(BigInt(each.usedMs), each.ownMs)).toBe(each.believes)
  })
})
