// One provider's answer to a request for a quote, as a person sees it.

import { encodeTerms, termsHash } from '@haggle/contract'
import { toHex } from '@haggle/wire'
import type { KnownOffer } from './offer_source.ts'
import { amountOn, hourPrice } from './rails.ts'
import type { PreparedRun, Renter } from './renter.ts'
import type { QuoteRow } from './types.ts'

const NOTHING = { pricePerHour: null, cap: null, termsHash: null, isolation: null } as const

/** Asks the provider of an offer. Never throws: one that can't be reached quotes nothing, and the row says so. */
export async function quoteRow(renter: Renter, run: PreparedRun, offer: KnownOffer): Promise<QuoteRow> {
  const provider = offer.peerId
  try {
    const { terms, refused } = await renter.ask(run, offer)
    if (terms === null) return { provider, refused: refused ?? 'expired', ...NOTHING }
    const perHour = hourPrice(terms)
    return {
      provider,
      refused: null,
      pricePerHour: perHour === null ? null : amountOn(run.rail, perHour),
      cap: amountOn(run.rail, terms.cap),
      termsHash: toHex(termsHash(encodeTerms(terms))),
      isolation: terms.isolation,
    }
  } catch {
    return { provider, refused: 'unreachable', ...NOTHING }
  }
}
