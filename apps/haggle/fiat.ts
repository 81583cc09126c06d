// Amounts of a token with a hint of what they are worth to their owner, by a rate that the owner gives. Nothing is fetched.

import type { Args } from './args.ts'
import { amount } from './format.ts'

/** What one token is worth to its owner. */
export interface Rate {
  readonly price: number
  /** Three letters, such as EUR. */
  readonly currency: string
}

/** Digits that a hint shows: it is no account. */
const HINT_DIGITS = 3

/** The owner's rate, from the setting `fiat`. */
export function rateOf(args: Args): Rate | undefined {
  const [price, currency] = (args.text('fiat') ?? '').split(' ')
  return price === undefined || currency === undefined ? undefined : { price: Number(price), currency }
}

/** `0.25 TEST`, and with a rate `0.25 TEST (≈ 0.225 EUR)`. */
export function money(text: string, unit: string, rate?: Rate): string {
  const plain = `${amount(text)} ${unit}`
  if (rate === undefined) return plain
  return `${plain} (≈ ${hint(Number(text) * rate.price)} ${rate.currency})`
}

function hint(value: number): string {
  return value >= 10 ** (HINT_DIGITS - 1)
    ? value.toFixed(0)
    : Number(value.toPrecision(HINT_DIGITS)).toLocaleString('en', { maximumFractionDigits: 12 })
}
