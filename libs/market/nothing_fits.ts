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

/** What a demand implies and how it is asked for otherwise: nobody writes these constraints. */
const ASKED_BY: readonly (readonly [property: string, flag: string])[] = [
  ['limit.duration', '--timeout'],
  ['limit.memory', '--memory'],
  ['limit.disk', '--disk'],
  ['limit.output', '--output'],
  ['limit.cpu', '--cores'],
]

/** What to do about a constraint that would fit when it were `relax`. */
function wayOut(relax: string, gains: number): string {
  const is = (property: string): boolean => relax.startsWith(`${property} `)
  if (is('slots.free')) return `${gains} would fit and are busy: --wait 10m looks again until one is free`
  const flag = ASKED_BY.find(([property]) => is(property))?.[1]
  return `${flag === undefined ? '' : `with a lower ${flag}, `}${relax} gives ${gains}`
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
    ...(first === undefined || first.relax === null ? {} : { next: wayOut(first.relax, first.gains) }),
  })
}
