// How the outcome of a transaction reaches a seam: its errors in the seam's words, and not before the chain's confirmed state shows it.

import { type Clock, HaggleError } from '@haggle/wire'
import { type Chain, DEV_CHAIN_ID, type ReadOptions } from './chain.ts'
import { pause } from './rpc.ts'
import { type Call, DEV_POLL_MS, type Mined, POLL_MS, type TransactionSender } from './sending.ts'

/** Errors of contracts that say that an account has too little: OpenZeppelin's ERC-20 (ERC-6093), and tokens before it. */
const TOO_LITTLE = /^ERC20Insufficient|exceeds (balance|allowance)|insufficient (balance|allowance)/i

/** What sends, and the code of what the contract refuses. */
export interface SubmitInit {
  readonly chain: Chain
  readonly sender: TransactionSender
  readonly clock: Clock
  /** Such as `E_CHANNEL`. */
  readonly refusal: string
}

/** Sends a call and waits until the chain's confirmed state has it. */
export async function submit(
  { chain, sender, clock, refusal }: SubmitInit,
  call: Call,
  options: ReadOptions & { readonly key: string | undefined },
): Promise<Mined> {
  const { key, signal } = options
  try {
    const mined = await sender.send(call, { ...(key !== undefined && { key }), ...(signal && { signal }) })
    await reached(chain, mined.block, clock, options)
    return mined
  } catch (error) {
    throw explained(error, refusal)
  }
}

/** A sender's error as the seam names it: `refusal` when the contract refuses, `E_FUNDS` when the account has too little. */
function explained(error: unknown, refusal: string): unknown {
  if (!(error instanceof HaggleError)) return error
  const reason = error.details['reason']
  const options = { cause: error, details: error.details }
  if (error.code === 'E_CHAIN_FUNDS') return new HaggleError('E_FUNDS', error.message, { ...options, next: 'haggle wallet balance' })
  if (error.code === 'E_SENDER_KEY') return new HaggleError(refusal, error.message, { ...options, next: 'wait for it' })
  if (error.code !== 'E_CHAIN_REVERTED') return error
  if (typeof reason === 'string' && TOO_LITTLE.test(reason)) {
    return new HaggleError('E_FUNDS', `The account has too few tokens: ${reason}`, { ...options, next: 'haggle wallet balance' })
  }
  return new HaggleError(refusal, error.message, options)
}

/** Resolves when confirmed state has block `number`: another node, which answers reads, may be a moment behind, or gone for a while. */
async function reached(chain: Chain, number: number, clock: Clock, options: ReadOptions): Promise<void> {
  while (!(await isReached(chain, number, options))) await pause(clock, chain.id === DEV_CHAIN_ID ? DEV_POLL_MS : POLL_MS, options.signal)
}

async function isReached(chain: Chain, number: number, options: ReadOptions): Promise<boolean> {
  try {
    return (await chain.confirmed(options)).number >= number
  } catch (error) {
    // The transaction is done: that its chain can't be asked now is no reason to say that it failed.
    if (error instanceof HaggleError && error.code.startsWith('E_CHAIN_')) return false
    throw error
  }
}
