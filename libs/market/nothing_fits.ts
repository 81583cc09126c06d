// Why a renter gets nothing, as one error: nobody was heard, or nobody of those who were fits.

import { HaggleError } from '@haggle/wire'
import type { OfferView } from './types.ts'

/** What besides the offers explains it. */
export interface Around {
  /** Connected peers. */
  readonly peers: number
  /** What one provider's clock says against this one, when it does. */
  readonly doubt: HaggleError | undefined
}

/** `E_NO_OFFERS` when nothing was heard, else `E_NOTHING_FITS` with the explanation as its cause. */
export function nothingFits(view: Pick<OfferView, 'seen' | 'failures'>, { peers, doubt }: Around): HaggleError {
  if (view.seen === 0) {
    const waiting = peers === 0 ? 'give --bootstrap or --peer an address' : 'wait for a provider, or start one with haggle up'
    const next = doubt === undefined ? waiting : `${doubt.next}: it is ${String(doubt.details['offsetS'])} s off that of a provider`
    return new HaggleError('E_NO_OFFERS', `No offers were heard from ${peers} peers`, { details: { peers }, next })
  }
  const first = view.failures[0]
  const why = first === undefined ? '' : `: ${first.count} fail ${first.constraint}`
  return new HaggleError('E_NOTHING_FITS', `Nothing fits: 0 of ${view.seen} offers${why}`, {
    details: { seen: view.seen },
    cause: view,
    ...(first === undefined || first.relax === null ? {} : { next: `${first.relax} gives ${first.gains}` }),
  })
}
