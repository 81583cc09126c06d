// A token's facts that never change, and the name of the rail that pays with it.

import { decodeAs, encodeAs, fields, HaggleError, text, uint } from '@haggle/wire'
import type { Store } from '@haggle/store'
import { type Address, isAddress } from 'viem'
import { channelsAbi, testTokenAbi } from './abi/mod.ts'
import type { Chain } from './chain.ts'

/** Fewest decimals: a tick of a cheap job is a few millionths of a unit. */
export const MIN_DECIMALS = 6
/** Most decimals: more and a deposit of a few units passes 128 bits. */
export const MAX_DECIMALS = 36

/** What is asked of a chain once. */
export interface TokenFacts {
  /** What people call a unit: the token's own word, letters and digits only. */
  readonly symbol: string
  readonly decimals: number
  /** Seconds that a payee has to claim after the payer asked to close. */
  readonly closeDelayS: number
  /** Newest confirmed block when they were asked for. */
  readonly beginBlock: number
}

const stored = fields({ symbol: text({ max: 16 }), decimals: uint(), closeDelayS: uint(), beginBlock: uint() })

/**
 * Name of the rail that pays with `token` on chain `chainId`, as terms and offers have it.
 *
 * @example
 * ```ts
 * import { parseRail, railOf } from "@haggle/chain";
 * import { expect } from "vitest";
 *
 * const rail = railOf(31337, "0x5FbDB2315678afecb367f032d93F642f64180aa3");
 * expect(rail).toBe("evm:31337:0x5fbdb2315678afecb367f032d93f642f64180aa3");
 * expect(parseRail(rail)).toEqual({ chainId: 31337, token: "0x5fbdb2315678afecb367f032d93f642f64180aa3" });
 * ```
 */
export function railOf(chainId: number, token: Address): string {
  return `evm:${chainId}:${token.toLowerCase()}`
}

/** Chain and token that a rail's name names, or undefined for any other rail. */
export function parseRail(rail: string): { readonly chainId: number; readonly token: Address } | undefined {
  const [, id, token] = /^evm:([1-9]\d{0,15}):(0x[0-9a-f]{40})$/.exec(rail) ?? []
  return id !== undefined && token !== undefined && isAddress(token) ? { chainId: Number(id), token } : undefined
}

/** The facts, from the store or else from the chain. Throws `E_CHAIN_TOKEN` for a token that can't be used. */
export async function tokenFacts(init: {
  readonly chain: Chain
  readonly token: Address
  readonly contract: Address
  readonly store: Store
}): Promise<TokenFacts> {
  const { chain, token, contract, store } = init
  const key = `facts!${chain.id}!${token.toLowerCase()}!${contract.toLowerCase()}`
  const known = await store.get(key)
  if (known !== undefined) return decodeAs(stored, known)
  const at = await chain.confirmed()
  const facts = await ask().catch((error: unknown) => {
    if (error instanceof HaggleError && error.code !== 'E_CHAIN_RPC' && error.code !== 'E_CHAIN_CONTRACT') throw error
    throw new HaggleError('E_CHAIN_TOKEN', `Cannot pay with ${token} on chain ${chain.id}: there is no token or no channel contract`, {
      cause: error,
      next: 'check the addresses in the settings',
    })
  })
  await store.write([{ key, value: encodeAs(stored, facts) }])
  return facts

  async function ask(): Promise<TokenFacts> {
    const decimals = await chain.view({ address: token, abi: testTokenAbi, functionName: 'decimals', args: [] }, { at })
    const symbol = await chain.view({ address: token, abi: testTokenAbi, functionName: 'symbol', args: [] }, { at })
    const closeDelay = await chain.view({ address: contract, abi: channelsAbi, functionName: 'closeDelay', args: [] }, { at })
    if (decimals < MIN_DECIMALS || decimals > MAX_DECIMALS) {
      throw new HaggleError(
        'E_CHAIN_TOKEN',
        `Cannot pay with ${token}: it must have ${MIN_DECIMALS} to ${MAX_DECIMALS} decimals, has ${decimals}`,
      )
    }
    return { symbol: plain(symbol), decimals, closeDelayS: Number(closeDelay), beginBlock: at.number }
  }
}

/** Anybody can name a token anything: only letters and digits are shown. */
function plain(symbol: string): string {
  return symbol.replace(/[^A-Za-z0-9]/g, '').slice(0, 12) || 'token'
}
