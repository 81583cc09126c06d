// How far others' receipts count: a walk from me to my own counterparties, on to theirs, losing half at each step and never multiplying.

import { canonical, type Observation, observationWeight } from './observation.ts'

/** Most that all observations of one pair weigh: nobody's praise, or mine, adds up without end. */
export const PAIR_CAP = 8

/** Share of the trust that goes on at each step. */
export const WALK_SHARE = 0.5

/** Steps from my own counterparties: after three, an eighth is left. */
export const WALK_STEPS = 3

/** Weight of settled contracts with me at which a counterparty has all of my trust. */
export const FULL_TRUST = 4

/** What one party has seen of another, capped. */
interface Edge {
  readonly to: string
  readonly weight: number
}

/** Trust in others' receipts, and what flows along each pair. */
export interface Trust {
  /** 0 to 1: how far `key`'s receipts count. Mine count fully. */
  of(key: string): number
  /** The share of `from`'s trust that stands behind its word about `to`: behind all of its words together at most half of its own. */
  voice(from: string, to: string): number
}

/**
 * Walks from `me`. Trust is shared out, not copied: two hundred names behind one counterparty have together at most what that one passes on.
 * Observations that the subject hasn't signed count only when they are mine.
 */
export function walkTrust(me: string, observations: Iterable<Observation>, now: number): Trust {
  const sorted = canonical(observations)
  const edges = edgesOf(me, sorted, { now, settledOnly: true })
  const words = edgesOf(me, sorted, { now, settledOnly: false })
  const seeds = (edges.get(me) ?? []).map(({ to, weight }) => [to, Math.min(1, weight / FULL_TRUST)] as const)
  const trust = new Map<string, number>()
  let wave = new Map(seeds)
  for (let step = 0; step <= WALK_STEPS && wave.size > 0; step++) {
    for (const [key, mass] of wave) trust.set(key, (trust.get(key) ?? 0) + mass)
    const next = new Map<string, number>()
    for (const [from, mass] of wave) {
      const out = edges.get(from) ?? []
      const total = totalOf(out)
      for (const { to, weight } of out) if (to !== me) next.set(to, (next.get(to) ?? 0) + (WALK_SHARE * mass * weight) / total)
    }
    // Sorted, so that sums don't depend on the order in which evidence arrived.
    wave = new Map([...next].sort(([a], [b]) => (a < b ? -1 : 1)))
  }
  const of = (key: string): number => (key === me ? 1 : Math.min(1, trust.get(key) ?? 0))
  return {
    of,
    voice(from: string, to: string): number {
      const out = words.get(from) ?? []
      const edge = out.find((each) => each.to === to)
      return edge === undefined ? 0 : (WALK_SHARE * of(from) * edge.weight) / totalOf(out)
    },
  }
}

/** Who has little history passes little on: the shares are of a full pair's weight at least. */
function totalOf(out: readonly Edge[]): number {
  return Math.max(
    PAIR_CAP,
    out.reduce((sum, edge) => sum + edge.weight, 0),
  )
}

function edgesOf(me: string, observations: readonly Observation[], { now, settledOnly }: { now: number; settledOnly: boolean }): Map<string, Edge[]> {
  const edges = new Map<string, Edge[]>()
  for (let i = 0; i < observations.length; ) {
    const { subject, by } = observations[i]!
    let weight = 0
    for (; observations[i]?.subject === subject && observations[i]?.by === by; i++) {
      const each = observations[i]!
      if ((each.facts.outcome === 'settled' || !settledOnly) && (each.bothSigned || by === me)) weight += observationWeight(each, now)
    }
    if (weight === 0 || subject === by) continue
    const out = edges.get(by) ?? []
    out.push({ to: subject, weight: Math.min(PAIR_CAP, weight) })
    edges.set(by, out)
  }
  return edges
}
