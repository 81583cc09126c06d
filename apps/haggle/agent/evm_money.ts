// Money on a real chain: the home's account with its transactions, channels, stake and anchors, and the rail that pays with them.

import { bindPeer, type ChainRpc, DEV_CHAIN_ID, evmBonds, type EvmCourt, evmCourt, openEvmAccount, type WalletSigner } from '@haggle/chain'
import { sealBinding } from '@haggle/identity'
import { nodeSuite } from '@haggle/identity/node'
import type { RailParts } from '@haggle/market'
import type { ChannelRail, ChannelState, PaymentRail, Transaction } from '@haggle/payment'
import type { ChainAnchor } from '@haggle/reputation'
import { equalBytes, fromHex, type Signer } from '@haggle/wire'
import type { ChainBoot } from '../boot.ts'
import { Failure } from '../failure.ts'
import { chainIdOf, hostOf } from './chain_id.ts'
import { openChannelBook } from './channel_book.ts'
import type { ChainParts, ChannelLine } from './chain_parts.ts'
import { type Address, type ChainAddresses, chainAddresses } from './chain_setting.ts'
import { ChainWatch } from './chain_watch.ts'

const MS_PER_S = 1000

/** An open chain, and the rail over it. */
export interface EvmMoney {
  readonly rail: PaymentRail
  readonly parts: ChainParts
  /** Ends the following and sending. What is under way goes on with the next opening. */
  close(): Promise<void>
}

/** The node that the account is bound to before it anchors: a proof names the node, an anchor the account. */
export interface Peer {
  readonly signer: Signer
  /** The network that the node is on, 32 bytes. */
  readonly network: Uint8Array
}

/** What it needs. */
export interface EvmMoneyInit extends RailParts {
  readonly boot: ChainBoot
  readonly wallet: WalletSigner
  readonly peer: Peer
  readonly onProblem: (error: unknown) => void
}

/** Opens the chain of the settings. Throws E_CHAIN_SETTING, E_CHAIN_TOKEN, E_CHAIN_WRONG, and E_CHAIN_UNREACHABLE while nothing of it is known yet. */
export async function openEvmMoney(init: EvmMoneyInit): Promise<EvmMoney> {
  const { boot, wallet, clock, onProblem } = init
  const addresses = await chainAddresses(boot)
  const chainId = await idOf(boot, addresses)
  const { token } = addresses
  const account = await openEvmAccount({
    urls: boot.rpc,
    chainId,
    wallet,
    addresses,
    ...(boot.confirmations === null ? {} : { confirmations: boot.confirmations }),
    claimAt: boot.claimAt,
    store: init.store,
    clock,
    sha256: init.sha256,
    onProblem,
  })
  const { chain, channels, rail, registry, stake } = account
  const book = await openChannelBook({ channels, store: init.store.sub(`book-${chainId}`), onProblem }).catch(async (error: unknown) => {
    await account.stop()
    throw error
  })
  const watch = new ChainWatch({ head: (options) => chain.head(options), clock })
  const host = hostOf(boot.rpc[0] ?? '')
  let court: Promise<EvmCourt> | undefined
  const bonds = evmBonds({ chain, contract: addresses.registry, suite: nodeSuite() })
  const bound: ChainAnchor['anchor'] = async (head, options = {}) => {
    const { publicKey } = init.peer.signer
    if (!(await bonds.says(registry.account, publicKey, options))) {
      const binding = { chain: chainId, registry: fromHex(addresses.registry.slice(2), 20), account: registry.account }
      const proof = sealBinding(binding, { ...init.peer, nowS: Math.floor(clock.now() / MS_PER_S), suite: nodeSuite() })
      await bindPeer({ chain, sender: account.sender, contract: addresses.registry, clock }, { peerKey: publicKey, proof }, options)
    }
    return await registry.anchor(head, options)
  }
  return {
    rail,
    parts: {
      view: () => {
        const { block, seenAtMs, problem } = watch.state
        const seenAt = seenAtMs === null ? null : new Date(seenAtMs).toISOString()
        const { unit, decimals } = channels
        return { id: chainId, host, token, unit, decimals, confirmations: chain.confirmations, block, seenAt, problem }
      },
      channels,
      desk: {
        list: async () => linesOf(await book.list(), await rail.lines()),
        note: (id) => book.note(id),
        claim: () => rail.claim(),
        close: async (id) => {
          // One over which no job has run is in no book of the rail's.
          const isBooked = (await rail.lines()).some(({ channel }) => equalBytes(channel, id))
          return await (isBooked ? rail.closeChannel(id) : channels.requestClose(id))
        },
      },
      stake,
      // One that could not be opened is tried again by whoever asks next.
      court: () =>
        (court ??= evmCourt({
          chain,
          sender: account.sender,
          contract: addresses.court,
          store: init.store.sub(`court-${chainId}`),
          clock,
          fromBlock: addresses.fromBlock,
        }).catch((error: unknown) => {
          court = undefined
          throw error
        })),
      anchors: {
        account: registry.account,
        latest: (...log) => registry.latest(...log),
        check: (...claim) => registry.check(...claim),
        anchor: bound,
      },
      gas: async () => BigInt(String(await chain.rpc.request('eth_getBalance', [wallet.address, 'latest']))),
      fund:
        chainId === DEV_CHAIN_ID
          ? (tokens) => fundHere({ rpc: chain.rpc, url: boot.rpc[0] ?? '', token, account: wallet.address, tokens })
          : null,
    },
    async close() {
      watch.stop()
      book.close()
      await (await court?.catch(() => undefined))?.stop()
      await account.stop()
    },
  }
}

/** Which chain the settings mean; asked of the first node when none of them says it. */
async function idOf({ id, rpc }: ChainBoot, { chainId }: ChainAddresses): Promise<number> {
  if (id !== null && chainId !== null && id !== chainId)
    throw new Failure('E_CHAIN_SETTING', `chain-id is ${id}, and chain-deployment is of chain ${chainId}`, { next: 'haggle config list' })
  return id ?? chainId ?? (await chainIdOf(rpc[0] ?? ''))
}

/** The channels that the chain knows, with what the rail's books say of them. */
function linesOf(states: readonly ChannelState[], books: Awaited<ReturnType<ChannelRail['lines']>>): readonly ChannelLine[] {
  return states.map((channel) => {
    const book = books.find((line) => equalBytes(line.channel, channel.id))
    const due = book?.role === 'payee' ? book.due - channel.claimed : 0n
    return { channel, promised: book?.vouched ?? 0n, claimable: due > 0n ? due : 0n }
  })
}

/** What {@link fundHere} needs. */
interface Funding {
  readonly rpc: ChainRpc
  readonly url: string
  readonly token: Address
  readonly account: Address
  readonly tokens: bigint
}

/** Money of a devnet: its first account has all of it. */
async function fundHere({ rpc, url, token, account, tokens }: Funding): Promise<Transaction> {
  const { fundAccount } = await import('@haggle/chain/testing')
  await fundAccount(url, { token }, account, { tokens })
  const head = (await rpc.request('eth_getBlockByNumber', ['latest', false])) as { number: string; transactions: string[]; gasUsed: string }
  return { hash: head.transactions[0] ?? '', block: Number(head.number), gasUsed: BigInt(head.gasUsed) }
}
