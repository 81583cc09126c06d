// Claims a second on a development chain, from the channels' interface to confirmed state, beside bare token transfers of the same account sent at once.

import {
  chainRpc,
  channelDigests,
  type EvmChannels,
  evmChannels,
  openChain,
  openSender,
  revertReason,
  type WalletSigner,
  walletSigner,
} from '@haggle/chain'
import { channelsAbi, testTokenAbi } from '@haggle/chain/abi'
import { type Anvil, deployDevnet, type Deployment, fundAccount, startAnvil } from '@haggle/chain/testing'
import { memoryStore } from '@haggle/store'
import { fromHex, systemClock, toHex } from '@haggle/wire'
import { encodeFunctionData, type Hex } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { alternate, type BenchRow, rowOf } from './row.ts'

/** Two transactions of 25 claims: one is under way while the next is made. */
const CHANNELS = 50
/** Transfers of one floor pass. */
const TRANSFERS = 50
/** Passes are few and long: a sample is a whole batch. */
const BATCHES = 3

const hex = (bytes: Uint8Array): Hex => `0x${toHex(bytes)}`

/** Starts a chain with open channels from many payers to one payee, measures, and stops it. */
export async function rows(): Promise<readonly BenchRow[]> {
  const anvil = await startAnvil()
  try {
    const deployment = await deployDevnet(anvil.url)
    const payee = secretOf(999)
    await fundAccount(anvil.url, deployment, walletSigner(payee).address, { tokens: 1_000_000n, coin: 10n ** 21n })
    const payers = Array.from({ length: CHANNELS }, (_, i) => walletSigner(secretOf(i + 1)))
    const ids: Uint8Array[] = []
    for (const payer of payers) ids.push(await openChannel(anvil, deployment, payer, walletSigner(payee).address))
    return [await measure(anvil, deployment, { payee, payers, ids })]
  } finally {
    await anvil.stop()
  }
}

async function measure(
  anvil: Anvil,
  deployment: Deployment,
  { payee, payers, ids }: { readonly payee: Uint8Array; readonly payers: readonly WalletSigner[]; readonly ids: readonly Uint8Array[] },
): Promise<BenchRow> {
  const { token, channels: contract } = deployment
  const clock = systemClock()
  const wallet = walletSigner(payee)
  const digests = channelDigests({ chainId: anvil.chainId, contract: fromHex(contract.slice(2), 20) })
  const chain = openChain({ chainId: anvil.chainId, rpc: chainRpc({ urls: [anvil.url], chainId: anvil.chainId, clock }) })
  const sender = await openSender({ chain, wallet, store: memoryStore(), clock, reasonOf: revertReason })
  const channels: EvmChannels = await evmChannels({ chain, sender, signer: wallet, token, contract, store: memoryStore(), clock })
  let cumulative = 0n
  const claims = async (): Promise<number> => {
    cumulative += 1000n
    const batch = ids.map((channel, i) => {
      const sig = (payers[i] as WalletSigner).sign(digests.voucher(channel, cumulative))
      return { voucher: { channel, cumulative, sig }, amount: cumulative, receiptRoot: new Uint8Array(32) }
    })
    const started = performance.now()
    await channels.claim(batch)
    return (CHANNELS / (performance.now() - started)) * 1000
  }
  const several = async (once: () => Promise<number>): Promise<number[]> => {
    const samples: number[] = []
    for (let i = 0; i < BATCHES; i++) samples.push(await once())
    return samples
  }
  try {
    await claims()
    const measured = await alternate(
      { subject: () => several(claims), floor: () => several(() => transfers(anvil, token, payee)), pairs: 2 },
      0.05,
    )
    return rowOf('claim-batch', '/s', measured, {
      note: `claims of ${CHANNELS} channels, 25 a transaction; floor: bare token transfers, signed and sent at once`,
    })
  } finally {
    await channels.stop()
    await sender.stop()
  }
}

/** Bare transfers a second: signed by viem, sent without waiting for each other, all in blocks. */
async function transfers(anvil: Anvil, token: Hex, secret: Uint8Array): Promise<number> {
  const account = privateKeyToAccount(hex(secret))
  const first = Number(await anvil.rpc('eth_getTransactionCount', [account.address, 'latest']))
  const data = encodeFunctionData({ abi: testTokenAbi, functionName: 'transfer', args: [deadEnd, 1n] })
  const started = performance.now()
  await Promise.all(
    Array.from({ length: TRANSFERS }, async (_, i) => {
      const fees = { maxFeePerGas: 10n ** 11n, maxPriorityFeePerGas: 1n }
      const call = { type: 'eip1559', chainId: anvil.chainId, nonce: first + i, to: token, data, gas: 100_000n, ...fees } as const
      await anvil.rpc('eth_sendRawTransaction', [await account.signTransaction(call)])
    }),
  )
  while (Number(await anvil.rpc('eth_getTransactionCount', [account.address, 'latest'])) < first + TRANSFERS) await anvil.mine()
  return (TRANSFERS / (performance.now() - started)) * 1000
}

const deadEnd = '0x00000000000000000000000000000000000000aa'

function secretOf(n: number): Uint8Array {
  return fromHex(n.toString(16).padStart(64, '0'), 32)
}

/** A channel with plenty in it. The payer is impersonated: its transactions are no part of the measurement. */
async function openChannel(anvil: Anvil, deployment: Deployment, { address }: WalletSigner, payee: Hex): Promise<Uint8Array> {
  const { token, channels } = deployment
  const deposit = 10_000_000n
  await fundAccount(anvil.url, deployment, address, { tokens: deposit })
  await anvil.rpc('anvil_impersonateAccount', [address])
  const send = async (to: Hex, data: Hex): Promise<void> => void (await anvil.rpc('eth_sendTransaction', [{ from: address, to, data }]))
  await send(token, encodeFunctionData({ abi: testTokenAbi, functionName: 'approve', args: [channels, deposit] }))
  const id = encodeFunctionData({ abi: channelsAbi, functionName: 'currentId', args: [address, payee, token] })
  const answer = String(await anvil.rpc('eth_call', [{ to: channels, data: id }, 'latest']))
  await send(channels, encodeFunctionData({ abi: channelsAbi, functionName: 'open', args: [payee, token, deposit, address] }))
  return fromHex(answer.slice(2), 32)
}
