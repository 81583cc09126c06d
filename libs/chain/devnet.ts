// A devnet's chain: the contracts and a test token on an anvil, and money for whoever takes part.

import { HaggleError } from '@haggle/wire'
import { type Address, encodeFunctionData, type Hex, isAddressEqual, parseEther } from 'viem'
import { testTokenAbi } from './abi/mod.ts'
import {
  courtCalldata,
  type CourtConstants,
  deployCalldata,
  deployedAddress,
  DEPLOYER,
  systemAddresses,
  type SystemAddresses,
  systemCode,
  testTokenCode,
} from './deployment.ts'

/** Where everything is on one chain. */
export interface Deployment extends SystemAddresses {
  readonly chainId: number
  /** The token of stakes, which channels take too. */
  readonly token: Address
  /** Block in which the last part was deployed: nothing of it is older. */
  readonly fromBlock: number
}

/** What {@link deployDevnet} deploys. */
export interface DevnetOptions {
  /** Seconds that a payee has to claim when a payer closes. Default as of `systemCode`. */
  readonly closeDelayS?: number
  /** Seconds from asking for stake back to getting it. Default as of `systemCode`. */
  readonly unbondDelayS?: number
  /** Constants of the court. Default as of `systemCode`. */
  readonly court?: CourtConstants
  /** The test token's symbol. Default `TEST`. */
  readonly symbol?: string
  /** Its decimals. Default 6. */
  readonly decimals?: number
}

/** Units of the test token that there are, all of them anvil's first account's at first. */
const SUPPLY = 1_000_000_000n
/** Gas of a deployment: below the block's 30 million. */
const DEPLOY_GAS = 25_000_000

/**
 * Deploys a test token and the contracts to the anvil at `url`. Again is harmless: addresses follow from the parameters.
 *
 * @example
 * ```ts no-run
 * import { deployDevnet, fundAccount, startAnvil } from "@haggle/chain/testing";
 *
 * const anvil = await startAnvil();
 * const deployment = await deployDevnet(anvil.url, { closeDelayS: 60 });
 * await fundAccount(anvil.url, deployment, "0x00000000000000000000000000000000000000aa", { tokens: 5_000_000n });
 * await anvil.stop();
 * ```
 */
export async function deployDevnet(url: string, options: DevnetOptions = {}): Promise<Deployment> {
  const { symbol = 'TEST', decimals = 6, ...delays } = options
  const holder = await rich(url)
  const tokenCode = testTokenCode({ name: `${symbol} token`, symbol, decimals, holder, supply: SUPPLY * 10n ** BigInt(decimals) })
  const token = deployedAddress(tokenCode)
  const parameters = { stakeToken: token, ...delays }
  const addresses = systemAddresses(parameters)
  await deploy(url, holder, tokenCode)
  await deploy(url, holder, systemCode(parameters))
  if ((await ask(url, 'eth_getCode', [addresses.court, 'latest'])) === '0x')
    await transact(url, { from: holder, to: addresses.system, data: courtCalldata(), gas: DEPLOY_GAS })
  const chainId = Number(await ask(url, 'eth_chainId'))
  return { chainId, token, ...addresses, fromBlock: Number(await ask(url, 'eth_blockNumber')) }
}

/** Gives `account` coin for gas (default 1 ether, set and not added) and `tokens` base units of the test token. */
export async function fundAccount(
  url: string,
  deployment: Pick<Deployment, 'token'>,
  account: Address,
  { tokens = 0n, coin = parseEther('1') }: { readonly tokens?: bigint; readonly coin?: bigint } = {},
): Promise<void> {
  const holder = await rich(url)
  if (!isAddressEqual(account, holder)) await ask(url, 'anvil_setBalance', [account, `0x${coin.toString(16)}`])
  if (tokens === 0n) return
  const data = encodeFunctionData({ abi: testTokenAbi, functionName: 'transfer', args: [account, tokens] })
  await transact(url, { from: holder, to: deployment.token, data, gas: 100_000 })
}

async function deploy(url: string, from: Address, code: Hex): Promise<void> {
  const address = deployedAddress(code)
  if ((await ask(url, 'eth_getCode', [address, 'latest'])) !== '0x') return
  await transact(url, { from, to: DEPLOYER, data: deployCalldata(code), gas: DEPLOY_GAS })
  if ((await ask(url, 'eth_getCode', [address, 'latest'])) === '0x') throw failure(`nothing is at ${address} after its deployment`)
}

/** Anvil's first account, whose key anvil holds. */
async function rich(url: string): Promise<Address> {
  const [account] = (await ask(url, 'eth_accounts')) as Address[]
  if (account === undefined) throw failure('it has no accounts')
  return account
}

async function transact(
  url: string,
  { gas, ...call }: { readonly from: Address; readonly to: Address; readonly data: Hex; readonly gas: number },
): Promise<void> {
  for (let tries = 1; tries <= TRIES; tries++) {
    const hash = await sendRetrying(url, { ...call, gas: `0x${gas.toString(16)}` })
    const receipt = await minedReceipt(url, hash)
    if (receipt === null) continue
    if (receipt.status !== '0x1') throw failure(`transaction ${String(hash)} failed`)
    return
  }
  throw failure('it drops every transaction')
}

/**
 * A chain that mines by itself does so a moment later, or when the nonce before has come; another is told to. Null when anvil has dropped the transaction: it
 * gives a hash also to one whose nonce another caller has used up in the same moment.
 */
async function minedReceipt(url: string, hash: unknown): Promise<{ readonly status?: string } | null> {
  let unknown = 0
  for (let tries = 1; tries <= RECEIPT_TRIES; tries++) {
    const receipt = (await ask(url, 'eth_getTransactionReceipt', [hash])) as { readonly status?: string } | null
    if (receipt !== null) return receipt
    // On its way from the pool into a block it is in neither, for a moment.
    unknown = (await ask(url, 'eth_getTransactionByHash', [hash])) === null ? unknown + 1 : 0
    if (unknown > UNKNOWN_LOOKS) return null
    await ask(url, 'anvil_mine', ['0x1'])
    if (tries > 1) await pause()
  }
  throw failure(`transaction ${String(hash)} is in no block`)
}

/** Looks, one after the other, in which anvil knows nothing of a transaction that it has dropped. */
const UNKNOWN_LOOKS = 5
/** Tries of a transaction: more than there are callers at once. */
const TRIES = 50
/** Looks for its receipt: half a minute, on a machine that is busy with something else. */
const RECEIPT_TRIES = 1_500
/** Between two of them: a block takes a few milliseconds. */
const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20))

/** Anvil chooses the nonce, and gives two callers at once the same one: whoever comes second asks again. */
async function sendRetrying(url: string, transaction: object): Promise<unknown> {
  for (let tries = 1; ; tries++) {
    try {
      return await ask(url, 'eth_sendTransaction', [transaction])
    } catch (error) {
      if (tries >= TRIES || !(error instanceof HaggleError) || !/nonce too low|underpriced/.test(error.message)) throw error
      await pause()
    }
  }
}

/** Calls the node at `url`. For devnets only: it is not retried, and not checked. */
export async function ask(url: string, method: string, params: readonly unknown[] = []): Promise<unknown> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
  })
  const { result, error } = (await response.json()) as { readonly result?: unknown; readonly error?: { readonly message: string } }
  if (error !== undefined) throw failure(`${method}: ${error.message}`)
  return result
}

function failure(why: string): HaggleError {
  return new HaggleError('E_ANVIL', `Cannot use anvil: ${why}`)
}
