// What is counted and what it costs: meters, and the rails that money moves on.

import { big, bytes, fields, HaggleError, list, nullable, oneOf, type Schema, text, uint, type Value } from '@haggle/wire'

/**
 * What a meter counts. `ms`: milliseconds of the job. `request`, `tokenIn`, `tokenOut`, `byteOut`: what a model server counts. `sla`: 1 from the moment
 * that the court has drawn the witnesses of a service level that was bought; in terms only.
 */
export type MeterUnit = 'ms' | 'request' | 'tokenIn' | 'tokenOut' | 'byteOut' | 'sla'

/** `price` base units for every `per` counted. Cost is one ceil over cumulative amounts. */
export interface Meter {
  /** What is counted. */
  readonly unit: MeterUnit
  /** Base units of the rail's money, 0 .. 2^64 - 1. */
  readonly price: bigint
  /** 1 .. 2^64 - 1; 3,600,000 for a price per hour. */
  readonly per: bigint
}

/** Milliseconds in an hour: `per` of a price per hour. */
export const HOUR_MS = 3_600_000n

/** The rail that every node has: it counts credits. */
export const FREE_RAIL = 'free'

/** Decimals of the free rail's credits. */
export const CREDIT_DECIMALS = 6

/** The free rail's money. Credits are not money. */
export const CREDITS = 'credits'

/** A way to be paid, with its prices. */
export interface Rail {
  /** `free`, or `evm:<chain id>:<token address>`. */
  readonly rail: string
  /** What people call the money: `credits` on the free rail, else the token's symbol. */
  readonly unit: string
  /** Decimals of the money: 6 .. 30. */
  readonly decimals: number
  /** At most one per unit, 1 .. 5. */
  readonly meters: readonly Meter[]
  /** Whose channels the renter pays into, 20 bytes; null on the free rail, which has none. */
  readonly account: Uint8Array | null
}

const meterFields: Schema<Meter> = fields({
  unit: oneOf('ms', 'request', 'tokenIn', 'tokenOut', 'byteOut', 'sla'),
  price: big({ maxBytes: 8 }),
  per: big({ maxBytes: 8 }),
})

function checkMeter(meter: Meter): Meter {
  if (meter.per < 1n) throw new HaggleError('E_OFFER_METER', `Cannot price ${meter.unit}: "per" must be at least 1`)
  return meter
}

/** Dialect form of a {@link Meter}: `[unit, price, per]`. Throws `E_OFFER_METER` when `per` is 0. */
export const meterSchema: Schema<Meter> = {
  parse: (value: Value): Meter => checkMeter(meterFields.parse(value)),
  build: (meter: Meter): Value => meterFields.build(checkMeter(meter)),
}

const railFields: Schema<Rail> = fields({
  rail: text({ max: 96 }),
  unit: text({ max: 16 }),
  decimals: uint({ min: 6, max: 30 }),
  meters: list(meterSchema, { min: 1, max: 5 }),
  account: nullable(bytes({ length: 20 })),
})

function checkRail(rail: Rail): Rail {
  if ((rail.account === null) !== (rail.rail === FREE_RAIL))
    throw new HaggleError(
      'E_OFFER_RAIL',
      `Cannot offer the rail "${rail.rail}": every rail but ${FREE_RAIL} names the account it pays into`,
    )
  // What a service level costs is in the offer's field of that name: a meter of it here would be owed without one.
  if (rail.meters.some(({ unit }) => unit === 'sla'))
    throw new HaggleError('E_OFFER_METER', `Cannot price sla on the rail "${rail.rail}": only terms have that meter`)
  return rail
}

/** Dialect form of a {@link Rail}: `[rail, unit, decimals, meters, account]`. Throws `E_OFFER_RAIL` for an account too many or too few, `E_OFFER_METER` for a meter of `sla`. */
export const railSchema: Schema<Rail> = {
  parse: (value: Value): Rail => checkRail(railFields.parse(value)),
  build: (rail: Rail): Value => railFields.build(checkRail(rail)),
}

/** The free rail at `pricePerHour` base units (6 decimals) for an hour of a slot. */
export function freeRate(pricePerHour: bigint): Rail {
  const meters: readonly Meter[] = [{ unit: 'ms', price: pricePerHour, per: HOUR_MS }]
  return { rail: FREE_RAIL, unit: CREDITS, decimals: CREDIT_DECIMALS, meters, account: null }
}

/** The rail called `rail`, or undefined. */
export function railOf(rails: readonly Rail[], rail: string): Rail | undefined {
  return rails.find((r) => r.rail === rail)
}

/** Largest price that the constraint language sees; what is above counts as this: 2^53 - 1 millionths. */
export const PRICE_CEILING: number = Number.MAX_SAFE_INTEGER

/**
 * What `amount` counted of `unit` costs on `rail`, in millionths of the rail's money, rounded up; undefined when the rail has no meter of that unit.
 * This is what `price.hour` and its sisters compare: integers, the same on every machine.
 *
 * @example
 * ```ts
 * import { freeRate, microPrice } from "@haggle/offer";
 * import { expect } from "vitest";
 *
 * expect(microPrice(freeRate(310_000n), "ms", 3_600_000n)).toBe(310_000); // 0.31 credits an hour
 * ```
 */
export function microPrice(rail: Rail, unit: MeterUnit, amount: bigint): number | undefined {
  const meter = rail.meters.find((m) => m.unit === unit)
  if (meter === undefined) return undefined
  const divisor = meter.per * 10n ** BigInt(rail.decimals - 6)
  const micros = (meter.price * amount + divisor - 1n) / divisor
  return micros > BigInt(PRICE_CEILING) ? PRICE_CEILING : Number(micros)
}
