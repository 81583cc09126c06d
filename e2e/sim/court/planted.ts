// Wrong rules and wrong witnesses, one for each number and habit of spec/court.md: the simulation must find every one of them.

import type { Faults } from './world.ts'

/** One rule broken on purpose. */
export interface Planted {
  readonly name: string
  /** What the simulation should say, among other things. */
  readonly found: string
  readonly faults: Faults
}

/** All of them. */
export const PLANTED: readonly Planted[] = [
  { name: 't too low: liars alone claim', found: 'an honest provider was slashed', faults: { rule: (rule) => ({ ...rule, t: rule.f }) } },
  {
    name: 't one too low: liars and the cut off claim',
    found: 'an honest provider was slashed',
    faults: { rule: (rule) => ({ ...rule, t: rule.t - 1 }) },
  },
  {
    name: 't too high: a silent liar is enough',
    found: 'a down provider was not slashable',
    faults: { rule: (rule) => ({ ...rule, t: rule.t + 1 }) },
  },
  {
    name: 'q too low: liars alone refute',
    found: 'a down provider was not slashable',
    faults: { rule: (rule) => ({ ...rule, q: rule.f }) },
  },
  {
    name: 'q too high: a provider can not refute',
    found: 'an honest provider was slashed',
    faults: { rule: (rule) => ({ ...rule, q: rule.q + 1 }) },
  },
  { name: 'no time to refute', found: 'an honest provider was slashed', faults: { refuteS: 0 } },
  { name: 'a slot can be claimed again', found: 'a slot was slashed twice', faults: { once: false } },
  { name: 'witnesses do not ask whether they are alone', found: 'a network in pieces had a provider slashed', faults: { deaf: true } },
  {
    name: 'a witness forgets in a restart what it did not watch',
    found: 'an honest witness contradicts itself',
    faults: { forgetful: true },
  },
]
