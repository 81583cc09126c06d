// What a court's model is given: the transaction around a call, the constants of the contract, and what simulations may plant.

import { utf8 } from '@haggle/wire'
import { keccak256 } from './account.ts'
import type { CourtParameters, SlaOpening } from './court.ts'
import type { Rule } from './rule.ts'
import { MAX_FACTOR, MAX_SLOTS } from './sla.ts'
import { bitmapDigest, type CourtDomain, receiptDigest, signedBy, type Statement } from './statement.ts'
import type { VaultModel } from './vault_model.ts'

/** Lock of a seat in the vault, 32 bytes. */
export const WITNESS_LOCK: Uint8Array = /* @__PURE__ */ keccak256(/* @__PURE__ */ utf8('haggle-witness'))
/** Blocks whose hash a chain remembers. */
export const HASH_MEMORY = 256
/** Who proves an equivocation gets one part in so many. */
export const REPORTER_PART = 10n
/** Most seconds from the opening to the first slot. */
export const MAX_START_DELAY_S = 86_400

/** The transaction around a call. */
export interface CallContext {
  /** Who calls, 20 bytes. */
  readonly sender: Uint8Array
  /** Height of the block that the call is in. */
  readonly block: number
  /** Unix seconds of the block. */
  readonly nowS: number
  /** Hash of one of the last {@link HASH_MEMORY} blocks. */
  readonly blockHash: (block: number) => Uint8Array
}

/** What a model may be given instead of the contract's own: to plant wrong rules and cheap signatures in simulations. */
export interface CourtModelOptions {
  /** The court's constants. */
  readonly parameters: CourtParameters
  /** Stakes; default: nobody has any. */
  readonly vault?: VaultModel
  /** Default {@link RULES}. */
  readonly rules?: Readonly<Record<number, Rule>>
  /** Is this the signature of `signer` under the statement of a case? Default: EIP-712 and secp256k1. */
  readonly attests?: (signer: Uint8Array, id: Uint8Array, statement: Statement, sig: Uint8Array) => boolean
  /** Default true. False: a slot can be claimed again. */
  readonly once?: boolean
}

/** EIP-712 and secp256k1, as the contract checks them. */
export function attestsOnChain(domain: CourtDomain): NonNullable<CourtModelOptions['attests']> {
  return (signer, id, statement, sig) =>
    signedBy(
      signer,
      statement.kind === 'receipt'
        ? receiptDigest(domain, { id, slot: statement.slot })
        : bitmapDigest(domain, { id, window: statement.window, down: statement.down }),
      sig,
    )
}

/** True when an opening keeps the contract's limits. `nowS`: unix seconds of the block. */
export function keepsLimits(opening: SlaOpening, { sender, nowS }: CallContext, commitReveal: boolean): boolean {
  const { rule, slotS, slots, factor, pricePerSlot, lock, renter, startsAtS, renterCommit, providerCommit } = opening
  return (
    (rule === 1 || rule === 2) &&
    slotS >= 1 &&
    slotS <= 3_600 &&
    slots >= 1 &&
    slots <= MAX_SLOTS &&
    factor >= 1 &&
    factor <= MAX_FACTOR &&
    pricePerSlot > 0n &&
    lock > 0n &&
    lock <= BigInt(factor) * pricePerSlot * BigInt(slots) &&
    renter.some((byte) => byte !== 0) &&
    renter.some((byte, i) => byte !== sender[i]) &&
    startsAtS >= nowS &&
    startsAtS <= nowS + MAX_START_DELAY_S &&
    commitReveal === (renterCommit !== null && providerCommit !== null)
  )
}
