// Why so few fit: how many fail which constraint, what is nearest, what to relax.

import { compareBytes } from '@haggle/wire'
import { type Bits, each } from './_bits.ts'
import { explainSets, type Truth } from './_explain_sets.ts'
import type { Expr, Query } from './ast.ts'
import type { Demand, Renter } from './demand.ts'
import { evaluate, evaluateOn, isUnknown, type Verdict } from './evaluate.ts'
import { acceptVerdict } from './match.ts'
import type { Listing } from './offer.ts'
import { isGpuProperty } from './properties.ts'
import { orderValue } from './rank.ts'
import { offerSubject, type PropertyValue, type Subject, type SubjectOptions } from './subject.ts'

/** One constraint that keeps offers away. An offer may fail several. */
export interface Failure {
  /** Canonical text of the constraint; `accept` for the offers' own rule over renters. Several joined by `and`: each holds on some GPU, all on none. */
  readonly constraint: string
  /** Offers for which it is false. */
  readonly count: number
  /** The nearest value among the offers that fit otherwise; null when none does, or where nothing can be nearer than other things. */
  readonly nearest: string | null
  /** The constraint to write instead, or null when only dropping it helps, or not even that. */
  readonly relax: string | null
  /** How many more offers fit with `relax`; when it is null, with the constraint dropped. */
  readonly gains: number
}

/** The offer that misses least. */
export interface Closest {
  /** Its 32-byte key. */
  readonly provider: Uint8Array
  /** The constraints that are not true of it, in the order of the query. */
  readonly misses: readonly string[]
}

/** What a query found, and why not more. */
export interface Explanation {
  /** Offers in all. */
  readonly seen: number
  /** Offers for which everything holds. */
  readonly fits: number
  /** Most failures first, then by text. */
  readonly failures: readonly Failure[]
  /** Properties for want of which offers are neither in nor out, most first. */
  readonly unknown: readonly { readonly property: string; readonly count: number }[]
  /** Among the offers that don't fit, the one that misses the fewest constraints, the cheapest of several; null when all fit. */
  readonly closest: Closest | null
}

/** Who asks, when the offers' own rules are to be counted too. */
export interface ExplainOptions extends SubjectOptions {
  /** The renter and its demand. */
  readonly who?: { readonly renter: Renter; readonly demand: Demand }
}

/**
 * Explains a query over a list of offers. An index explains itself faster, with the same answer: see `OfferIndex.explain`.
 *
 * @example
 * ```ts
 * import { explain, parseQuery } from "@haggle/offer";
 * import { expect } from "vitest";
 *
 * expect(explain(parseQuery("price.hour<=0.40"), [])).toEqual({ seen: 0, fits: 0, failures: [], unknown: [], closest: null });
 * ```
 */
export function explain(query: Query, listings: readonly Listing[], options: ExplainOptions = {}): Explanation {
  const words = (listings.length + 31) >>> 5
  const subjects = listings.map((listing) => offerSubject(listing, options))
  const rows = (holds: (row: number) => boolean): Bits => {
    const set = new Uint32Array(words)
    for (let row = 0; row < listings.length; row++) if (holds(row)) set[row >>> 5] = (set[row >>> 5] as number) | (1 << (row & 31))
    return set
  }
  const truth = (expr: Expr): Truth => {
    const verdicts = subjects.map((subject): Verdict => evaluate(expr, subject))
    return { yes: rows((row) => verdicts[row] === true), no: rows((row) => verdicts[row] === false) }
  }
  const { who } = options
  const price = (row: number): number =>
    orderValue(listings[row] as Listing, { property: 'price.hour', descending: false }, options) ?? Infinity
  return explainSets(query.where, {
    live: rows(() => true),
    truth,
    refusing: who === undefined ? undefined : rows((row) => acceptVerdict(listings[row] as Listing, who, options) === false),
    values: (constraint, rest) => (row) => constraintValues(constraint, subjects[row] as Subject, rest),
    missing: (expr, set) => {
      const counts = new Map<string, number>()
      each(set, (row) => {
        const verdict = evaluate(expr, subjects[row] as Subject)
        if (isUnknown(verdict)) for (const name of verdict.unknown) counts.set(name, (counts.get(name) ?? 0) + 1)
      })
      return counts
    },
    best: (set) => {
      let best = -1
      each(set, (row) => {
        if (best < 0 || price(row) < price(best) || (price(row) === price(best) && compareBytes(keyOf(row), keyOf(best)) < 0)) best = row
      })
      return best
    },
    provider: keyOf,
  })

  function keyOf(row: number): Uint8Array {
    return (listings[row] as Listing).provider
  }
}

/** The values that decide a constraint on a property or a count; of `gpu.…` those of the GPUs for which `rest` holds. */
export function constraintValues(constraint: Expr, subject: Subject, rest: Expr): PropertyValue[] {
  if (constraint.kind === 'count')
    return [subject.parts(constraint.over).filter((part) => evaluate(constraint.where, part) === true).length]
  if (constraint.kind !== 'compare' && constraint.kind !== 'in') return []
  const { property } = constraint
  const literal = constraint.kind === 'in' ? constraint.values[0] : constraint.value
  const unit = typeof literal === 'object' ? literal.unit : undefined
  const holders = isGpuProperty(property) ? subject.parts('gpu').filter((gpu) => evaluateOn(rest, subject, gpu) === true) : [subject]
  const name = isGpuProperty(property) ? property.slice(4) : property
  return holders.map((holder) => holder.value(name, unit)).filter((value) => value !== undefined)
}
