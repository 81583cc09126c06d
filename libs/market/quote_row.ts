// One provider's answer to a request for a quote, as a person sees it.

import { encodeTerms, termsHash } from '@haggle/contract'
import { toHex } from '@haggle/wire'
import type { KnownOffer } from './offer_source.ts'
import { amountOn, hourPrice } from './rails.ts'
import { refusalWords } from './refusal_words.ts'
import type { PreparedRun, Renter } from './renter.ts'
import type { QuoteRow } from './types.ts'

const refusedBy = (provider: string, refused: string): QuoteRow => ({
  provider,
  refused,
  refusal: refusalWords(refused),
  pricePerHour: null,
  cap: null,
  termsHash: null,
  isolation: null,
})

/** Asks the provider of an offer. Never throws: one that can't be reached quotes nothing, and the row says so. */
export async function quoteRow(renter: Renter, run: PreparedRun, offer: KnownOffer): Promise<QuoteRow> {
  const provider = offer.peerId
  try {
    const { terms, refused } = await renter.ask(run, offer)
    if (terms === null) return refusedBy(provider, refused ?? 'expired')
    const perHour = hourPrice(terms)
    return {
      provider,
      refused: null,
      refusal: null,
      pricePerHour: perHour === null ? null : amountOn(run.rail, perHour),
      cap: amountOn(run.rail, terms.cap),
      termsHash: toHex(termsHash(encodeTerms(terms))),
      isolation: terms.isolation,
    }
  } catch {
    return refusedBy(provider, 'unreachable')
  }
}
