// What a sender asks and tells a node about one transaction: its gas and fee, its bytes, whether it is known, and what became of it.

import { fromHex, HaggleError, toHex } from '@haggle/wire'
import { type Hex, keccak256, serializeTransaction, type TransactionSerializableEIP1559 } from 'viem'
import { bigOf, type Block, countOf, hashOf, lie, quantity } from './chain.ts'
import { type FeePolicy, type Fees, MAX_FEE, MIN_PRIORITY, raiseFees, suggestFees, tooDear } from './fees.ts'
import type { Attempt, Intent } from './_intent.ts'
import { RpcError } from './rpc.ts'
import type { Mined, SenderInit } from './sending.ts'

/** What became of a transaction that was sent. */
export type Fate =
  /** In the chain with enough confirmations. */
  | { readonly kind: 'done'; readonly mined: Mined }
  /** In a block, with too few confirmations. */
  | { readonly kind: 'mined'; readonly block: number }
  /** The contract refused it, with enough confirmations, or would. */
  | { readonly kind: 'refused'; readonly error: HaggleError }
  /** The node has no receipt of it. */
  | { readonly kind: 'unknown' }

/** What stands between a transaction and its sending. */
export type Readiness =
  | { readonly kind: 'ready'; readonly attempt: (nonce: number) => Attempt }
  | { readonly kind: 'wait'; readonly error: HaggleError }
  | { readonly kind: 'refused'; readonly error: HaggleError }

/** Gas is estimated on the pending state; what is mined in between may make a transaction dearer. */
const GAS_MARGIN_PERCENT = 25n
const GAS_MARGIN = 10_000n

/** See the file's comment. */
export class TransactionDesk {
  readonly #init: SenderInit
  readonly #policy: FeePolicy

  constructor(init: SenderInit) {
    this.#init = init
    this.#policy = { maxFee: MAX_FEE, minPriority: MIN_PRIORITY, ...init.fees }
  }

  /** How many nonces blocks have taken: up to the head, and up to the newest block with enough confirmations. */
  async nonces(head: Block, signal: AbortSignal): Promise<{ readonly used: number; readonly firm: number }> {
    const { confirmations } = this.#init.chain
    const used = await this.#nonceAt(head.number, signal)
    return { used, firm: confirmations === 1 ? used : await this.#nonceAt(head.number - confirmations + 1, signal) }
  }

  async #nonceAt(block: number, signal: AbortSignal): Promise<number> {
    const { chain, wallet } = this.#init
    return countOf(await chain.rpc.request('eth_getTransactionCount', [wallet.address, quantity(Math.max(0, block))], { signal }))
  }

