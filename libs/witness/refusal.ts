// How a court says no: the names of its errors, the same on the chain and in memory.

import { HaggleError } from '@haggle/wire'

/** Why a court refuses a call; the errors of the contract. `StakeTooSmall` is the vault's, `BadTransfer` the token's. */
export type CourtRefusal =
  | 'SeatTaken'
  | 'NoSeat'
  | 'SeatBusy'
  | 'BadSla'
  | 'CaseExists'
  | 'WrongState'
  | 'NotParty'
  | 'TooEarly'
  | 'TooLate'
  | 'BadSecrets'
  | 'PoolTooSmall'
  | 'BadMask'
  | 'SlotClaimed'
  | 'BadBitmaps'
  | 'BadReceipts'
  | 'NoContradiction'
  | 'BadSignature'
  | 'NothingToSlash'
  | 'ClaimsOpen'
  | 'NothingOwed'
  | 'BadTransfer'
  | 'StakeTooSmall'

const SENTENCES: Readonly<Record<CourtRefusal, string>> = {
  SeatTaken: 'the account has a seat already',
  NoSeat: 'the account has no seat',
  SeatBusy: 'a case still needs the seat',
  BadSla: 'the service level breaks a limit of the court',
  CaseExists: 'the case was opened already',
  WrongState: 'the case or claim is not in a state for it',
  NotParty: 'the account is not the party that may do it',
  TooEarly: 'it is too early',
  TooLate: 'it is too late',
  BadSecrets: 'the secrets are not those that the parties committed to',
  PoolTooSmall: 'too few witnesses hold seats',
  BadMask: 'the slots are not slots of the case and window',
  SlotClaimed: 'a slot was claimed already',
  BadBitmaps: 'the bitmaps are not those of t witnesses in order that all say "down" of every slot',
  BadReceipts: 'the up-receipts are not those of q witnesses in order',
  NoContradiction: 'the statements do not contradict each other',
  BadSignature: 'a signature is not that of its witness or party',
  NothingToSlash: 'the witness has no stake left',
  ClaimsOpen: 'a claim is open',
  NothingOwed: 'nothing is owed to the account',
  BadTransfer: 'the bond could not be taken whole',
  StakeTooSmall: 'the free stake is too small',
}

/** The error of a refused call: `E_COURT` with `details.reason`. */
export function refused(reason: CourtRefusal): HaggleError {
  return new HaggleError('E_COURT', `The court refuses: ${SENTENCES[reason]}`, { details: { reason } })
}

/** True for the name of one of the court's errors. */
export function isRefusal(name: string): name is CourtRefusal {
  return Object.hasOwn(SENTENCES, name)
}
