// Lets a contract take an account's tokens, once for all: the contracts here take only what the account itself tells them to.

import { HaggleError } from '@haggle/wire'
import { type Address, encodeFunctionData, maxUint256 } from 'viem'
import { testTokenAbi } from './abi/mod.ts'
import type { ReadOptions } from './chain.ts'
import { submit, type SubmitInit } from './_outcome.ts'

/** Makes sure that `spender` may take `amount` base units of the account's. Throws `E_FUNDS` when the account has less. */
export async function allow(
  init: SubmitInit & { readonly token: Address; readonly spender: Address },
  amount: bigint,
  options: ReadOptions,
): Promise<void> {
  const { chain, sender, token, spender } = init
  const balance = await balanceOf(init, options)
  if (balance < amount) {
    throw new HaggleError('E_FUNDS', `Cannot pay ${amount} base units: the account has ${balance}`, {
      details: { amount: String(amount), balance: String(balance) },
      next: 'haggle wallet balance',
    })
  }
  const args = [sender.address, spender] as const
  if ((await chain.view({ address: token, abi: testTokenAbi, functionName: 'allowance', args }, options)) >= amount) return
  const data = encodeFunctionData({ abi: testTokenAbi, functionName: 'approve', args: [spender, maxUint256] })
  await submit(init, { to: token, data }, { ...options, key: `allow:${token}:${spender}` })
}

/** Tokens of the account, base units. */
export async function balanceOf(
  { chain, sender, token }: Pick<SubmitInit, 'chain' | 'sender'> & { readonly token: Address },
  options: ReadOptions,
): Promise<bigint> {
  return await chain.view({ address: token, abi: testTokenAbi, functionName: 'balanceOf', args: [sender.address] }, options)
}
