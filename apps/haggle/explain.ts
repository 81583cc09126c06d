// Why nothing fits: what was heard, which constraint failed how many, and what to relax.

import type { OfferView } from '@haggle/market'
import { counted } from './format.ts'
import { pad, painter, safe, screenOf, type Screen, widthOf } from './term.ts'

/** The explanation as lines. */
export function explanation(view: Pick<OfferView, 'rows' | 'seen' | 'failures' | 'unknown'>, screen: Screen): string[] {
  const paint = painter(screen)
  if (view.seen === 0) {
    return [
      `${paint('bold', 'nothing heard')}: no offer has reached this node`,
      '  name a relay with --bootstrap ADDR, or a node with --peer ADDR; haggle doctor tells what is wrong',
    ]
  }
  const head = view.rows.length === 0 ? 'nothing fits' : 'fits'
  const rows = view.failures.map((failure) => ({
    count: String(failure.count),
    constraint: safe(failure.constraint, 60),
    nearest: failure.nearest === null ? '' : safe(failure.nearest, 70),
    relax: failure.relax === null ? '' : `→ ${safe(failure.relax, 60)}${failure.gains > 0 ? ` gives ${failure.gains}` : ''}`,
  }))
  const widest = (key: 'constraint' | 'nearest'): number => Math.max(0, ...rows.map((row) => widthOf(row[key])))
  const counts = Math.max(6, ...rows.map((row) => row.count.length))
  const total = counts + widest('constraint') + widest('nearest') + 30
  const lines = rows.flatMap((row) => {
    const first = `  ${pad(row.count, counts, true)}  ${pad(row.constraint, widest('constraint'))}`
    if (screen.tty && total > screen.columns)
      return [first.trimEnd(), ...[row.nearest, row.relax].filter((text) => text !== '').map((text) => `${' '.repeat(counts + 4)}${text}`)]
    return [`${first}  ${pad(row.nearest, widest('nearest'))}  ${row.relax}`.trimEnd()]
  })
  const unknown = view.unknown.map(
    ({ property, count }) => `  ${pad(String(count), counts, true)}  ${safe(property, 60)} is not in the offer: unknown is no match`,
  )
  return [`${paint('bold', head)}: ${view.rows.length} of ${counted(view.seen, 'offer')}`, ...lines, ...unknown]
}

/** Prints the explanation on a stream. */
export function explainOn(
  stream: { write(text: string): unknown; readonly isTTY?: boolean; readonly columns?: number },
  view: unknown,
  env: Readonly<Record<string, string | undefined>>,
): void {
  stream.write(`${explanation(view as OfferView, screenOf(stream, env)).join('\n')}\n`)
}
