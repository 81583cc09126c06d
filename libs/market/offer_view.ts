// Offers as a person sees them: rows, and why the rest does not fit.

import { type Demand, demandQuery, explain, match, type Offer, parseQuery } from '@haggle/offer'
import type { PaymentRail } from '@haggle/payment'
import { formatAmount, toHex } from '@haggle/wire'
import { byQuery, type KnownOffer, listingOf } from './offer_source.ts'
import type { MarketParts } from './parts.ts'
import { hourPrice, isOwnMoney } from './rails.ts'
import type { OfferRow, OfferView } from './types.ts'

/** An offer shown longer ago than this is only heard of. Ms. */
const PROBED_MS = 5_000

/** One offer as a row, with its price on `rail` where it has one. */
export function offerRow(
  { peerId, offer, rttMs, shownAtMs, trust }: KnownOffer,
  { network, clock, rail }: Pick<MarketParts, 'network' | 'clock'> & { readonly rail: Pick<PaymentRail, 'name'> },
): OfferRow {
  const { body } = offer
  const ageMs = Math.max(0, clock.monotonicMs() - shownAtMs)
  const prices = body.rails.map((one) => {
    const price = hourPrice(one)
    const account = one.account === null ? null : `0x${toHex(one.account)}`
    return { rail: one.rail, unit: one.unit, pricePerHour: price === null ? '?' : formatAmount(price, one.decimals), account }
  })
  const shown = prices.find((one) => one.rail === rail.name) ?? prices[0]
  return {
    provider: peerId,
    digest: toHex(offer.id),
    seen: ageMs <= PROBED_MS ? 'probed' : 'heard',
    ageMs,
    devices: devicesText(body),
    isolation: [...new Set(body.runners.map(({ isolation }) => isolation))],
    runners: [...new Set(body.runners.map(({ runner }) => runner))],
    region: body.region,
    freeSlots: body.freeSlots,
    slots: body.slots,
    pricePerHour: shown?.pricePerHour ?? '?',
    unit: shown?.unit ?? '',
    prices,
    trust: trust.scoreMicro / 1_000_000,
    jobs: trust.jobs,
    path: network.path(peerId) ?? null,
    rttMs,
  }
}

/** What fits and what does not, best first; amounts without a unit are in the money of `rail`. With a demand its limits count too, and the offers' own rules. */
export function offerView(
  offers: readonly KnownOffer[],
  asked: { readonly where: string; readonly demand: Demand | null },
  parts: Pick<MarketParts, 'network' | 'clock' | 'identity'> & { readonly rail: Pick<PaymentRail, 'name' | 'unit' | 'decimals'> },
): OfferView & { readonly fitting: readonly KnownOffer[] } {
  const { demand } = asked
  // Friends' offers that were heard came from peers that this node's owner named: whether it is a friend, they say.
  const { unit } = parts.rail
  const options = { friend: true, scored: true, renter: { key: parts.identity.publicKey }, unit }
  const query = demand === null ? parseQuery(asked.where) : demandQuery(demand, options)
  const listings = offers.map(listingOf)
  const { seen, failures, unknown } = explain(
    query,
    listings,
    demand === null ? { unit } : { unit, who: { renter: options.renter, demand } },
  )
  const fitting = byQuery(
    offers.filter((offer, at) => {
      const listing = listings[at]
      if (listing === undefined) return false
      if (demand === null) return explain(query, [listing], { unit }).fits === 1
      const result = match(demand, listing, options)
      return result.demand === true && result.accept !== false && isOwnMoney(offer.offer.body, parts.rail)
    }),
    query,
    { unit },
  )
  return { rows: fitting.map((offer) => offerRow(offer, parts)), seen, failures, unknown, fitting }
}

/** The devices of an offer in a few words, such as `2 × RTX 4090 24 GiB`. */
export function devicesText({ devices, cpu }: Pick<Offer, 'devices' | 'cpu'>): string {
  const counts = new Map<string, number>()
  for (const { kind, model, vramMiB } of devices) {
    const name =
      kind === 'gpu'
        ? `${model} ${Math.round(vramMiB / 1024)} GiB`
        : kind === 'software'
          ? `${model} (software)`
          : `cpu ${cpu.threads} × ${cpu.model}`
    counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  return [...counts].map(([name, count]) => (count === 1 ? name : `${count} × ${name}`)).join(', ')
}
