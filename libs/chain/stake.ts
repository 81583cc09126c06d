// Stake on an EVM chain: the StakeBook seam over the vault.

import type { Clock } from '@haggle/wire'
import type { ChainOptions, StakeBook, StakeState, Transaction } from '@haggle/payment'
import type { Store } from '@haggle/store'
import { type Address, encodeFunctionData, type Hex } from 'viem'
import { stakeVaultAbi } from './abi/mod.ts'
import { allow } from './_allowance.ts'
import { hex } from './_bytes.ts'
import type { Chain } from './chain.ts'
import { submit } from './_outcome.ts'
import type { TransactionSender } from './sending.ts'
import { railOf } from './token.ts'
import { vaultFacts } from './_vault_facts.ts'

/** What {@link evmStake} needs. */
export interface EvmStakeInit {
  readonly chain: Chain
  /** Sends for the account that stakes: the session signer, whose word the stake is behind. */
  readonly sender: TransactionSender
  /** The vault. */
  readonly contract: Address
  /** A store or sub-store of its own: facts of the vault. */
  readonly store: Store
  readonly clock: Clock
}

/**
 * The stake of one account. The vault's facts are asked of the chain once and kept: later openings need no chain.
 *
 * Throws `E_CHAIN_TOKEN` when there is no vault, and `E_CHAIN_UNREACHABLE` when they have to be asked and no node answers.
 */
export async function evmStake(init: EvmStakeInit): Promise<StakeBook> {
  const { chain, sender, contract } = init
  const { token, unbondingS } = await vaultFacts(init)
  const send = (data: Hex, key: string, options: ChainOptions): Promise<Transaction> =>
    submit({ ...init, refusal: 'E_STAKE' }, { to: contract, data }, { ...options, key })
  return {
    rail: railOf(chain.id, token),
    account: sender.account,
    unbondingS,
    async stakeOf(account = sender.account, options: ChainOptions = {}): Promise<StakeState> {
      const call = { address: contract, abi: stakeVaultAbi, functionName: 'stakeOf', args: [hex(account)] } as const
      const [staked, locked, unbonding, unbondsAt] = await chain.view(call, options)
      return { staked, locked, unbonding, unbondsAtS: unbonding === 0n ? null : Number(unbondsAt) }
    },
    async stake(amount, options = {}) {
      options.signal?.throwIfAborted()
      await allow({ ...init, token, spender: contract, refusal: 'E_STAKE' }, amount, options)
      return await send(encodeFunctionData({ abi: stakeVaultAbi, functionName: 'stake', args: [amount] }), 'stake', options)
    },
    requestUnbond: (amount, options = {}) =>
      send(encodeFunctionData({ abi: stakeVaultAbi, functionName: 'requestUnbond', args: [amount] }), 'unbond', options),
    withdraw: (options = {}) => send(encodeFunctionData({ abi: stakeVaultAbi, functionName: 'withdraw' }), 'unstake', options),
  }
}