  /** Gas and fees for the first sending. */
  async prepare(intent: Intent, head: Block, signal: AbortSignal): Promise<Readiness> {
    const fees = await this.#fees(head, signal)
    if (fees === undefined) return { kind: 'wait', error: tooDear(head, this.#policy) }
    const { chain, wallet } = this.#init
    const { to, data, value } = intent
    let estimate: bigint
    try {
      const call = { from: wallet.address, to, data, value: quantity(value) }
      estimate = bigOf(await chain.rpc.request('eth_estimateGas', [call, 'pending'], { signal }))
    } catch (error) {
      const refusal = error instanceof RpcError ? this.#refusal(error) : error
      // Anything but a revert or a lack of funds may pass: the node is asked again.
      if (refusal === error || !(refusal instanceof HaggleError)) throw error
      return { kind: 'refused', error: refusal }
    }
    const gas = estimate + (estimate * GAS_MARGIN_PERCENT) / 100n + GAS_MARGIN
    return { kind: 'ready', attempt: (nonce) => this.#attempt({ ...intent, nonce }, fees, gas) }
  }

  /** Higher fees for another sending. */
  async raise(intent: Intent, head: Block, signal: AbortSignal): Promise<Exclude<Readiness, { kind: 'refused' }>> {
    const before = intent.attempts.at(-1) as Attempt
    const fresh = await this.#fees(head, signal)
    const raised = fresh && raiseFees(before, fresh, this.#policy)
    if (raised === undefined) return { kind: 'wait', error: tooDear(head, this.#policy) }
    return { kind: 'ready', attempt: (nonce) => this.#attempt({ ...intent, nonce }, raised, before.gas) }
  }

  async #fees(head: Block, signal: AbortSignal): Promise<Fees | undefined> {
    const wished = bigOf(await this.#init.chain.rpc.request('eth_maxPriorityFeePerGas', [], { signal }))
    return suggestFees(head, wished, this.#policy)
  }

  #attempt(intent: Intent & { readonly nonce: number }, { maxFee, priority }: Fees, gas: bigint): Attempt {
    const attempt = { maxFee, priority, gas }
    return { ...attempt, hash: keccak256(this.#bytesOf(intent, attempt)) }
  }

  /** The signed bytes: signing is deterministic, so they are the same each time. */
  #bytesOf({ to, data, value, nonce }: Intent & { readonly nonce: number }, fees: Fees & { readonly gas: bigint }): Hex {
    const { chain, wallet } = this.#init
    const transaction: TransactionSerializableEIP1559 = {
      type: 'eip1559',
      chainId: chain.id,
      nonce,
      to,
      data,
      value,
      gas: fees.gas,
      maxFeePerGas: fees.maxFee,
      maxPriorityFeePerGas: fees.priority,
    }
    const signature = wallet.sign(fromHex(keccak256(serializeTransaction(transaction)).slice(2), 32))
    return serializeTransaction(transaction, {
      r: `0x${toHex(signature.subarray(0, 32))}`,
      s: `0x${toHex(signature.subarray(32, 64))}`,
      yParity: (signature[64] as number) - 27,
    })
  }

  /** Gives the newest attempt to the node. Returns why it does not take it, or undefined when it has it. */
  async broadcast(intent: Intent, signal: AbortSignal): Promise<HaggleError | undefined> {
    const bytes = this.#bytesOf(intent as Intent & { nonce: number }, intent.attempts.at(-1) as Attempt)
    try {
      await this.#init.chain.rpc.request('eth_sendRawTransaction', [bytes], { signal })
      return undefined
    } catch (error) {
      if (!(error instanceof RpcError)) throw error
      // The code is the same for all of these (EIP-1474): nodes tell them apart by their words only.
      if (/already|known|imported|nonce too low|nonce is too low/i.test(error.message)) return undefined
      if (/underpriced/i.test(error.message)) return new HaggleError('E_CHAIN_UNDERPRICED', 'A node wants a higher fee', { cause: error })
      return this.#refusal(error)
    }
  }

  /** Whether the node has the newest attempt, in a block or waiting for one. */
  async isKnown(intent: Intent, signal: AbortSignal): Promise<boolean> {
    const { hash } = intent.attempts.at(-1) as Attempt
    return (await this.#init.chain.rpc.request('eth_getTransactionByHash', [hash], { signal })) !== null
  }

  /**
   * The transaction that a block took with the nonce of `intent`, by what the node shows: a missing receipt alone proves nothing, nodes lag and deny.
   * Undefined when the node shows none, also when it keeps no state of that time.
   */
  async takerOf({ nonce }: Intent & { readonly nonce: number }, head: Block, signal: AbortSignal): Promise<Hex | undefined> {
    try {
      return await this.#searchTaker(nonce, head, signal)
    } catch (error) {
      if (error instanceof RpcError) return undefined
      throw error
    }
  }

  async #searchTaker(nonce: number, head: Block, signal: AbortSignal): Promise<Hex | undefined> {
    const isTaken = async (at: number): Promise<boolean> => (await this.#nonceAt(at, signal)) > nonce
    // Steps that double, from the head down: a node without old state is not asked for more of it than necessary.
    let taken = head.number
    let free = head.number - 1
    for (let step = 2; free > 0 && (await isTaken(free)); step *= 2) [taken, free] = [free, Math.max(0, free - step)]
    while (taken - free > 1) {
      const middle = Math.floor((taken + free) / 2)
      if (await isTaken(middle)) taken = middle
      else free = middle
    }
    const { chain, wallet } = this.#init
    const block = (await chain.rpc.request('eth_getBlockByNumber', [quantity(taken), true], { signal })) as {
      transactions?: unknown
    } | null
    const transactions: readonly unknown[] = Array.isArray(block?.transactions) ? block.transactions : []
    const taker = transactions.find((one): one is Record<string, unknown> => {
      if (typeof one !== 'object' || one === null || !('from' in one && 'nonce' in one)) return false
      return String(one.from).toLowerCase() === wallet.address.toLowerCase() && countOf(one.nonce) === nonce
    })
    return taker && hashOf(taker['hash'])
  }

  /** Looks for a receipt of any attempt. */
  async fateOf(intent: Intent, head: Block, signal: AbortSignal): Promise<Fate> {
    const { chain } = this.#init
    for (const { hash } of intent.attempts.toReversed()) {
      const receipt = (await chain.rpc.request('eth_getTransactionReceipt', [hash], { signal })) as Record<string, unknown> | null
      if (receipt === null) continue
      const number = countOf(receipt['blockNumber'])
      if (hashOf(receipt['transactionHash']) !== hash) throw lie('it gives the receipt of another transaction')
      const block = await chain.block(number, { signal })
      // The block was replaced between two answers: there will be another receipt, or none.
      if (block?.hash !== hashOf(receipt['blockHash'])) return { kind: 'unknown' }
      if (head.number - number + 1 < chain.confirmations) return { kind: 'mined', block: number }
      if (receipt['status'] === '0x1') return { kind: 'done', mined: { hash, block: number, gasUsed: bigOf(receipt['gasUsed']) } }
      return { kind: 'refused', error: await this.#reasonOf(intent, hash, block, signal) }
    }
    return { kind: 'unknown' }
  }

  /** Why a block's transaction failed: by doing it again on top of the block before. */
  async #reasonOf({ to, data, value }: Intent, hash: Hex, block: Block, signal: AbortSignal): Promise<HaggleError> {
    const { chain, wallet } = this.#init
    try {
      const call = { from: wallet.address, to, data, value: quantity(value) }
      await chain.rpc.request('eth_call', [call, { blockHash: block.parentHash }], { signal })
    } catch (error) {
      if (error instanceof RpcError) return this.#refusal(error, hash)
      throw error
    }
    return refused('it failed in its block, and would not have in the one before', null, hash)
  }

  #refusal(error: RpcError, hash?: Hex): HaggleError {
    if (/insufficient funds/i.test(error.message)) {
      return new HaggleError('E_CHAIN_FUNDS', 'Cannot send the transaction: the account has too little of the chain’s coin for gas', {
        cause: error,
        next: 'send some to the wallet’s address',
      })
    }
    const data = revertData(error.data)
    const reason = data && this.#init.reasonOf?.(data)
    if (data === undefined && !/revert/i.test(error.message)) return error
    return refused(reason ?? error.message, reason ?? null, hash, error)
  }
}

function refused(why: string, reason: string | null, hash?: Hex, cause?: unknown): HaggleError {
  return new HaggleError('E_CHAIN_REVERTED', `The contract refuses the transaction: ${why}`, {
    cause,
    details: { reason, ...(hash === undefined ? {} : { hash }) },
  })
}

/** The data of a revert, where a node puts it: as it is, or inside an object. */
function revertData(data: unknown): Hex | undefined {
  if (typeof data === 'string' && /^0x([0-9a-f]{2})*$/i.test(data)) return data as Hex
  if (typeof data === 'object' && data !== null && 'data' in data) return revertData(data.data)
  return undefined
}
