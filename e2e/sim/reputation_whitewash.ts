// A bad name thrown away and a new one taken, again and again: each life beside an honest twin with the same deals, who must never stand below.

import { makeScorer } from '@haggle/reputation'
import { DAY, type Deal, diceOf, honestWorld, observationsOf, START } from './reputation_world.ts'

const DAYS = 120

/** Days between two looks at the scores. */
const LOOK_EVERY = 10

/** Rounding of sums of doubles: below it two scores are the same. */
const EPSILON = 1e-12

/** How a whitewasher lives: jobs done well, then jobs failed, then a new name, for which the old one may vouch. */
interface Habit {
  readonly name: string
  readonly good: number
  readonly bad: number
  readonly vouches: boolean
}

const HABITS: readonly Habit[] = [
  { name: 'cheats at once', good: 0, bad: 3, vouches: false },
  { name: 'builds up, then cheats', good: 6, bad: 2, vouches: false },
  { name: 'builds up, cheats, and the old name vouches', good: 6, bad: 2, vouches: true },
  { name: 'only changes names', good: 4, bad: 0, vouches: false },
]

export interface WhitewashFigures {
  readonly ok: boolean
  /** Looks at which a whitewashed name stood above its honest twin. Must be 0. */
  readonly above: number
  /** Looks at which a new-born whitewashed name with no help stood above somebody unknown. Must be 0. */
  readonly bornAbove: number
  readonly looks: number
  readonly habits: readonly {
    readonly name: string
    readonly lives: number
    readonly looks: number
    readonly above: number
    readonly mean: number
    readonly twinMean: number
  }[]
}

export interface WhitewashOptions {
  readonly seed: number
  readonly renters?: number
  readonly viewers?: number
  readonly onProgress?: (line: string) => void
}

export function simulateWhitewash({ seed, renters = 120, viewers = 20, onProgress }: WhitewashOptions): WhitewashFigures {
  const dice = diceOf(seed)
  const world = honestWorld(dice, { renters, providers: 40, days: DAYS })
  const watching = world.renters.filter((_, i) => i % Math.max(1, Math.floor(renters / viewers)) === 0)
  const background = observationsOf(world.deals, 'w')
  let bornAbove = 0
  const habits = HABITS.map((habit) => {
    const lives: { name: string; twin: string; born: number; died: number }[] = []
    const deals: Deal[] = []
    for (let day = 0, life = 0; day < DAYS; life++) {
      const [name, twin] = [`${habit.name} ${life}`, `twin of ${habit.name} ${life}`]
      const born = day
      // Half of the jobs come from viewers, so that some have seen the cheating themselves and others have only heard.
      for (let job = 0; job < habit.good + habit.bad; job++) {
        day += 1 + dice.random() * 3
        const deal = { renter: dice.pick(dice.random() < 0.5 ? watching : world.renters), day, value: dice.value(0.5) }
        deals.push(
          { ...deal, provider: name, outcome: job < habit.good ? 'settled' : 'failed' },
          { ...deal, provider: twin, outcome: 'settled' },
        )
      }
      const previous = lives.at(-1)
      if (previous && habit.vouches) {
        // Directly, and through a renter in the same hand, which the old name has worked for: trust in a provider reaches other providers that way.
        const deal = { day: born + 0.5, value: 3, outcome: 'settled' as const }
        const pairs = [
          [previous.name, name],
          [previous.twin, twin],
        ] as const
        for (const [old, young] of pairs) {
          const accomplice = `accomplice of ${old}`
          deals.push(
            { ...deal, renter: old, provider: young },
            { ...deal, renter: accomplice, provider: old },
            { ...deal, renter: accomplice, provider: young },
          )
        }
      }
      lives.push({ name, twin, born, died: day })
    }
    let looks = 0
    let above = 0
    let sum = 0
    let twinSum = 0
    for (let day = LOOK_EVERY; day <= DAYS; day += LOOK_EVERY) {
      const past = deals.filter((deal) => deal.day <= day)
      const observations = [...background.filter(({ at }) => at <= START + day * DAY), ...observationsOf(past, 'd')]
      for (const me of watching) {
        const scorer = makeScorer({ me, now: START + day * DAY, observations })
        for (const { name, twin, born } of lives) {
          if (born > day) continue
          const value = scorer.score(name, 'provider').value
          const other = scorer.score(twin, 'provider').value
          if (value > other + EPSILON) above++
          if (!habit.vouches && !past.some((deal) => deal.provider === name) && value > scorer.score('nobody', 'provider').value + EPSILON)
            bornAbove++
          sum += value
          twinSum += other
          looks++
        }
      }
    }
    onProgress?.(`${habit.name}: ${lives.length} lives, ${above} of ${looks} looks above the honest twin`)
    return { name: habit.name, lives: lives.length, looks, above, mean: sum / looks, twinMean: twinSum / looks }
  })
  const above = habits.reduce((total, each) => total + each.above, 0)
  return { ok: above + bornAbove === 0, above, bornAbove, looks: habits.reduce((total, each) => total + each.looks, 0), habits }
}
