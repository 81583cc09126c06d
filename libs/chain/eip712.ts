// What is signed for the contracts: EIP-712 digests of vouchers, closings and heads, with the domain hashed once.

import { keccak_256 } from '@noble/hashes/sha3.js'
import { concat, fromHex, utf8 } from '@haggle/wire'

/** A contract on a chain, as its EIP-712 domain names it. */
export interface SigningDomain {
  /** Chain id. */
  readonly chainId: number
  /** The contract's 20 bytes. */
  readonly contract: Uint8Array
}

/** Types as the contracts write them. Their text is what is hashed. */
export const TYPES = {
  domain: 'EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)',
  voucher: 'Voucher(bytes32 channel,uint128 cumulative)',
  coopClose: 'CoopClose(bytes32 channel,uint128 amount)',
  cancelClose: 'CancelClose(bytes32 channel,uint64 closesAt)',
  head: 'Head(bytes32 peerKey,uint64 log,uint64 size,bytes32 root,uint64 prevSize,bytes32 prevRoot)',
} as const

/** A head of a log as a chain judges it: `Head` of {@link TYPES}. Hashes and keys are 32 bytes. */
export interface ChainHead {
  /** Ed25519 key of the log's owner. */
  readonly peerKey: Uint8Array
  readonly log: number
  readonly size: number
  readonly root: Uint8Array
  readonly prevSize: number
  readonly prevRoot: Uint8Array
}

const hashes: ReadonlyMap<string, Uint8Array> = /* @__PURE__ */ new Map(
  Object.values(TYPES).map((type) => [type, keccak_256(utf8(type))] as const),
)
const typeHash = (type: string): Uint8Array => hashes.get(type) as Uint8Array

/** A word of the ABI: 32 bytes, big-endian. */
function word(value: bigint | number): Uint8Array {
  return fromHex(BigInt(value).toString(16).padStart(64, '0'), 32)
}

/** Left-pads an address to a word. */
function addressWord(address: Uint8Array): Uint8Array {
  return concat(new Uint8Array(12), address)
}

/** The domain separator of `name` version 1 at `domain`. */
export function domainSeparator(name: string, { chainId, contract }: SigningDomain): Uint8Array {
  return keccak_256(concat(typeHash(TYPES.domain), keccak_256(utf8(name)), keccak_256(utf8('1')), word(chainId), addressWord(contract)))
}

function digestOf(separator: Uint8Array, type: string, ...words: readonly Uint8Array[]): Uint8Array {
  return keccak_256(concat(Uint8Array.of(0x19, 0x01), separator, keccak_256(concat(typeHash(type), ...words))))
}

/** Digests that the `Channels` contract at one place checks signatures of. */
export interface ChannelDigests {
  /** Of a payer's promise: `channel` (32 bytes) pays `cumulative` base units in all. */
  voucher(channel: Uint8Array, cumulative: bigint): Uint8Array
  /** Of both parties' word to close now, `amount` to the payee. */
  coopClose(channel: Uint8Array, amount: bigint): Uint8Array
  /** Of both parties' word not to close at `closesAtS`. */
  cancelClose(channel: Uint8Array, closesAtS: number): Uint8Array
}

/**
 * The digests of the `Channels` contract at `domain`.
 *
 * @example
 * ```ts
 * import { channelDigests, recoverSigner, walletSigner } from "@haggle/chain";
 * import { expect } from "vitest";
 *
 * const digests = channelDigests({ chainId: 31337, contract: new Uint8Array(20).fill(9) });
 * const wallet = walletSigner(new Uint8Array(32).fill(7));
 * const promise = digests.voucher(new Uint8Array(32).fill(1), 500n);
 * expect(recoverSigner(promise, wallet.sign(promise))).toEqual(wallet.account);
 * ```
 */
export function channelDigests(domain: SigningDomain): ChannelDigests {
  const separator = domainSeparator('Haggle Channels', domain)
  return {
    voucher: (channel, cumulative) => digestOf(separator, TYPES.voucher, channel, word(cumulative)),
    coopClose: (channel, amount) => digestOf(separator, TYPES.coopClose, channel, word(amount)),
    cancelClose: (channel, closesAtS) => digestOf(separator, TYPES.cancelClose, channel, word(closesAtS)),
  }
}

/** The digest of a head for the `PeerRegistry` contract at `domain`: what the session signer signs. */
export function headDigest(domain: SigningDomain, { peerKey, log, size, root, prevSize, prevRoot }: ChainHead): Uint8Array {
  const separator = domainSeparator('Haggle Registry', domain)
  return digestOf(separator, TYPES.head, peerKey, word(log), word(size), root, word(prevSize), prevRoot)
}
