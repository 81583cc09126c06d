// What this side's driver wants, turned into messages.

import { fromHex, HaggleError } from '@haggle/wire'
import { SILENT_TICKS } from './constants.ts'
import type { Command } from './event.ts'
import { confirmed, live, metered } from './facts.ts'
import type { Bodies, ContractMessageName } from './messages.ts'
import { usedMs } from './metering.ts'
import { isEnd } from './phase.ts'
import { encodeTerms, termsHash } from './terms.ts'
import { believed, sayReceipt, stopJob } from './_deadline_actions.ts'
import { clock, decide, hasContract, note, set, type Work } from './_work.ts'

function refuse(work: Work, command: Command, why: string): HaggleError {
  const { phase, init } = work.state
  return new HaggleError('E_CONTRACT_STATE', `Cannot ${command.do} as ${init.role} in phase ${phase}: ${why}`, {
    details: { phase, command: command.do, role: init.role, why },
  })
}

function say<N extends ContractMessageName>(work: Work, command: Command, message: { readonly type: N; readonly body: Bodies[N] }): void {
  if (isEnd(work.state.phase)) throw refuse(work, command, 'it is over')
  const broken = decide(work, message.type, message.body)
  if (broken !== null) throw refuse(work, command, broken)
}

/** Hex id of the contract, as bytes. Throws when there is none yet. */
function contractOf(work: Work, command: Command): Uint8Array {
  const { accept } = work.state.mine
  if (accept === null || accept.id === null) throw refuse(work, command, 'contract')
  return fromHex(accept.id)
}

/** Usage with its `ms` replaced, each amount at least what METER said already. */
function atLeast(work: Work, usage: readonly bigint[], ms: bigint): readonly bigint[] {
  const { mine } = work.state
  const last = metered(mine).usage
  return (mine.inForce?.terms.meters ?? []).map((meter, at) => {
    const said = last[at] ?? 0n
    const now = meter.unit === 'ms' ? ms : (usage[at] ?? 0n)
    return now > said ? now : said
  })
}

/** What may be billed of measured `usage`: a gap of more than two ticks without a METER is the provider's own. Remembers what was left out. */
function billable(work: Work, usage: readonly bigint[]): readonly bigint[] {
  const { mine, unbilledMs } = work.state
  const terms = mine.inForce?.terms
  if (terms === undefined) return usage
  const last = usedMs(terms, metered(mine).usage)
  const measured = usedMs(terms, usage) - unbilledMs
  const most = last + BigInt(SILENT_TICKS * terms.tickMs)
  if (measured > most) set(work, { unbilledMs: unbilledMs + measured - most })
  return atLeast(work, usage, measured > most ? most : measured)
}

function meter(work: Work, command: Extract<Command, { do: 'meter' }>): void {
  const { mine, synced } = work.state
  const terms = mine.inForce?.terms
  if (!synced || terms === undefined || !live(mine)) return
  const usage = billable(work, command.usage)
  const owed = work.rules.owedFor(terms, usage)
  say(work, command, { type: 'meter', body: { n: metered(mine).n + 1, usage, owed } })
  clock(work, { measure: work.nowMs })
  // Where nothing has a price, nothing is owed at the start either.
  if (owed === terms.cap && terms.meters.some(({ price }) => price > 0n)) stopJob(work, 'cap')
}

/** The job is over: RESULT follows as soon as it may be signed, which may be never when nobody was bound. */
function result(work: Work, command: Extract<Command, { do: 'result' }>): void {
  const { state } = work
  if (!confirmed(state.mine) || state.init.role !== 'provider') throw refuse(work, command, 'turn')
  if (state.over !== null || state.mine.result !== null) return
  const usage = state.mine.ready ? billable(work, command.usage) : metered(state.mine).usage
  set(work, { over: { exit: command.exit, usage, output: command.output } })
}

function extend(work: Work, command: Extract<Command, { do: 'extend' }>): void {
  const { inForce, accept } = work.state.mine
  if (inForce === null || accept === null) throw refuse(work, command, 'turn')
  const terms = encodeTerms({ ...inForce.terms, cap: command.cap, maxMs: command.maxMs, extends: fromHex(inForce.hash) })
  const { number } = accept
  say(work, command, { type: 'accept', body: { terms, termsHash: termsHash(terms), specHash: null, number, funding: command.funding } })
}

function accept(work: Work, command: Extract<Command, { do: 'accept' }>): void {
  const { walk } = work.state.mine
  const terms = command.terms === null ? null : encodeTerms(command.terms)
  const hash = terms === null ? (walk.proposal === null ? null : fromHex(walk.proposal.hash)) : termsHash(terms)
  if (hash === null) throw refuse(work, command, 'terms')
  const { specHash, number, funding } = command
  say(work, command, { type: 'accept', body: { terms, termsHash: hash, specHash, number, funding } })
}

