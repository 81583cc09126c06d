// The StakeBook seam: tokens that an account puts behind its word, and may lose.

import type { ChainOptions, Transaction } from './channels.ts'

/** What an account has at stake. Base units of the token. */
export interface StakeState {
  /** All that is in the vault, what is locked and what is unbonding included. */
  readonly staked: bigint
  /** Locked by contracts with a service level: can't leave before they end. */
  readonly locked: bigint
  /** Asked back and not yet out; can still be slashed. */
  readonly unbonding: bigint
  /** When what is unbonding may be withdrawn, unix seconds of the chain; null: nothing is unbonding. */
  readonly unbondsAtS: number | null
}

/**
 * The stake of accounts on one chain, in one token. Calls that send a transaction resolve when it has enough confirmations.
 *
 * Errors of all calls: `E_CHAIN_UNREACHABLE` when the chain can't be asked; `E_STAKE` when it refuses; `E_FUNDS` when the account has too little.
 */
export interface StakeBook {
  /** The rail whose token is staked, such as `evm:31337:0x5fbd…`. */
  readonly rail: string
  /** Own address, 20 bytes. */
  readonly account: Uint8Array
  /** How long stake that is asked back stays, seconds: longer than any claim and dispute about it. */
  readonly unbondingS: number
  /** What `account` (20 bytes; default: the own one) has at stake, as of enough confirmations. */
  stakeOf(account?: Uint8Array, options?: ChainOptions): Promise<StakeState>
  /** Puts `amount` (> 0) more at stake. */
  stake(amount: bigint, options?: ChainOptions): Promise<Transaction>
  /** Asks `amount` (> 0) back: at most what is neither locked nor unbonding. */
  requestUnbond(amount: bigint, options?: ChainOptions): Promise<Transaction>
  /** Takes what has unbonded. */
  withdraw(options?: ChainOptions): Promise<Transaction>
}
