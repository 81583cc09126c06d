// When a payee claims by itself: a pure rule over what stands in one channel.

/** What the rule looks at. Amounts are base units. */
export interface ClaimView {
  /** What may be claimed in all. */
  readonly claimable: bigint
  /** What has been claimed. */
  readonly claimed: bigint
  /** True while a contract over the channel runs. */
  readonly running: boolean
  /** When the payer may take the rest, unix seconds; null while nobody closes the channel. */
  readonly closesAtS: number | null
}

/** What an owner decides. */
export interface ClaimPolicy {
  /** Claims as soon as so much is due, base units. */
  readonly claimAt: bigint
  /** The channels' close delay, seconds. */
  readonly closeDelayS: number
}

/**
 * When to claim, unix seconds: at once (0) when enough is due, or when the payer closes and nothing runs any more; at half of the close delay when the
 * payer tries to close while it still owes; null when there is nothing to do.
 *
 * @example
 * ```ts
 * import { claimAtS } from "@haggle/payment";
 * import { expect } from "vitest";
 *
 * const policy = { claimAt: 1_000_000n, closeDelayS: 86_400 };
 * const view = { claimable: 400n, claimed: 0n, running: true, closesAtS: null };
 * expect(claimAtS(view, policy)).toBe(null);
 * expect(claimAtS({ ...view, claimable: 2_000_000n }, policy)).toBe(0);
 * expect(claimAtS({ ...view, closesAtS: 1_800_000_000 }, policy)).toBe(1_799_956_800);
 * ```
 */
export function claimAtS({ claimable, claimed, running, closesAtS }: ClaimView, { claimAt, closeDelayS }: ClaimPolicy): number | null {
  const due = claimable - claimed
  if (due <= 0n) return null
  if (due >= claimAt) return 0
  if (closesAtS === null) return null
  return running ? closesAtS - Math.floor(closeDelayS / 2) : 0
}
