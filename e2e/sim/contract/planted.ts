// Wrong machines and wrong drivers, one for each rule: the simulator must find every one of them.

import {
  brokenRule,
  createMachine,
  deadlinesOf,
  type Deadline,
  type Facts,
  learn,
  type Machine,
  outcomeOf,
  owedFor,
  type Rec,
  type State,
} from '@haggle/contract'
import type { DriverFaults } from './node_model.ts'

/** One rule broken on purpose. */
export interface Planted {
  readonly name: string
  /** The rule, in the words of the specification. */
  readonly rule: string
  /** What the simulator should say, among other things. */
  readonly found: RegExp
  readonly machine: Machine
  readonly faults: Partial<DriverFaults>
}

const right: Machine = createMachine()

function later(
  name: Deadline['name'],
  options: { readonly when: (state: State) => boolean; readonly byMs: number },
): (state: State) => readonly Deadline[] {
  return (state) =>
    deadlinesOf(state).map((due) => (due.name === name && options.when(state) ? { ...due, atMs: due.atMs + options.byMs } : due))
}

/** Takes what has arrived first for what was said first: a CANCEL that comes after CONFIRM is read as if it knew of it. */
function learnByArrival(facts: Facts, rec: Rec): Facts {
  const confirm = facts.confirms[0]
  return learn(
    facts,
    rec.type === 'cancel' && rec.by === 'renter' && confirm !== undefined ? { ...rec, ack: Math.max(rec.ack, confirm.seq) } : rec,
  )
}

/** Rounds every second up instead of the sum. */
const roundedSeconds: typeof owedFor = (terms, usage) =>
  owedFor(
    terms,
    usage.map((amount) => ((amount + 999n) / 1_000n) * 1_000n),
  )

/** Counts whatever the renter says as a payment. */
function anyWordPays(state: State): readonly Deadline[] {
  return deadlinesOf(state).map((due) =>
    due.name === 'silence' && state.init.role === 'provider' ? { ...due, atMs: due.atMs - state.times.paid + state.times.heard } : due,
  )
}

const unless: (rule: string) => typeof brokenRule = (rule) => (facts, rec, parties) => {
  const broken = brokenRule(facts, rec, parties)
  return broken === rule ? null : broken
}

/** Every planted bug. */
export const PLANTED: readonly Planted[] = [
  {
    name: 'unsynced-write',
    rule: 'an envelope is synced before it is sent: nobody signs two for one seq',
    found: /signed \d+ messages for seq/,
    machine: right,
    faults: { writesUnsynced: true },
  },
  {
    name: 'send-before-write',
    rule: 'an envelope is written before it is sent',
    found: /signed \d+ messages for seq/,
    machine: right,
    faults: { sendsBeforeWriting: true },
  },
  {
    name: 'sign-before-sync',
    rule: 'after a restart nothing is signed before SYNC',
    found: /signed \d+ messages for seq/,
    machine: right,
    faults: { signsBeforeSync: true },
  },
  {
    name: 'job-before-write',
    rule: 'nothing runs before CONFIRM is on disk',
    found: /without CONFIRM on disk/,
    machine: right,
    faults: { startsBeforeWriting: true },
  },
  {
    name: 'forgotten-end',
    rule: 'an end is kept: nothing in flight turns it into a debt',
    found: /by what was in flight/,
    machine: right,
    faults: { forgetsEnds: true },
  },
  {
    name: 'late-confirm',
    rule: "CONFIRM must arrive before ACCEPT's end",
    found: /came too late binds/,
    machine: createMachine({
      deadlinesOf: later('turn', { when: (s) => s.phase === 'accepted' && s.init.role === 'renter', byMs: 10_000 }),
    }),
    faults: {},
  },
  {
    name: 'order-of-arrival',
    rule: 'the outcome follows seq and ack, never arrival: a CANCEL that does not acknowledge CONFIRM undoes it',
    found: /outcomes? (differ|after SYNC)/,
    machine: createMachine({ learn: learnByArrival }),
    faults: {},
  },
  {
    name: 'unbounded-risk',
    rule: 'at most one tick runs without an acknowledgement',
    found: /unacknowledged for more than a tick/,
    machine: createMachine({ deadlinesOf: later('turn', { when: (s) => s.phase === 'confirmed', byMs: 30_000 }) }),
    faults: {},
  },
  {
    name: 'words-are-money',
    rule: 'where ticks are paid ahead only a VOUCHER keeps a job running: any other message pays nothing',
    found: /with \d+ paid for/,
    machine: createMachine({ deadlinesOf: anyWordPays }),
    faults: {},
  },
  {
    name: 'rounded-ticks',
    rule: 'owed is one ceil over cumulative usage',
    found: /not one ceil/,
    machine: createMachine({ owedFor: roundedSeconds, brokenRule: unless('meter') }),
    faults: {},
  },
  {
    name: 'believes-anything',
    rule: 'the renter vouches for no more than its own time and the tolerance',
    found: /the renter vouched for/,
    machine: createMachine({ believes: () => true, outcomeOf }),
    faults: {},
  },
]
