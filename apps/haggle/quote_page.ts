// What a run would cost, without running it.

import type { QuoteView, RunRequest } from '@haggle/market'
import type { Args } from './args.ts'
import { explainOn } from './explain.ts'
import { EXIT, Failure } from './failure.ts'
import { amount, pathText, shortPeer } from './format.ts'
import { offerLines } from './offers_page.ts'
import { print, printJson } from './out.ts'
import type { Session } from './reach.ts'
import { safe, screenOf } from './term.ts'

/** Asks for a quote and shows it. Exit code 4 when nothing fits. */
export async function showQuote(open: Session, request: RunRequest, args: Args): Promise<number> {
  const view = await open.ask<QuoteView>('quote', { request })
  if (args.on('json')) printJson({ ok: view.best !== null, ...view })
  const screen = screenOf(process.stdout, args.env)
  if (view.best === null) {
    if (!args.on('json')) explainOn(process.stderr, view, args.env)
    throw new Failure('E_NOTHING_FITS', `No offer fits: ${view.seen} seen`, {
      next: view.seen === 0 ? 'haggle doctor' : 'relax a constraint above',
    })
  }
  if (args.on('json')) return EXIT.ok
  const { best } = view
  print(
    ...offerLines(view.rows, screen),
    '',
    ...view.quotes.map((quote) => {
      const said =
        quote.refused === null
          ? `${amount(quote.pricePerHour ?? '')} an hour, cap ${amount(quote.cap ?? '')}`
          : `refused: ${safe(quote.refused, 40)}`
      return `quoted      ${shortPeer(quote.provider)} · ${said}`
    }),
    `would take  ${shortPeer(best.provider)} · ${safe(best.devices)} · ${pathText(best.path, best.rttMs)}`,
    `price       ${amount(view.pricePerHour)} ${view.unit} an hour`,
    `cap         ${amount(view.cap)} ${view.unit}${view.unit === 'credits' ? ' (credits, not money)' : ''}: the most it can cost`,
  )
  return EXIT.ok
}
