// The hour itself: heartbeats, receipts, probes and decisions over links that lose, delay and cut, with every clock a little wrong.

import { virtualClock } from '@haggle/wire/testing'
import type { Schedule } from '@haggle/witness'
import { SLOT_S, type Scenario } from './scenario.ts'
import { honestWitness, lyingWitness, momentsOf, signedAt, type WitnessFaults, type WitnessModel } from './witness_model.ts'

/** What the hour left behind. */
export interface Hour {
  readonly witnesses: readonly WitnessModel[]
  /** Per slot: honest witnesses that a heartbeat reached in time. */
  readonly reached: readonly ReadonlySet<number>[]
  /** Per slot: places whose receipt the provider holds, and those that will come late. */
  readonly receipts: readonly Set<number>[]
  readonly late: readonly Set<number>[]
  /** Every receipt that an honest witness signed, whether it arrived or not. */
  readonly honestReceipts: readonly Set<number>[]
}

/** Times that a heartbeat is sent in its slot, at most. */
const ATTEMPTS = 6
/** The clocks stand this long before slot 0 at the beginning. */
const LEAD_MS = 120_000

/** Lets the hour of `scenario` pass. */
export function liveThrough(scenario: Scenario, schedule: Schedule, faults: WitnessFaults): Hour {
  const { slots, lies, up, cut, hearing, skewMs, loss, delayMs, rng, rule } = scenario
  const clock = virtualClock(schedule.startsAtS * 1_000 - LEAD_MS)
  const sets = (): Set<number>[] => Array.from({ length: slots }, () => new Set<number>())
  const reached = sets()
  const receipts = sets()
  const late = sets()
  const honestReceipts = sets()
  const of = (place: number): number => skewMs[place + 1] as number
  const local = (place: number): number => clock.now() + of(place)
  const isCut = (slot: number, place: number): boolean => (cut[slot] as readonly number[]).includes(place)
  const at = (trueMs: number, run: () => void): void => void clock.after(Math.max(0, trueMs - clock.now()), run)
  const delay = (): number => rng.next() * delayMs

  const witnesses = lies.map((lie, place) =>
    lie === null || lie === 'asleep' ? honestWitness(schedule, rule.q, local(place), faults) : lyingWitness(lie, () => rng.next()),
  )

  /** A heartbeat is at the witness; `answer`: its receipt may go back. */
  function arrive(slot: number, place: number): void {
    const nowMs = local(place)
    if (!(witnesses[place] as WitnessModel).heartbeat(slot, nowMs, nowMs / 1_000 - 12)) return
    const lie = lies[place] ?? null
    if (lie === null || lie === 'asleep') {
      reached[slot]?.add(place)
      honestReceipts[slot]?.add(place)
    }
    if (lie === 'late') late[slot]?.add(place)
    else if (!rng.chance(loss)) clock.after(delay(), () => void receipts[slot]?.add(place))
  }

  function beat(slot: number, place: number, attempt: number): void {
    if (receipts[slot]?.has(place) || attempt >= ATTEMPTS) return
    if (!isCut(slot, place) && !rng.chance(loss)) clock.after(delay(), () => arrive(slot, place))
    clock.after((SLOT_S * 1_000) / ATTEMPTS, () => beat(slot, place, attempt + 1))
  }

  for (let slot = 0; slot < slots; slot++) {
    const { start, end, decided } = momentsOf(schedule, slot)
    const providerStart = start - (skewMs[0] as number)
    for (const [place, lie] of lies.entries()) {
      if (up[slot]) at(providerStart, () => beat(slot, place, 0))
      if (lie !== null && lie !== 'asleep') continue
      const witness = witnesses[place] as WitnessModel
      // From its own side: the provider still has the heartbeat that it signed, unless it is down or has not come to the slot yet.
      at(end - of(place), () => {
        if (witness.misses(slot) && up[slot] && clock.now() >= providerStart && !isCut(slot, place) && !rng.chance(loss))
          arrive(slot, place)
      })
      at(decided - of(place), () => witness.decide(slot, local(place), heardBy(slot, place)))
    }
  }
  for (const [place, lie] of lies.entries())
    if (lie === 'asleep' || faults.forgetful)
      at(schedule.startsAtS * 1_000 + rng.next() * slots * SLOT_S * 1_000, () => witnesses[place]?.restart(local(place)))

  function heardBy(slot: number, place: number): number {
    const others = lies.filter((lie, other) => other !== place && lie !== 'silent').length
    return hearing[slot] ? others : Math.min(others, rng.int(0, rule.q - 1))
  }

  clock.advance(signedAt(schedule) - clock.now() + 300_000)
  return { witnesses, reached, receipts, late, honestReceipts }
}
