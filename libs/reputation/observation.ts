// An observation: how one contract ended for one of its parties, as the other has it in its ledger; and what it weighs.

import type { Facts } from './entry.ts'

/** One contract's end, seen by one party, about the other. Keys and ids are lower-case hex. */
export interface Observation {
  /** Contract id. With `subject` and `by` it names the observation: of two, the later one counts. */
  readonly contract: string
  /** Key of whom it is about. */
  readonly subject: string
  /** Key of whose word it is. */
  readonly by: string
  /** Unix seconds. */
  readonly at: number
  /** How it ended; `role` is the subject's. */
  readonly facts: Facts
  /** True when the subject signed it too. Somebody else's word alone never counts, for good or ill. */
  readonly bothSigned: boolean
}

/** Days in which an observation loses half of its weight. */
export const HALF_LIFE_DAYS = 90

/** Base units (6 decimals) that weigh about one: a hundredth of the rail's unit. */
export const VALUE_UNIT = 10_000

/** Seconds on the free rail that weigh about {@link FREE_FACTOR}. */
export const FREE_UNIT_S = 60

/** What free time weighs beside money: it can be had for nothing. */
export const FREE_FACTOR = 0.05

/** Least that a failure weighs: a provider that takes a contract and vanishes has settled nothing. In units of a settled {@link VALUE_UNIT}. */
const LEAST_FAILURE = 1

/** `log2(1 + value)`: the first cents of a relation tell most, and no one contract can outweigh everything else. */
export function valueWeight({ rail, settled, meteredS }: Pick<Facts, 'rail' | 'settled' | 'meteredS'>): number {
  return rail === 'evm' ? Math.log2(1 + Number(settled) / VALUE_UNIT) : FREE_FACTOR * Math.log2(1 + meteredS / FREE_UNIT_S)
}

/** What is left of a weight after the time from `at` to `now`, both unix seconds: half of it every 90 days. The future counts as now. */
export function ageFactor(at: number, now: number): number {
  return 2 ** (-Math.max(0, now - at) / (HALF_LIFE_DAYS * 86_400))
}

/** What an observation weighs before it is capped. */
export function observationWeight({ facts, at }: Observation, now: number): number {
  const bad = facts.outcome === 'failed' || facts.outcome === 'disputed'
  const least = bad ? LEAST_FAILURE * (facts.rail === 'free' ? FREE_FACTOR : 1) : 0
  return Math.max(valueWeight(facts), least) * ageFactor(at, now)
}

/**
 * Each contract once for each pair of parties, the latest word winning, in an order that depends on nothing but the observations: so that sums
 * come out the same whichever way the evidence arrived.
 */
export function canonical(observations: Iterable<Observation>): Observation[] {
  const latest = new Map<string, Observation>()
  for (const observation of observations) {
    // The contract first: it is where names differ, so that they sort fast.
    const name = `${observation.contract}/${observation.by}/${observation.subject}`
    const other = latest.get(name)
    if (other === undefined || compare(observation, other) > 0) latest.set(name, observation)
  }
  return [...latest].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, observation]) => observation)
}

function compare(a: Observation, b: Observation): number {
  if (a.at !== b.at) return a.at - b.at
  const [x, y] = [orderOf(a), orderOf(b)]
  return x < y ? -1 : x > y ? 1 : 0
}

/** A text that differs whenever two observations do, to choose between two of one second. */
function orderOf({ facts, bothSigned }: Observation): string {
  return [
    bothSigned,
    facts.role,
    facts.outcome,
    facts.liable,
    facts.rail,
    facts.settled,
    facts.meteredS,
    facts.upS,
    facts.speedPermille,
  ].join()
}
