// The ChainAnchor seam: where the head of a log is written down in a place that its owner can't change afterwards.

import type { Head } from './checkpoint.ts'

/** No entry, and no head that an aggregator has taken in, waits longer than this for an anchor. */
export const ANCHOR_EVERY_MS: number = 6 * 3_600_000

/** A head that is in the chain with enough confirmations. */
export interface Anchored extends Head {
  /** Height of its block. */
  readonly block: number
  /** Hash of its transaction. */
  readonly transaction: string
}

/** That an account anchored a head. */
export interface AnchorClaim extends Head {
  /** Who anchored it, 20 bytes. */
  readonly account: Uint8Array
}

/** Options of everything that waits for a chain. */
export interface AnchorOptions {
  /** Ends the wait. */
  readonly signal?: AbortSignal
}

/**
 * Anchors of one account on one chain, and whether somebody's anchor is there. Every implementation passes `testChainAnchor` of `@haggle/reputation/testing`.
 *
 * Errors of all calls: `E_CHAIN_UNREACHABLE` when the chain can't be asked; `E_ANCHOR` when it refuses; `E_FUNDS` when the account has too little.
 */
export interface ChainAnchor {
  /** Own account, 20 bytes. */
  readonly account: Uint8Array
  /** The own newest anchor of log `log`; null: there is none. */
  latest(log: number, options?: AnchorOptions): Promise<Anchored | null>
  /** Anchors a head that is larger than any of its log before. Resolves when it has enough confirmations. */
  anchor(head: Head, options?: AnchorOptions): Promise<Anchored>
  /** Whether exactly this was ever anchored. */
  check(claim: AnchorClaim, options?: AnchorOptions): Promise<'anchored' | 'absent'>
}
