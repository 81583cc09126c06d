// A typed expression back into text: one spelling for one meaning, which reads back as the same tree.

import { type Expr, type Literal, needsGroup, type Query } from './ast.ts'
import { isKeyword } from './parse.ts'
import { findProperty, type Scope, typeOf, type Vocabulary } from './properties.ts'
import { formatDecimal, formatNumber, type ValueType } from './units.ts'

function literal(value: Literal, type: ValueType): string {
  if (typeof value === 'object') return `${formatDecimal(value.micros, 6)}${value.unit}`
  if (typeof value === 'number') return formatNumber(value, type)
  if (typeof value === 'boolean') return String(value)
  return /^[A-Za-z_][A-Za-z0-9_-]*$/.test(value) && !isKeyword(value) ? value : `"${value.replace(/[\\"]/g, '\\$&')}"`
}

function write(expr: Expr, scope: Scope): string {
  const child = (inner: Expr, innerScope: Scope = scope): string =>
    needsGroup(expr.kind, inner) ? `(${write(inner, innerScope)})` : write(inner, innerScope)
  const type = (name: string): ValueType => findProperty(scope, name)?.type ?? typeOf(name) ?? 'string'
  switch (expr.kind) {
    case 'const':
      return String(expr.value)
    case 'and':
    case 'or':
      return expr.items.map((item) => child(item)).join(` ${expr.kind} `)
    case 'not':
      return `not ${child(expr.item)}`
    case 'has':
      return `has(${expr.property})`
    case 'compare':
      return `${expr.property} ${expr.op} ${literal(expr.value, type(expr.property))}`
    case 'in':
      return `${expr.property} ${expr.negated ? 'not in' : 'in'} [${expr.values.map((v) => literal(v, type(expr.property))).join(', ')}]`
    case 'any':
    case 'all':
      return `${expr.kind}(${expr.over}, ${child(expr.where, expr.over)})`
    case 'count': {
      const everything = expr.where.kind === 'const' && expr.where.value
      return `count(${everything ? expr.over : `${expr.over}, ${child(expr.where, expr.over)}`}) ${expr.op} ${expr.value}`
    }
  }
}

/** What the names in a tree belong to; needed only to write numbers with the right units. */
export interface PrintOptions {
  /** As in `parse`. Default `offer`. */
  readonly over?: Vocabulary
}

/**
 * The canonical text of a constraint: `parse(print(e))` is `e` flattened, and printing again gives the same text.
 *
 * @example
 * ```ts
 * import { parse, print } from "@haggle/offer";
 * import { expect } from "vitest";
 *
 * expect(print(parse("price.hour<=0.40 (gpu.cc>=8.6 or gpu.vendor=amd)"))).toBe("price.hour <= 0.4 and (gpu.cc >= 8.6 or gpu.vendor = amd)");
 * ```
 */
export function print(expr: Expr, options: PrintOptions = {}): string {
  return write(expr, options.over ?? 'offer')
}

/** The canonical text of a query: constraint, `order by`, `limit`. */
export function printQuery(query: Query, options: PrintOptions = {}): string {
  const parts: string[] = []
  if (!(query.where.kind === 'const' && query.where.value)) parts.push(print(query.where, options))
  if (query.order.length > 0)
    parts.push(`order by ${query.order.map((key) => `${key.property}${key.descending ? ' desc' : ''}`).join(', ')}`)
  if (query.limit !== null) parts.push(`limit ${query.limit}`)
  return parts.join(' ')
}
