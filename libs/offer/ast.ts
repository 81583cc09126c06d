// The typed tree of a constraint expression, and its bounds.

import { HaggleError } from '@haggle/wire'

/** A value in an expression: an integer in the property's base unit, a string, a truth, or money that names its unit. */
export type Literal = number | string | boolean | MoneyLiteral

/** Money with a unit of its own: `0.40USDC`. A plain number is in the reader's configured unit. */
export interface MoneyLiteral {
  /** Millionths of the unit. */
  readonly micros: number
  /** What the money is called, such as `USDC`. */
  readonly unit: string
}

/** Comparison. `~` is "contains" over strings. */
export type CompareOp = '=' | '!=' | '<' | '<=' | '>' | '>=' | '~'

/** Comparison of a count. */
export type CountOp = Exclude<CompareOp, '~'>

/** A set of parts that an offer is made of: `gpu`, `software` and `device` (of every kind) are devices, `runner` the runners. */
export type Collection = 'gpu' | 'software' | 'device' | 'runner'

/**
 * A constraint. At the top, properties are named in full (`gpu.vram`, `price.hour`); under `any`, `all` and `count` they are the part's own
 * (`vram`). `and` and `or` have two items or more.
 */
export type Expr =
  | { readonly kind: 'const'; readonly value: boolean }
  | { readonly kind: 'and' | 'or'; readonly items: readonly Expr[] }
  | { readonly kind: 'not'; readonly item: Expr }
  | { readonly kind: 'compare'; readonly property: string; readonly op: CompareOp; readonly value: Literal }
  | { readonly kind: 'in'; readonly property: string; readonly negated: boolean; readonly values: readonly Literal[] }
  | { readonly kind: 'has'; readonly property: string }
  | { readonly kind: 'any' | 'all'; readonly over: Collection; readonly where: Expr }
  | { readonly kind: 'count'; readonly over: Collection; readonly where: Expr; readonly op: CountOp; readonly value: number }

/** One key of an order. */
export interface OrderKey {
  /** A property with numbers. */
  readonly property: string
  /** True: the largest first. */
  readonly descending: boolean
}

/** What a person asks of a market: a constraint, an order, a number of answers. */
export interface Query {
  /** What an offer must satisfy. */
  readonly where: Expr
  /** First key first; empty: the market's own order, cheapest first. */
  readonly order: readonly OrderKey[]
  /** Most answers, or null. */
  readonly limit: number | null
}

/** The expression that everything satisfies. */
export const EVERYTHING: Expr = { kind: 'const', value: true }

/** True for the constant `true`. */
export function isEverything(expr: Expr): boolean {
  return expr.kind === 'const' && expr.value
}

/** Longest text, octets of UTF-8: a query fits in one message with room to spare. */
export const MAX_EXPR_BYTES = 4096

/** Deepest nesting of groups, `not`, `any`, `all` and `count`: more than people write, little enough for any stack. */
export const MAX_EXPR_DEPTH = 8

/** Most nodes: operators, atoms, list members and order keys each count one. */
export const MAX_EXPR_NODES = 256

/** Longest string literal, code points. */
export const MAX_STRING = 128

const rank = (kind: Expr['kind']): number => (kind === 'or' ? 0 : kind === 'and' ? 1 : 2)

/** True when `child` needs parentheses under `parent`. */
export function needsGroup(parent: Expr['kind'], child: Expr): boolean {
  if (parent === 'any' || parent === 'all' || parent === 'count') return false
  return rank(child.kind) < (parent === 'not' ? 2 : rank(parent))
}

/** Nesting of an expression as its text has it: every group, `not`, `any`, `all` and `count` adds one. */
export function depthOf(expr: Expr): number {
  const inner = (child: Expr): number => (needsGroup(expr.kind, child) ? 1 : 0) + depthOf(child)
  switch (expr.kind) {
    case 'and':
    case 'or':
      return expr.items.reduce((most, item) => Math.max(most, inner(item)), 0)
    case 'not':
      return 1 + inner(expr.item)
    case 'any':
    case 'all':
      return 1 + depthOf(expr.where)
    case 'count':
      return isEverything(expr.where) ? 0 : 1 + depthOf(expr.where)
    default:
      return 0
  }
}

/** Number of nodes of an expression: see {@link MAX_EXPR_NODES}. */
export function nodesOf(expr: Expr): number {
  switch (expr.kind) {
    case 'and':
    case 'or':
      return expr.items.reduce((sum, item) => sum + nodesOf(item), 1)
    case 'not':
      return 1 + nodesOf(expr.item)
    case 'any':
    case 'all':
      return 1 + nodesOf(expr.where)
    case 'count':
      return isEverything(expr.where) ? 1 : 1 + nodesOf(expr.where)
    case 'in':
      return 1 + expr.values.length
    default:
      return 1
  }
}

/**
 * Fails when a tree made by hand is out of bounds, and hands it back otherwise. Trees that {@link parse} made are in bounds already.
 *
 * @throws `E_EXPR_DEPTH`, `E_EXPR_NODES`
 */
export function checkBounds(expr: Expr): Expr {
  if (treeHeight(expr) > 4 * MAX_EXPR_DEPTH || depthOf(expr) > MAX_EXPR_DEPTH)
    throw new HaggleError('E_EXPR_DEPTH', `Cannot use the expression: it nests deeper than ${MAX_EXPR_DEPTH}`, { next: 'write it flatter' })
  const nodes = nodesOf(expr)
  if (nodes > MAX_EXPR_NODES)
    throw new HaggleError('E_EXPR_NODES', `Cannot use the expression: it has ${nodes} parts, the most is ${MAX_EXPR_NODES}`, {
      next: 'shorten it',
    })
  return expr
}

/** Height of the tree, found without recursion, so that a hostile tree can't exhaust the stack. */
function treeHeight(expr: Expr): number {
  let level: Expr[] = [expr]
  let height = 0
  while (level.length > 0 && height <= 4 * MAX_EXPR_DEPTH) {
    height++
    level = level.flatMap((e) =>
      e.kind === 'and' || e.kind === 'or' ? e.items : e.kind === 'not' ? [e.item] : 'where' in e ? [e.where] : [],
    )
  }
  return height
}

/** The conjuncts of an expression: the items of a top `and`, else itself. */
export function conjuncts(expr: Expr): readonly Expr[] {
  return expr.kind === 'and' ? expr.items : [expr]
}

/** `and` of `items`, flattened, without what is always true; {@link EVERYTHING} when nothing is left. */
export function conjunction(items: readonly Expr[]): Expr {
  const flat = items.flatMap((e) => (e.kind === 'and' ? e.items : e.kind === 'const' && e.value ? [] : [e]))
  return flat.length === 0 ? EVERYTHING : flat.length === 1 ? (flat[0] as Expr) : { kind: 'and', items: flat }
}
