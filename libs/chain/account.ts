// One account on one chain with all that it does there: transactions, channels and the rail over them, stake, anchors.

import {
  type ChannelPolicy,
  type ChannelRail,
  type ChannelRailInit,
  openChannelRail,
  type PaymentRail,
  type StakeBook,
} from '@haggle/payment'
import type { Sha256 } from '@haggle/reputation'
import type { Store } from '@haggle/store'
import { type Clock, parseAmount } from '@haggle/wire'
import type { Address } from 'viem'
import { type Chain, openChain } from './chain.ts'
import { type EvmChannels, evmChannels } from './channels.ts'
import type { SystemAddresses } from './deployment.ts'
import { evmRegistry, type Registry } from './registry.ts'
import { revertReason } from './revert_reason.ts'
import { chainRpc } from './rpc.ts'
import { openSender } from './sender.ts'
import type { TransactionSender } from './sending.ts'
import { evmStake } from './stake.ts'
import type { WalletSigner } from './wallet.ts'

/** Whose account, where. */
export interface EvmAccountOptions extends Pick<ChannelPolicy, 'depositFor'> {
  /** Addresses of nodes, in order of preference; at least one. */
  readonly urls: readonly string[]
  readonly chainId: number
  readonly wallet: WalletSigner
  /** The token that is paid in, and the contracts: a deployment, or `{ token, ...systemAddresses({ stakeToken: token }) }`. */
  readonly addresses: Pick<SystemAddresses, 'channels' | 'registry' | 'vault'> & { readonly token: Address }
  /** Claims by itself as soon as so much is due: decimal text in the token's unit. Default 1. */
  readonly claimAt?: string
  /** Blocks until something counts. Default: 1 on a development chain, 12 elsewhere. */
  readonly confirmations?: number
  /** Told what went wrong beside the answer to any call. */
  readonly onProblem?: (error: unknown) => void
}

/** What a node gives to whatever keeps books: its store, clock and hash. */
export interface EvmAccountParts {
  readonly store: Store
  readonly clock: Clock
  readonly sha256: Sha256
}

/** An open account. */
export interface EvmAccount {
  readonly chain: Chain
  readonly sender: TransactionSender
  readonly channels: EvmChannels
  readonly rail: ChannelRail
  readonly registry: Registry
  readonly stake: StakeBook
  /** Ends following and sending. What is under way goes on with the next opening. */
  stop(): Promise<void>
}

/** Opens it. Throws `E_CHAIN_TOKEN` for contracts that are not there, and `E_CHAIN_UNREACHABLE` while nothing of them is known and no node answers. */
export async function openEvmAccount(options: EvmAccountOptions & EvmAccountParts & Pick<ChannelRailInit, 'onClose'>): Promise<EvmAccount> {
  const { urls, chainId, wallet, addresses, clock, sha256, confirmations, claimAt, ...policy } = options
  const store = options.store.sub(`chain-${chainId}`)
  const chain = openChain({ rpc: chainRpc({ urls, chainId, clock }), chainId, clock, ...(confirmations && { confirmations }) })
  const sender = await openSender({ chain, wallet, store: store.sub('sender'), clock, reasonOf: revertReason })
  const opened: (() => Promise<void>)[] = [() => sender.stop()]
  const stop = async (): Promise<void> => {
    for (const one of opened.splice(0).reverse()) await one()
  }
  try {
    const { token } = addresses
    const channels = await evmChannels({
      chain,
      sender,
      signer: wallet,
      token,
      contract: addresses.channels,
      store: store.sub('channels'),
      clock,
    })
    opened.push(() => channels.stop())
    const stake = await evmStake({ chain, sender, contract: addresses.vault, store: store.sub('stake'), clock })
    const registry = evmRegistry({ chain, sender, signer: wallet, contract: addresses.registry, store: store.sub('registry'), clock })
    const claim = claimAt === undefined ? {} : { claimAt: parseAmount(claimAt, channels.decimals) }
    const rail = await openChannelRail({ ...policy, ...claim, channels, store: store.sub('rail'), clock, sha256 })
    return { chain, sender, channels, rail, registry, stake, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/**
 * A way to pay for `joinMarket({ rails: [evmRail(…)] })`: the tokens of one account on one chain.
 *
 * @example
 * ```ts no-run
 * import { evmRail, systemAddresses } from "@haggle/chain";
 * import { walletFile } from "@haggle/chain/node";
 * import { joinMarket } from "@haggle/market";
 *
 * const token = "0x5FbDB2315678afecb367f032d93F642f64180aa3";
 * const wallet = await walletFile("/home/me/.haggle/wallet").open("correct horse");
 * const addresses = { token, ...systemAddresses({ stakeToken: token }) } as const;
 * const rail = evmRail({ urls: ["http://127.0.0.1:8545"], chainId: 31337, wallet, addresses });
 * await using market = await joinMarket({ rails: [rail] });
 * const job = await market.run({ command: ["uname", "-a"], budget: "0.05" });
 * ```
 */
export function evmRail(options: EvmAccountOptions): (parts: EvmAccountParts) => Promise<PaymentRail> {
  return async (parts) => {
    const account: EvmAccount = await openEvmAccount({ ...options, ...parts, onClose: () => account.stop() })
    return account.rail
  }
}
