// A market of months in numbers alone: who rented from whom for how much, as the observations that both sides' ledgers would hold.

import type { Facts, Observation } from '@haggle/reputation'
import { chance } from '../torture/ledger_entries.ts'

/** Base units of one unit of the rail's money. */
const UNIT = 1_000_000

/** Unix seconds at which the simulated time begins. */
export const START = 1_800_000_000

export const DAY = 86_400

/** One contract that came to its end. */
export interface Deal {
  readonly renter: string
  readonly provider: string
  readonly day: number
  /** Units of money. */
  readonly value: number
  readonly outcome: 'settled' | 'failed'
}

/** Chance, and what is drawn with it. */
export interface Dice {
  random(): number
  pick<T>(from: readonly T[]): T
  /** A job's value in units: log-normal, median `median`. */
  value(median: number): number
}

export function diceOf(seed: number): Dice {
  const random = chance(seed)
  return {
    random,
    pick: (from) => from[Math.floor(random() * from.length)]!,
    value: (median) => median * Math.exp(Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())),
  }
}

/** What both parties' ledgers say of deals: all of them signed by both, all of them shown to everybody, which is the best that a cheater can hope for. */
export function observationsOf(deals: readonly Deal[], name: string): Observation[] {
  return deals.flatMap(({ renter, provider, day, value, outcome }, i) => {
    const at = START + Math.floor(day * DAY)
    const contract = `${name}${i}`
    const settled = BigInt(Math.round(outcome === 'settled' ? value * UNIT : 0))
    const facts = (role: Facts['role']): Facts => ({
      role,
      outcome,
      liable: outcome === 'failed' ? 'provider' : null,
      rail: 'evm',
      settled,
      meteredS: 600,
      upS: null,
      speedPermille: null,
    })
    return [
      { contract, subject: provider, by: renter, at, facts: facts('provider'), bothSigned: true },
      { contract, subject: renter, by: provider, at, facts: facts('renter'), bothSigned: true },
    ]
  })
}

/** Honest people's ordinary business. */
export interface World {
  readonly renters: readonly string[]
  readonly providers: readonly string[]
  readonly deals: readonly Deal[]
}

export interface WorldOptions {
  readonly renters: number
  readonly providers: number
  readonly days: number
}

/** Renters that each have a handful of providers they go back to, and try another now and then; one job in fifty fails. */
export function honestWorld(dice: Dice, { renters, providers, days }: WorldOptions): World {
  const names = (letter: string, count: number): string[] =>
    Array.from({ length: count }, (_, i) => `${letter}${String(i).padStart(4, '0')}`)
  const rent = names('renter', renters)
  const provide = names('provider', providers)
  const deals: Deal[] = []
  for (const renter of rent) {
    const usual = Array.from({ length: 5 }, () => dice.pick(provide))
    for (let day = dice.random() * 4; day < days; day += 1 + dice.random() * 6) {
      const provider = dice.random() < 0.8 ? dice.pick(usual) : dice.pick(provide)
      deals.push({ renter, provider, day, value: dice.value(0.3), outcome: dice.random() < 0.02 ? 'failed' : 'settled' })
    }
  }
  return { renters: rent, providers: provide, deals }
}
