// An index of offers in memory: filter and rank a million in microseconds.

import { explainTable } from './_explain_table.ts'
import { type RowFilter, Search } from './_search.ts'
import { Table } from './_table.ts'
import { checkBounds, type Query } from './ast.ts'
import type { Demand, Renter } from './demand.ts'
import { evaluate } from './evaluate.ts'
import type { Explanation } from './explain.ts'
import { CREDITS } from './meter.ts'
import type { Listing } from './offer.ts'
import { parse, parseQuery } from './parse.ts'
import { renterSubject } from './subject.ts'

/** One offer that fits. */
export interface Hit<T> {
  /** The 32-byte key. */
  readonly provider: Uint8Array
  /** Price of an hour in millionths, or undefined. */
  readonly priceMicro: number | undefined
  /** What was put in with it. */
  readonly payload: T | undefined
}

/** How an index is made. */
export interface OfferIndexInit {
  /** Unit of money amounts that name none. Default `credits`. */
  readonly unit?: string
  /** Seed of the key table's hash; a random one in production, so that nobody can choose keys that collide. Default 1. */
  readonly seed?: number
}

/** Who asks: offers whose own `accept` says no are left out. */
export interface AskOptions {
  /** The renter and its demand. */
  readonly who?: { readonly renter: Renter; readonly demand: Demand }
}

/** A query made ready: cheaper to run again and again. */
export interface PreparedQuery<T> {
  /** The best offers that fit, best first: at most `limit`, or the query's own limit, or 16. */
  find(limit?: number): Hit<T>[]
}

/** Offers of many providers, one each. Nothing of the listing is kept but its values and the payload. */
export interface OfferIndex<T> {
  /** Offers in it. */
  readonly size: number
  /** Puts an offer in, or in the place of the provider's last one. */
  put(listing: Listing, payload?: T): void
  /** Takes a provider's offer out; false when there was none. */
  remove(provider: Uint8Array): boolean
  /** True when a provider has an offer in it. */
  has(provider: Uint8Array): boolean
  /** What was put in with a provider's offer. */
  payload(provider: Uint8Array): T | undefined
  /** Throws what `parseQuery` throws when given text. */
  prepare(query: Query | string, options?: AskOptions): PreparedQuery<T>
  /** `prepare(query).find(limit)`. */
  find(query: Query | string, options?: AskOptions & { readonly limit?: number }): Hit<T>[]
  /** The same answer as `explain` over a list of the same listings. */
  explain(query: Query | string, options?: AskOptions): Explanation
}

/** Answers when neither the call nor the query says how many. */
export const DEFAULT_LIMIT = 16

/**
 * Makes an empty index.
 *
 * Rows lie in blocks of one GPU model and one stretch of prices. Every common value and a few cuts of every number have a bitmap; a query ands
 * bitmaps block by block, cheapest or best block first, and stops when no further block can hold anything better.
 *
 * @example
 * ```ts
 * import { offerIndex } from "@haggle/offer";
 * import { syntheticMarket } from "@haggle/offer/testing";
 * import { expect } from "vitest";
 *
 * const index = offerIndex<string>();
 * const market = syntheticMarket();
 * for (let i = 0; i < 1000; i++) index.put(market.next().value, `offer ${i}`);
 * const hits = index.find("gpu.vram>=24GiB slots.free>=1 order by price.hour limit 3");
 * expect(hits.length).toBe(3);
 * expect(hits[0]!.priceMicro).toBeLessThanOrEqual(hits[1]!.priceMicro!);
 * ```
 */
export function offerIndex<T = undefined>(init: OfferIndexInit = {}): OfferIndex<T> {
  const money = init.unit ?? CREDITS
  const table = new Table<T>(money, init.seed ?? 1)
  const queryOf = (query: Query | string): Query => {
    const parsed = typeof query === 'string' ? parseQuery(query) : query
    checkBounds(parsed.where)
    return parsed
  }
  const hit = (row: number): Hit<T> => {
    const price = table.priceOf(row)
    return { provider: table.keys.copyOf(row), priceMicro: price === Infinity ? undefined : price, payload: table.payloads[row] }
  }
  const prepare = (asked: Query | string, options: AskOptions = {}): PreparedQuery<T> => {
    const query = queryOf(asked)
    const search = new Search(table, query, options.who === undefined ? undefined : accepting(table, options.who))
    return { find: (limit) => search.rows(limit ?? query.limit ?? DEFAULT_LIMIT).map(hit) }
  }
  return {
    get size(): number {
      return table.keys.size
    },
    put(listing, payload) {
      table.put(listing, payload)
    },
    remove(provider) {
      const row = table.keys.find(provider)
      if (row >= 0) table.drop(row)
      return row >= 0
    },
    has: (provider) => table.keys.find(provider) >= 0,
    payload(provider) {
      const row = table.keys.find(provider)
      return row < 0 ? undefined : table.payloads[row]
    },
    prepare,
    find: (query, options = {}) => prepare(query, options).find(options.limit),
    explain(asked, options = {}) {
      const { who } = options
      return explainTable(table, queryOf(asked), who === undefined ? undefined : accepting(table, who))
    },
  }
}

/** Leaves out the offers whose `accept` says no to this renter; each distinct rule is evaluated once. */
function accepting(table: Table<unknown>, who: { readonly renter: Renter; readonly demand: Demand }): RowFilter {
  const subject = renterSubject(who.renter, who.demand, { unit: table.columns.money })
  const answers = new Map<string, boolean>([['', true]])
  const { accepts } = table.columns
  return (row) => {
    const rule = accepts.dictionary.value(accepts.data[row] as number) ?? ''
    let answer = answers.get(rule)
    if (answer === undefined) {
      answer = mayAccept(rule, subject)
      answers.set(rule, answer)
    }
    return answer
  }
}

function mayAccept(rule: string, subject: Parameters<typeof evaluate>[1]): boolean {
  try {
    return evaluate(parse(rule, { over: 'renter' }), subject) !== false
  } catch {
    // A provider's own mistake, or a newer language: whether it would accept can't be known from here.
    return true
  }
}
