// Text into a typed expression: a recursive descent that says at which column it stopped and what it had expected.

import { HaggleError } from '@haggle/wire'
import { exprError, type ExprErrorCode, type Token, tokens } from './_lexer.ts'
import { readLiteral } from './_literal.ts'
import {
  type Collection,
  type CompareOp,
  conjunction,
  type CountOp,
  EVERYTHING,
  type Expr,
  type Literal,
  MAX_EXPR_DEPTH,
  MAX_EXPR_NODES,
  type OrderKey,
  type Query,
} from './ast.ts'
import { findProperty, isCollection, nearNames, type Property, type Scope, type Vocabulary } from './properties.ts'
import { isNumeric } from './units.ts'

/** What an expression speaks of. */
export interface ParseOptions {
  /** `offer` (the default): a demand's constraint over offers. `renter`: an offer's constraint over renters. */
  readonly over?: Vocabulary
}

const KEYWORDS = new Set(['and', 'or', 'not', 'in', 'order', 'by', 'limit', 'asc', 'desc', 'any', 'all', 'count', 'has', 'true', 'false'])

/** True when a bare word would be read as a keyword, in either case. */
export function isKeyword(word: string): boolean {
  return KEYWORDS.has(word) || (word === word.toUpperCase() && KEYWORDS.has(word.toLowerCase()))
}

class Parser {
  private readonly list: readonly Token[]
  private readonly over: Vocabulary
  private at = 0
  private depth = 0
  private nodes = 0

  constructor(text: string, over: Vocabulary) {
    this.list = tokens(text)
    this.over = over
  }

  query(): Query {
    const where = this.startsTerm() ? this.or(this.over) : EVERYTHING
    const order: OrderKey[] = []
    if (this.take('order')) {
      this.expect('by')
      do {
        const token = this.peek()
        this.count()
        const { name, type } = this.property(this.over)
        if (!isNumeric(type) && type !== 'boolean')
          throw this.fail('E_EXPR_TYPE', token, `nothing can be ordered by ${name}`, 'a property with numbers')
        const descending = this.take('desc')
        if (!descending) this.take('asc')
        order.push({ property: name, descending })
      } while (this.take(','))
    }
    let limit: number | null = null
    if (this.take('limit')) limit = this.integer(1, 'how many, such as 20')
    this.end(order.length > 0 ? 'limit or the end' : 'and, or, order by, limit or the end')
    return { where, order, limit }
  }

  expression(): Expr {
    const where = this.startsTerm() ? this.or(this.over) : EVERYTHING
    this.end('and, or or the end')
    return where
  }

  private or(scope: Scope): Expr {
    const items = [this.and(scope)]
    while (this.take('or')) items.push(this.and(scope))
    if (items.length === 1) return items[0] as Expr
    this.count()
    return { kind: 'or', items: items.flatMap((e) => (e.kind === 'or' ? e.items : [e])) }
  }

  private and(scope: Scope): Expr {
    const items = [this.factor(scope)]
    while (this.take('and') || this.startsTerm()) items.push(this.factor(scope))
    if (items.length === 1) return items[0] as Expr
    this.count()
    return { kind: 'and', items: items.flatMap((e) => (e.kind === 'and' ? e.items : [e])) }
  }

  private factor(scope: Scope): Expr {
    const start = this.peek()
    if (this.take('not')) {
      this.count()
      return { kind: 'not', item: this.nested(start, () => this.factor(scope)) }
    }
    if (this.take('(')) {
      const inner = this.nested(start, () => this.or(scope))
      this.expect(')')
      return inner
    }
    if (this.take('true')) return this.atom({ kind: 'const', value: true })
    if (this.take('false')) return this.atom({ kind: 'const', value: false })
    if (this.followedByGroup()) {
      if (this.take('has')) return this.has(scope)
      if (this.take('any')) return this.quantifier(start, scope, 'any')
      if (this.take('all')) return this.quantifier(start, scope, 'all')
      if (this.take('count')) return this.counting(start, scope)
    }
    return this.comparison(scope)
  }

