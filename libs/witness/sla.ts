// A service level: what a contract's terms say in their field `sla` (spec/court.md, Service level in the terms).

import { big, bytes, decodeAs, encodeAs, fields, HaggleError, type Schema, uint } from '@haggle/wire'
import { ruleOf, type RuleNumber } from './rule.ts'

/** A service level that is bought with a contract. Money is base units of the court's token. */
export interface Sla {
  /** Chain id. */
  readonly chain: number
  /** The court's address, 20 bytes. */
  readonly court: Uint8Array
  /** Which rule decides. */
  readonly rule: RuleNumber
  /** Seconds of a slot, 1 .. 3,600. */
  readonly slotS: number
  /** Slots of the case, 1 .. 44,640. */
  readonly slots: number
  /** What a missed slot counts for, > 0. */
  readonly pricePerSlot: bigint
  /** How many times that the provider loses for it, 1 .. 10. */
  readonly factor: number
  /** Stake that the provider locks: the most it can lose. At most `factor * pricePerSlot * slots`. */
  readonly lock: bigint
  /** What the provider asks for opening and closing the case, owed once the committee is drawn. */
  readonly fee: bigint
  /** Account of the renter, 20 bytes: the victim of a missed slot. */
  readonly renter: Uint8Array
  /** Account of the provider, 20 bytes: its stake is locked. */
  readonly provider: Uint8Array
}

/** Most octets of an encoded service level. */
export const MAX_SLA_BYTES = 1_024
/** Most slots of a case: 31 days of minutes. */
export const MAX_SLOTS = 44_640
/** Most times the price of a missed slot that a provider can lose for it. */
export const MAX_FACTOR = 10

const address: Schema<Uint8Array> = bytes({ length: 20 })

const body: Schema<Omit<Sla, 'rule'> & { readonly version: number; readonly rule: number }> = fields({
  version: uint({ min: 1, max: 1 }),
  chain: uint({ min: 1 }),
  court: address,
  rule: uint({ min: 1, max: 2 }),
  slotS: uint({ min: 1, max: 3_600 }),
  slots: uint({ min: 1, max: MAX_SLOTS }),
  pricePerSlot: big({ maxBytes: 16 }),
  factor: uint({ min: 1, max: MAX_FACTOR }),
  lock: big({ maxBytes: 16 }),
  fee: big({ maxBytes: 16 }),
  renter: address,
  provider: address,
})

/**
 * The service level, when its numbers fit each other.
 *
 * @throws `E_SLA` when a missed slot counts for nothing, the lock is 0 or more than can be lost, or one account is both parties.
 */
export function checkSla(sla: Sla): Sla {
  const wrong = (what: string): never => {
    throw new HaggleError('E_SLA', `Cannot use the service level: ${what}`)
  }
  ruleOf(sla.rule)
  if (sla.pricePerSlot <= 0n) wrong('a missed slot must count for more than 0')
  const most = BigInt(sla.factor) * sla.pricePerSlot * BigInt(sla.slots)
  if (sla.lock <= 0n || sla.lock > most) wrong(`the lock must be 1 to ${most}, is ${sla.lock}`)
  if (sla.renter.every((byte, i) => byte === sla.provider[i])) wrong('one account is both parties')
  return sla
}

/** The bytes of a service level. Throws `E_SLA` like {@link checkSla}, and `E_WIRE_SCHEMA`. */
export function encodeSla(sla: Sla): Uint8Array {
  return encodeAs(body, { ...checkSla(sla), version: 1 })
}

/**
 * A service level from its bytes. Throws `E_SLA` and `E_WIRE_*`.
 *
 * @example
 * ```ts
 * import { decodeSla, encodeSla, type Sla } from "@haggle/witness";
 * import { expect } from "vitest";
 *
 * const account = (byte: number) => new Uint8Array(20).fill(byte);
 * const sla: Sla = {
 *   chain: 31337, court: account(1), rule: 2, slotS: 60, slots: 60, pricePerSlot: 1_000n, factor: 10, lock: 600_000n, fee: 500n,
 *   renter: account(2), provider: account(3),
 * };
 * expect(decodeSla(encodeSla(sla))).toEqual(sla);
 * ```
 */
export function decodeSla(encoded: Uint8Array): Sla {
  const { version: _, ...sla } = decodeAs(body, encoded)
  return checkSla(sla as Sla)
}
