// A rail over channels on a benchmark's anvil, for either side.

import { chainRpc, evmChannels, openChain, openSender, revertReason, walletSigner } from '@haggle/chain'
import type { Deployment } from '@haggle/chain/testing'
import type { OpenRail } from '@haggle/market'
import { openChannelRail } from '@haggle/payment'
import { fromHex } from '@haggle/wire'

/** What a process is told of the chain and its account there, as JSON. */
export interface PaidAccount {
  readonly url: string
  readonly chainId: number
  readonly deployment: Deployment
  /** 64 hex digits: a key that everybody knows. */
  readonly secret: string
}

/** The rail of an account. What it opens ends with the process. */
export function paidRail({ url, chainId, deployment, secret }: PaidAccount): OpenRail {
  return async (parts) => {
    const { store, clock } = parts
    const wallet = walletSigner(fromHex(secret, 32))
    const chain = openChain({ chainId, rpc: chainRpc({ urls: [url], chainId, clock }) })
    const sender = await openSender({ chain, wallet, store: store.sub('sender'), clock, reasonOf: revertReason })
    const { token, channels: contract } = deployment
    const channels = await evmChannels({ chain, sender, signer: wallet, token, contract, store: store.sub('channels'), clock })
    const rail = await openChannelRail({ channels, ...parts })
    const close = rail.close.bind(rail)
    return Object.assign(rail, {
      close: async () => {
        await close()
        await channels.stop()
        await sender.stop()
      },
    })
  }
}