  private has(scope: Scope): Expr {
    this.expect('(')
    const { name } = this.property(scope)
    this.expect(')')
    return this.atom({ kind: 'has', property: name })
  }

  private collection(start: Token, scope: Scope): Collection {
    this.expect('(')
    const token = this.peek()
    if (scope !== 'offer')
      throw this.fail('E_EXPR_SYNTAX', start, 'any, all and count stand over an offer, not inside one another', 'a property')
    if (token.kind !== 'word' || !isCollection(token.text))
      throw this.fail('E_EXPR_SYNTAX', token, `${shown(token)} is no collection`, 'gpu, software, device or runner')
    this.at++
    return token.text
  }

  private quantifier(start: Token, scope: Scope, kind: 'any' | 'all'): Expr {
    const over = this.collection(start, scope)
    this.expect(',')
    this.count()
    const where = this.nested(start, () => this.or(over))
    this.expect(')')
    return { kind, over, where }
  }

  private counting(start: Token, scope: Scope): Expr {
    const over = this.collection(start, scope)
    this.count()
    const where = this.take(',') ? this.nested(start, () => this.or(over)) : EVERYTHING
    this.expect(')')
    const token = this.peek()
    if (token.kind !== 'op' || !/^(=|!=|<=?|>=?)$/.test(token.text))
      throw this.fail('E_EXPR_SYNTAX', token, `${shown(token)} follows a count`, '=, !=, <, <=, > or >=')
    this.at++
    return { kind: 'count', over, where, op: token.text as CountOp, value: this.integer(0, 'a whole number') }
  }

  private comparison(scope: Scope): Expr {
    const property = this.property(scope)
    const token = this.peek()
    if (token.kind === 'op' && /^(=|!=|<=?|>=?|~)$/.test(token.text)) {
      const op = token.text as CompareOp
      this.checkOperator(token, op, property)
      this.at++
      return this.atom({ kind: 'compare', property: property.name, op, value: this.literal(property) })
    }
    const negated = keyword(token, 'not') && keyword(this.list[this.at + 1], 'in')
    if (negated || keyword(token, 'in')) {
      this.at += negated ? 2 : 1
      return this.membership(property, negated)
    }
    if (property.type !== 'boolean')
      throw this.fail(
        'E_EXPR_SYNTAX',
        token,
        `${shown(token)} follows ${property.name}`,
        `an operator (${operators(property)}, in, not in)`,
      )
    return this.atom({ kind: 'compare', property: property.name, op: '=', value: true })
  }

  private membership(property: Property, negated: boolean): Expr {
    this.expect('[')
    const values: Literal[] = []
    do {
      this.count()
      values.push(this.literal(property))
    } while (this.take(','))
    this.expect(']')
    return this.atom({ kind: 'in', property: property.name, negated, values })
  }

  private checkOperator(token: Token, op: CompareOp, property: Property): void {
    const allowed = operators(property).split(' ')
    if (!allowed.includes(op))
      throw this.fail('E_EXPR_TYPE', token, `${property.name} can't be compared with ${op}`, `${operators(property)}, in, not in`)
  }

  private literal(property: Property): Literal {
    const { value, used } = readLiteral(this.list, this.at, property)
    this.at += used
    return value
  }

  private property(scope: Scope): Property {
    const token = this.peek()
    if (token.kind !== 'word' || isKeyword(token.text))
      throw this.fail('E_EXPR_SYNTAX', token, `${shown(token)} stands where a property is needed`, 'a property such as price.hour')
    const found = findProperty(scope, token.text)
    if (found === undefined) {
      const near = nearNames(scope, token.text)
      const where = isCollection(scope) ? ` of a ${scope === 'runner' ? 'runner' : 'device'}` : scope === 'renter' ? ' of a renter' : ''
      throw exprError('E_EXPR_PROPERTY', token.column, `"${token.text}" is no property${where}`, {
        expected: near.length > 0 ? near.join(', ') : 'a property such as price.hour',
        ...(near.length > 0 ? { next: `did you mean ${near.join(' or ')}?` } : {}),
      })
    }
    this.at++
    return found
  }

