// What one run is about, drawn from its seed: who lies and how, when the provider is down, which links are cut, whose clock is wrong.

import { RULES, type Rule, type RuleNumber } from '@haggle/witness'
import { type Rng, rng } from '../contract/rng.ts'

/**
 * How a liar lies. All of them work together with whoever gains.
 *
 * - `silent`: says nothing, to nobody
 * - `framer`: gives no receipt and says "down" of everything
 * - `equivocator`: gives receipts when asked and says "down" of everything all the same
 * - `saver`: gives receipts for every slot, also when nobody beats, and never says "down"
 * - `twoFaced`: signs two bitmaps of one window and shows each where it hurts
 * - `late`: gives receipts hours later, and its bitmap at the last moment
 * - `clever`: knows the truth and says the opposite
 * - `random`: anything
 * - `asleep`: honest, but its process starts again in the middle; counts as one of the f
 */
export const LIES = ['silent', 'framer', 'equivocator', 'saver', 'twoFaced', 'late', 'clever', 'random', 'asleep'] as const

/** One of {@link LIES}. */
export type Lie = (typeof LIES)[number]

/**
 * What is cut.
 *
 * - `none`: nothing
 * - `covered`: in each slot the provider from at most n - f - q honest witnesses, others each slot
 * - `pieces`: the network falls to pieces: the provider reaches nobody, and no honest witness hears q others
 * - `wide`: anything at all, which the rule does not cover
 */
export const PARTITIONS = ['none', 'covered', 'pieces', 'wide'] as const

/** One of {@link PARTITIONS}. */
export type Partition = (typeof PARTITIONS)[number]

/** All that chance decides before a run begins. */
export interface Scenario {
  readonly seed: number
  readonly ruleNumber: RuleNumber
  readonly rule: Rule
  readonly slots: number
  /** Per place of the committee: null for the honest. */
  readonly lies: readonly (Lie | null)[]
  /** Per slot: does the provider beat? */
  readonly up: readonly boolean[]
  readonly partition: Partition
  /** Per slot: places that the provider can't reach, nor they it. */
  readonly cut: readonly (readonly number[])[]
  /** Per slot: may the witnesses hear each other? */
  readonly hearing: readonly boolean[]
  /** Milliseconds that each clock is off: the provider's first, then the witnesses'. */
  readonly skewMs: readonly number[]
  /** Share of messages that are lost. */
  readonly loss: number
  /** Longest way of a message, ms. */
  readonly delayMs: number
  readonly rng: Rng
}

/** Seconds of a slot. */
export const SLOT_S = 60
/** Clocks are off by at most this, each: together half a slot and the grace. */
const MAX_SKEW_MS = 30_000

/** Draws a run. */
export function scenarioOf(seed: number): Scenario {
  const random = rng(seed)
  const int = (below: number): number => Math.floor(random.next() * below)
  const pick = <T>(from: readonly T[]): T => from[int(from.length)] as T
  const subset = (from: readonly number[], count: number): number[] => {
    const left = [...from]
    return Array.from({ length: Math.min(count, left.length) }, () => left.splice(int(left.length), 1)[0] as number)
  }
  const ruleNumber = pick([1, 1, 2] as const)
  const rule = RULES[ruleNumber]
  const places = [...Array(rule.n).keys()]
  const slots = 6 + int(7)
  const liars = subset(places, random.next() < 0.75 ? rule.f : int(rule.f + 1))
  const gang = random.next() < 0.5 ? pick(LIES) : null
  const lies = places.map((place) => (liars.includes(place) ? (gang ?? pick(LIES)) : null))
  const honest = places.filter((place) => lies[place] === null)
  const partition = pick([...PARTITIONS, 'none', 'covered', 'wide'] as const)
  const presence = pick(['up', 'up', 'down', 'dies', 'flaky'] as const)
  const dies = int(slots)
  const up = Array.from({ length: slots }, (_, slot) =>
    presence === 'up' ? true : presence === 'down' ? false : presence === 'dies' ? slot < dies : random.next() < 0.6,
  )
  const cut = up.map(() => {
    if (partition === 'none') return []
    if (partition === 'covered') return subset(honest, int(rule.n - rule.f - rule.q + 1))
    return partition === 'pieces' ? places : subset(places, int(rule.n + 1))
  })
  const skew = (): number => (random.next() * 2 - 1) * (random.next() < 0.3 ? MAX_SKEW_MS : 2_000)
  return {
    seed,
    ruleNumber,
    rule,
    slots,
    lies,
    up,
    partition,
    cut,
    hearing: up.map(() => partition === 'none' || partition === 'covered' || (partition === 'wide' && random.next() < 0.7)),
    skewMs: Array.from({ length: rule.n + 1 }, skew),
    loss: pick([0, 0, 0.1, 0.3]),
    delayMs: pick([50, 500, 5_000]),
    rng: random,
  }
}
