// The rails of a node: the ways in which it can pay and be paid, by name or by what people call the money.

import { type Meter, type Offer, railOf } from '@haggle/offer'
import { freeRail, type PaymentRail } from '@haggle/payment'
import { formatAmount, HaggleError, parseAmount } from '@haggle/wire'
import type { Amount } from './types.ts'

/** Milliseconds of the hour that prices are for. */
const HOUR_MS = 3_600_000n
/** Largest price that a meter can carry: 8 octets. */
const MAX_PRICE = 2n ** 64n - 1n

/** See the file's first line. The free rail is always one of them. */
export class Rails {
  readonly #all: PaymentRail[]

  constructor(rails: readonly PaymentRail[]) {
    const given = rails.some(({ isMoney }) => !isMoney) ? rails : [...rails, freeRail()]
    this.#all = given.filter(({ name }, i) => given.findIndex((other) => other.name === name) === i)
  }

  /** All of them, the usual one first. */
  get all(): readonly PaymentRail[] {
    return this.#all
  }

  /**
   * One more, which could not be had when the node joined. It is closed with the others.
   *
   * @throws HaggleError `E_RAIL_TWICE` when there is one of that name.
   */
  add(rail: PaymentRail): void {
    if (this.of(rail.name) !== undefined)
      throw new HaggleError('E_RAIL_TWICE', `Cannot add the rail "${rail.name}": this node has it already`, {
        details: { rail: rail.name },
      })
    this.#all.push(rail)
  }

  /** The one that is meant when nobody says which. */
  get first(): PaymentRail {
    return this.all[0] ?? freeRail()
  }

  /** The rail that terms name; undefined when this node does not have it. */
  of(name: string): PaymentRail | undefined {
    return this.all.find((rail) => rail.name === name)
  }

  /**
   * The rail that a person means: by name, or by its money; the first one when nothing is said.
   *
   * @throws HaggleError `E_RAIL_UNKNOWN` when this node has no such rail.
   */
  pick(wanted?: string): PaymentRail {
    if (wanted === undefined) return this.first
    const found = this.of(wanted) ?? this.all.find(({ unit }) => unit.toLowerCase() === wanted.toLowerCase())
    if (found !== undefined) return found
    const names = this.all.map(({ name, unit }) => `${name} (${unit})`).join(', ')
    throw new HaggleError('E_RAIL_UNKNOWN', `Cannot pay on "${wanted}": this node has ${names}`, {
      details: { rail: wanted },
      next: 'name one of these, or give the node a wallet',
    })
  }

  async close(): Promise<void> {
    await Promise.all(this.all.map((rail) => rail.close()))
  }
}

/** Base units of a rail as a person reads them. */
export function amountOn({ decimals }: Pick<PaymentRail, 'decimals'>, value: bigint): Amount {
  return formatAmount(value, decimals)
}

/** A rail as an offer has it, at `price` for an hour. */
export function rateOf(rail: PaymentRail, price: Amount): Offer['rails'][number] {
  const { name, unit, decimals, account } = rail
  return { rail: name, unit, decimals, meters: [hourly(parseAmount(price, decimals))], account }
}

/** A price of an hour as a meter. A token of many decimals may need a shorter count than an hour for its price to fit. */
function hourly(price: bigint): Meter {
  if (price <= MAX_PRICE) return { unit: 'ms', price, per: HOUR_MS }
  const divisor = gcd(price, HOUR_MS)
  if (price / divisor > MAX_PRICE) throw new HaggleError('E_AMOUNT', 'Cannot ask this price: it has too many digits')
  return { unit: 'ms', price: price / divisor, per: HOUR_MS / divisor }
}

function gcd(a: bigint, b: bigint): bigint {
  return b === 0n ? a : gcd(b, a % b)
}

/** Base units for an hour on one rail of an offer, rounded up; null when it has no price by time. */
export function hourPrice(rail: Pick<Offer['rails'][number], 'meters'> | undefined): bigint | null {
  const meter = rail?.meters.find(({ unit }) => unit === 'ms')
  return meter === undefined ? null : (meter.price * HOUR_MS + meter.per - 1n) / meter.per
}

/**
 * True when an offer's rail is the reader's own: the same money with the same decimals, and no other rail of the offer calls its money so. Prices are
 * compared by what money is called; this keeps a stranger's token from passing for one that the reader knows.
 */
export function isOwnMoney(
  offer: Pick<Offer, 'rails'>,
  { name, unit, decimals }: Pick<PaymentRail, 'name' | 'unit' | 'decimals'>,
): boolean {
  const rail = railOf(offer.rails, name)
  return (
    rail !== undefined &&
    rail.unit === unit &&
    rail.decimals === decimals &&
    offer.rails.every((other) => other === rail || other.unit !== unit)
  )
}