  private integer(least: number, expected: string): number {
    const token = this.peek()
    const value = Number(token.text)
    if (token.kind !== 'number' || token.suffix !== '' || !/^[0-9]{1,9}$/.test(token.text) || value < least)
      throw this.fail('E_EXPR_LITERAL', token, `${shown(token)} is no such number`, expected)
    this.at++
    return value
  }

  private nested<T>(start: Token, read: () => T): T {
    if (++this.depth > MAX_EXPR_DEPTH)
      throw exprError('E_EXPR_DEPTH', start.column, `nested deeper than ${MAX_EXPR_DEPTH}`, { next: 'write it flatter' })
    const value = read()
    this.depth--
    return value
  }

  private atom(expr: Expr): Expr {
    this.count()
    return expr
  }

  private count(): void {
    if (++this.nodes > MAX_EXPR_NODES)
      throw new HaggleError('E_EXPR_NODES', `Cannot read the expression: it has more than ${MAX_EXPR_NODES} parts`, { next: 'shorten it' })
  }

  private peek(): Token {
    return this.list[this.at] as Token
  }

  private take(what: string): boolean {
    const token = this.peek()
    if (!(token.kind === 'op' ? token.text === what : keyword(token, what))) return false
    this.at++
    return true
  }

  private expect(what: string): void {
    if (!this.take(what)) throw this.fail('E_EXPR_SYNTAX', this.peek(), `${shown(this.peek())} is here`, what)
  }

  private followedByGroup(): boolean {
    const next = this.list[this.at + 1]
    return next !== undefined && next.kind === 'op' && next.text === '('
  }

  private startsTerm(): boolean {
    const token = this.peek()
    if (token.kind === 'op') return token.text === '('
    if (token.kind !== 'word') return false
    return !['and', 'or', 'in', 'order', 'by', 'limit', 'asc', 'desc'].some((word) => keyword(token, word))
  }

  private end(expected: string): void {
    const token = this.peek()
    if (token.kind !== 'end') throw this.fail('E_EXPR_SYNTAX', token, `${shown(token)} is here`, expected)
  }

  private fail(code: ExprErrorCode, token: Token, what: string, expected: string): HaggleError {
    return exprError(code, token.column, `${what}; expected ${expected}`, { expected })
  }
}

function operators(property: Property): string {
  return isNumeric(property.type) ? '= != < <= > >=' : property.type === 'boolean' || property.type === 'key' ? '= !=' : '= != ~'
}

function keyword(token: Token | undefined, word: string): boolean {
  return token !== undefined && token.kind === 'word' && (token.text === word || token.text === word.toUpperCase())
}

function shown(token: Token): string {
  if (token.kind === 'end') return 'the end'
  return token.kind === 'string' ? `the string "${token.text.slice(0, 24)}"` : `"${`${token.text}${token.suffix}`.slice(0, 24)}"`
}

/**
 * Reads a constraint. Two constraints side by side are joined by `and`. See `spec/constraints.md`.
 *
 * @throws `E_EXPR_SYNTAX`, `E_EXPR_PROPERTY`, `E_EXPR_TYPE`, `E_EXPR_UNIT`, `E_EXPR_LITERAL` with `details.column` (code points from 1) and
 * `details.expected`; `E_EXPR_DEPTH`, `E_EXPR_NODES`, `E_EXPR_LENGTH` when it is out of bounds.
 * @example
 * ```ts
 * import { parse, print } from "@haggle/offer";
 * import { expect } from "vitest";
 *
 * expect(print(parse("gpu.vram>=24GB region in [DE,FR]"))).toBe("gpu.vram >= 24GB and region in [DE, FR]");
 * ```
 */
export function parse(text: string, options: ParseOptions = {}): Expr {
  return new Parser(text, options.over ?? 'offer').expression()
}

/**
 * Reads a constraint with its order and limit: `gpu.vram>=24GiB order by price.hour, gpu.bench.f16 desc limit 10`. Throws as {@link parse} does.
 */
export function parseQuery(text: string, options: ParseOptions = {}): Query {
  const query = new Parser(text, options.over ?? 'offer').query()
  return { ...query, where: conjunction([query.where]) }
}
