// Many runs: what they visited, what they found, and whether every planted bug was among it.

import { allTransitions, createMachine, PHASES, type Phase, transitionOf } from '@haggle/contract'
import type { FaultPoint } from './node_model.ts'
import { PLANTED } from './planted.ts'
import { runOnce } from './world.ts'

/** What many runs visited. Plain data, to travel between threads. */
export interface Visited {
  readonly runs: number
  readonly steps: number
  readonly states: Readonly<Record<string, number>>
  readonly transitions: Readonly<Record<string, number>>
  /** Times that each fault point was passed, and died at. */
  readonly faultPoints: Readonly<Record<string, readonly [passed: number, died: number]>>
  readonly outcomes: Readonly<Record<string, number>>
  /** Broken properties: the first few. */
  readonly wrong: readonly { readonly seed: number; readonly what: string }[]
  readonly wrongRuns: number
}

const MAX_SHOWN = 20

/** Runs `count` seeds from `seed` on. */
export function explore(options: { readonly seed: number; readonly count: number; readonly onProgress?: (done: number) => void }): Visited {
  const machine = createMachine()
  const known = new Set(allTransitions())
  const states: Record<string, number> = {}
  const transitions: Record<string, number> = {}
  const faultPoints: Record<string, [number, number]> = {}
  const outcomes: Record<string, number> = {}
  const wrong: { seed: number; what: string }[] = []
  let steps = 0
  let wrongRuns = 0
  const count = (table: Record<string, number>, key: string): void => void (table[key] = (table[key] ?? 0) + 1)
  for (let done = 0; done < options.count; done++) {
    const seed = options.seed + done
    const strange: string[] = []
    const result = runOnce({
      seed,
      machine,
      onMove: (role, move) => {
        const row = transitionOf(role, move)
        count(transitions, row)
        if (!known.has(row)) strange.push(`a step that is not in the table: ${row}`)
        if (move.machine === 'contract') {
          count(states, `${role} ${move.from}`)
          count(states, `${role} ${move.to}`)
        }
      },
      onFault: (point: FaultPoint, died) => {
        const hit = (faultPoints[point] ??= [0, 0])
        hit[0]++
        if (died) hit[1]++
      },
    })
    steps += result.steps
    count(outcomes, result.outcome)
    const found = [...result.wrong, ...strange]
    if (found.length > 0) wrongRuns++
    for (const what of found) if (wrong.length < MAX_SHOWN) wrong.push({ seed, what })
    if ((done + 1) % 2_000 === 0) options.onProgress?.(done + 1)
  }
  return { runs: options.count, steps, states, transitions, faultPoints, outcomes, wrong, wrongRuns }
}

function add<T>(parts: readonly Readonly<Record<string, T>>[], sum: (a: T, b: T) => T): Record<string, T> {
  const all: Record<string, T> = {}
  for (const part of parts)
    for (const [key, value] of Object.entries(part)) all[key] = all[key] === undefined ? value : sum(all[key], value)
  return all
}

const plus = (a: number, b: number): number => a + b

/** What several threads visited together. */
export function together(parts: readonly Visited[]): Visited {
  return {
    runs: parts.reduce((sum, part) => sum + part.runs, 0),
    steps: parts.reduce((sum, part) => sum + part.steps, 0),
    states: add(
      parts.map((part) => part.states),
      plus,
    ),
    transitions: add(
      parts.map((part) => part.transitions),
      plus,
    ),
    faultPoints: add(
      parts.map((part) => part.faultPoints),
      (a, b) => [a[0] + b[0], a[1] + b[1]] as const,
    ),
    outcomes: add(
      parts.map((part) => part.outcomes),
      plus,
    ),
    wrong: parts.flatMap((part) => part.wrong).slice(0, MAX_SHOWN),
    wrongRuns: parts.reduce((sum, part) => sum + part.wrongRuns, 0),
  }
}

/** How a planted bug was found, or that it was not. */
export interface Found {
  readonly name: string
  readonly rule: string
  readonly found: boolean
  /** Runs until it was found. */
  readonly runs: number
  readonly seed: number | null
  readonly what: string | null
}

/** Looks for each planted bug in at most `count` runs from `seed` on. */
export function findPlanted(options: { readonly seed: number; readonly count: number }): Found[] {
  return PLANTED.map(({ name, rule, found, machine, faults }) => {
    for (let done = 0; done < options.count; done++) {
      const seed = options.seed + done
      const { wrong } = runOnce({ seed, machine, faults, onMove: () => undefined, onFault: () => undefined })
      const what = wrong.find((words) => found.test(words))
      if (what !== undefined) return { name, rule, found: true, runs: done + 1, seed, what }
    }
    return { name, rule, found: false, runs: options.count, seed: null, what: null }
  })
}

/** Every state of both roles that the table knows: all phases, except that only a provider waits in `confirmed`. */
export function allStates(): string[] {
  const phases = (without: Phase | null): readonly Phase[] => PHASES.filter((phase) => phase !== without)
  return [...phases('confirmed').map((phase) => `renter ${phase}`), ...phases(null).map((phase) => `provider ${phase}`)]
}

/** Every place in the driver where a process may die: around each write and send, at each read, before each effect, and in between. */
export function allFaultPoints(types: readonly string[]): string[] {
  const around = types.flatMap((type) => [
    `before-read:${type}`,
    `after-read:${type}`,
    `before-write:${type}`,
    `after-write:${type}`,
    `before-send:${type}`,
    `after-send:${type}`,
  ])
  return [...around, ...['capacity', 'job', 'measure', 'pay', 'ledger', 'notify', 'ignored'].map((kind) => `effect:${kind}`), 'idle']
}
