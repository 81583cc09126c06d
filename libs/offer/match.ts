// Both sides at once: does the offer satisfy the demand, and does the renter satisfy the offer?

import { conjunction, type Expr, type Query } from './ast.ts'
import type { Demand, Renter } from './demand.ts'
import { allOf, evaluate, evaluateOn, type Verdict } from './evaluate.ts'
import type { Listing } from './offer.ts'
import { parse, parseQuery } from './parse.ts'
import { deviceSubject, offerSubject, renterSubject, type SubjectOptions } from './subject.ts'

/** What both sides say. */
export interface Match {
  /** Kleene's and of the two. */
  readonly verdict: Verdict
  /** The demand over the offer. */
  readonly demand: Verdict
  /** The offer's `accept` over renter and demand. */
  readonly accept: Verdict
}

/** How a demand is read. */
export interface MatchOptions extends SubjectOptions {
  /** True when offers for friends count too: the renter knows that it is one. Default false. */
  readonly friend?: boolean
  /** True when the reader keeps scores: nobody whose score is 0, because evidence convicts it, fits. Default false. */
  readonly scored?: boolean
}

const text = (property: string, value: string): Expr => ({ kind: 'compare', property, op: '=', value })
const atLeast = (property: string, value: number): Expr => ({ kind: 'compare', property, op: '>=', value })
const MIB = 1024 * 1024

/**
 * What a demand asks besides its `where`: its runner and isolation, its rail, a free slot, free GPUs, its limits, a service level
 * when it buys one, and, unless the renter is a friend, an offer for anyone; for a reader that keeps scores also a provider that no evidence convicts. In this order, each a constraint of the language, so that an explanation can name it.
 */
export function impliedBy(demand: Demand, options: MatchOptions = {}): Expr[] {
  const { limits } = demand
  const runner =
    demand.isolation.length === 0
      ? text('name', demand.runner)
      : conjunction([text('name', demand.runner), { kind: 'in', property: 'isolation', negated: false, values: demand.isolation }])
  const implied: Expr[] = [{ kind: 'any', over: 'runner', where: runner }, text('rail', demand.rail), atLeast('slots.free', 1)]
  if (demand.minGpus > 0) implied.push({ kind: 'compare', property: 'gpu.free', op: '=', value: true })
  if (demand.minGpus > 1)
    implied.push({
      kind: 'count',
      over: 'gpu',
      where: { kind: 'compare', property: 'free', op: '=', value: true },
      op: '>=',
      value: demand.minGpus,
    })
  implied.push(
    atLeast('limit.cpu', limits.cpuMilli),
    atLeast('limit.memory', limits.memMiB * MIB),
    atLeast('limit.disk', limits.diskMiB * MIB),
    atLeast('limit.output', limits.outMiB * MIB),
    atLeast('limit.pids', limits.pids),
    atLeast('limit.duration', limits.maxMs),
    atLeast('limit.idle', demand.idleMs),
  )
  if (demand.sla !== null) implied.push(text('sla', demand.rail))
  if (options.friend !== true) implied.push(text('serves', 'anyone'))
  if (options.scored === true) implied.push({ kind: 'compare', property: 'provider.score', op: '>', value: 0 })
  return implied
}

/**
 * A demand as one query: its `where` and all that {@link impliedBy} adds. What an index is asked.
 *
 * @throws what `parseQuery` throws, and `E_EXPR_NODES` when `where` leaves no room.
 */
export function demandQuery(demand: Demand, options: MatchOptions = {}): Query {
  const query = parseQuery(demand.where)
  return { ...query, where: conjunction([query.where, ...impliedBy(demand, options)]) }
}

/**
 * Ids of the free GPUs that a job of `demand` gets, in the offer's order: those for which the whole `where` holds, at most `maxGpus`. Empty when it
 * takes none.
 */
export function devicesFor(demand: Demand, listing: Listing, options: MatchOptions = {}): string[] {
  if (demand.maxGpus === 0) return []
  const { where } = parseQuery(demand.where)
  const subject = offerSubject(listing, options)
  return listing.offer.devices
    .filter((d) => d.kind === 'gpu' && d.free && evaluateOn(where, subject, deviceSubject(d)) === true)
    .slice(0, demand.maxGpus)
    .map((d) => d.id)
}

/** What an offer's `accept` says of a renter with its demand. Text that can't be read says nothing: unknown, for want of `accept`. */
export function acceptVerdict(
  listing: Listing,
  who: { readonly renter: Renter; readonly demand: Demand },
  options: SubjectOptions = {},
): Verdict {
  let expr: Expr
  try {
    expr = parse(listing.offer.accept, { over: 'renter' })
  } catch {
    // A provider's own mistake, or a newer language: whether it would accept can't be known from here.
    return { unknown: ['accept'] }
  }
  return evaluate(expr, renterSubject(who.renter, who.demand, options))
}

/**
 * Matches both ways. A renter may ask whoever does not say no: `match.demand === true && match.accept !== false`.
 *
 * @throws what `parseQuery` throws for the demand's `where`.
 */
export function match(demand: Demand, listing: Listing, options: MatchOptions & { readonly renter: Renter }): Match {
  const { where } = demandQuery(demand, options)
  const asked = evaluate(where, offerSubject(listing, options))
  const enough = demand.minGpus > 0 && asked === true ? devicesFor(demand, listing, options).length >= demand.minGpus : true
  const accept = acceptVerdict(listing, { renter: options.renter, demand }, options)
  const verdict = enough ? asked : false
  return { verdict: allOf([verdict, accept]), demand: verdict, accept }
}
