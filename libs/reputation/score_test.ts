// Scores: the same evidence in any order gives the same figure, words without weight add nothing, and every figure adds up from its lines.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { betaCdf, betaQuantile, logGamma } from './beta.ts'
import type { Facts } from './entry.ts'
import { ageFactor, HALF_LIFE_DAYS, type Observation, observationWeight, valueWeight } from './observation.ts'
import { makeScorer, type ScoreInput } from './score.ts'
import { PAIR_CAP, walkTrust } from './trust_walk.ts'

const NOW = 1_800_000_000
const DAY = 86_400

const facts = (some: Partial<Facts> = {}): Facts => ({
  role: 'provider',
  outcome: 'settled',
  liable: null,
  rail: 'evm',
  settled: 1_000_000n,
  meteredS: 3_600,
  upS: null,
  speedPermille: null,
  ...some,
})

let contracts = 0
const seen = (by: string, subject: string, some: Partial<Facts> = {}, rest: Partial<Observation> = {}): Observation => ({
  contract: `c${contracts++}`,
  subject,
  by,
  at: NOW,
  facts: facts(some),
  bothSigned: true,
  ...rest,
})
const times = (n: number, make: () => Observation): Observation[] => Array.from({ length: n }, make)
const valueOf = (subject: string, observations: Observation[], rest: Partial<ScoreInput> = {}): number =>
  makeScorer({ me: 'me', now: NOW, observations, ...rest }).score(subject, 'provider').value

describe('beta', () => {
  it('logGamma() is ln (n - 1)! for integers, and right at a half', () => {
    let factorial = 1
    for (let n = 1; n < 20; n++) {
      expect(logGamma(n)).toBeCloseTo(Math.log(factorial), 10)
      factorial *= n
    }
    expect(logGamma(0.5)).toBeCloseTo(Math.log(Math.sqrt(Math.PI)), 12)
  })

  it('betaCdf() agrees with closed forms and its own mirror image', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.001, max: 0.999, noNaN: true }),
        fc.double({ min: 0.5, max: 200, noNaN: true }),
        fc.double({ min: 0.5, max: 200, noNaN: true }),
        (x, a, b) => {
          expect(betaCdf(x, a, 1)).toBeCloseTo(x ** a, 10)
          expect(betaCdf(x, 1, b)).toBeCloseTo(1 - (1 - x) ** b, 10)
          expect(betaCdf(x, a, b)).toBeCloseTo(1 - betaCdf(1 - x, b, a), 10)
        },
      ),
    )
    // I_0.5(2, 3) = 11/16, by hand from the binomial sum.
    expect(betaCdf(0.5, 2, 3)).toBeCloseTo(11 / 16, 12)
  })

  it('betaQuantile() undoes betaCdf()', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.01, max: 0.99, noNaN: true }),
        fc.double({ min: 1, max: 100, noNaN: true }),
        fc.double({ min: 1, max: 100, noNaN: true }),
        (p, a, b) => {
          expect(betaCdf(betaQuantile(p, a, b), a, b)).toBeCloseTo(p, 8)
        },
      ),
    )
  })
})

describe('weights', () => {
  it('valueWeight() grows with the logarithm of the value, and free time weighs a twentieth', () => {
    expect(valueWeight(facts({ settled: 10_000n }))).toBe(1)
    expect(valueWeight(facts({ settled: 70_000n }))).toBe(3)
    expect(valueWeight(facts({ rail: 'free', meteredS: 60 }))).toBe(0.05)
    expect(valueWeight(facts({ settled: 0n }))).toBe(0)
  })

  it('ageFactor() halves every 90 days', () => {
    expect(ageFactor(NOW, NOW)).toBe(1)
    expect(ageFactor(NOW - HALF_LIFE_DAYS * DAY, NOW)).toBe(0.5)
    expect(ageFactor(NOW + DAY, NOW)).toBe(1)
  })

  it('observationWeight() never lets a failure weigh nothing', () => {
    expect(observationWeight(seen('me', 'p', { outcome: 'failed', liable: 'provider', settled: 0n }), NOW)).toBe(1)
    expect(observationWeight(seen('me', 'p', { outcome: 'cancelled', settled: 0n }), NOW)).toBe(0)
  })
})

