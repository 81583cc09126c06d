import { describe, expect, it } from 'vitest'
import { cosTurn, expMinus, pow5, sinTurn } from './exact_math.ts'

describe('exact_math', () => {
  it('sinTurn() and cosTurn() agree with Math over several turns', () => {
    for (let u = -3; u <= 3; u += 0.0137) {
      expect(sinTurn(u)).toBeCloseTo(Math.sin(2 * Math.PI * u), 7)
      expect(cosTurn(u)).toBeCloseTo(Math.cos(2 * Math.PI * u), 7)
    }
  })

  it('expMinus() agrees with Math.exp', () => {
    for (let x = 0; x < 45; x += 0.37) expect(Math.abs(expMinus(x) - Math.exp(-x))).toBeLessThan(1e-6)
  })

  it('pow5() is the fifth power', () => {
    expect(pow5(1.5)).toBeCloseTo(1.5 ** 5, 12)
  })
})
