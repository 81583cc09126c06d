// Fees of EIP-1559: what to offer, how to raise it, and when it is too dear.

import { HaggleError } from '@haggle/wire'
import type { Block } from './chain.ts'

/** What a transaction offers, wei a gas. */
export interface Fees {
  /** Most in all. */
  readonly maxFee: bigint
  /** Of that, most for the block's maker. */
  readonly priority: bigint
}

/** What may be paid. Wei a gas. */
export interface FeePolicy {
  /** Most that is ever offered. Default {@link MAX_FEE}. */
  readonly maxFee: bigint
  /** Least for the block's maker; nodes drop what offers nothing. Default {@link MIN_PRIORITY}. */
  readonly minPriority: bigint
}

const GWEI = 1_000_000_000n

/** 200 gwei: a claim of 65,000 gas then costs 0.013 of the chain's coin, more than most claims are worth. */
export const MAX_FEE: bigint = 200n * GWEI

/** A hundredth of a gwei. */
export const MIN_PRIORITY: bigint = GWEI / 100n

/** Percent by which nodes want a replacement to be dearer, at least 10; a little more, as they round differently. */
const RAISE_PERCENT = 13n

/**
 * What to offer on top of `head`: room for the base fee to double, as six full blocks would make it. Undefined when even the present base fee is above
 * what the policy allows: then only waiting helps.
 *
 * @example
 * ```ts
 * import { suggestFees } from "@haggle/chain";
 * import { expect } from "vitest";
 *
 * const policy = { maxFee: 50n, minPriority: 1n };
 * expect(suggestFees({ baseFee: 10n }, 2n, policy)).toEqual({ maxFee: 22n, priority: 2n });
 * expect(suggestFees({ baseFee: 40n }, 2n, policy)).toEqual({ maxFee: 50n, priority: 2n });
 * expect(suggestFees({ baseFee: 50n }, 2n, policy)).toBe(undefined);
 * ```
 */
export function suggestFees({ baseFee }: Pick<Block, 'baseFee'>, wished: bigint, policy: FeePolicy): Fees | undefined {
  const priority = wished > policy.minPriority ? wished : policy.minPriority
  if (baseFee + priority > policy.maxFee) return undefined
  const roomy = 2n * baseFee + priority
  return { maxFee: roomy < policy.maxFee ? roomy : policy.maxFee, priority }
}

/** What a replacement of a transaction that offered `before` has to offer, at least `fresh`; undefined when that is above the policy's limit. */
export function raiseFees(before: Fees, fresh: Fees, policy: FeePolicy): Fees | undefined {
  const raised = (fee: bigint): bigint => fee + (fee * RAISE_PERCENT) / 100n + 1n
  const priority = larger(raised(before.priority), fresh.priority)
  const maxFee = larger(larger(raised(before.maxFee), fresh.maxFee), priority)
  return maxFee > policy.maxFee ? undefined : { maxFee, priority }
}

/** Why nothing is sent at the moment: gas costs more than the policy allows. */
export function tooDear({ baseFee }: Pick<Block, 'baseFee'>, policy: FeePolicy): HaggleError {
  return new HaggleError('E_CHAIN_GAS', `Waiting to send: gas costs ${gwei(baseFee)} gwei, the limit is ${gwei(policy.maxFee)} gwei`, {
    next: 'wait, or allow more',
  })
}

function larger(a: bigint, b: bigint): bigint {
  return a > b ? a : b
}

function gwei(wei: bigint): string {
  return (Number(wei) / Number(GWEI)).toPrecision(3)
}