describe('makeScorer()', () => {
  it('gives a stranger 0.05: low, and not neutral', () => {
    expect(valueOf('p', [])).toBeCloseTo(0.05, 12)
  })

  it('gives the same whichever way the evidence arrives, repeated or not', () => {
    const names = ['me', 'a', 'b', 'c', 'd', 'e']
    const observation = fc.record<Observation>({
      contract: fc.constantFrom('c1', 'c2', 'c3', 'c4'),
      subject: fc.constantFrom(...names),
      by: fc.constantFrom(...names),
      at: fc.integer({ min: NOW - 400 * DAY, max: NOW }),
      bothSigned: fc.boolean(),
      facts: fc.record<Facts>({
        role: fc.constantFrom('provider', 'renter'),
        outcome: fc.constantFrom('settled', 'failed', 'cancelled', 'disputed'),
        liable: fc.constantFrom('provider', 'renter', 'network', null),
        rail: fc.constantFrom('free', 'evm'),
        settled: fc.bigInt({ min: 0n, max: 10_000_000n }),
        meteredS: fc.nat({ max: 10_000 }),
        upS: fc.option(fc.nat({ max: 10_000 })),
        speedPermille: fc.option(fc.nat({ max: 2_000 })),
      }),
    })
    fc.assert(
      fc.property(fc.array(observation, { maxLength: 40 }), fc.infiniteStream(fc.nat()), (observations, order) => {
        const shuffled = [...observations, ...observations.slice(0, 5)]
          .map((o) => ({ o, at: order.next().value as number }))
          .sort((x, y) => x.at - y.at)
        const one = makeScorer({ me: 'me', now: NOW, observations })
        const two = makeScorer({ me: 'me', now: NOW, observations: shuffled.map(({ o }) => o) })
        for (const name of names) {
          for (const role of ['provider', 'renter'] as const) {
            const score = one.score(name, role)
            expect(two.score(name, role)).toEqual(score)
            expect(score.value).toBeGreaterThanOrEqual(0)
            expect(score.value).toBeLessThanOrEqual(1)
          }
        }
      }),
    )
  })

  it('rises with each success and falls with each failure', () => {
    const good = (n: number): Observation[] => times(n, () => seen('me', 'p', { settled: 10_000n }))
    const bad = (n: number): Observation[] => times(n, () => seen('me', 'p', { outcome: 'failed', liable: 'provider', settled: 10_000n }))
    expect(valueOf('p', good(1))).toBeGreaterThan(valueOf('p', []))
    expect(valueOf('p', good(3))).toBeGreaterThan(valueOf('p', good(2)))
    expect(valueOf('p', [...good(3), ...bad(1)])).toBeLessThan(valueOf('p', good(3)))
    expect(valueOf('p', bad(1))).toBeLessThan(valueOf('p', []))
    expect(valueOf('p', [...good(3), ...times(3, () => seen('me', 'p', { outcome: 'failed', liable: 'network' }))])).toBe(
      valueOf('p', good(3)),
    )
  })

  it('caps what one counterparty can say, me included', () => {
    const many = makeScorer({ me: 'me', now: NOW, observations: times(500, () => seen('me', 'p')) })
    expect(many.score('p', 'provider').axes.completes?.good).toBe(PAIR_CAP)
  })

  it('counts renters that my own providers worked for, and theirs, and nobody else', () => {
    const praise = times(9, () => seen('renter', 'p'))
    expect(valueOf('p', praise)).toBeCloseTo(0.05, 12)
    const known = [...praise, ...times(3, () => seen('me', 'mine')), ...times(3, () => seen('mine', 'renter', { role: 'renter' }))]
    expect(valueOf('p', known)).toBeGreaterThan(0.055)
    const further = [
      ...times(9, () => seen('other renter', 'p')),
      ...times(3, () => seen('me', 'mine')),
      ...times(3, () => seen('mine', 'renter', { role: 'renter' })),
      ...times(3, () => seen('renter', 'other')),
      ...times(3, () => seen('other', 'other renter', { role: 'renter' })),
    ]
    expect(valueOf('p', further)).toBeGreaterThan(0.05)
    expect(valueOf('p', further)).toBeLessThan(valueOf('p', known))
  })

  it('believes nobody about providers for having been a good provider', () => {
    expect(valueOf('p', [...times(9, () => seen('mine', 'p')), ...times(3, () => seen('me', 'mine'))])).toBeCloseTo(0.05, 12)
  })

  it('takes trust from a counterparty that failed me', () => {
    const path = [
      ...times(9, () => seen('renter', 'p')),
      ...times(3, () => seen('me', 'mine')),
      ...times(3, () => seen('mine', 'renter', { role: 'renter' })),
    ]
    expect(valueOf('p', [...path, seen('me', 'mine', { outcome: 'failed', liable: 'provider' })])).toBeCloseTo(0.05, 12)
    expect(valueOf('p', [...path, seen('me', 'mine', { outcome: 'cancelled', liable: 'provider' })])).toBeGreaterThan(0.055)
  })

  it('lets nobody be blamed, or praised, by a word that only one side signed', () => {
    const trusted = times(3, () => seen('me', 'x', { role: 'renter' }))
    const alone = { bothSigned: false }
    expect(valueOf('p', [...trusted, ...times(9, () => seen('x', 'p', { outcome: 'failed', liable: 'provider' }, alone))])).toBeCloseTo(
      0.05,
      12,
    )
    expect(valueOf('p', [...trusted, ...times(9, () => seen('x', 'p', {}, alone))])).toBeCloseTo(0.05, 12)
    expect(valueOf('p', [...trusted, ...times(9, () => seen('x', 'p', { outcome: 'failed', liable: 'provider' }))])).toBeLessThan(0.05)
    expect(valueOf('p', [...trusted, ...times(9, () => seen('p', 'p'))])).toBeCloseTo(0.05, 12)
  })

  it('shares trust out and never multiplies it, however many names stand behind one counterparty', () => {
    const sybils = Array.from({ length: 200 }, (_, i) => `s${i}`)
    const sides = ['provider', 'renter'] as const
    const wash = sybils.flatMap((s, i) =>
      sides.flatMap((role) => [
        seen('x', s, { role }),
        seen(s, sybils[(i + 1) % 200]!, { role }),
        seen(s, sybils[(i + 7) % 200]!, { role }),
      ]),
    )
    const observations = [...times(3, () => seen('me', 'x')), ...wash]
    const trust = walkTrust('me', observations, NOW)
    expect(trust.of('x', 'provider')).toBe(1)
    const total = sybils.reduce((sum, s) => sum + trust.of(s, 'provider') + trust.of(s, 'renter'), 0)
    expect(total).toBeGreaterThan(0.1)
    expect(total).toBeLessThanOrEqual(1)
  })

  it('uptime, speed and disputes lower a score and never raise it', () => {
    const plain = times(4, () => seen('me', 'p'))
    const perfect = times(4, () => seen('me', 'p', { upS: 3_600, speedPermille: 1_200 }))
    const slow = times(4, () => seen('me', 'p', { upS: 3_600, speedPermille: 300 }))
    const down = times(4, () => seen('me', 'p', { upS: 1_000, speedPermille: 1_000 }))
    expect(valueOf('p', perfect)).toBe(valueOf('p', plain))
    expect(valueOf('p', slow)).toBeLessThan(valueOf('p', plain))
    expect(valueOf('p', down)).toBeLessThan(valueOf('p', plain))
    expect(valueOf('p', [...plain, ...times(2, () => seen('me', 'p', { outcome: 'disputed' }))])).toBeLessThan(valueOf('p', plain))
  })

  it('counts gaps against the log that has them, and evidence against a key for ever', () => {
    const plain = times(4, () => seen('me', 'p'))
    expect(valueOf('p', plain, { gaps: new Map([['p', 2]]) })).toBeLessThan(valueOf('p', plain))
    expect(valueOf('p', plain, { gaps: new Map([['q', 2]]) })).toBe(valueOf('p', plain))
    expect(valueOf('p', plain, { convicted: new Set(['p']) })).toBe(0)
  })

  it('scores renters by whether they pay', () => {
    const scorer = makeScorer({
      me: 'me',
      now: NOW,
      observations: [
        ...times(4, () => seen('me', 'r', { role: 'renter' })),
        ...times(4, () => seen('me', 'q', { role: 'renter', outcome: 'failed', liable: 'renter' })),
      ],
    })
    expect(scorer.score('r', 'renter')).toMatchObject({ main: 'pays' })
    expect(scorer.score('r', 'renter').value).toBeGreaterThan(0.5)
    expect(scorer.score('q', 'renter').value).toBeLessThan(0.05)
    expect(scorer.score('r', 'provider').value).toBeCloseTo(0.05, 12)
  })

  it('explain() gives the lines that the figure adds up from', () => {
    const observations = [
      ...times(3, () => seen('me', 'x', { role: 'renter' })),
      ...times(3, () => seen('x', 'p', { upS: 3_000 })),
      seen('me', 'p', { outcome: 'failed', liable: 'provider' }),
    ]
    const scorer = makeScorer({ me: 'me', now: NOW, observations, gaps: new Map([['p', 1]]) })
    const { axes } = scorer.score('p', 'provider')
    const lines = scorer.explain('p', 'provider')
    expect(lines.length).toBeGreaterThan(3)
    for (const [axis, score] of Object.entries(axes)) {
      const own = lines.filter((line) => line.axis === axis)
      expect(own.reduce((sum, line) => sum + line.good, 0)).toBe(score.good)
      expect(own.reduce((sum, line) => sum + line.bad, 0)).toBe(score.bad)
    }
  })
})
