// What a run would do and cost, without doing it: the fitting offers, and what the best of them would sign.

import { capFor, pricePerHour } from './demand_of.ts'
import type { KnownOffer } from './offer_source.ts'
import { offerRow, offerView } from './offer_view.ts'
import type { MarketParts } from './parts.ts'
import { quoteRow } from './quote_row.ts'
import { amountOn } from './rails.ts'
import type { PreparedRun, Renter } from './renter.ts'
import type { QuoteRow, QuoteView } from './types.ts'

/** Providers that are asked at the same time. */
const AT_ONCE = 3
/** Providers that are asked in all. */
const MAX_ASKED = 12

/** Looks through `offers` for the run, and asks for quotes, the best offers first, until one is given. */
export async function quoteView(
  renter: Renter,
  run: PreparedRun,
  { offers, parts }: { readonly offers: readonly KnownOffer[]; readonly parts: MarketParts },
): Promise<QuoteView> {
  const { rail } = run
  const view = offerView(offers, { where: run.demand.where, demand: run.demand }, { ...parts, rail })
  const quotes: QuoteRow[] = []
  const isGiven = ({ refused }: QuoteRow): boolean => refused === null
  for (let at = 0; at < Math.min(view.fitting.length, MAX_ASKED) && !quotes.some(isGiven); at += AT_ONCE)
    quotes.push(...(await Promise.all(view.fitting.slice(at, at + AT_ONCE).map((offer) => quoteRow(renter, run, offer)))))
  const given = quotes.find(isGiven)
  const best = view.fitting.find(({ peerId }) => peerId === given?.provider)
  return {
    ...view,
    quotes,
    best: best === undefined ? null : offerRow(best, { ...parts, rail }),
    cap: amountOn(rail, best === undefined ? 0n : capFor(run.demand, best.offer.body)),
    pricePerHour: amountOn(rail, best === undefined ? 0n : (pricePerHour(best.offer.body, rail.name) ?? 0n)),
    unit: rail.unit,
    rail: rail.name,
  }
}
