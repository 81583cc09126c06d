// What a run would cost, without running it.

import type { QuoteRow, QuoteView, RunRequest } from '@haggle/market'
import type { Args } from './args.ts'
import { explainOn } from './explain.ts'
import { EXIT, exitCodeOf, Failure } from './failure.ts'
import { amount, pathText, shortPeer } from './format.ts'
import { offerLines } from './offers_page.ts'
import { print, printJson } from './out.ts'
import type { Session } from './reach.ts'
import { safe, screenOf } from './term.ts'

function quoteLine({ provider, refusal, pricePerHour, cap }: QuoteRow): string {
  const said = refusal === null ? `${amount(pricePerHour ?? '')} an hour, cap ${amount(cap ?? '')}` : safe(refusal, 60)
  return `quoted      ${shortPeer(provider)} · ${said}`
}

/** Why nobody would take it, or null. */
function failureOf({ best, quotes, seen }: QuoteView): Failure | null {
  if (best !== null) return null
  const last = quotes.at(-1)?.refusal
  if (last === undefined || last === null)
    return new Failure('E_NOTHING_FITS', `No offer fits: ${seen} seen`, { next: seen === 0 ? 'haggle doctor' : 'relax a constraint above' })
  return new Failure('E_NOBODY_TAKES', `Nobody would take it: of ${quotes.length} asked, the last ${last}`, {
    next: 'try again in a moment, or ask for less',
  })
}

/** Asks for a quote and shows it. Exit code 4 when nothing fits, or all refuse. */
export async function showQuote(open: Session, request: RunRequest, args: Args): Promise<number> {
  const view = await open.ask<QuoteView>('quote', { request })
  const failure = failureOf(view)
  if (args.on('json')) {
    const { code, message, next } = failure ?? { code: null, message: null, next: null }
    printJson({ ok: failure === null, error: failure === null ? null : { code, message, next: next ?? null }, ...view })
    return failure === null ? EXIT.ok : exitCodeOf(failure.code)
  }
  const screen = screenOf(process.stdout, args.env)
  if (view.best === null) {
    if (view.quotes.length === 0) explainOn(process.stderr, view, args.env)
    else print(...offerLines(view.rows, screen), '', ...view.quotes.map(quoteLine))
    throw failure
  }
  const { best } = view
  print(
    ...offerLines(view.rows, screen),
    '',
    ...view.quotes.map(quoteLine),
    `would take  ${shortPeer(best.provider)} · ${safe(best.devices)} · ${pathText(best.path, best.rttMs)}`,
    `price       ${amount(view.pricePerHour)} ${view.unit} an hour`,
    `cap         ${amount(view.cap)} ${view.unit}${view.unit === 'credits' ? ' (credits, not money)' : ''}: the most it can cost`,
  )
  return EXIT.ok
}
