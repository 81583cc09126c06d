// The beta distribution: how sure one can be of a rate after so many successes and failures.

/** Steps of the continued fraction and of the bisection: both converge to double precision well before. */
const MAX_STEPS = 200
const PRECISION = 1e-14

/** Lanczos coefficients, g = 7 (Godfrey's table): relative error below 1e-14 for positive arguments. */
const LANCZOS: readonly number[] = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059, 12.507343278686905,
  -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
]

/** ln Γ(x) for x > 0. */
export function logGamma(x: number): number {
  const t = x + 6.5
  let sum = LANCZOS[0]!
  for (let i = 1; i < LANCZOS.length; i++) sum += LANCZOS[i]! / (x - 1 + i)
  return 0.5 * Math.log(2 * Math.PI) + (x - 0.5) * Math.log(t) - t + Math.log(sum)
}

/** The regularised incomplete beta function I_x(a, b): the chance that a rate drawn from Beta(a, b) is below `x`. */
export function betaCdf(x: number, a: number, b: number): number {
  if (x <= 0) return 0
  if (x >= 1) return 1
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x))
  // The fraction converges fast on this side of the mean; the other side is its mirror image.
  return x < (a + 1) / (a + b + 2) ? (front * fraction(x, a, b)) / a : 1 - (front * fraction(1 - x, b, a)) / b
}

/** Lentz's evaluation of the continued fraction of the incomplete beta function (DLMF 8.17.22). */
function fraction(x: number, a: number, b: number): number {
  const away = (value: number): number => (Math.abs(value) < 1e-300 ? 1e-300 : value)
  let c = 1
  let d = 1 / away(1 - ((a + b) * x) / (a + 1))
  let result = d
  for (let m = 1; m <= MAX_STEPS; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m))
    d = 1 / away(1 + even * d)
    c = away(1 + even / c)
    result *= d * c
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1))
    d = 1 / away(1 + odd * d)
    c = away(1 + odd / c)
    const factor = d * c
    result *= factor
    if (Math.abs(factor - 1) < PRECISION) break
  }
  return result
}

/**
 * The rate that Beta(a, b) exceeds with probability `1 - p`: for `p` 0.05 the rate that one can count on with 95 % confidence.
 *
 * @example
 * ```ts
 * import { betaQuantile } from "@haggle/reputation";
 * import { expect } from "vitest";
 *
 * expect(betaQuantile(0.05, 1, 1)).toBeCloseTo(0.05, 9); // nothing known
 * expect(betaQuantile(0.05, 21, 1)).toBeCloseTo(0.867, 3); // twenty successes
 * ```
 */
export function betaQuantile(p: number, a: number, b: number): number {
  if (b === 1) return p ** (1 / a)
  if (a === 1) return 1 - (1 - p) ** (1 / b)
  let low = 0
  let high = 1
  // Halving: 60 steps come to the last bit, in the same way on every machine.
  for (let step = 0; step < 60; step++) {
    const middle = (low + high) / 2
    if (betaCdf(middle, a, b) < p) low = middle
    else high = middle
  }
  return (low + high) / 2
}
