// Every step that a machine can take, as data. The simulator takes each of them and finds no other.

import type { Role } from './messages.ts'
import type { Cause, EndPhase, Move, Phase, WalkPhase } from './phase.ts'
import { isEnd } from './phase.ts'

/** Where a step leads: a phase, a step of an extension, or `end`, which the outcome names: see `outcomeOf`. */
export type Target = Exclude<Phase, EndPhase> | WalkPhase | 'end'

/** The steps of one machine: from where, on what, to where. */
export type Steps = Readonly<Partial<Record<Exclude<Phase, EndPhase> | WalkPhase, Readonly<Partial<Record<Cause, readonly Target[]>>>>>>

/**
 * Every step of a machine, by role. `contract` is the thread itself, `extension` the walk inside a running contract. Not listed: an end is never left,
 * and a restart goes on where the stored messages lead.
 */
export const TRANSITIONS: Readonly<Record<Role, Readonly<Record<Move['machine'], Steps>>>> = {
  renter: {
    contract: {
      idle: {
        'own:quote-req': ['asked'],
        'own:accept': ['accepted'],
      },
      asked: {
        'own:cancel': ['cancelling'],
        'peer:quote': ['quoted'],
        'peer:rejected': ['quoted', 'end'],
        'peer:cancel': ['end'],
        'deadline:turn': ['cancelling', 'end'],
        'deadline:repeat': ['asked'],
      },
      quoted: {
        'own:counter': ['countered'],
        'own:accept': ['accepted'],
        'own:cancel': ['cancelling'],
        'peer:cancel': ['end'],
        'deadline:turn': ['cancelling', 'end'],
        'deadline:repeat': ['quoted'],
      },
      countered: {
        'own:cancel': ['cancelling'],
        'peer:quote': ['quoted'],
        'peer:rejected': ['quoted', 'end'],
        'peer:cancel': ['end'],
        'deadline:turn': ['cancelling', 'end'],
        'deadline:repeat': ['countered'],
      },
      accepted: {
        'own:cancel': ['cancelling'],
        'peer:confirm': ['staging'],
        'peer:rejected': ['quoted', 'end'],
        'peer:cancel': ['end'],
        'deadline:turn': ['cancelling', 'end'],
        'deadline:repeat': ['accepted'],
      },
      staging: {
        'own:quote-req': ['staging'],
        'own:counter': ['staging'],
        'own:accept': ['staging'],
        'own:start': ['staging'],
        'own:voucher': ['staging'],
        'own:grant': ['staging'],
        'own:cancel': ['cancelling'],
        'peer:quote': ['staging'],
        'peer:confirm': ['staging'],
        'peer:rejected': ['staging'],
        'peer:ready': ['running'],
        'peer:reclaim-notice': ['staging'],
        'peer:cancel': ['cancelling', 'end'],
        'peer:result': ['closing'],
        'deadline:turn': ['cancelling', 'end'],
        'deadline:ack': ['staging'],
        'deadline:repeat': ['staging'],
      },
      running: {
        'own:quote-req': ['running'],
        'own:counter': ['running'],
        'own:accept': ['running'],
        'own:voucher': ['running'],
        'own:grant': ['running'],
        'own:cancel': ['cancelling'],
        'peer:quote': ['running'],
        'peer:confirm': ['running'],
        'peer:rejected': ['running'],
        'peer:meter': ['running'],
        'peer:reclaim-notice': ['running'],
        'peer:cancel': ['cancelling', 'end'],
        'peer:result': ['closing'],
        'deadline:ack': ['running'],
        'deadline:silence': ['cancelling', 'end'],
        'deadline:repeat': ['running'],
      },
      cancelling: {
        'peer:quote': ['cancelling'],
        'peer:confirm': ['cancelling'],
        'peer:rejected': ['cancelling', 'end'],
        'peer:ready': ['cancelling'],
        'peer:meter': ['cancelling'],
        'peer:reclaim-notice': ['cancelling'],
        'peer:cancel': ['cancelling', 'end'],
        'peer:result': ['cancelling', 'closing'],
        sync: ['end'],
        'deadline:turn': ['end'],
        'deadline:repeat': ['cancelling'],
      },
      closing: {
        'own:grant': ['closing'],
        'own:receipt': ['closing', 'end'],
        'peer:receipt': ['closing', 'end'],
        'deadline:turn': ['closing', 'end'],
        'deadline:repeat': ['closing'],
      },
    },
    extension: {
      none: {
        'own:quote-req': ['asked'],
        'own:accept': ['accepted'],
      },
      asked: {
        'peer:quote': ['quoted'],
        'peer:rejected': ['none', 'quoted'],
      },
      quoted: {
        'own:quote-req': ['asked'],
        'own:counter': ['countered'],
        'own:accept': ['accepted'],
      },
      countered: {
        'peer:quote': ['quoted'],
        'peer:rejected': ['none', 'quoted'],
      },
      accepted: {
        'peer:confirm': ['none'],
        'peer:rejected': ['none', 'quoted'],
      },
    },
  },
  provider: {
    contract: {
      idle: {
        'peer:quote-req': ['asked'],
        'peer:accept': ['accepted'],
      },
      asked: {
        'own:quote': ['quoted'],
        'own:rejected': ['quoted', 'end'],
        'own:cancel': ['cancelling'],
        'peer:cancel': ['end'],
        'deadline:turn': ['end'],
        'deadline:repeat': ['asked'],
      },
      quoted: {
        'own:cancel': ['cancelling'],
        'peer:counter': ['countered'],
        'peer:accept': ['accepted'],
        'peer:cancel': ['end'],
        'deadline:turn': ['cancelling', 'end'],
        'deadline:hold': ['quoted'],
        'deadline:repeat': ['quoted'],
      },
      countered: {
        'own:quote': ['quoted'],
        'own:rejected': ['quoted', 'end'],
        'own:cancel': ['cancelling'],
        'peer:cancel': ['end'],
        'deadline:turn': ['end'],
        'deadline:repeat': ['countered'],
      },
      accepted: {
        'own:confirm': ['confirmed'],
        'own:rejected': ['quoted', 'end'],
        'own:cancel': ['cancelling'],
        'peer:cancel': ['end'],
        'deadline:turn': ['end'],
        'deadline:repeat': ['accepted'],
      },
      confirmed: {
        'own:ready': ['confirmed'],
        'own:meter': ['confirmed'],
        'own:reclaim-notice': ['confirmed'],
        'own:cancel': ['cancelling'],
        'own:result': ['closing'],
        'peer:quote-req': ['staging', 'running'],
        'peer:accept': ['staging', 'running'],
        'peer:start': ['staging'],
        'peer:voucher': ['staging', 'running'],
        'peer:grant': ['staging', 'running'],
        'peer:cancel': ['cancelling', 'end'],
        'deadline:turn': ['cancelling', 'end'],
        'deadline:tick': ['confirmed'],
        'deadline:max': ['confirmed'],
        'deadline:repeat': ['confirmed'],
      },
      staging: {
        'own:quote': ['staging'],
        'own:confirm': ['staging'],
        'own:rejected': ['staging'],
        'own:ready': ['running'],
        'own:reclaim-notice': ['staging'],
        'own:cancel': ['cancelling'],
        'own:result': ['closing'],
        'peer:quote-req': ['staging'],
        'peer:counter': ['staging'],
        'peer:accept': ['staging'],
        'peer:start': ['staging'],
        'peer:voucher': ['staging'],
        'peer:grant': ['staging'],
        'peer:cancel': ['cancelling'],
        'deadline:turn': ['cancelling', 'end'],
        'deadline:repeat': ['staging'],
      },
      running: {
        'own:quote': ['running'],
        'own:confirm': ['running'],
        'own:rejected': ['running'],
        'own:meter': ['running'],
        'own:reclaim-notice': ['running'],
        'own:cancel': ['cancelling'],
        'own:result': ['closing'],
        'peer:quote-req': ['running'],
        'peer:counter': ['running'],
        'peer:accept': ['running'],
        'peer:voucher': ['running'],
        'peer:grant': ['running'],
        'peer:cancel': ['cancelling'],
        'deadline:tick': ['running'],
        'deadline:max': ['running'],
        'deadline:silence': ['cancelling', 'end'],
        'deadline:repeat': ['running'],
      },
      cancelling: {
        'own:result': ['closing'],
        'peer:quote-req': ['cancelling'],
        'peer:counter': ['cancelling'],
        'peer:accept': ['cancelling'],
        'peer:start': ['cancelling'],
        'peer:voucher': ['cancelling'],
        'peer:grant': ['cancelling'],
        'peer:cancel': ['cancelling', 'end'],
        'peer:receipt': ['closing'],
        sync: ['end'],
        'deadline:turn': ['end'],
        'deadline:stop': ['cancelling', 'end'],
        'deadline:repeat': ['cancelling'],
      },
      closing: {
        'own:receipt': ['end'],
        'peer:quote-req': ['closing'],
        'peer:counter': ['closing'],
        'peer:accept': ['closing'],
        'peer:start': ['closing'],
        'peer:voucher': ['closing'],
        'peer:grant': ['closing'],
        'peer:cancel': ['closing', 'end'],
        'peer:receipt': ['closing'],
        'deadline:turn': ['end'],
        'deadline:repeat': ['closing'],
      },
    },
    extension: {
      none: {
        'peer:quote-req': ['asked'],
        'peer:accept': ['accepted'],
      },
      asked: {
        'own:quote': ['quoted'],
        'own:rejected': ['none', 'quoted'],
        'deadline:answer': ['none'],
      },
      quoted: {
        'peer:quote-req': ['asked'],
        'peer:counter': ['countered'],
        'peer:accept': ['accepted'],
      },
      countered: {
        'own:quote': ['quoted'],
        'own:rejected': ['none', 'quoted'],
        'deadline:answer': ['none'],
      },
      accepted: {
        'own:confirm': ['none'],
        'own:rejected': ['none', 'quoted'],
        'deadline:answer': ['none'],
      },
    },
  },
}

/** Every step as one line, `role machine from on to`. */
export function allTransitions(): string[] {
  const lines: string[] = []
  for (const [role, machines] of Object.entries(TRANSITIONS)) {
    for (const [machine, steps] of Object.entries(machines)) {
      for (const [from, causes] of Object.entries(steps)) {
        for (const [on, targets] of Object.entries(causes)) for (const to of targets) lines.push(`${role} ${machine} ${from} ${on} ${to}`)
      }
    }
  }
  return lines
}

/** A step that a machine took, as a line of {@link allTransitions}. */
export function transitionOf(role: Role, move: Move): string {
  const to = move.machine === 'contract' && isEnd(move.to as Phase) ? 'end' : move.to
  return `${role} ${move.machine} ${move.from} ${move.on} ${to}`
}