function confirm(work: Work, command: Extract<Command, { do: 'confirm' }>): void {
  const { walk } = work.state.mine
  if (walk.stepId === null || walk.proposal === null) throw refuse(work, command, 'turn')
  const hash = fromHex(walk.proposal.hash)
  const first = !confirmed(work.state.mine)
  say(work, command, { type: 'confirm', body: { accept: fromHex(walk.stepId), termsHash: hash, number: command.number } })
  if (!first) return
  note(work, { capacity: 'taken' })
  work.effects.push({ kind: 'capacity', action: 'reserve', termsHash: hash, untilMs: null })
}

function quote(work: Work, command: Extract<Command, { do: 'quote' }>): void {
  const terms = encodeTerms(command.terms)
  const { holdMs, validMs } = command
  say(work, command, { type: 'quote', body: { terms, holdMs, validMs } })
  if (holdMs === 0 || confirmed(work.state.mine)) return
  note(work, { capacity: 'held' })
  work.effects.push({ kind: 'capacity', action: 'reserve', termsHash: termsHash(terms), untilMs: work.nowMs + holdMs })
}

function reject(work: Work, command: Extract<Command, { do: 'reject' }>): void {
  const { stepId } = work.state.mine.walk
  if (stepId === null) throw refuse(work, command, 'turn')
  const { reason, path, fresh } = command
  const terms = fresh === null ? null : encodeTerms(fresh.terms)
  say(work, command, { type: 'rejected', body: { reason, path, of: fromHex(stepId), terms, validMs: fresh?.validMs ?? 0 } })
}

function voucher(work: Work, command: Extract<Command, { do: 'voucher' }>): void {
  const { mine } = work.state
  if (!live(mine)) return
  const { channel, channelCumulative, evmSig } = command
  const contractOwed = metered(mine).owed
  // Another METER has come meanwhile: it asked for a voucher of its own, and this one pays less than it would say.
  if (command.owed !== contractOwed) return
  say(work, command, { type: 'voucher', body: { contract: contractOf(work, command), contractOwed, channel, channelCumulative, evmSig } })
}

/** Carries out a command. Throws `E_CONTRACT_STATE` when this phase does not allow it. */
export function obey(work: Work, command: Command): void {
  const { mine, phase } = work.state
  switch (command.do) {
    case 'request':
      return say(work, command, {
        type: 'quote-req',
        body: { demand: command.demand, offer: command.offer, extends: mine.inForce === null ? null : fromHex(mine.inForce.hash) },
      })
    case 'counter':
      return say(work, command, { type: 'counter', body: { terms: encodeTerms(command.terms) } })
    case 'accept':
      return accept(work, command)
    case 'extend':
      return extend(work, command)
    case 'start':
      return say(work, command, { type: 'start', body: { specHash: command.specHash } })
    case 'staged':
      if (!mine.ready || mine.meters.length + mine.voucher.n === 0) clock(work, { since: work.nowMs })
      return
    case 'voucher':
      return voucher(work, command)
    case 'grant':
      return say(work, command, {
        type: 'grant',
        body: { contract: contractOf(work, command), grantee: command.grantee, right: command.right, until: command.until },
      })
    case 'quote':
      return quote(work, command)
    case 'confirm':
      return confirm(work, command)
    case 'reject':
      return reject(work, command)
    case 'ready':
      return say(work, command, { type: 'ready', body: {} })
    case 'meter':
      return meter(work, command)
    case 'result':
      return result(work, command)
    case 'reclaim':
      return say(work, command, { type: 'reclaim-notice', body: { inMs: command.inMs } })
    case 'cancel':
      if (mine.count.renter === 0) throw refuse(work, command, 'turn')
      return say(work, command, { type: 'cancel', body: { reason: command.reason } })
    case 'receipt':
      if (phase !== 'closing' || !hasContract(mine) || mine.receipt[work.state.init.role] !== null) throw refuse(work, command, 'turn')
      return receipt(work, command)
  }
}

function receipt(work: Work, command: Extract<Command, { do: 'receipt' }>): void {
  const { mine, init } = work.state
  const { reason } = command
  const possible =
    init.role === 'renter'
      ? (reason === 'silent') === (mine.result === null)
      : mine.receipt.renter !== null && reason !== 'silent' && (reason === null || mine.result !== null)
  if (!possible) throw refuse(work, command, 'receipt')
  const agrees = reason !== null || init.role === 'provider' || believed(work.state, work.nowMs, work.rules.believes)
  sayReceipt(work, agrees ? reason : 'meter')
}

/** Carries out or keeps a command of a side that has not SYNCed yet. Throws `E_CONTRACT_STATE` for what needs a decision about this moment. */
export function obeyLater(work: Work, command: Command): void {
  switch (command.do) {
    case 'result':
      return result(work, command)
    case 'cancel':
    case 'receipt':
    case 'ready':
    case 'reclaim':
    case 'grant':
      return set(work, { parked: [...work.state.parked, command] })
    case 'meter':
    case 'voucher':
    case 'staged':
      return
    default:
      throw refuse(work, command, 'unsynced')
  }
}
