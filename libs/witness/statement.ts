// What is signed for the court: heartbeats, up-receipts, bitmaps and ends, as EIP-712 digests (spec/court.md, EIP-712).

import { concat, equalBytes, utf8 } from '@haggle/wire'
import { keccak256, recoverAddress } from './account.ts'
import { slotBit, windowOf } from './slots.ts'

/** The court that a statement is made for. */
export interface CourtDomain {
  /** Chain id. */
  readonly chain: number
  /** The court's address, 20 bytes. */
  readonly court: Uint8Array
}

/** The provider's word in a slot. */
export interface Heartbeat {
  /** Case id, 32 bytes. */
  readonly id: Uint8Array
  /** The slot that it is for. */
  readonly slot: number
  /** Height of a recent block. */
  readonly block: number
  /** Its hash, 32 bytes. */
  readonly blockHash: Uint8Array
}

/** A witness's word that a heartbeat came in time. */
export interface UpReceipt {
  /** Case id, 32 bytes. */
  readonly id: Uint8Array
  /** The slot that was up. */
  readonly slot: number
}

/** A witness's word about a window: the slots that it watched and found down. */
export interface Bitmap {
  /** Case id, 32 bytes. */
  readonly id: Uint8Array
  /** The window that it speaks of. */
  readonly window: number
  /** Bit i: slot `60 * window + i` was down. A bit that is 0 says nothing. */
  readonly down: bigint
}

/** The renter's word that a case ends after so many slots. */
export interface EndSla {
  /** Case id, 32 bytes. */
  readonly id: Uint8Array
  /** Slots that the case keeps. */
  readonly slots: number
}

/** Something of one of the four kinds, with its signature of 65 bytes. */
export type Signed<T> = T & { readonly sig: Uint8Array }

/** `n` as a 32-byte word of the chain. */
export function word(n: bigint | number): Uint8Array {
  const bytes = new Uint8Array(32)
  let rest = BigInt(n)
  for (let i = 31; rest > 0n && i >= 0; i--) {
    bytes[i] = Number(rest & 0xffn)
    rest >>= 8n
  }
  return bytes
}

/** An address as a 32-byte word of the chain. */
export function addressWord(address: Uint8Array): Uint8Array {
  return concat(new Uint8Array(12), address)
}

const hashText = (text: string): Uint8Array => keccak256(utf8(text))
const DOMAIN_TYPE = /* @__PURE__ */ hashText('EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)')
const DOMAIN_NAME = /* @__PURE__ */ hashText('Haggle Court')
const DOMAIN_VERSION = /* @__PURE__ */ hashText('1')
const HEARTBEAT_TYPE = /* @__PURE__ */ hashText('Heartbeat(bytes32 id,uint32 slot,uint64 block,bytes32 blockHash)')
const RECEIPT_TYPE = /* @__PURE__ */ hashText('UpReceipt(bytes32 id,uint32 slot)')
const BITMAP_TYPE = /* @__PURE__ */ hashText('Bitmap(bytes32 id,uint32 window,uint64 down)')
const SECRET_TYPE = /* @__PURE__ */ hashText('DrawSecret(bytes32 id)')
const END_TYPE = /* @__PURE__ */ hashText('EndSla(bytes32 id,uint32 slots)')

/** The EIP-712 domain separator of a court, 32 bytes. */
export function domainSeparator({ chain, court }: CourtDomain): Uint8Array {
  return keccak256(concat(DOMAIN_TYPE, DOMAIN_NAME, DOMAIN_VERSION, word(chain), addressWord(court)))
}

function digest(domain: CourtDomain, ...struct: readonly Uint8Array[]): Uint8Array {
  return keccak256(concat(Uint8Array.of(0x19, 0x01), domainSeparator(domain), keccak256(concat(...struct))))
}

/** What the provider signs in a slot, 32 bytes. */
export function heartbeatDigest(domain: CourtDomain, { id, slot, block, blockHash }: Heartbeat): Uint8Array {
  return digest(domain, HEARTBEAT_TYPE, id, word(slot), word(block), blockHash)
}

/** What a witness signs when a heartbeat came in time, 32 bytes. */
export function receiptDigest(domain: CourtDomain, { id, slot }: UpReceipt): Uint8Array {
  return digest(domain, RECEIPT_TYPE, id, word(slot))
}

/** What a witness signs once a window, 32 bytes. */
export function bitmapDigest(domain: CourtDomain, { id, window, down }: Bitmap): Uint8Array {
  return digest(domain, BITMAP_TYPE, id, word(window), word(down))
}

/** What a renter signs to end a case early, 32 bytes. */
export function endDigest(domain: CourtDomain, { id, slots }: EndSla): Uint8Array {
  return digest(domain, END_TYPE, id, word(slots))
}

/** What a party signs for itself to make its secret of a draw, 32 bytes: see `drawSecret`. */
export function drawSecretDigest(domain: CourtDomain, id: Uint8Array): Uint8Array {
  return digest(domain, SECRET_TYPE, id)
}

/** True when `address` (20 bytes) signed `digest`. Never throws. */
export function signedBy(address: Uint8Array, digest: Uint8Array, sig: Uint8Array): boolean {
  const signer = recoverAddress(digest, sig)
  return signer !== null && equalBytes(signer, address)
}

/** The id of a case: keccak256(abi.encode(chainId, court, provider, renter, terms)), 32 bytes. `terms` is the contract's id: its ACCEPT names the terms. */
export function caseId(
  { chain, court }: CourtDomain,
  parties: { readonly provider: Uint8Array; readonly renter: Uint8Array; readonly terms: Uint8Array },
): Uint8Array {
  return keccak256(concat(word(chain), addressWord(court), addressWord(parties.provider), addressWord(parties.renter), parties.terms))
}

/** One statement of a witness: an up-receipt of a slot, or its bitmap of a window. */
export type Statement =
  | { readonly kind: 'receipt'; readonly slot: number }
  | { readonly kind: 'bitmap'; readonly window: number; readonly down: bigint }

/**
 * True when no honest witness of one case makes both statements: a receipt and a down bit of one slot, or two bitmaps of one window.
 *
 * @example
 * ```ts
 * import { contradict } from "@haggle/witness";
 * import { expect } from "vitest";
 *
 * expect(contradict({ kind: "receipt", slot: 61 }, { kind: "bitmap", window: 1, down: 0b10n })).toBe(true);
 * expect(contradict({ kind: "receipt", slot: 61 }, { kind: "bitmap", window: 1, down: 0b01n })).toBe(false);
 * ```
 */
export function contradict(a: Statement, b: Statement): boolean {
  if (a.kind === 'bitmap' && b.kind === 'bitmap') return a.window === b.window && a.down !== b.down
  if (a.kind === 'receipt' && b.kind === 'receipt') return false
  const [receipt, bitmap] = a.kind === 'receipt' ? [a, b] : [b, a]
  if (receipt.kind !== 'receipt' || bitmap.kind !== 'bitmap') return false
  return bitmap.window === windowOf(receipt.slot) && (bitmap.down & slotBit(receipt.slot)) !== 0n
}
