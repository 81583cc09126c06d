// What follows by itself from what is known: the job's start and stop, capacity, the provider's RESULT and countersignature, the ledger.

import { fromHex } from '@haggle/wire'
import type { LedgerEntry } from './effect.ts'
import { confirmed, live, metered } from './facts.ts'
import { isEnd } from './phase.ts'
import { stopJob } from './_deadline_actions.ts'
import { hasContract, must, note, type Work } from './_work.ts'

function larger(a: bigint, b: bigint): bigint {
  return a > b ? a : b
}

function job(work: Work): void {
  const { state } = work
  const { mine, done, phase } = state
  const confirm = mine.confirms[0]
  if (state.init.role !== 'provider' || confirm === undefined || mine.accept === null || mine.accept.id === null) return
  const onDisk = confirm.seq < state.own.next
  const known = mine.specHash !== null && (state.synced || mine.ready)
  if (!done.started && onDisk && known && live(mine) && !isEnd(phase) && state.over === null) {
    note(work, { started: true })
    work.effects.push({ kind: 'job', action: 'start', contract: fromHex(mine.accept.id) })
  }
  const cancel = mine.cancel.renter ?? mine.cancel.provider
  const ended = cancel !== null || mine.receipt.renter !== null || isEnd(phase)
  if ((work.state.done.started || done.mayRun) && !done.stopped && ended && mine.result === null && state.over === null) {
    note(work, { stopped: true })
    stopJob(work, cancel?.reason ?? 'idle')
  }
}

function capacity(work: Work): void {
  const { state } = work
  const { done, mine, phase } = state
  if (done.capacity !== 'held' && done.capacity !== 'taken') return
  const quoting = done.capacity === 'held' && (phase === 'asked' || phase === 'countered')
  const stopped = mine.result !== null || state.over !== null || (phase === 'cancelling' && !done.started)
  if (!isEnd(phase) && !quoting && !(done.capacity === 'taken' && stopped)) return
  note(work, { capacity: 'released' })
  work.effects.push({ kind: 'capacity', action: 'release' })
}

/** The provider's words that need nobody's decision. */
function words(work: Work): void {
  const { state } = work
  const { mine, over, synced, phase } = state
  if (state.init.role !== 'provider' || !synced || isEnd(phase)) return
  if (over !== null && mine.result === null && hasContract(mine) && mine.inForce !== null && mine.receipt.renter === null) {
    const { exit, output } = over
    // The job may have been over before SYNC gave METERs back that this side had signed: RESULT says no less than they do.
    const last = metered(mine).usage
    const usage = over.usage.map((amount, at) => larger(amount, last[at] ?? 0n))
    work.cause = 'driver'
    return must(work, 'result', { exit, usage, owed: work.rules.owedFor(mine.inForce.terms, usage), output })
  }
  const theirs = mine.receipt.renter
  if (
    theirs === null ||
    theirs.reason !== null ||
    mine.receipt.provider !== null ||
    mine.accept === null ||
    mine.accept.id === null ||
    mine.inForce === null
  )
    return
  must(work, 'receipt', {
    contract: fromHex(mine.accept.id),
    termsHash: fromHex(mine.inForce.hash),
    usage: theirs.usage,
    owed: theirs.owed,
    reason: null,
  })
}

function entryKey(entry: LedgerEntry): string {
  if (entry.kind !== 'closed') return entry.kind
  const { kind, by, reason, owed, claimed, signedBy } = entry.outcome
  return [entry.kind, kind, by, reason, owed, claimed, signedBy].join(' ')
}

/** Entries follow what is signed, not what is decided. */
function ledger(work: Work): void {
  const { state } = work
  const { mine, done, init, phase } = state
  const opens = mine.bound && !done.opened
  const nothingCame = init.role === 'renter' && !confirmed(mine) && mine.walk.phase === 'quoted'
  if (!opens && !nothingCame && !isEnd(phase)) return
  if (state.outbox.length > 0 || mine.accept === null || mine.accept.id === null) return
  const number = init.role === 'renter' ? mine.accept.number : mine.confirms[0]?.number
  if (number === undefined) return
  const { id } = mine.accept
  const contract = fromHex(id)
  const { peer } = init
  const termsHash = mine.inForce === null ? contract : fromHex(mine.inForce.hash)
  const said = (entry: LedgerEntry): void => void work.effects.push({ kind: 'ledger', entry })
  if (opens) {
    note(work, { opened: true })
    said({ kind: 'opened', contract, number, peer, termsHash })
  }
  if (nothingCame && !done.voided.includes(id)) {
    note(work, { voided: [...done.voided, id] })
    said({ kind: 'void', contract, number, peer })
  }
  if (!isEnd(phase)) return
  const entry: LedgerEntry = mine.bound
    ? { kind: 'closed', contract, number, peer, termsHash, outcome: work.rules.outcomeOf(mine, { silent: true }) }
    : { kind: 'void', contract, number, peer }
  const key = entryKey(entry)
  if (work.state.done.entered === key || (entry.kind === 'void' && work.state.done.voided.includes(id))) return
  note(work, { entered: key })
  said(entry)
}

/** Draws every conclusion from what is known now. */
export function settle(work: Work): void {
  let before
  do {
    before = work.state
    job(work)
    capacity(work)
    words(work)
    ledger(work)
  } while (before !== work.state)
}
