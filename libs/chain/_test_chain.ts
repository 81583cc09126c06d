// For the tests of this library: one anvil with everything deployed, back to the same state for each test, and accounts with money on it.

import type { StakeBook } from '@haggle/payment'
import { memoryStore, type Store } from '@haggle/store'
import { systemClock } from '@haggle/wire'
import {
  type Chain,
  chainRpc,
  type EvmChannels,
  evmChannels,
  evmRegistry,
  evmStake,
  openChain,
  openSender,
  type Registry,
  revertReason,
  type SenderInit,
  type TransactionSender,
  type WalletSigner,
  walletSigner,
} from './mod.ts'
import { type Anvil, deployDevnet, type Deployment, findAnvil, fundAccount, startAnvil } from './testing.ts'

/** An account with coin, tokens and a sender. */
export interface TestAccount {
  readonly wallet: WalletSigner
  readonly sender: TransactionSender
  readonly store: Store
}

/** The shared chain of a test file. */
export interface TestChain {
  readonly anvil: Anvil
  readonly deployment: Deployment
  /** The chain over `url` (default: anvil itself). */
  chain(options?: { readonly url?: string; readonly confirmations?: number }): Chain
  /** Account `n` (1 to 9), with 1,000 units of the token. */
  account(n: number, init?: Partial<SenderInit>): Promise<TestAccount>
  channels(account: TestAccount, chain?: Chain): Promise<EvmChannels>
  stake(account: TestAccount): Promise<StakeBook>
  registry(account: TestAccount): Registry
  /** Ends what a test has opened and takes the chain back. */
  reset(): Promise<void>
  stop(): Promise<void>
}

/** Starts it. */
export async function startTestChain(options: Parameters<typeof startAnvil>[0] = {}): Promise<TestChain> {
  const clock = systemClock()
  const anvil = await startAnvil(options)
  const deployment = await deployDevnet(anvil.url, {
    closeDelayS: 600,
    unbondDelayS: 1200,
    court: { claimS: 600, refuteS: 300, drawDelay: 2 },
  })
  let snapshot = await anvil.snapshot()
  const opened: { stop(): Promise<void> }[] = []
  const chain: TestChain['chain'] = ({ url = anvil.url, confirmations } = {}) =>
    openChain({
      chainId: anvil.chainId,
      rpc: chainRpc({ urls: [url], chainId: anvil.chainId, clock }),
      ...(confirmations && { confirmations }),
    })
  async function close(): Promise<void> {
    for (const one of opened.splice(0).toReversed()) await one.stop()
  }
  return {
    anvil,
    deployment,
    chain,
    async account(n, init = {}) {
      const wallet = walletSigner(anvil.accounts[n]!.secret)
      await fundAccount(anvil.url, deployment, wallet.address, { tokens: 1_000_000_000n, coin: 10n ** 20n })
      const store = init.store ?? memoryStore()
      const sender = await openSender({ chain: chain(), wallet, store: store.sub('sender'), clock, reasonOf: revertReason, ...init })
      opened.push(sender)
      return { wallet, sender, store }
    },
    async channels({ wallet, sender, store }, over = chain()) {
      const { token, channels: contract } = deployment
      const made = await evmChannels({ chain: over, sender, signer: wallet, token, contract, store: store.sub('channels'), clock })
      opened.push(made)
      return made
    },
    stake: ({ sender, store }) => evmStake({ chain: chain(), sender, contract: deployment.vault, store: store.sub('stake'), clock }),
    registry: ({ wallet, sender, store }) =>
      evmRegistry({
        chain: chain(),
        sender,
        signer: wallet,
        contract: deployment.registry,
        store: store.sub('registry'),
        clock,
        fromBlock: deployment.fromBlock,
      }),
    async reset() {
      await close()
      await anvil.revert(snapshot)
      snapshot = await anvil.snapshot()
    },
    async stop() {
      await close()
      await anvil.stop()
    },
  }
}

/** True where anvil can't run: what needs a chain is skipped. */
export const NO_ANVIL: boolean = findAnvil() === undefined

/** A title that says why its tests are skipped. */
export function onAnvil(title: string): string {
  return NO_ANVIL ? `${title} (skipped: anvil has no program for this machine)` : title
}
