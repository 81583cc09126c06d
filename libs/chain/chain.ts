// One chain as everything here sees it: blocks that fit together, and state as of enough confirmations.

import { type Clock, HaggleError } from '@haggle/wire'
import {
  type Abi,
  type Address,
  type ContractFunctionArgs,
  type ContractFunctionName,
  type ContractFunctionReturnType,
  decodeFunctionResult,
  encodeFunctionData,
  type Hex,
} from 'viem'
import { type ChainRpc, RpcError } from './rpc.ts'

/** A block, as far as it is needed. */
export interface Block {
  readonly number: number
  readonly hash: Hex
  readonly parentHash: Hex
  /** Unix seconds. */
  readonly timestamp: number
  /** Wei a gas; 0 on chains without EIP-1559. */
  readonly baseFee: bigint
}

/** A call of a contract's view. */
export interface ViewCall<
  A extends Abi | readonly unknown[],
  F extends ContractFunctionName<A, 'pure' | 'view'>,
  P extends ContractFunctionArgs<A, 'pure' | 'view', F>,
> {
  readonly address: Address
  readonly abi: A
  readonly functionName: F
  readonly args: P
}

/** A chain, through its nodes. */
export interface Chain {
  /** Chain id. */
  readonly id: number
  /** Blocks that must stand on something, its own included, before it counts. */
  readonly confirmations: number
  /** Its nodes. */
  readonly rpc: ChainRpc
  /** The newest block. Throws `E_CHAIN_LIE` when what the node says of it does not fit together. */
  head(options?: ReadOptions): Promise<Block>
  /** The newest block that counts: `confirmations − 1` below the head. Block 0 while the chain is shorter. */
  confirmed(options?: ReadOptions): Promise<Block>
  /** Block `number` of the node's chain now, or undefined when it has none. */
  block(number: number, options?: ReadOptions): Promise<Block | undefined>
  /**
   * A view's result in the state after block `at` (default: the confirmed one). Throws `E_CHAIN_RPC` when it reverts,
   * and `E_CHAIN_CONTRACT` when nothing is there that has it.
   */
  view<
    const A extends Abi | readonly unknown[],
    F extends ContractFunctionName<A, 'pure' | 'view'>,
    const P extends ContractFunctionArgs<A, 'pure' | 'view', F>,
  >(
    call: ViewCall<A, F, P>,
    options?: ReadOptions & { readonly at?: Block },
  ): Promise<ContractFunctionReturnType<A, 'pure' | 'view', F, P>>
}

/** Options of everything that asks a node. */
export interface ReadOptions {
  readonly signal?: AbortSignal
}

/** What {@link openChain} needs. */
export interface ChainInit {
  readonly rpc: ChainRpc
  readonly chainId: number
  /** Default: 1 on 31337, a development chain; {@link CONFIRMATIONS} elsewhere. */
  readonly confirmations?: number
  /** Wall time, to see a node whose head is old or from the future. Left out: not looked at. */
  readonly clock?: Clock
}

/** Blocks on top that make a change of mind by the chain improbable: about two and a half minutes at 12 s a block. */
export const CONFIRMATIONS = 12

/** The chain id that development chains use. */
export const DEV_CHAIN_ID = 31337

/** A node that falls back by more than this many blocks shows another chain, not a reorganised one. */
export const MAX_REORG = 64

/** Seconds that a head may be ahead of this clock: block makers may be ahead by less, and clocks differ. */
const MAX_AHEAD_S = 900

/** JSON-RPC code of a call that the contract refuses. */
const REVERTED = 3

