// How an error is shown: one line with its code, a caret under a bad expression, and the next step.

import { describe } from './failure.ts'
import { painter, safe, screenOf } from './term.ts'

/** The lines of an error as a person sees it. */
export function complaint(error: unknown, paint: (style: 'bad' | 'dim', text: string) => string = (_, text) => text): string[] {
  const { code, message, next, details } = describe(error)
  const lines = [`${paint('bad', 'haggle:')} ${safe(message, 600)} (${code})`]
  const { source, column } = details
  if (typeof source === 'string' && typeof column === 'number')
    lines.push(`  ${safe(source, 400)}`, `  ${' '.repeat(Math.max(0, column - 1))}^`)
  if (next !== undefined) lines.push(paint('dim', `  next: ${safe(next, 400)}`))
  return lines
}

/** Prints an error on stderr, and on stdout as JSON where the verb was asked for JSON. */
export function complain(error: unknown, argv: readonly string[]): void {
  const screen = screenOf(process.stderr, process.env)
  process.stderr.write(`${complaint(error, painter(screen)).join('\n')}\n`)
  const { code, message, next, details } = describe(error)
  if (code === 'E_UNKNOWN' && process.env['HAGGLE_DEBUG'] && error instanceof Error) process.stderr.write(`${error.stack ?? ''}\n`)
  const end = argv.indexOf('--')
  if ((end < 0 ? argv : argv.slice(0, end)).includes('--json'))
    process.stdout.write(`${JSON.stringify({ error: { code, message, next: next ?? null, details } })}\n`)
}
