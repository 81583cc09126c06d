// Which accounts sign for which node: the registry's bonds, of which a reader believes only those that both sides have made.

import { checkBinding } from '@haggle/identity'
import type { Transaction } from '@haggle/payment'
import { type Clock, type Suite, toHex } from '@haggle/wire'
import { type Address, decodeEventLog, encodeEventTopics, encodeFunctionData, type Hex } from 'viem'
import { peerRegistryAbi } from './abi/mod.ts'
import { hex, unhex } from './_bytes.ts'
import type { Chain, ReadOptions } from './chain.ts'
import { fetchLogs } from './_logs.ts'
import { submit } from './_outcome.ts'
import type { TransactionSender } from './sending.ts'

/** What {@link evmBonds} needs. */
export interface EvmBondsInit {
  readonly chain: Chain
  /** The `PeerRegistry` contract. */
  readonly contract: Address
  /** Judges the nodes' half. */
  readonly suite: Suite
  /** Block that no bond is older than. Default 0. */
  readonly fromBlock?: number
}

/** An account that signs for a node. */
export interface Bond {
  /** The account, 20 bytes. */
  readonly account: Uint8Array
  /** Since when, unix seconds of the chain. */
  readonly sinceS: number
}

/** The bonds of one registry. */
export interface EvmBonds {
  /** The accounts that are bound to `peerKey` (32 bytes) both ways and now, the newest bond first. */
  of(peerKey: Uint8Array, options?: ReadOptions): Promise<readonly Bond[]>
  /** Whether `account` (20 bytes) says that it signs for `peerKey`. The node's half is not looked at. */
  says(account: Uint8Array, peerKey: Uint8Array, options?: ReadOptions): Promise<boolean>
}

/** Reads the bonds of a registry. */
export function evmBonds({ chain, contract, suite, fromBlock = 0 }: EvmBondsInit): EvmBonds {
  const registry = unhex(contract)
  const sinceS = async (account: Address, peerKey: Hex, options: ReadOptions): Promise<number> =>
    Number(await chain.view({ address: contract, abi: peerRegistryAbi, functionName: 'boundAt', args: [account, peerKey] }, options))
  return {
    async of(peerKey, options = {}) {
      const topics = encodeEventTopics({ abi: peerRegistryAbi, eventName: 'Bound', args: { peerKey: hex(peerKey) } }) as (Hex | null)[]
      const { number } = await chain.confirmed(options)
      const logs = await fetchLogs(chain, { addresses: [contract], topics }, { from: fromBlock, to: number }, options.signal)
      const found = new Map<Address, Bond>()
      for (const log of logs.toReversed()) {
        const { args } = decodeEventLog({ abi: peerRegistryAbi, eventName: 'Bound', topics: log.topics as [Hex, ...Hex[]], data: log.data })
        const account = unhex(args.signer)
        if (found.has(args.signer)) continue
        if (!checkBinding(unhex(args.peerProof), { chain: chain.id, registry, account, peerKey }, suite)) continue
        const since = await sinceS(args.signer, hex(peerKey), options)
        if (since > 0) found.set(args.signer, { account, sinceS: since })
      }
      return [...found.values()]
    },
    says: async (account, peerKey, options = {}) => (await sinceS(hex(account), hex(peerKey), options)) > 0,
  }
}

/** What {@link bindPeer} needs. */
export interface BindPeerInit {
  readonly chain: Chain
  readonly sender: TransactionSender
  readonly contract: Address
  readonly clock: Clock
}

/** The account's half of a bond: says on the chain that it signs for `peerKey`, with the node's half (`sealBinding` of `@haggle/identity`) for readers. */
export async function bindPeer(
  init: BindPeerInit,
  { peerKey, proof }: { readonly peerKey: Uint8Array; readonly proof: Uint8Array },
  options: ReadOptions = {},
): Promise<Transaction> {
  const data = encodeFunctionData({ abi: peerRegistryAbi, functionName: 'bind', args: [hex(peerKey), hex(proof)] })
  return await submit({ ...init, refusal: 'E_BOND' }, { to: init.contract, data }, { ...options, key: `bind:${toHex(peerKey)}` })
}

/** Takes the account's half back. */
export async function revokePeer(init: BindPeerInit, peerKey: Uint8Array, options: ReadOptions = {}): Promise<Transaction> {
  const data = encodeFunctionData({ abi: peerRegistryAbi, functionName: 'revoke', args: [hex(peerKey)] })
  return await submit({ ...init, refusal: 'E_BOND' }, { to: init.contract, data }, { ...options, key: `revoke:${toHex(peerKey)}` })
}
