// How far others' receipts count: a walk from me to my own counterparties, on to theirs, losing half at each step and never multiplying.

import type { Facts } from './entry.ts'
import { canonical, type Observation, observationWeight } from './observation.ts'

/** Most that all observations of one pair weigh: nobody's praise, or mine, adds up without end. */
export const PAIR_CAP = 8

/** Share of the trust that goes on at each step. */
export const WALK_SHARE = 0.5

/** Steps from my own counterparties: after three, an eighth is left. */
export const WALK_STEPS = 3

/** Weight of settled contracts with me at which a counterparty has all of my trust. */
export const FULL_TRUST: number = PAIR_CAP

/** What a failure towards me takes from my trust in somebody's receipts, in settled weight: one is enough to lose most of it. */
export const FAILURE_FACTOR = 10

/** Trust in others' receipts, and how much of it stands behind each word. */
export interface Trust {
  /** 0 to 1: how far the receipts count that `key` has as `role`. Mine count fully. */
  of(key: string, role: Facts['role']): number
  /**
   * The share of `from`'s trust that stands behind its word about `to`, which was `role`: behind all of its words together at most half of its own.
   */
  voice(from: string, to: string, role: Facts['role']): number
}

/**
 * Walks from `me`. Trust is shared out, not copied: two hundred names behind one counterparty have together at most what that one passes on. And
 * it changes sides at each step: who did good work for me is believed about the renters that it worked for, and those about other providers. So
 * nobody who is trusted as a provider can praise another provider directly, itself under a new name least of all.
 * Observations that the subject hasn't signed count only when they are mine.
 */
export function walkTrust(me: string, observations: Iterable<Observation>, now: number): Trust {
  const sorted = canonical(observations)
  const relations = relationsOf(me, sorted, now)
  const trust = new Map<string, number>()
  let wave = new Map(seedsOf(me, sorted, now))
  for (let step = 0; step <= WALK_STEPS && wave.size > 0; step++) {
    for (const [node, mass] of wave) trust.set(node, (trust.get(node) ?? 0) + mass)
    const next = new Map<string, number>()
    for (const [from, mass] of wave) {
      const own = relations.get(from)
      for (const [to, { settled }] of own?.to ?? []) next.set(to, (next.get(to) ?? 0) + (WALK_SHARE * mass * settled) / own!.total)
    }
    // Trust that comes back to me is at its end. Sorted, so that sums don't depend on the order in which evidence arrived.
    wave = new Map([...next].filter(([node]) => keyOf(node) !== me).sort(([a], [b]) => (a < b ? -1 : 1)))
  }
  const of = (key: string, role: Facts['role']): number => (key === me ? 1 : Math.min(1, trust.get(nodeOf(key, role)) ?? 0))
  return {
    of,
    voice(from: string, to: string, role: Facts['role']): number {
      const own = relations.get(nodeOf(from, otherSide(role)))
      const relation = own?.to.get(nodeOf(to, role))
      return own === undefined || relation === undefined ? 0 : (WALK_SHARE * of(from, otherSide(role)) * relation.weight) / own.total
    },
  }
}

/** Somebody in one of its two roles. */
function nodeOf(key: string, role: Facts['role']): string {
  return `${key}/${role}`
}

function keyOf(node: string): string {
  return node.slice(0, node.lastIndexOf('/'))
}

/** What the other party of a contract was. */
export function otherSide(role: Facts['role']): Facts['role'] {
  return role === 'provider' ? 'renter' : 'provider'
}

/** What one party has seen of another, capped: what was settled, and everything. */
interface Relation {
  readonly settled: number
  readonly weight: number
}

/** Everybody whom one party has seen, and what its trust is shared out over. */
interface Relations {
  readonly to: Map<string, Relation>
  /**
   * The sum of its relations, one full pair at least: who has little history passes little on. A relation in which anything failed counts as a full
   * one, so that nobody speaks louder for having failed.
   */
  total: number
}

function relationsOf(me: string, observations: readonly Observation[], now: number): Map<string, Relations> {
  const pairs = Map.groupBy(
    observations.filter(({ by, subject, bothSigned }) => subject !== by && (bothSigned || by === me)),
    ({ by, subject, facts }) => `${nodeOf(by, otherSide(facts.role))} ${nodeOf(subject, facts.role)}`,
  )
  const relations = new Map<string, Relations>()
  for (const own of pairs.values()) {
    let settled = 0
    let weight = 0
    let share = 0
    for (const each of own) {
      const one = observationWeight(each, now)
      weight += one
      if (each.facts.outcome === 'settled') settled += one
      share += each.facts.outcome === 'settled' ? one : PAIR_CAP
    }
    const { by, subject, facts } = own[0]!
    const from = nodeOf(by, otherSide(facts.role))
    const known = relations.get(from) ?? { to: new Map<string, Relation>(), total: 0 }
    known.to.set(nodeOf(subject, facts.role), { settled: Math.min(PAIR_CAP, settled), weight: Math.min(PAIR_CAP, weight) })
    known.total += Math.min(PAIR_CAP, share)
    relations.set(from, known)
  }
  for (const own of relations.values()) own.total = Math.max(PAIR_CAP, own.total)
  return relations
}

/** My own counterparties, with how far I trust what they show: by what they settled with me, less what they failed in. */
function seedsOf(me: string, observations: readonly Observation[], now: number): [node: string, trust: number][] {
  const sums = new Map<string, number>()
  for (const each of observations) {
    const { subject, by, facts } = each
    if (by !== me || subject === me) continue
    const node = nodeOf(subject, facts.role)
    const failed = facts.outcome === 'disputed' || (facts.outcome === 'failed' && facts.liable === facts.role)
    const sign = facts.outcome === 'settled' ? 1 : failed ? -FAILURE_FACTOR : 0
    sums.set(node, (sums.get(node) ?? 0) + sign * observationWeight(each, now))
  }
  return [...sums].filter(([, sum]) => sum > 0).map(([node, sum]) => [node, Math.min(1, sum / FULL_TRUST)])
}
