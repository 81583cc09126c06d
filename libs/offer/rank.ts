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
