// Offers as a table for people.

import type { OfferRow } from '@haggle/market'
import { amount, duration, pathText, shortPeer } from './format.ts'
import { type Column, painter, safe, type Screen, table } from './term.ts'

const COLUMNS: readonly Column[] = [
  { head: 'provider' },
  { head: 'device' },
  { head: 'runners' },
  { head: 'isolation' },
  { head: 'region' },
  { head: 'free', right: true },
  { head: 'price/h', right: true },
  { head: 'trust', right: true },
  { head: 'path' },
  { head: 'seen' },
]

/** What the money is called that is none. */
const CREDITS = 'credits'

/** The table's lines. Only rows that answered just now say `live`; others say how old their advert is. */
export function offerLines(rows: readonly OfferRow[], screen: Screen): string[] {
  const paint = painter(screen)
  return table(
    COLUMNS,
    rows.map((row) => [
      shortPeer(row.provider),
      safe(row.devices, 60),
      row.runners.map((name) => safe(name, 20)).join(' '),
      row.isolation.map((name) => safe(name, 20)).join(' '),
      row.region === null ? '-' : safe(row.region, 12),
      `${row.freeSlots}/${row.slots}`,
      `${amount(row.pricePerHour)}${row.unit === CREDITS || row.unit === '' ? '' : ` ${safe(row.unit, 12)}`}`,
      row.trust === 0 ? paint('bad', 'lied') : row.trust.toFixed(2),
      pathText(row.path, row.rttMs),
      row.seen === 'probed' ? paint('good', 'live') : `heard ${duration(row.ageMs)} ago`,
    ]),
    screen,
  )
}
