// For the tests of the court: a devnet whose ten accounts have stake, and calls that are mined at once, without a sender.

import { fromHex, toHex } from '@haggle/wire'
import { type AccountSigner, localAccount } from '@haggle/witness'
import { type Address, encodeFunctionData, type Hex, maxUint256, parseEventLogs, type RpcLog } from 'viem'
import { courtAbi, stakeVaultAbi, testTokenAbi } from './abi/mod.ts'
import { type Anvil, deployDevnet, type Deployment, fundAccount, startAnvil } from './testing.ts'

/** Base units that each account stakes. */
export const STAKED = 1_000_000n
/** Seconds and blocks of the test's court. */
export const COURT = { witnessStake: 100_000n, claimS: 600, refuteS: 300, drawDelay: 2 } as const

/** A devnet with stake. */
export interface StakedChain {
  readonly anvil: Anvil
  readonly deployment: Deployment
  readonly signers: readonly AccountSigner[]
  /** Sends a call of account `from`; resolves when it is mined, whether it reverted or not. */
  call(from: number, to: Address, data: Hex): Promise<MinedCall>
  /** The same call's error data now, or null when it would go through. */
  refusal(from: number, to: Address, data: Hex): Promise<Hex | null>
}

/** A call that was mined. */
export interface MinedCall {
  readonly ok: boolean
  readonly block: number
  readonly timestamp: number
  readonly gasUsed: bigint
  readonly logs: RpcLog[]
}

const GAS = '0x7a1200'

/** Starts it: token, system, court; every account has staked {@link STAKED} and lets the court take bonds. */
export async function startStakedChain({ commitReveal = false }: { readonly commitReveal?: boolean } = {}): Promise<StakedChain> {
  const anvil = await startAnvil()
  const deployment = await deployDevnet(anvil.url, { closeDelayS: 600, unbondDelayS: 1_200, court: { ...COURT, commitReveal } })
  const signers = anvil.accounts.map(({ secret }) => localAccount(secret))
  const address = (n: number): Hex => `0x${toHex((signers[n] as AccountSigner).account)}`

  async function call(from: number, to: Address, data: Hex): Promise<MinedCall> {
    const hash = await anvil.rpc('eth_sendTransaction', [{ from: address(from), to, data, gas: GAS }])
    const receipt = await receiptOf(hash)
    const block = (await anvil.rpc('eth_getBlockByNumber', [receipt.blockNumber, false])) as { timestamp: Hex }
    return {
      ok: receipt.status === '0x1',
      block: Number(receipt.blockNumber),
      timestamp: Number(block.timestamp),
      gasUsed: BigInt(receipt.gasUsed),
      logs: receipt.logs,
    }
  }

  /** Anvil mines at once, but a busy machine may be asked before it has. */
  async function receiptOf(hash: unknown): Promise<Record<'status' | 'blockNumber' | 'gasUsed', Hex> & { logs: RpcLog[] }> {
    for (let tries = 0; tries < 1_000; tries++) {
      const receipt = await anvil.rpc('eth_getTransactionReceipt', [hash])
      if (receipt !== null) return receipt as never
    }
    throw new Error('anvil does not mine')
  }

  for (const n of signers.keys()) {
    await fundAccount(anvil.url, deployment, address(n), { tokens: 10n * STAKED, coin: 10n ** 21n })
    const approve = (spender: Address): Hex =>
      encodeFunctionData({ abi: testTokenAbi, functionName: 'approve', args: [spender, maxUint256] })
    await call(n, deployment.token, approve(deployment.vault))
    await call(n, deployment.token, approve(deployment.court))
    await call(n, deployment.vault, encodeFunctionData({ abi: stakeVaultAbi, functionName: 'stake', args: [STAKED] }))
  }
  return {
    anvil,
    deployment,
    signers,
    call,
    async refusal(from, to, data) {
      const body = { jsonrpc: '2.0', id: 1, method: 'eth_call', params: [{ from: address(from), to, data, gas: GAS }, 'latest'] }
      const response = await fetch(anvil.url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
      const { error } = (await response.json()) as { readonly error?: { readonly data?: Hex } }
      return error === undefined ? null : (error.data ?? '0x')
    },
  }
}

/** The number of the claim that a call opened. */
export function claimIn({ logs }: MinedCall): bigint | undefined {
  return parseEventLogs({ abi: courtAbi, logs: logs as never, eventName: 'DowntimeClaimed' })[0]?.args.claim
}

/** 32-byte hash of a block. */
export async function hashOfBlock(anvil: Anvil, block: number): Promise<Uint8Array> {
  const { hash } = (await anvil.rpc('eth_getBlockByNumber', [`0x${block.toString(16)}`, false])) as { hash: Hex }
  return fromHex(hash.slice(2))
}
