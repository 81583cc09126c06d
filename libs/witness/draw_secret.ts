// The secrets of a draw at a court whose chain has no random blocks: how a party makes its own, and what it commits to (spec/court.md, Committee).

import { type AccountSigner, keccak256 } from './account.ts'
import { type CourtDomain, drawSecretDigest } from './statement.ts'

/**
 * A party's 32 secret bytes for the draw of case `id`: the same each time, so that nothing has to be kept, and known to nobody without the account's key. The
 * signature behind them is never shown. The signer has to be deterministic (RFC 6979), as both of this project are.
 */
export async function drawSecret(signer: AccountSigner, domain: CourtDomain, id: Uint8Array): Promise<Uint8Array> {
  return keccak256(await signer.sign(drawSecretDigest(domain, id)))
}

/**
 * What is told of a secret before the block whose hash draws: 32 bytes.
 *
 * @example
 * ```ts
 * import { commitTo, drawSecret, localAccount } from "@haggle/witness";
 * import { expect } from "vitest";
 *
 * const [court, id] = [{ chain: 31337, court: new Uint8Array(20).fill(9) }, new Uint8Array(32).fill(4)];
 * const party = localAccount(new Uint8Array(32).fill(1));
 * const told = commitTo(await drawSecret(party, court, id));
 * expect(commitTo(await drawSecret(party, court, id))).toEqual(told);
 * ```
 */
export function commitTo(secret: Uint8Array): Uint8Array {
  return keccak256(secret)
}
