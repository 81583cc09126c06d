// Two hundred names in one hand: what trading with each other does for their scores, beside what honest work for the same cost would do.

import { makeScorer } from '@haggle/reputation'
import { DAY, type Deal, diceOf, honestWorld, observationsOf, START, type World } from './reputation_world.ts'

const COLLUDERS = 200
const DAYS = 120

/** Share of each settlement that a claim burns: what trading with oneself costs. */
const BURN = 0.005

/** What work costs its provider, as a share of its price. */
const WORK_COST = 0.7

/** Score of somebody of whom nothing is known. */
const NEWCOMER = 0.05

/** Honest work of the fronts: renters that each front serves, and the value of each service in units. */
const SERVED_EACH = 10
const SERVICE = 3

/** Value of an ordinary job in units. */
const JOB = 0.3

/** One way to go about it. */
interface Strategy {
  readonly name: string
  /** Colluders that do honest work for honest renters, to be trusted and pass it on. */
  readonly fronts: number
  /** Deals that each colluder makes with other colluders, and their value in units. */
  readonly partners: number
  readonly value: number
  /** Deals of each front with every other colluder, and their value in units. */
  readonly frontValue: number
}

const STRATEGIES: readonly Strategy[] = [
  { name: 'ring', fronts: 0, partners: 10, value: 3, frontValue: 0 },
  { name: 'one front, cheap', fronts: 1, partners: 2, value: 0.01, frontValue: 0.001 },
  { name: 'one front, rich', fronts: 1, partners: 10, value: 3, frontValue: 3 },
  { name: 'five fronts, cheap', fronts: 5, partners: 2, value: 0.01, frontValue: 0.001 },
  { name: 'five fronts, rich', fronts: 5, partners: 10, value: 3, frontValue: 3 },
  { name: 'a hundred fronts', fronts: 100, partners: 4, value: 3, frontValue: 0.1 },
  { name: 'twenty fronts, rich', fronts: 20, partners: 4, value: 3, frontValue: 0.1 },
]

export interface SybilFigures {
  readonly ok: boolean
  /** The largest ratio of all strategies. At most 0.05. */
  readonly worst: number
  readonly strategies: readonly {
    readonly name: string
    /** Units burnt and worked for. */
    readonly cost: number
    /** Sum over viewers and colluders of what collusion added to their scores, beyond what the fronts' honest work gave. */
    readonly gained: number
    /** The same for as many honest newcomers who did honest work for that cost. */
    readonly honest: number
    readonly ratio: number
    /** Colluders above the median provider, on average over viewers, of 200: without collusion, with it, and the honest newcomers instead. */
    readonly aboveMedian: readonly [without: number, with_: number, honest: number]
  }[]
}

export interface SybilOptions {
  readonly seed: number
  readonly renters?: number
  readonly viewers?: number
  readonly onProgress?: (line: string) => void
}

export function simulateSybil({ seed, renters = 200, viewers = 25, onProgress }: SybilOptions): SybilFigures {
  const dice = diceOf(seed)
  const world = honestWorld(dice, { renters, providers: 60, days: DAYS })
  const colluders = Array.from({ length: COLLUDERS }, (_, i) => `sybil${String(i).padStart(4, '0')}`)
  const honest = Array.from({ length: COLLUDERS }, (_, i) => `honest${String(i).padStart(4, '0')}`)
  const watching = world.renters.filter((_, i) => i % Math.max(1, Math.floor(renters / viewers)) === 0)
  const strategies = STRATEGIES.map((strategy) => {
    const fronts = colluders.slice(0, strategy.fronts)
    const served: Deal[] = fronts.flatMap((provider) =>
      Array.from({ length: SERVED_EACH }, () => ({
        renter: dice.pick(world.renters),
        provider,
        day: dice.random() * DAYS,
        value: SERVICE,
        outcome: 'settled' as const,
      })),
    )
    const wash: Deal[] = [
      ...colluders.flatMap((provider, i) =>
        Array.from({ length: strategy.partners }, (_, k) => ({
          renter: colluders[(i + k + 1) % COLLUDERS]!,
          provider,
          day: dice.random() * DAYS,
          value: strategy.value,
          outcome: 'settled' as const,
        })),
      ),
      // Fronts praise the others both ways: as providers they did good work for, and as renters they were pleased with.
      ...fronts.flatMap((front) =>
        colluders
          .filter((name) => name !== front)
          .flatMap((name) => {
            const deal = { day: DAYS, value: strategy.frontValue, outcome: 'settled' as const }
            return [
              { ...deal, renter: front, provider: name },
              { ...deal, renter: name, provider: front },
            ]
          }),
      ),
    ]
    const cost = sum(wash.map((deal) => deal.value)) * BURN + sum(served.map((deal) => deal.value)) * WORK_COST
    // The same cost spent on jobs of the usual size, for whoever comes.
    const jobs = Math.max(COLLUDERS, Math.round(cost / WORK_COST / JOB))
    const work: Deal[] = Array.from({ length: jobs }, (_, i) => ({
      renter: dice.pick(world.renters),
      provider: honest[i % COLLUDERS]!,
      day: dice.random() * DAYS,
      value: cost / WORK_COST / jobs,
      outcome: 'settled' as const,
    }))
    const without = view(world, served, colluders, watching)
    const with_ = view(world, [...served, ...wash], colluders, watching)
    const control = view(world, work, honest, watching)
    const gained = with_.rise - without.rise
    const ratio = gained <= 0 ? 0 : gained / control.rise
    onProgress?.(`${strategy.name}: ${(ratio * 100).toFixed(2)} %`)
    return {
      name: strategy.name,
      cost,
      gained,
      honest: control.rise,
      ratio,
      aboveMedian: [without.above, with_.above, control.above] as const,
    }
  })
  const worst = Math.max(...strategies.map((each) => each.ratio))
  return { ok: worst <= 0.05, worst, strategies }
}

/** How far `names` stand above newcomers in all viewers' eyes, added up, and how many of them above the median provider. */
function view(world: World, deals: readonly Deal[], names: readonly string[], viewers: readonly string[]): { rise: number; above: number } {
  const observations = [...observationsOf(world.deals, 'w'), ...observationsOf(deals, 'd')]
  let rise = 0
  let above = 0
  for (const me of viewers) {
    const scorer = makeScorer({ me, now: START + DAYS * DAY, observations })
    const known = world.providers.map((name) => scorer.score(name, 'provider').value).sort((a, b) => a - b)
    const median = known[Math.floor(known.length / 2)]!
    for (const name of names) {
      const { value } = scorer.score(name, 'provider')
      rise += value - NEWCOMER
      if (value > median) above++
    }
  }
  return { rise, above: above / viewers.length }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0)
}
