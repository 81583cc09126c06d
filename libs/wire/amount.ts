// Money between people and programs: decimal text on one side, whole base units on the other.

import { HaggleError } from './errors.ts'

/** Decimals of the free rail's credits and of the tokens that the market quotes in. */
export const PRICE_DECIMALS = 6

/**
 * Base units of a decimal text: `parseAmount("0.05", 6)` is 50000n. Never rounds: more than `decimals` digits after the point are refused.
 * Throws `E_AMOUNT` for a sign, an exponent, a bare point or anything else that is not digits with one point.
 *
 * @example
 * ```ts
 * import { formatAmount, parseAmount } from "@haggle/wire";
 * import { expect } from "vitest";
 *
 * expect(parseAmount("0.05", 6)).toBe(50_000n);
 * expect(formatAmount(50_000n, 6)).toBe("0.05");
 * ```
 */
export function parseAmount(text: string, decimals: number = PRICE_DECIMALS): bigint {
  const match = /^([0-9]{1,40})(?:\.([0-9]{1,40}))?$/.exec(text)
  if (!match)
    throw new HaggleError('E_AMOUNT', `Cannot read the amount "${text.slice(0, 48)}": must be digits with one point, such as 0.05`)
  const whole = match[1] as string
  const fraction = match[2] ?? ''
  if (fraction.length > decimals) {
    throw new HaggleError(
      'E_AMOUNT',
      `Cannot read the amount "${text}": at most ${decimals} digits after the point, has ${fraction.length}`,
    )
  }
  return BigInt(whole + fraction.padEnd(decimals, '0'))
}

/** The shortest decimal text of base units: what {@link parseAmount} reads back. Negative values are written with a minus sign. */
export function formatAmount(value: bigint, decimals: number = PRICE_DECIMALS): string {
  const digits = (value < 0n ? -value : value).toString().padStart(decimals + 1, '0')
  const whole = digits.slice(0, digits.length - decimals)
  const fraction = digits.slice(digits.length - decimals).replace(/0+$/, '')
  return `${value < 0n ? '-' : ''}${whole}${fraction === '' ? '' : `.${fraction}`}`
}
