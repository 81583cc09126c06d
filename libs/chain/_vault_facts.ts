// What of a vault never changes: its token and its delay, asked once and kept.

import { bytes, decodeAs, encodeAs, fields, HaggleError, uint } from '@haggle/wire'
import type { Store } from '@haggle/store'
import type { Address } from 'viem'
import { stakeVaultAbi } from './abi/mod.ts'
import { hex, unhex } from './_bytes.ts'
import type { Chain } from './chain.ts'

const stored = fields({ token: bytes({ length: 20 }), unbondingS: uint() })

/** From the store, or else from the chain. */
export async function vaultFacts(init: {
  readonly chain: Chain
  readonly contract: Address
  readonly store: Store
}): Promise<{ readonly token: Address; readonly unbondingS: number }> {
  const { chain, contract, store } = init
  const key = `vault!${chain.id}!${contract.toLowerCase()}`
  const known = await store.get(key)
  if (known !== undefined) {
    const { token, unbondingS } = decodeAs(stored, known)
    return { token: hex(token), unbondingS }
  }
  const at = await chain.confirmed()
  try {
    const token = await chain.view({ address: contract, abi: stakeVaultAbi, functionName: 'token', args: [] }, { at })
    const delay = await chain.view({ address: contract, abi: stakeVaultAbi, functionName: 'unbondDelay', args: [] }, { at })
    await store.write([{ key, value: encodeAs(stored, { token: unhex(token), unbondingS: Number(delay) }) }])
    return { token, unbondingS: Number(delay) }
  } catch (error) {
    if (error instanceof HaggleError && error.code !== 'E_CHAIN_RPC' && error.code !== 'E_CHAIN_CONTRACT') throw error
    throw new HaggleError('E_CHAIN_TOKEN', `Cannot stake on chain ${chain.id}: there is no vault at ${contract}`, {
      cause: error,
      next: 'check the addresses in the settings',
    })
  }
}
