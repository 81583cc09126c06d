// What a run would do and cost, without doing it: the fitting offers, and what the best of them would sign.

import { capFor, pricePerHour } from './demand_of.ts'
import type { KnownOffer } from './offer_source.ts'
import { offerRow, offerView } from './offer_view.ts'
import type { MarketParts } from './parts.ts'
import { quoteRow } from './quote_row.ts'
import { amountOn } from './rails.ts'
import type { PreparedRun, Renter } from './renter.ts'
import type { QuoteView } from './types.ts'

/** Providers that a quote is asked of. */
const MAX_QUOTES = 3

/** Looks through `offers` for the run, and asks the best for a quote. */
export async function quoteView(
  renter: Renter,
  run: PreparedRun,
  { offers, parts }: { readonly offers: readonly KnownOffer[]; readonly parts: MarketParts },
): Promise<QuoteView> {
  const { rail } = run
  const view = offerView(offers, { where: run.demand.where, demand: run.demand }, { ...parts, rail })
  const best = view.fitting[0]
  const quotes = await Promise.all(view.fitting.slice(0, MAX_QUOTES).map((offer) => quoteRow(renter, run, offer)))
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
