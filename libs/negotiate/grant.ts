// Who but the renter may use a contract's streams: whoever shows a GRANT that the renter signed for its key (spec/control.md, Rights).

import { CONTRACT_MESSAGES, type GrantBody } from '@haggle/contract'
import { equalBytes, HaggleError, isMessage, MAX_SKEW_S, type Message, open, type Suite } from '@haggle/wire'
import type { Thread } from './thread.ts'

/** What a stream wants, and of which contract. */
export interface GrantRequest {
  /** 32 bytes, see `networkId` of `@haggle/wire`. */
  readonly networkId: Uint8Array
  /** The cryptography. */
  readonly suite: Suite
  /** Contract id, 32 bytes. */
  readonly contract: Uint8Array
  /** The contract's thread, 16 bytes. */
  readonly thread: Uint8Array
  /** The contract's renter, 32-byte key. */
  readonly renter: Uint8Array
  /** The contract's provider, 32-byte key: whoever judges. */
  readonly provider: Uint8Array
  /** The key that the connection proved. */
  readonly remoteKey: Uint8Array
  /** What the stream wants: stdin and put want `control`, the others `read`. */
  readonly right: 'read' | 'control'
  /** Unix seconds. */
  readonly nowS: number
}

/**
 * Judges a capability: a GRANT envelope of the contract's renter for the contract's provider, that names this contract, the key of the connection, the right
 * that is wanted (`control` includes `read`) and a time that has not passed. The envelope's own window does not count: `until` does.
 *
 * @returns What was granted.
 * @throws HaggleError `E_WIRE_*` and `E_ENVELOPE_*` when it is no good envelope; `E_GRANT` when it grants something else, `details.wrong` says what: `thread`,
 * `renter`, `contract`, `grantee`, `right`, `until` or `early`.
 *
 * @example
 * ```ts
 * import { CONTRACT_MESSAGES } from "@haggle/contract";
 * import { createIdentity, portableSuite } from "@haggle/identity";
 * import { checkGrant } from "@haggle/negotiate";
 * import { networkId, seal } from "@haggle/wire";
 * import { expect } from "vitest";
 *
 * const [renter, provider, friend] = [1, 2, 3].map((seed) => createIdentity(new Uint8Array(32).fill(seed)));
 * const suite = portableSuite();
 * const request = {
 *   networkId: networkId("devnet-1"), suite, contract: new Uint8Array(32), thread: new Uint8Array(16),
 *   renter: renter.publicKey, provider: provider.publicKey, remoteKey: friend.publicKey, right: "read", nowS: 1_000,
 * } as const;
 * const body = { contract: request.contract, grantee: friend.publicKey, right: "read", until: 5_000 } as const;
 * const header = { network: request.networkId, audience: provider.publicKey, thread: request.thread, seq: 0, prev: null, ack: null, iat: 900, exp: 960 };
 * const grant = seal(CONTRACT_MESSAGES.grant, { ...header, body }, renter.signer, suite);
 * expect(checkGrant(grant.bytes, request).until).toBe(5_000);
 * expect(() => checkGrant(grant.bytes, { ...request, nowS: 5_001 })).toThrow("until");
 * ```
 */
export function checkGrant(capability: Uint8Array, request: GrantRequest): GrantBody {
  const { networkId: network, suite, provider: audience, nowS } = request
  const wrong = (what: string): HaggleError =>
    new HaggleError('E_GRANT', `Cannot use this grant: its ${what} is not what is asked for`, { details: { wrong: what } })
  const { body, signer, thread, iat } = open(capability, CONTRACT_MESSAGES.grant, { network, audience, suite })
  if (!equalBytes(signer, request.renter)) throw wrong('renter')
  if (thread === null || !equalBytes(thread, request.thread)) throw wrong('thread')
  if (!equalBytes(body.contract, request.contract)) throw wrong('contract')
  if (!equalBytes(body.grantee, request.remoteKey)) throw wrong('grantee')
  if (request.right === 'control' && body.right !== 'control') throw wrong('right')
  if (body.until < nowS) throw wrong('until')
  if (iat > nowS + MAX_SKEW_S) throw wrong('early')
  return body
}

/** The renter's last GRANT of a thread to `grantee` that still holds at `nowS`, as the grantee shows it; undefined when there is none. */
export function grantOf(
  thread: Thread,
  { grantee, nowS }: { readonly grantee: Uint8Array; readonly nowS: number },
): Uint8Array | undefined {
  const holds = (message: Message): boolean =>
    isMessage(message, CONTRACT_MESSAGES.grant) && equalBytes(message.body.grantee, grantee) && message.body.until >= nowS
  return thread.chains().own.findLast(holds)?.bytes
}
