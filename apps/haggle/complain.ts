// How an error is shown: one line with its code, a caret under a bad expression, and the next step.

import { type Args, variableOf } from './args.ts'
import { describe, Failure } from './failure.ts'
import type { Verb } from './table.ts'
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

/** Settings that hold an expression. */
const EXPRESSIONS: ReadonlySet<string> = new Set(['where', 'accept'])

/** The error, and where the expression that it is about was set when it was not typed. */
export function withOrigin(error: unknown, verb: Verb, args: Args): unknown {
  const { code, message, next, details } = describe(error)
  if (!code.startsWith('E_EXPR')) return error
  const name = verb.flags.find((flag) => EXPRESSIONS.has(flag.name) && args.text(flag.name) === details['source'])?.name
  const origin = name === undefined ? 'flag' : args.origin(name)
  if (name === undefined || (origin !== 'file' && origin !== 'environment')) return error
  const place = origin === 'file' ? `"${name}" in ${args.around.filePath}` : variableOf(name)
  return new Failure(code, `${message}; it is ${place}`, {
    next: next ?? (origin === 'file' ? `haggle config unset ${name}, or set another` : `unset ${place}, or give another --${name}`),
    details: details as Failure['details'],
    cause: error,
  })
}

/** Prints an error on stderr, and on stdout as JSON where that was asked for. */
export function complain(error: unknown, { json }: { readonly json: boolean }): void {
  const screen = screenOf(process.stderr, process.env)
  process.stderr.write(`${complaint(error, painter(screen)).join('\n')}\n`)
  const { code, message, next, details } = describe(error)
  if (code === 'E_UNKNOWN' && process.env['HAGGLE_DEBUG'] && error instanceof Error) process.stderr.write(`${error.stack ?? ''}\n`)
  if (json) process.stdout.write(`${JSON.stringify({ error: { code, message, next: next ?? null, details } })}\n`)
}
