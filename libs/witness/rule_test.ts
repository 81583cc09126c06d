import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ruleOf, ruleProblems, RULES } from './rule.ts'

describe('ruleProblems', () => {
  it('ruleProblems() finds nothing wrong with the rules of the court', () => {
    for (const rule of Object.values(RULES)) expect(ruleProblems(rule)).toEqual([])
  })

  it('ruleProblems() finds what is wrong when one number of a rule is moved', () => {
    const { 1: seven } = RULES
    expect(ruleProblems({ ...seven, t: 2 })[0]).toContain('f < t')
    expect(ruleProblems({ ...seven, t: 6 })[0]).toContain('t <= n - f')
    expect(ruleProblems({ ...seven, q: 2 })[0]).toContain('f < q')
    expect(ruleProblems({ ...seven, q: 5 })[0]).toContain('q <= n - f - 1')
    expect(ruleProblems({ ...seven, t: 4 })[0]).toContain('t + q >= n + 1')
  })

  it('a sound rule lets no f frame and no f save, whatever its numbers', () => {
    const number = fc.integer({ min: 0, max: 9 })
    fc.assert(
      fc.property(number, number, number, number, (n, f, t, q) => {
        if (ruleProblems({ n, f, t, q }).length > 0) return
        expect(f).toBeLessThan(Math.min(t, q))
        // The honest alone open a claim, and any q who say "up" leave fewer than t for "down".
        expect(n - f).toBeGreaterThanOrEqual(t)
        expect(n - q).toBeLessThan(t)
      }),
    )
  })
})

describe('ruleOf', () => {
  it('ruleOf() throws E_SLA when the number is unknown', () => {
    expect(ruleOf(2)).toBe(RULES[2])
    expect(() => ruleOf(3)).toThrow(expect.objectContaining({ code: 'E_SLA' }))
  })
})
