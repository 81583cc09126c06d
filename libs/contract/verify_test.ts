import { portableSuite } from '@haggle/identity'
import { concat, fromHex, utf8 } from '@haggle/wire'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { verifyTranscript } from './verify.ts'

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

it('verifyTranscript() counts messages, not octets, when a message is no good envelope', () => {
  const file = utf8('haggle-transcript/1\n')
  const broken = concat(file, Uint8Array.of(0, 0, 0, 3, 0x91, 0xa1, 0x01))
  expect(verifyTranscript(broken, suite).errors).toMatchObject([{ at: 0 }])
})