/** A chain over `rpc`. Asks nothing before it is used. */
export function openChain(init: ChainInit): Chain {
  const { rpc, chainId, clock } = init
  const confirmations = init.confirmations ?? (chainId === DEV_CHAIN_ID ? 1 : CONFIRMATIONS)
  if (!Number.isSafeInteger(confirmations) || confirmations < 1 || confirmations > MAX_REORG) {
    throw new HaggleError('E_CHAIN_SETTING', `Cannot wait for ${confirmations} confirmations: must be 1 to ${MAX_REORG}`)
  }
  let highest = 0
  /** The newest head that was found to fit its parent, and what counted under it: a hash names all that came before, so nothing of it is asked for twice. */
  let known: { readonly head: Block; confirmed?: Block } | undefined

  async function fetchBlock(which: number | 'latest', { signal }: ReadOptions): Promise<Block | undefined> {
    const tag = which === 'latest' ? which : quantity(which)
    return parseBlock(await rpc.request('eth_getBlockByNumber', [tag, false], { ...(signal && { signal }) }))
  }

  async function head(options: ReadOptions = {}): Promise<Block> {
    try {
      return await checkedHead(options)
    } catch (error) {
      // A reorganisation between two answers looks like a contradiction, once.
      if (!(error instanceof HaggleError) || error.code !== 'E_CHAIN_LIE') throw error
      return await checkedHead(options)
    }
  }

  async function checkedHead(options: ReadOptions): Promise<Block> {
    const latest = await fetchBlock('latest', options)
    if (latest === undefined) throw lie('a node has no newest block')
    if (latest.hash === known?.head.hash && latest.number === known.head.number) return known.head
    if (latest.number < highest - MAX_REORG) throw lie(`a node fell back from block ${highest} to ${latest.number}`)
    if (clock && chainId !== DEV_CHAIN_ID && latest.timestamp > clock.now() / 1000 + MAX_AHEAD_S) {
      throw lie(`the newest block is ${Math.round(latest.timestamp - clock.now() / 1000)} s ahead of this clock`)
    }
    if (latest.number > 0) {
      const parent = await fetchBlock(latest.number - 1, options)
      if (parent?.hash !== latest.parentHash || parent.timestamp > latest.timestamp) {
        throw lie(`block ${latest.number} does not stand on block ${latest.number - 1} of the same node`)
      }
    }
    highest = Math.max(highest, latest.number)
    known = { head: latest }
    return latest
  }

  async function confirmed(options: ReadOptions = {}): Promise<Block> {
    const top = await head(options)
    if (confirmations === 1) return top
    if (known?.head === top && known.confirmed !== undefined) return known.confirmed
    const block = await fetchBlock(Math.max(0, top.number - confirmations + 1), options)
    if (block === undefined) throw lie(`a node at block ${top.number} has no block ${top.number - confirmations + 1}`)
    if (known?.head === top) known.confirmed = block
    return block
  }

  return {
    id: chainId,
    confirmations,
    rpc,
    head,
    confirmed,
    block: async (number, options = {}) => {
      const block = await fetchBlock(number, options)
      if (block !== undefined && block.number !== number) throw lie(`a node answers block ${block.number} when asked for ${number}`)
      return block
    },
    async view(call, options = {}) {
      const data = encodeFunctionData(call as Parameters<typeof encodeFunctionData>[0])
      const ask = async (at: Block): Promise<unknown> =>
        await rpc.request('eth_call', [{ to: call.address, data }, { blockHash: at.hash }], options)
      const answer = await ask(options.at ?? (await confirmed(options))).catch(async (error: unknown) => {
        // A block that was replaced since it was named is not there any more: the caller's own is its own to name again.
        if (options.at !== undefined || !(error instanceof RpcError) || error.rpcCode === REVERTED) throw error
        return await ask(await confirmed(options))
      })
      try {
        return decodeFunctionResult({ ...call, data: answer as Hex } as Parameters<typeof decodeFunctionResult>[0]) as never
      } catch (error) {
        throw new HaggleError(
          'E_CHAIN_CONTRACT',
          `Cannot read ${call.functionName} of ${call.address} on chain ${chainId}: no such contract is there`,
          {
            cause: error,
            next: 'check the addresses in the settings',
          },
        )
      }
    },
  }
}

/** A node that contradicts itself: nothing that it says is used. */
export function lie(what: string): HaggleError {
  return new HaggleError('E_CHAIN_LIE', `Cannot believe the chain's node: ${what}`, { next: 'wait, or set another node' })
}

/** A number as JSON-RPC writes it. */
export function quantity(value: number | bigint): Hex {
  return `0x${value.toString(16)}`
}

/** A hash in hex of 32 bytes, or a lie. */
export function hashOf(value: unknown): Hex {
  if (typeof value !== 'string' || !/^0x[0-9a-f]{64}$/i.test(value)) throw lie('it gives something else for a hash')
  return value.toLowerCase() as Hex
}

/** A count in hex, or a lie. */
export function countOf(value: unknown): number {
  const count = typeof value === 'string' && /^0x[0-9a-f]{1,13}$/i.test(value) ? Number(value) : Number.NaN
  if (!Number.isSafeInteger(count)) throw lie('it gives something else for a number')
  return count
}

/** A large integer in hex, or a lie. */
export function bigOf(value: unknown): bigint {
  if (typeof value !== 'string' || !/^0x[0-9a-f]{1,64}$/i.test(value)) throw lie('it gives something else for an amount')
  return BigInt(value)
}

function parseBlock(value: unknown): Block | undefined {
  if (value === null) return undefined
  if (typeof value !== 'object') throw lie('it gives something else for a block')
  const { number, hash, parentHash, timestamp, baseFeePerGas } = value as Record<string, unknown>
  return {
    number: countOf(number),
    hash: hashOf(hash),
    parentHash: hashOf(parentHash),
    timestamp: countOf(timestamp),
    baseFee: baseFeePerGas === undefined || baseFeePerGas === null ? 0n : bigOf(baseFeePerGas),
  }
}
