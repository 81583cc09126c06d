// A market whose members pay each other on a real chain: an anvil with the contracts, and nodes over libp2p with wallets.

import {
  chainRpc,
  type EvmChannels,
  evmChannels,
  openChain,
  openSender,
  revertReason,
  type TransactionSender,
  walletSigner,
} from '@haggle/chain'
import { type Anvil, deployDevnet, type Deployment, fundAccount, startAnvil } from '@haggle/chain/testing'
import { portableSuite } from '@haggle/identity'
import { memoryJobHost, type MemoryJob } from '@haggle/job'
import { joinMarket, type JoinOptions, type Market } from '@haggle/market'
import { TEST_MACHINE } from '@haggle/market/testing'
import { type ChannelRail, openChannelRail } from '@haggle/payment'
import { memoryStore } from '@haggle/store'
import { systemClock } from '@haggle/wire'

/** Tokens that every member begins with, base units: 1,000. */
export const FUNDS = 1_000_000_000n

/** One member. */
export interface PaidMember {
  readonly market: Market
  readonly rail: ChannelRail
  readonly channels: EvmChannels
}

/** How a member takes part. */
export interface PaidMemberOptions extends Pick<JoinOptions, 'peers'> {
  /** The jobs of its contracts. Without it the member only rents. */
  readonly run?: (job: MemoryJob) => Promise<number>
  /** False: on the free rail alone. Default true. */
  readonly pays?: boolean
}

/** The chain and those who are on it. */
export interface PaidMarket {
  readonly anvil: Anvil
  readonly deployment: Deployment
  join(options?: PaidMemberOptions): Promise<PaidMember>
  close(): Promise<void>
}

/** Starts a chain, and members on demand. */
export async function openPaidMarket(): Promise<PaidMarket> {
  const clock = systemClock()
  const { sha256 } = portableSuite()
  const anvil = await startAnvil()
  const deployment = await deployDevnet(anvil.url, { closeDelayS: 600 })
  const closers: (() => Promise<unknown>)[] = []
  let members = 0

  async function wallet(): Promise<{ readonly sender: TransactionSender; readonly channels: EvmChannels }> {
    const account = anvil.accounts[++members]
    if (account === undefined) throw new Error('anvil has ten accounts')
    const signer = walletSigner(account.secret)
    await fundAccount(anvil.url, deployment, signer.address, { tokens: FUNDS, coin: 10n ** 20n })
    const chain = openChain({ chainId: anvil.chainId, rpc: chainRpc({ urls: [anvil.url], chainId: anvil.chainId, clock }) })
    const store = memoryStore()
    const sender = await openSender({ chain, wallet: signer, store: store.sub('sender'), clock, reasonOf: revertReason })
    const { token, channels: contract } = deployment
    const channels = await evmChannels({ chain, sender, signer, token, contract, store: store.sub('channels'), clock })
    closers.push(
      () => sender.stop(),
      () => channels.stop(),
    )
    return { sender, channels }
  }

  return {
    anvil,
    deployment,
    async join({ run, peers, pays = true } = {}) {
      const { channels } = await wallet()
      let rail: ChannelRail | undefined
      const host = run === undefined ? undefined : memoryJobHost({ run, clock, sha256 })
      const market = await joinMarket({
        listen: ['/ip4/127.0.0.1/tcp/0'],
        network: 'devnet-paid',
        rails: pays ? [async (parts) => (rail = await openChannelRail({ channels, ...parts }))] : [],
        ...(host === undefined ? {} : { launcher: host, machine: TEST_MACHINE }),
        ...(peers === undefined ? {} : { peers }),
      })
      closers.push(() => market.close())
      rail ??= await openChannelRail({ channels, store: memoryStore(), clock, sha256 })
      return { market, rail, channels }
    },
    async close() {
      for (const close of closers.splice(0).toReversed()) await close()
      await anvil.stop()
    },
  }
}
