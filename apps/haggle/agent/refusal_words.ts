// What a contract refuses, in words: amounts with the token's unit, times as dates, and the next step.

import { formatAmount } from '@haggle/wire'
import { describe, Failure } from '../failure.ts'

const MS_PER_S = 1000

/** How a token's amounts are written. */
export interface TokenWords {
  readonly unit: string
  readonly decimals: number
}

/** A number or an address, or nothing at all. */
const ARGUMENT = /^(\d{1,78}|0x[0-9a-fA-F]+)?$/
/** The last unix second that a date can have. */
const LAST_S = 8.64e12

interface Words {
  readonly message: string
  readonly next: string
}

/** By the name of the contract's error (contracts/): its arguments are decimal text, amounts in base units, times in unix seconds. */
const WORDS: Readonly<Record<string, (args: readonly string[], money: (baseUnits: string) => string) => Words>> = {
  AboveFree: ([amount = '0', free = '0'], money) => ({
    message: `Cannot ask ${money(amount)} of the stake back: ${money(free)} of it is free`,
    next: 'haggle stake shows what is locked and what unbonds',
  }),
  UnbondsLater: ([at = '0']) => ({
    message: `Cannot withdraw the stake yet: it unbonds at ${dateOf(at)}`,
    next: 'haggle stake withdraw after that',
  }),
  NothingToWithdraw: () => ({ message: 'Cannot withdraw stake: none was asked back', next: 'haggle stake unbond AMOUNT' }),
  ClosesLater: ([at = '0']) => ({
    message: `Cannot withdraw from the channel yet: its payee may claim until ${dateOf(at)}`,
    next: 'haggle channel withdraw after that',
  }),
  NotClosing: () => ({ message: 'Cannot withdraw from the channel: it is not being closed', next: 'haggle channel close CHANNEL' }),
  ChannelClosing: () => ({
    message: 'The channel is being closed already',
    next: 'haggle channel shows until when; then haggle channel withdraw',
  }),
  ChannelNotOpen: () => ({ message: 'The channel is closed', next: 'haggle channel --all lists the closed ones too' }),
  NotPayer: () => ({ message: 'Only the payer of the channel can do that', next: 'haggle claim takes what you are paid' }),
  ERC20InsufficientBalance: ([, balance = '0', needed = '0'], money) => ({
    message: `Cannot pay ${money(needed)}: the account has ${money(balance)}`,
    next: 'haggle wallet balance',
  }),
}

/** The error with its code and details, and words for its reason where there are some; otherwise as it came. */
export function refusalInWords(error: unknown, token: TokenWords): unknown {
  const { code, details } = describe(error)
  const money = (baseUnits: string): string => `${formatAmount(BigInt(baseUnits), token.decimals)} ${token.unit}`
  const words = wordsOf(code, details, money)
  if (words === undefined) return error
  const plain = Object.fromEntries(Object.entries(details).filter(([, value]) => typeof value !== 'object')) as Record<string, string>
  return new Failure(code, words.message, { next: words.next, details: plain, cause: error })
}

function wordsOf(code: string, details: Readonly<Record<string, unknown>>, money: (baseUnits: string) => string): Words | undefined {
  const { reason, amount, balance } = details
  if (code === 'E_FUNDS' && isDigits(amount) && isDigits(balance)) {
    return { message: `Cannot pay ${money(amount)}: the account has ${money(balance)}`, next: 'haggle wallet balance' }
  }
  const [, name = '', list = ''] = (typeof reason === 'string' && /^(\w+)\(([^()]*)\)$/.exec(reason)) || []
  const args = list.split(/,\s*/)
  // A token may put anything into its errors, also under the name of one of ours.
  if (!Object.hasOwn(WORDS, name) || !args.every((arg) => ARGUMENT.test(arg))) return undefined
  return WORDS[name]?.(args, money)
}

const isDigits = (value: unknown): value is string => typeof value === 'string' && /^\d+$/.test(value)

/** `2026-11-29 15:11:34 UTC`. */
function dateOf(unixS: string): string {
  return `${new Date(Math.min(Number(unixS), LAST_S) * MS_PER_S).toISOString().slice(0, 19).replace('T', ' ')} UTC`
}
