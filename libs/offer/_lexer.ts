// Text of an expression into tokens, each with its column.

import { HaggleError } from '@haggle/wire'
import { MAX_EXPR_BYTES, MAX_STRING } from './ast.ts'

/** A token. `column` counts code points from 1. A number keeps its spelling, and the unit that touches it is `suffix`. */
export interface Token {
  readonly kind: 'word' | 'number' | 'string' | 'op' | 'end'
  /** Spelling; of a string its content. */
  readonly text: string
  readonly suffix: string
  readonly column: number
}

/** Stable codes of what can be wrong with an expression. */
export type ExprErrorCode = 'E_EXPR_SYNTAX' | 'E_EXPR_PROPERTY' | 'E_EXPR_TYPE' | 'E_EXPR_UNIT' | 'E_EXPR_LITERAL' | 'E_EXPR_DEPTH'

/** The error of an expression: where, what was expected, what was there. */
export function exprError(
  code: ExprErrorCode,
  column: number,
  what: string,
  options: { expected?: string; next?: string } = {},
): HaggleError {
  return new HaggleError(code, `Cannot read the expression at column ${column}: ${what}`, {
    details: { column, ...(options.expected === undefined ? {} : { expected: options.expected }) },
    ...(options.next === undefined ? {} : { next: options.next }),
  })
}

const WORD = /[A-Za-z_][A-Za-z0-9_./:-]*/y
const NUMBER = /([0-9]+(?:\.[0-9]+)*)([A-Za-z%_][A-Za-z0-9%_/-]*)?/y
const OPERATOR = /==|!=|<=|>=|[=<>~(),[\]]/y
const SPACE = /[ \t\r\n]+/y
const FORBIDDEN = /[\p{Cc}\p{Cf}]/u

/** Octets of UTF-8 of a string, an unpaired surrogate counted as three. */
export function utf8Length(text: string): number {
  let octets = 0
  for (const char of text) {
    const point = char.codePointAt(0) ?? 0
    octets += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4
  }
  return octets
}

function quoted(text: string, start: number, column: number): { value: string; end: number } {
  const quote = text[start]
  let value = ''
  let at = start + 1
  for (; at < text.length && text[at] !== quote; at++) {
    if (text[at] === '\\') {
      at++
      if (text[at] !== '"' && text[at] !== "'" && text[at] !== '\\')
        throw exprError('E_EXPR_LITERAL', column, 'only \\" \\\' and \\\\ may follow a backslash in a string')
    }
    value += text[at]
  }
  if (at >= text.length) throw exprError('E_EXPR_SYNTAX', column, 'this string has no end', { expected: quote ?? '"' })
  if (FORBIDDEN.test(value) || !value.isWellFormed())
    throw exprError('E_EXPR_LITERAL', column, 'a string may not hold control or invisible characters')
  if ([...value].length > MAX_STRING) throw exprError('E_EXPR_LITERAL', column, `a string may have ${MAX_STRING} characters at most`)
  return { value: value.normalize('NFC'), end: at + 1 }
}

/** The tokens of `text`, an `end` token last. Throws `E_EXPR_LENGTH`, `E_EXPR_SYNTAX`, `E_EXPR_LITERAL`. */
export function tokens(text: string): Token[] {
  if (text.length > MAX_EXPR_BYTES || utf8Length(text) > MAX_EXPR_BYTES)
    throw new HaggleError('E_EXPR_LENGTH', `Cannot read the expression: it is longer than ${MAX_EXPR_BYTES} bytes`, { next: 'shorten it' })
  const found: Token[] = []
  let at = 0
  let column = 1
  const advance = (to: number): void => {
    for (const _ of text.slice(at, to)) column++
    at = to
  }
  const match = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at
    return pattern.exec(text)
  }
  while (at < text.length) {
    const space = match(SPACE)
    if (space !== null) {
      advance(at + space[0].length)
      continue
    }
    const char = text[at]
    if (char === '"' || char === "'") {
      const { value, end } = quoted(text, at, column)
      found.push({ kind: 'string', text: value, suffix: '', column })
      advance(end)
      continue
    }
    const number = match(NUMBER)
    if (number !== null) {
      found.push({ kind: 'number', text: number[1] ?? '', suffix: number[2] ?? '', column })
      advance(at + number[0].length)
      continue
    }
    const word = match(WORD)
    const operator = word === null ? match(OPERATOR) : null
    const hit = word ?? operator
    if (hit === null) {
      const shown = String.fromCodePoint(text.codePointAt(at) ?? 0)
      const visible = FORBIDDEN.test(shown) || !shown.isWellFormed() ? 'an invisible character' : `"${shown}"`
      throw exprError('E_EXPR_SYNTAX', column, `${visible} means nothing here`, { expected: 'a property, an operator or a value' })
    }
    found.push({ kind: word === null ? 'op' : 'word', text: hit[0] === '==' ? '=' : hit[0], suffix: '', column })
    advance(at + hit[0].length)
  }
  found.push({ kind: 'end', text: '', suffix: '', column })
  return found
}
