// Mutants of a contract: every check taken away, every comparison moved by one or turned round, every assignment, call and event left out.

/** One mutant: `length` characters at `at` become `replace`. */
export interface Mutant {
  readonly at: number
  readonly length: number
  readonly replace: string
  /** Line that it is on, from 1. */
  readonly line: number
  /** The body that it is in, from its `{` up to its `}`; null when it is of the function's head, or must be compiled by itself. */
  readonly body: { readonly from: number; readonly to: number } | null
  /** What was done and where, without line numbers, so that it stays true when lines move: `claim: amount <= claimed ~ amount < claimed`. */
  readonly what: string
}

/** Each operator and what may stand for it. */
const OPERATORS: Readonly<Record<string, readonly string[]>> = {
  '<': ['<='],
  '<=': ['<'],
  '>': ['>='],
  '>=': ['>'],
  '==': ['!='],
  '!=': ['=='],
  '&&': ['||'],
  '||': ['&&'],
  '+': ['-'],
  '-': ['+'],
  '*': ['/'],
  '/': ['*'],
  '+=': ['-='],
  '-=': ['+='],
}

/** The same text with comments and strings blanked out, so that positions stay. */
function masked(source: string): string {
  return source.replace(/\/\/[^\n]*|\/\*[\s\S]*?\*\/|"[^"\n]*"/g, (text) => text.replace(/[^\n]/g, ' '))
}

/** End of the bracket that opens at `from`, the closing one included. */
function closing(text: string, from: number): number {
  let depth = 0
  for (let at = from; at < text.length; at++) {
    if (text[at] === '(') depth++
    if (text[at] === ')' && --depth === 0) return at + 1
  }
  throw new Error(`a bracket at ${from} is never closed`)
}

/** Functions, constructors and modifiers with the range of their text. */
function bodies(text: string): { name: string; from: number; to: number; head: number }[] {
  const found: { name: string; from: number; to: number; head: number }[] = []
  for (const match of text.matchAll(/^ {4}(?:function (\w+)|(constructor)|modifier (\w+))/gm)) {
    const open = text.indexOf('{', match.index)
    const end = text.indexOf('\n    }\n', open)
    const bodyless = text.slice(match.index, open).includes(';')
    if (open < 0 || end < 0 || bodyless) continue
    found.push({ name: match[1] ?? match[2] ?? match[3] ?? '', head: match.index, from: open, to: end })
  }
  return found
}

/**
 * Every mutant of one contract's source, in the order of the text.
 *
 * @example
 * ```ts no-run
 * for (const { line, what } of mutantsOf(readFileSync('Channels.sol', 'utf8'))) console.log(line, what)
 * ```
 */
export function mutantsOf(source: string): Mutant[] {
  const text = masked(source)
  const mutants: Mutant[] = []
  for (const { name, head, from, to } of bodies(text)) {
    // An immutable can't be set under a condition, so a constructor has no two bodies.
    const shared = name === 'constructor' ? null : { from, to: to + '\n    }'.length }
    const add = (at: number, length: number, replace: string, what: string): void => {
      const line = source.slice(0, at).split('\n').length
      const body = at < from ? null : shared
      mutants.push({ at, length, replace, line, body, what: `${name}: ${what.replace(/\s+/g, ' ').trim()}` })
    }
    for (const match of text.slice(head, from).matchAll(/(?<!modifier) (nonReentrant|onlyCourt)\b/g))
      add(head + match.index, match[0].length, '', `without ${match[1]}`)
    const body = text.slice(from, to)
    for (const match of body.matchAll(/\bif \(/g)) {
      const start = from + match.index + match[0].length - 1
      const end = closing(text, start)
      const condition = source.slice(start + 1, end - 1)
      add(start + 1, condition.length, 'false', `if (${condition}) never`)
      // A check that always stops shows in every test; another branch may not.
      if (!/^\s*revert\b/.test(text.slice(end))) add(start + 1, condition.length, 'true', `if (${condition}) always`)
    }
    for (const match of body.matchAll(/ (<=|>=|==|!=|&&|\|\||\+=|-=|<|>|\+|-|\*|\/) /g)) {
      const operator = match[1] as string
      const at = from + match.index + 1
      const [before = '', after = ''] = [source.slice(0, at), source.slice(at + operator.length)].map((part, index) =>
        index === 0 ? (part.split('\n').at(-1) ?? '') : (part.split('\n')[0] ?? ''),
      )
      for (const other of OPERATORS[operator] ?? []) add(at, operator.length, other, `${before}[${operator} → ${other}]${after}`)
    }
    // An assignment, a call or an event that has a line of its own.
    for (const match of body.matchAll(
      /^ +(?:emit \w+|(?:[a-z_]\w*(?:\.\w+|\[[^\]\n]*\])*) (?:=|\+=|-=) |(?:_?\w+(?:\.\w+)*)\()[^;]*;$/gm,
    )) {
      const statement = match[0].trim()
      if (/^(return|revert|if|for|while|function)\b/.test(statement)) continue
      const at = from + match.index + match[0].indexOf(statement)
      add(at, statement.length, '', `without ${source.slice(at, at + statement.length)}`)
    }
  }
  return mutants.toSorted((a, b) => a.at - b.at)
}
