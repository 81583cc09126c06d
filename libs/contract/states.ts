// What every state waits for, how long, what happens then, and who is liable: the machine's table for people, checked against the machine.

import type { Role } from './messages.ts'
import type { EndPhase, Phase } from './phase.ts'

/** One state of one side. */
export interface StateRow {
  /** Whose state. */
  readonly role: Role
  /** Which one. */
  readonly phase: Exclude<Phase, EndPhase>
  /** What this side waits for. */
  readonly waitsFor: string
  /** How long: constants by name, fields of the terms in lower case. */
  readonly timeout: string
  /** What this side does then. */
  readonly action: string
  /** What it comes to, if nothing else does. */
  readonly end: EndPhase | null
  /** Who is liable for the timeout in the outcome; null: nobody. */
  readonly liable: Role | null
}

const row = (role: Role, phase: StateRow['phase'], rest: Omit<StateRow, 'role' | 'phase'>): StateRow => ({ role, phase, ...rest })

/** Every state that is not an end, with its timeout and its liable party. */
export const STATES: readonly StateRow[] = [
  row('renter', 'idle', {
    waitsFor: 'its own first word',
    timeout: 'none: nothing exists yet',
    action: 'nothing',
    end: null,
    liable: null,
  }),
  row('renter', 'asked', {
    waitsFor: 'QUOTE or REJECTED',
    timeout: 'ANSWER_MS',
    action: 'CANCEL(expired)',
    end: 'expired',
    liable: 'provider',
  }),
  row('renter', 'quoted', {
    waitsFor: 'its own COUNTER, ACCEPT or CANCEL',
    timeout: 'validMs from arrival',
    action: 'CANCEL(lapsed)',
    end: 'expired',
    liable: 'renter',
  }),
  row('renter', 'countered', {
    waitsFor: 'QUOTE or REJECTED',
    timeout: 'ANSWER_MS',
    action: 'CANCEL(expired)',
    end: 'expired',
    liable: 'provider',
  }),
  row('renter', 'accepted', {
    waitsFor: 'CONFIRM or REJECTED; ACCEPT again at ACCEPT_RESEND_MS',
    timeout: 'ACCEPT_MS',
    action: 'CANCEL(expired)',
    end: 'expired',
    liable: 'provider',
  }),
  row('renter', 'staging', {
    waitsFor: 'READY; acknowledges CONFIRM after min(tickMs / 4, MAX_ACK_MS)',
    timeout: 'stagingMs + SLACK_MS',
    action: 'CANCEL(staging)',
    end: 'failed',
    liable: 'provider',
  }),
  row('renter', 'running', {
    waitsFor: 'METER or RESULT',
    timeout: 'SILENT_TICKS × tickMs + graceMs since the last METER',
    action: 'CANCEL(silent)',
    end: 'failed',
    liable: 'provider',
  }),
  row('renter', 'cancelling', {
    waitsFor: 'acknowledgement of CANCEL (repeated), and RESULT when bound',
    timeout: 'CANCEL_MS',
    action: 'RECEIPT(silent) when bound, else nothing',
    end: 'cancelled',
    liable: null,
  }),
  row('renter', 'closing', {
    waitsFor: 'its own RECEIPT, then that of the provider (RECEIPT repeated)',
    timeout: 'RECEIPT_MS for its own, CLOSE_MS after it',
    action: 'RECEIPT; then closes alone',
    end: 'settled',
    liable: null,
  }),
  row('provider', 'idle', {
    waitsFor: 'QUOTE_REQ or ACCEPT',
    timeout: 'none: nothing exists yet',
    action: 'nothing',
    end: null,
    liable: null,
  }),
  row('provider', 'asked', {
    waitsFor: 'its own QUOTE or REJECTED',
    timeout: 'THINK_MS',
    action: 'REJECTED(expired)',
    end: 'rejected',
    liable: 'provider',
  }),
  row('provider', 'quoted', {
    waitsFor: 'COUNTER, ACCEPT or CANCEL; a hold ends at holdMs',
    timeout: 'validMs + SLACK_MS',
    action: 'CANCEL(expired)',
    end: 'expired',
    liable: 'renter',
  }),
  row('provider', 'countered', {
    waitsFor: 'its own QUOTE or REJECTED',
    timeout: 'THINK_MS',
    action: 'REJECTED(expired)',
    end: 'rejected',
    liable: 'provider',
  }),
  row('provider', 'accepted', {
    waitsFor: 'its own CONFIRM or REJECTED',
    timeout: 'ACCEPT_MS',
    action: 'REJECTED(expired)',
    end: 'rejected',
    liable: 'provider',
  }),
  row('provider', 'confirmed', {
    waitsFor: 'any message that acknowledges CONFIRM',
    timeout: 'tickMs',
    action: 'stops the job, CANCEL(unacked)',
    end: 'expired',
    liable: null,
  }),
  row('provider', 'staging', {
    waitsFor: 'START where ACCEPT named no spec, and its own READY',
    timeout: 'stagingMs since CONFIRM',
    action: 'CANCEL(staging)',
    end: 'failed',
    liable: 'provider',
  }),
  row('provider', 'running', {
    waitsFor: 'VOUCHER; METER every tickMs, every ¾ tickMs where ticks are paid ahead; the job stops at maxMs and at the cap',
    timeout:
      'idleMs since the last message of the renter (free rail), or graceMs since the METER that the last VOUCHER acknowledges, READY before one',
    action: 'CANCEL(idle) or CANCEL(unpaid)',
    end: 'failed',
    liable: 'renter',
  }),
  row('provider', 'cancelling', {
    waitsFor: "the stopped job's figures, and acknowledgement of CANCEL (repeated)",
    timeout: 'STOP_MS when bound, else CANCEL_MS',
    action: 'RESULT(lost) with the last METER, else nothing',
    end: 'cancelled',
    liable: null,
  }),
  row('provider', 'closing', {
    waitsFor: "the renter's RECEIPT (RESULT repeated)",
    timeout: 'CLOSE_MS; RECEIPT_MS after a RECEIPT that disagrees',
    action: 'RECEIPT(silent) when bound, else nothing',
    end: 'failed',
    liable: 'renter',
  }),
]
