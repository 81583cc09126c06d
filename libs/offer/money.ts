// Amounts that name no money, made to name it: what a reader meant, said so that another reader understands the same.

import type { Expr, Literal, Query } from './ast.ts'
import { CREDITS } from './meter.ts'
import { typeOf } from './properties.ts'

/**
 * The query with every amount of money that names none written in `unit`. A demand travels: its `where` has to mean the same to whoever reads it. In
 * credits nothing changes, they are what everyone means by default.
 *
 * @example
 * ```ts
 * import { nameMoney, parseQuery, printQuery } from "@haggle/offer";
 * import { expect } from "vitest";
 *
 * expect(printQuery(nameMoney(parseQuery("price.hour<=0.4 gpu.count>=1"), "HGL"))).toBe("price.hour <= 0.4HGL and gpu.count >= 1");
 * ```
 */
export function nameMoney(query: Query, unit: string): Query {
  return unit === CREDITS ? query : { ...query, where: named(query.where, unit) }
}

function named(expr: Expr, unit: string): Expr {
  const inUnit = (property: string, value: Literal): Literal =>
    typeof value === 'number' && typeOf(property) === 'money' ? { micros: value, unit } : value
  switch (expr.kind) {
    case 'and':
    case 'or':
      return { ...expr, items: expr.items.map((item) => named(item, unit)) }
    case 'not':
      return { ...expr, item: named(expr.item, unit) }
    case 'compare':
      return { ...expr, value: inUnit(expr.property, expr.value) }
    case 'in':
      return { ...expr, values: expr.values.map((value) => inUnit(expr.property, value)) }
    default:
      return expr
  }
}
