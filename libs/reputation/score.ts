// The score of a peer, each node for itself: a pure function of the evidence, of the time and of whose eyes it is seen with (spec/score.md).

import { betaQuantile } from './beta.ts'
import type { Facts } from './entry.ts'
import { canonical, type Observation, observationWeight } from './observation.ts'
import { otherSide, PAIR_CAP, type Trust, walkTrust } from './trust_walk.ts'

/** What a score is made of: providers complete, are up, are as fast as they say and don't end in disputes; renters pay. */
export type Axis = 'completes' | 'uptime' | 'speed' | 'disputes' | 'pays'

/**
 * Weight of others' words for each whole unit of trust that stands behind them. Small on purpose: what others show puts strangers in order, and
 * only work for me makes somebody trusted. A counterparty that I trust fully did work of weight {@link PAIR_CAP} for that; all that it can lend to
 * names of its own, counted over all steps of the walk, is `VOICE_WEIGHT`, less than 4 % of it.
 */
export const VOICE_WEIGHT = 0.3

/** The share of cases in which the true rate is below what is shown. */
export const LOWER_QUANTILE = 0.05

/** Weight of each gap in a log: a number missing, a closing missing, or a succession. */
export const GAP_WEIGHT = 1

/** Successes and failures of one axis, weighted, and the rate that one can count on. */
export interface AxisScore {
  /** Weight of what went well. */
  readonly good: number
  /** Weight of what did not. */
  readonly bad: number
  /** For the main axis the 5 % lower quantile of Beta(1 + good, 1 + bad); for the others the 95 % one of Beta(1 + good, bad), 1 when bad is 0. */
  readonly value: number
}

/** A peer's score. */
export interface Score {
  /** 0 to 1. Somebody of whom nothing is known has 0.05. */
  readonly value: number
  /** `completes` for providers, `pays` for renters. */
  readonly main: Axis
  /** Each axis of which anything is known; the main one always. */
  readonly axes: Readonly<Partial<Record<Axis, AxisScore>>>
  /** True when evidence shows that the peer forked or rewrote its log: the value is 0 then. */
  readonly convicted: boolean
}

/** One line of an explanation: what one party's receipts add. */
export interface Contribution {
  /** Which axis it adds to. */
  readonly axis: Axis
  /** Whose word it is, hex. */
  readonly by: string
  /** Contracts that it stands for. */
  readonly contracts: number
  /** Weight that it adds to the good side. */
  readonly good: number
  /** Weight that it adds to the bad side. */
  readonly bad: number
  /** What the same receipts would weigh without cap and trust. */
  readonly uncapped: number
  /** How far `by` is trusted: 1 for me. */
  readonly trust: number
  /** Time of the latest, unix seconds. */
  readonly latest: number
}

/** What scores are computed from. */
export interface ScoreInput {
  /** My key, hex: whose eyes it is seen with. */
  readonly me: string
  /** Unix seconds. */
  readonly now: number
  /** What is known, in any order. */
  readonly observations: Iterable<Observation>
  /** Keys that evidence convicts. */
  readonly convicted?: ReadonlySet<string>
  /** Gaps in peers' own logs, by key: numbers missing, closings missing, successions. */
  readonly gaps?: ReadonlyMap<string, number>
}

/** Scores over one body of evidence. */
export interface Scorer {
  /** The score of `subject` (hex) in one role. */
  score(subject: string, role: Facts['role']): Score
  /** Which receipts, whose, with what weight: the lines add up to the axes. */
  explain(subject: string, role: Facts['role']): Contribution[]
  /** How far others' receipts count. */
  readonly trust: Trust
}

/** Axes of each role; the first is the main one. */
const AXES: Readonly<Record<Facts['role'], readonly Axis[]>> = {
  provider: ['completes', 'uptime', 'speed', 'disputes'],
  renter: ['pays', 'disputes'],
}

/**
 * Makes a scorer of `input`. The order of the observations doesn't matter.
 *
 * @example
 * ```ts
 * import { makeScorer } from "@haggle/reputation";
 * import { expect } from "vitest";
 *
 * const facts = { role: "provider", outcome: "settled", liable: null, rail: "evm", settled: 70_000n, meteredS: 60, upS: null, speedPermille: null } as const;
 * const observations = [{ contract: "c1", subject: "ann", by: "me", at: 1_000, facts, bothSigned: true }];
 * const scorer = makeScorer({ me: "me", now: 1_000, observations });
 * expect(scorer.score("bob", "provider").value).toBeCloseTo(0.05);
 * expect(scorer.score("ann", "provider").value).toBeCloseTo(0.05 ** (1 / 4)); // 0.07 settled weighs 3
 * ```
 */
