// The books of the demonstration, read from the chain: what each channel held and paid, what it cost in gas, and whether every balance follows from it.

import { channelsAbi, peerRegistryAbi, testTokenAbi } from '@haggle/chain/abi'
import type { Deployment } from '@haggle/chain/testing'
import { type Address, decodeFunctionResult, encodeFunctionData, type Hex, isAddressEqual, parseEventLogs, type RpcLog } from 'viem'

/** Asks the chain's node. */
export type Ask = (method: string, params: readonly unknown[]) => Promise<unknown>

/** Claims burn this many thousandths, rounded down. */
const BURN_PER_MILLE = 5n
/** Where the burned share goes when a channel closes. */
const BURN_ADDRESS: Address = '0x000000000000000000000000000000000000dEaD'

/** Somebody with a wallet, and what it was given. Base units. */
export interface Holder {
  readonly name: string
  readonly address: Address
  readonly given: bigint
}

/** One channel as the chain has it. Base units. */
export interface ChannelBooks {
  readonly id: Hex
  readonly payer: Address
  readonly payee: Address
  readonly deposit: bigint
  /** All that was claimed, the burned share included. */
  readonly claimed: bigint
  /** Gas of opening it and of claiming from it. */
  readonly gas: { readonly open: number; readonly claim: number }
}

/** One anchor as the chain has it. */
export interface AnchorBooks {
  readonly signer: Address
  readonly log: number
  readonly size: number
  readonly root: Hex
  readonly transaction: Hex
  readonly block: number
  readonly gas: number
}

/** All that the chain says. */
export interface Books {
  readonly channels: readonly ChannelBooks[]
  readonly anchors: readonly AnchorBooks[]
  readonly balances: readonly { readonly name: string; readonly address: Address; readonly given: bigint; readonly balance: bigint }[]
  /** What does not add up, one sentence each; empty when all does. */
  readonly wrong: readonly string[]
}

/** What a payee gets of a claim. */
export function net(claimed: bigint): bigint {
  return claimed - (claimed * BURN_PER_MILLE) / 1000n
}

/** Reads the books of a fresh chain on which nobody but `holders` used the contracts. */
export async function readBooks(ask: Ask, deployment: Deployment, holders: readonly Holder[]): Promise<Books> {
  const [channels, anchors] = await Promise.all([channelsOf(ask, deployment), anchorsOf(ask, deployment)])
  const balanceOf = async (address: Address): Promise<bigint> => {
    const data = encodeFunctionData({ abi: testTokenAbi, functionName: 'balanceOf', args: [address] })
    const answer = (await ask('eth_call', [{ to: deployment.token, data }, 'latest'])) as Hex
    return decodeFunctionResult({ abi: testTokenAbi, functionName: 'balanceOf', data: answer })
  }
  const balances = await Promise.all(holders.map(async (holder) => ({ ...holder, balance: await balanceOf(holder.address) })))
  const [inChannels, burned] = await Promise.all([balanceOf(deployment.channels), balanceOf(BURN_ADDRESS)])
  return { channels, anchors, balances, wrong: contradictions({ channels, balances, inChannels, burned }) }
}

/** Every sum that must hold, and what does not. */
export function contradictions(books: {
  readonly channels: readonly ChannelBooks[]
  readonly balances: Books['balances']
  /** Tokens of the channels' contract, and of the address that nobody has. */
  readonly inChannels: bigint
  readonly burned: bigint
}): string[] {
  const { channels, balances, inChannels, burned } = books
  const sum = (values: readonly bigint[]): bigint => values.reduce((total, value) => total + value, 0n)
  const wrong: string[] = []
  const same = (what: string, found: bigint, expected: bigint): void => {
    if (found !== expected) wrong.push(`${what}: the chain has ${found} base units, the contracts make ${expected}`)
  }
  for (const { name, address, given, balance } of balances) {
    const paidIn = sum(channels.filter(({ payer }) => isAddressEqual(payer, address)).map(({ deposit }) => deposit))
    const received = sum(channels.filter(({ payee }) => isAddressEqual(payee, address)).map(({ claimed }) => net(claimed)))
    same(name, balance, given - paidIn + received)
  }
  for (const { id, claimed, deposit } of channels) if (claimed > deposit) wrong.push(`channel ${id} has paid more than was in it`)
  same('the channels', inChannels, sum(channels.map(({ deposit, claimed }) => deposit - net(claimed))))
  same('all together', sum(balances.map(({ balance }) => balance)) + inChannels + burned, sum(balances.map(({ given }) => given)))
  return wrong
}

async function channelsOf(ask: Ask, { channels }: Deployment): Promise<ChannelBooks[]> {
  const logs = parseEventLogs({ abi: channelsAbi, logs: await logsOf(ask, channels) })
  const found = new Map<
    Hex,
    { id: Hex; payer: Address; payee: Address; deposit: bigint; claimed: bigint; gas: { open: number; claim: number } }
  >()
  for (const log of logs) {
    if (log.eventName === 'Opened') {
      const { id, payer, payee, deposit } = log.args
      found.set(id, { id, payer, payee, deposit, claimed: 0n, gas: { open: await gasOf(ask, log.transactionHash), claim: 0 } })
    }
    const channel = 'id' in log.args ? found.get(log.args.id) : undefined
    if (channel === undefined) continue
    if (log.eventName === 'ToppedUp') {
      channel.deposit = log.args.deposit
      channel.gas.open += await gasOf(ask, log.transactionHash)
    }
    if (log.eventName === 'Claimed') {
      channel.claimed = log.args.claimed
      const shared = logs.filter(
        ({ eventName, transactionHash }) => eventName === 'Claimed' && transactionHash === log.transactionHash,
      ).length
      channel.gas.claim += Math.round((await gasOf(ask, log.transactionHash)) / shared)
    }
  }
  return [...found.values()]
}

async function anchorsOf(ask: Ask, { registry }: Deployment): Promise<AnchorBooks[]> {
  const logs = parseEventLogs({ abi: peerRegistryAbi, eventName: 'Anchored', logs: await logsOf(ask, registry) })
  return await Promise.all(
    logs.map(async ({ args: { signer, log, size, root }, transactionHash, blockNumber }) => ({
      signer,
      log: Number(log),
      size: Number(size),
      root,
      transaction: transactionHash,
      block: Number(blockNumber),
      gas: await gasOf(ask, transactionHash),
    })),
  )
}

async function logsOf(ask: Ask, address: Address): Promise<RpcLog[]> {
  return (await ask('eth_getLogs', [{ address, fromBlock: '0x0', toBlock: 'latest' }])) as RpcLog[]
}

async function gasOf(ask: Ask, transaction: Hex): Promise<number> {
  const receipt = (await ask('eth_getTransactionReceipt', [transaction])) as { readonly gasUsed: Hex } | null
  return Number(receipt?.gasUsed ?? 0)
}
