// How many messages of each type a chain may have: what one thread may make a node keep (spec/control.md, What a peer may cost).

import type { CommandName, ContractMessageName, Terms } from '@haggle/contract'
import { HaggleError } from '@haggle/wire'

/** GRANTs of a chain. Each lets one key in, and stays on disk as long as its contract. */
const MAX_GRANTS = 256
/** QUOTE_REQs, COUNTERs and ACCEPTs of a chain together: the provider signs an answer to each. */
const MAX_STEPS = 256
/** VOUCHERs beyond the METERs. A METER is answered once; one VOUCHER more acknowledges CONFIRM, and the others are room. */
const MAX_SPARE_VOUCHERS = 16
/** METERs beyond those of the terms: a job that is being stopped is metered on. */
const MAX_SPARE_METERS = 1_024
/** METERs for each tick of maxMs: where ticks are paid ahead there are four for three ticks. */
const METERS_PER_TICK = 2

/** The steps of a walk. */
const STEPS: readonly ContractMessageName[] = ['quote-req', 'counter', 'accept']

/** What commands of the renter sign, where that is limited and its driver decides on it. */
const SIGNED: Partial<Record<CommandName, ContractMessageName>> = {
  request: 'quote-req',
  counter: 'counter',
  accept: 'accept',
  extend: 'accept',
  grant: 'grant',
}

/** A chain as far as it is counted. */
export interface Counted {
  /** How many messages of that type it has. */
  count(type: string): number
}

/** What the limits of a chain depend on. */
export interface ChainLimitsInit {
  /** The chain that is to get one more message. */
  readonly chain: Counted
  /** The chain of the other side. */
  readonly other: Counted
  /** The terms in force; null before CONFIRM. */
  readonly terms: Pick<Terms, 'maxMs' | 'tickMs'> | null
}

/** Throws `E_THREAD_LIMIT` when `chain` has as many messages of that type as it may have. */
export function checkChainLimit(type: string, { chain, other, terms }: ChainLimitsInit): void {
  const isStep = STEPS.some((step) => step === type)
  const count = isStep ? STEPS.reduce((sum, step) => sum + chain.count(step), 0) : chain.count(type)
  const most = isStep ? MAX_STEPS : mostOf(type, other, terms)
  if (count < most) return
  const what = isStep ? 'QUOTE_REQs, COUNTERs and ACCEPTs' : `messages of type "${type}"`
  throw new HaggleError('E_THREAD_LIMIT', `Cannot add to the thread: it may have at most ${most} ${what}`, { details: { type, most } })
}

/** The message that a command of the renter signs, where a chain may have too many of it; undefined for the others. */
export function limitedBy(command: CommandName): ContractMessageName | undefined {
  return SIGNED[command]
}

/** Other types are limited by the rules of the contract: they come once, or answer a message of the other side. */
function mostOf(type: string, other: Counted, terms: ChainLimitsInit['terms']): number {
  if (type === 'grant') return MAX_GRANTS
  if (type === 'voucher') return other.count('meter') + MAX_SPARE_VOUCHERS
  if (type === 'meter' && terms !== null) return MAX_SPARE_METERS + METERS_PER_TICK * Math.ceil(terms.maxMs / terms.tickMs)
  return Infinity
}
