// The order of what fits: by the query's keys, then by price, then by the provider's key, so that everybody finds the same.

import { compareBytes } from '@haggle/wire'
import type { OrderKey } from './ast.ts'
import type { Listing } from './offer.ts'
import { isGpuProperty } from './properties.ts'
import { deviceValue, listingValue, type SubjectOptions } from './subject.ts'
import { CREDITS } from './meter.ts'

const CHEAPEST: OrderKey = { property: 'price.hour', descending: false }

/** The keys that an order really uses: its own, then `price.hour` when it has none. */
export function effectiveOrder(order: readonly OrderKey[]): readonly OrderKey[] {
  return order.some((key) => key.property === 'price.hour') ? order : [...order, CHEAPEST]
}

/**
 * The number that a key sorts a listing by; undefined when it is unknown. Of a `gpu.…` property the largest among the GPUs when descending, else the
 * smallest. False counts 0, true 1.
 */
export function orderValue(listing: Listing, key: OrderKey, options: SubjectOptions = {}): number | undefined {
  if (!isGpuProperty(key.property)) return asNumber(listingValue(listing, key.property, options.unit ?? CREDITS))
  let best: number | undefined
  for (const device of listing.offer.devices) {
    const value = device.kind === 'gpu' ? asNumber(deviceValue(device, key.property.slice(4))) : undefined
    if (value !== undefined && (best === undefined || (key.descending ? value > best : value < best))) best = value
  }
  return best
}

function asNumber(value: unknown): number | undefined {
  return typeof value === 'number' ? value : typeof value === 'boolean' ? Number(value) : undefined
}

/**
 * A comparator over listings for `Array.prototype.sort`. Unknown values come last in either direction; full ties go by provider key.
 */
export function byOrder(order: readonly OrderKey[], options: SubjectOptions = {}): (a: Listing, b: Listing) => number {
  const keys = effectiveOrder(order)
  return (a, b) => {
    for (const key of keys) {
      const x = orderValue(a, key, options)
      const y = orderValue(b, key, options)
      if (x === y) continue
      if (x === undefined) return 1
      if (y === undefined) return -1
      return x < y === key.descending ? 1 : -1
    }
    return compareBytes(a.provider, b.provider)
  }
}

/** `listings` in order, the best first; the input stays as it is. */
export function rank(listings: readonly Listing[], order: readonly OrderKey[], options: SubjectOptions = {}): Listing[] {
  return listings.toSorted(byOrder(order, options))
}

/** The score of somebody of whom nothing is known, millionths. Whoever has less has earned it. */
export const STRANGER_MICRO = 50_000

/** The score of somebody who never fails, millionths: its price counts once in {@link byWorth}, at score 0 it would count twice. */
const TRUSTED_MICRO = 1_000_000

/**
 * The order of a reader that keeps scores, when the query names none: by `price.hour · (2 − score)`, so that a stranger has to be almost half as dear as
 * somebody who never failed here to come first; whoever has less than a stranger's score comes behind all others, and who names no price last of its
 * kind. Full ties go by price, then by provider key.
 *
 * @example
 * ```ts
 * import { byWorth } from "@haggle/offer";
 * import { sampleOffer } from "@haggle/offer/testing";
 * import { expect } from "vitest";
 *
 * const stranger = { provider: new Uint8Array(32), offer: sampleOffer() };
 * const trusted = { ...stranger, provider: new Uint8Array(32).fill(9), scoreMicro: 700_000 };
 * expect([stranger, trusted].sort(byWorth())[0]).toBe(trusted);
 * ```
 */
export function byWorth(options: SubjectOptions = {}): (a: Listing, b: Listing) => number {
  const cheaper = byOrder([], options)
  const price = (listing: Listing): number => orderValue(listing, CHEAPEST, options) ?? Infinity
  const scoreOf = (listing: Listing): number => listing.scoreMicro ?? STRANGER_MICRO
  const worth = (listing: Listing): number => price(listing) * (2 * TRUSTED_MICRO - scoreOf(listing))
  return (a, b) => {
    const [bad, worse] = [scoreOf(a) < STRANGER_MICRO, scoreOf(b) < STRANGER_MICRO]
    if (bad !== worse) return bad ? 1 : -1
    const [x, y] = [worth(a), worth(b)]
    return x === y ? cheaper(a, b) : x - y
  }
}
