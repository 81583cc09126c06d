// What a machine does when one of its deadlines has come.

import { fromHex } from '@haggle/wire'
import { MAX_RESEND } from './constants.ts'
import { usedMs } from './metering.ts'
import { paysAhead } from './paying.ts'
import type { DeadlineName } from './phase.ts'
import type { CancelReason, ReceiptReason } from './reasons.ts'
import type { State } from './state.ts'
import { clock, heads, move, must, note, set, unheld, type Work } from './_work.ts'

/** Repetitions that a sleeping process may have missed: a day of them. */
const MAX_MISSED = 2_880

/** Ends this side without a signature. */
export function close(work: Work): void {
  const { mine } = work.state
  set(work, { closed: true })
  move(work, mine)
}

function cancel(work: Work, reason: CancelReason): void {
  if (work.state.synced) must(work, 'cancel', { reason })
  else close(work)
}

/** Signs a RECEIPT: with RESULT's figures when it agrees, else with what the renter has vouched for. */
export function sayReceipt(work: Work, reason: ReceiptReason | null): void {
  const { mine, init } = work.state
  const theirs = mine.receipt.renter
  const own =
    init.role === 'renter'
      ? reason === null
        ? mine.result
        : mine.voucher
      : reason === null
        ? theirs
        : reason === 'silent'
          ? mine.voucher
          : mine.result
  if (!work.state.synced || own === null || mine.accept === null || mine.accept.id === null || mine.inForce === null) return close(work)
  const { usage, owed } = own
  must(work, 'receipt', { contract: fromHex(mine.accept.id), termsHash: fromHex(mine.inForce.hash), usage, owed, reason })
}

/** False when RESULT claims more time than the renter's own clock allows. */
export function believed(state: State, nowMs: number, believes: (usedMs: bigint, ownMs: number) => boolean): boolean {
  const { inForce, result } = state.mine
  return inForce === null || result === null || believes(usedMs(inForce.terms, result.usage), nowMs - state.times.since)
}

function reject(work: Work): void {
  const { stepId } = work.state.mine.walk
  if (!work.state.synced || stepId === null) return close(work)
  must(work, 'rejected', { reason: 'expired', path: null, of: fromHex(stepId), terms: null, validMs: 0 })
}

function rentersTurn(work: Work): void {
  const { phase, mine } = work.state
  switch (phase) {
    case 'quoted':
      return cancel(work, 'lapsed')
    case 'staging':
      return cancel(work, 'staging')
    case 'cancelling':
      return mine.bound ? sayReceipt(work, 'silent') : close(work)
    case 'closing': {
      if (mine.receipt.renter !== null) return close(work)
      return sayReceipt(work, believed(work.state, work.state.times.phase, work.rules.believes) ? null : 'meter')
    }
    default:
      return cancel(work, 'expired')
  }
}

function providersTurn(work: Work): void {
  const { phase, mine } = work.state
  switch (phase) {
    case 'quoted':
      return cancel(work, 'expired')
    case 'confirmed':
      return cancel(work, 'unacked')
    case 'staging':
      return cancel(work, 'staging')
    case 'cancelling':
      return close(work)
    case 'closing': {
      const theirs = mine.receipt.renter
      if (theirs === null) return mine.bound ? sayReceipt(work, 'silent') : close(work)
      return mine.result === null || theirs.reason === null
        ? close(work)
        : sayReceipt(work, theirs.reason === 'silent' ? 'meter' : theirs.reason)
    }
    default:
      return reject(work)
  }
}

/** Once, however many repetitions were missed. */
function repeat(work: Work): void {
  const due = (): boolean => work.rules.deadlinesOf(work.state).some(({ name, atMs }) => name === 'repeat' && atMs <= work.nowMs)
  for (let missed = 0; missed < MAX_MISSED && due(); missed++) set(work, { repeats: work.state.repeats + 1 })
  const { state } = work
  if (state.synced) work.effects.push({ kind: 'resend', seqs: unheld(state, { atLeastLast: true }).slice(0, MAX_RESEND) })
  else work.effects.push(heads(state))
}

/** Asks the driver to stop the job, for what its terms say. */
export function stopJob(work: Work, reason: 'time' | 'cap' | CancelReason): void {
  const { accept } = work.state.mine
  if (accept === null || accept.id === null) return
  work.effects.push({ kind: 'job', action: 'stop', contract: fromHex(accept.id), reason })
}

/** Does what the deadline `name` asks for. Afterwards it is no longer due. */
export function fire(work: Work, name: DeadlineName): void {
  const { phase } = work.state
  const moved = work.moves.length
  work.cause = `deadline:${name}`
  act(work, name)
  if (work.moves.length === moved) work.moves.push({ machine: 'contract', from: phase, on: work.cause, to: phase })
}

function act(work: Work, name: DeadlineName): void {
  const { state, nowMs } = work
  const { mine, init } = state
  switch (name) {
    case 'turn':
      return init.role === 'renter' ? rentersTurn(work) : providersTurn(work)
    case 'repeat':
      return repeat(work)
    case 'hold':
      note(work, { capacity: 'none' })
      work.effects.push({ kind: 'capacity', action: 'release' })
      return
    case 'ack':
      note(work, { paid: true })
      work.effects.push({ kind: 'pay', n: mine.meters.at(-1)?.n ?? 0, owed: mine.meters.at(-1)?.owed ?? 0n })
      return
    case 'tick':
      clock(work, { measure: nowMs })
      work.effects.push({ kind: 'measure', n: (mine.meters.at(-1) ?? mine.voucher).n + 1 })
      return
    case 'max':
      note(work, { maxed: mine.inForce?.terms.maxMs ?? 0 })
      return stopJob(work, 'time')
    case 'silence':
      return cancel(work, init.role === 'renter' ? 'silent' : mine.inForce !== null && paysAhead(mine.inForce.terms) ? 'unpaid' : 'idle')
    case 'answer':
      return reject(work)
    case 'stop':
      // The driver never said what was used: the last METER is what stands.
      if (!state.synced) return close(work)
      set(work, {
        over: { exit: { kind: 'lost', code: null, word: null }, usage: (mine.meters.at(-1) ?? mine.voucher).usage, output: null },
      })
  }
}
