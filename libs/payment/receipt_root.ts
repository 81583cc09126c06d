// The root that a claim carries: a Merkle tree (RFC 9162) over the receipts that it claims for, so that each can be shown to be in it.

import { leafHash, nodeHash, emptyRoot, type Sha256 } from '@haggle/reputation'
import { compareBytes, concat } from '@haggle/wire'

/** One contract of a claim. */
export interface ClaimedReceipt {
  /** Contract id, 32 bytes. */
  readonly contract: Uint8Array
  /** Id of the renter's message that the amount rests on: RECEIPT, else VOUCHER, else ACCEPT. 32 bytes. */
  readonly evidence: Uint8Array
}

/**
 * The root over `receipts` in the order of their contract ids: each leaf is `contract ‖ evidence`. 32 bytes; that of the empty tree when there are none.
 *
 * @example
 * ```ts
 * import { receiptRoot } from "@haggle/payment";
 * import { leafHash } from "@haggle/reputation";
 * import { portableSuite } from "@haggle/identity";
 * import { expect } from "vitest";
 *
 * const { sha256 } = portableSuite();
 * const receipt = { contract: new Uint8Array(32).fill(1), evidence: new Uint8Array(32).fill(2) };
 * expect(receiptRoot([receipt], sha256)).toEqual(leafHash(new Uint8Array([...receipt.contract, ...receipt.evidence]), sha256));
 * ```
 */
export function receiptRoot(receipts: readonly ClaimedReceipt[], sha256: Sha256): Uint8Array {
  const leaves = receipts
    .toSorted((a, b) => compareBytes(a.contract, b.contract))
    .map(({ contract, evidence }) => leafHash(concat(contract, evidence), sha256))
  return leaves.length === 0 ? emptyRoot(sha256) : rootOf(leaves, sha256)
}

/** RFC 9162 section 2.1.1: split at the largest power of two below the number of leaves. */
function rootOf(leaves: readonly Uint8Array[], sha256: Sha256): Uint8Array {
  const [only] = leaves
  if (only !== undefined && leaves.length === 1) return only
  let split = 1
  while (split * 2 < leaves.length) split *= 2
  return nodeHash(rootOf(leaves.slice(0, split), sha256), rootOf(leaves.slice(split), sha256), sha256)
}
