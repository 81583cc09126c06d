// Many runs: what became of every slot, what broke, and whether every planted fault was found.

import { chanceOfSeats, RULES } from '@haggle/witness'
import { PLANTED } from './planted.ts'
import { type Faults, runOnce, type RunResult } from './world.ts'

/** What many runs showed. */
export interface Explored {
  readonly runs: number
  /** Sums over the runs of {@link RunResult}'s counts. */
  readonly counts: Readonly<Record<Counted, number>>
  /** Runs in which an up provider that the rule covers was slashed. */
  readonly honestProvidersSlashed: number
  readonly wrongRuns: number
  /** Broken properties: the first few. */
  readonly wrong: readonly { readonly seed: number; readonly what: string }[]
}

type Counted = Exclude<keyof RunResult, 'wrong'>

const MAX_SHOWN = 20

/** Runs `count` seeds from `seed` on. */
export function explore(options: {
  readonly seed: number
  readonly count: number
  readonly faults?: Faults
  readonly until?: string
  readonly onProgress?: (done: number) => void
}): Explored {
  const counts = {} as Record<Counted, number>
  const wrong: { seed: number; what: string }[] = []
  let wrongRuns = 0
  let honestProvidersSlashed = 0
  let runs = 0
  for (; runs < options.count; runs++) {
    const seed = options.seed + runs
    const { wrong: what, ...result } = runOnce(seed, options.faults)
    for (const [name, value] of Object.entries(result) as [Counted, number][]) counts[name] = (counts[name] ?? 0) + value
    if (result.upCoveredSlashed > 0) honestProvidersSlashed++
    if (what.length > 0) wrongRuns++
    for (const one of new Set(what)) if (wrong.length < MAX_SHOWN) wrong.push({ seed, what: one })
    if (runs % 200 === 199) options.onProgress?.(runs + 1)
    if (options.until !== undefined && what.includes(options.until)) {
      runs++
      break
    }
  }
  return { runs, counts, honestProvidersSlashed, wrongRuns, wrong }
}

/** A planted fault, and the first seed that shows it; null when none of the runs did. */
export interface Found {
  readonly name: string
  readonly seed: number | null
}

/** Looks for every planted fault, for at most `count` runs each. */
export function findPlanted(options: { readonly seed: number; readonly count: number }): Found[] {
  return PLANTED.map(({ name, found, faults }) => {
    const { wrong } = explore({ ...options, faults, until: found })
    return { name, seed: wrong.find(({ what }) => what === found)?.seed ?? null }
  })
}

/** What a share of the seats buys: the chance of more than f, q and t places of a committee drawn from 1,000 seats. */
export function chances(): Record<string, Record<string, number>> {
  const seats = 1_000
  const of = (share: number, rule: (typeof RULES)[1], least: number): number =>
    Number(chanceOfSeats({ seats, bad: Math.round(seats * share), n: rule.n, least }).toPrecision(3))
  return Object.fromEntries(
    Object.entries(RULES).flatMap(([number, rule]) =>
      [0.05, 0.1, 0.2, 0.3].map((share) => [
        `rule ${number}, ${share * 100} % of the seats`,
        { moreThanF: of(share, rule, rule.f + 1), saves: of(share, rule, rule.q), frames: of(share, rule, rule.t) },
      ]),
    ),
  )
}