export function makeScorer(input: ScoreInput): Scorer {
  const { me, now, convicted, gaps } = input
  // Who forged its own log has no word about others either.
  const all = [...input.observations].filter(({ by }) => !convicted?.has(by))
  const bySubject = Map.groupBy(all, (observation) => observation.subject)
  // The walk is made when somebody else's word is to be weighed, over what it can pass through: those of mine who speak, and all who are spoken of.
  const speakers = new Set(all.filter(({ by }) => by !== me).map(({ by }) => by))
  const among = once(() =>
    walkTrust(
      me,
      all.filter(({ by, subject }) => by !== me || speakers.has(subject)),
      now,
    ),
  )
  const whole = once(() => walkTrust(me, all, now))

  const explain = (subject: string, role: Facts['role']): Contribution[] => {
    const about = canonical(bySubject.get(subject) ?? []).filter(
      (o) => o.facts.role === role && o.by !== subject && (o.by === me || o.bothSigned),
    )
    const lines: Contribution[] = []
    for (const [by, own] of Map.groupBy(about, (o) => o.by)) {
      for (const axis of AXES[role]) {
        // My own word counts as it is. Another's counts as far as it is trusted, and all its words together only as far as its trust reaches.
        const most = by === me ? PAIR_CAP : VOICE_WEIGHT * among().voice(by, subject, role)
        const line = contribution({ axis, by, own, now, trust: by === me ? 1 : among().of(by, otherSide(role)), most })
        if (line) lines.push(line)
      }
    }
    const missing = gaps?.get(subject) ?? 0
    if (missing > 0)
      lines.push({
        axis: 'disputes',
        by: subject,
        contracts: missing,
        good: 0,
        bad: missing * GAP_WEIGHT,
        uncapped: missing * GAP_WEIGHT,
        trust: 1,
        latest: now,
      })
    return lines
  }

  return {
    get trust(): Trust {
      return whole()
    },
    explain,
    score(subject: string, role: Facts['role']): Score {
      const lines = explain(subject, role)
      const main = AXES[role][0]!
      const axes: Partial<Record<Axis, AxisScore>> = {}
      let value = 1
      for (const axis of AXES[role]) {
        const own = lines.filter((line) => line.axis === axis)
        if (axis !== main && own.length === 0) continue
        const good = own.reduce((sum, line) => sum + line.good, 0)
        const bad = own.reduce((sum, line) => sum + line.bad, 0)
        const rate =
          axis === main ? betaQuantile(LOWER_QUANTILE, 1 + good, 1 + bad) : bad === 0 ? 1 : betaQuantile(1 - LOWER_QUANTILE, 1 + good, bad)
        axes[axis] = { good, bad, value: rate }
        value *= rate
      }
      const guilty = convicted?.has(subject) ?? false
      return { value: guilty ? 0 : value, main, axes, convicted: guilty }
    },
  }
}

/** What one party's observations of one subject add to one axis: capped, and limited to what the party is trusted with. */
function contribution(input: {
  readonly axis: Axis
  readonly by: string
  readonly own: readonly Observation[]
  readonly now: number
  readonly trust: number
  readonly most: number
}): Contribution | undefined {
  const { axis, by, own, now, trust, most } = input
  let good = 0
  let bad = 0
  let contracts = 0
  let latest = 0
  for (const observation of own) {
    const rate = rateOf(axis, observation.facts)
    if (rate === undefined) continue
    const weight = observationWeight(observation, now)
    good += weight * rate
    bad += weight * (1 - rate)
    contracts++
    latest = Math.max(latest, observation.at)
  }
  const uncapped = good + bad
  if (uncapped === 0) return undefined
  const weight = Math.min(Math.min(PAIR_CAP, uncapped) * trust, most)
  return { axis, by, contracts, good: (good / uncapped) * weight, bad: (bad / uncapped) * weight, uncapped, trust, latest }
}

/** How good an outcome is on an axis, 0 to 1; undefined when it says nothing about it. */
function rateOf(axis: Axis, { outcome, liable, role, meteredS, upS, speedPermille }: Facts): number | undefined {
  switch (axis) {
    case 'completes':
    case 'pays':
      return outcome === 'settled' ? 1 : outcome === 'failed' && liable === role ? 0 : undefined
    case 'disputes':
      return outcome === 'settled' ? 1 : outcome === 'disputed' ? 0 : undefined
    case 'uptime':
      return upS === null || meteredS === 0 ? undefined : Math.min(1, upS / meteredS)
    case 'speed':
      return speedPermille === null ? undefined : Math.min(1, speedPermille / 1000)
  }
}

/** `make()`, called when it is first needed. */
function once<T extends object>(make: () => T): () => T {
  let made: T | undefined
  return () => (made ??= make())
}
