// Random typed expressions for property tests: every kind of node, every property, values that offers really have.

import type { Collection, CompareOp, CountOp, Expr, Literal, OrderKey, Query } from './ast.ts'
import { COLLECTIONS, OFFER_PROPERTIES, type Property } from './properties.ts'
import { isNumeric, versionNumber } from './units.ts'

const GIB = 1024 ** 3

const NUMBERS: Readonly<Partial<Record<Property['type'], readonly number[]>>> = {
  count: [0, 1, 2, 3, 4, 8, 16, 32, 64],
  size: [0, 8 * GIB, 12 * GIB, 16 * GIB, 24 * GIB, 25 * GIB, 80 * GIB, 32 * GIB, 64 * GIB, 500e9, 1000 * 2 ** 20],
  rate: [100e6, 300e6, 500e6, 1e9, 1_000_000_001, 5e9],
  speed: [360e9, 900e9, 1000e9, 3e12],
  flops: [12_000_000, 30_000_000, 80_000_000, 300_000_000, 999_999],
  duration: [0, 20, 150, 5_000, 60_000, 3_600_000],
  money: [0, 60_000, 200_000, 340_000, 400_000, 1_000_000, 2_100_000],
  ratio: [0, 250_000, 500_000, 990_000],
  cores: [1_000, 16_000, 500],
  version: ['6.1', '8.0', '8.6', '8.9', '12.4', '12.8', '570.86.10', '1.3'].map((v) => versionNumber(v) as number),
}

const WORDS =
  'DE FR US US-CA US-TX NL deno exec container bubblewrap permissions nvidia amd linux x64 anyone friends challenged declared gpu free'.split(
    ' ',
  )
const TEXTS = [
  ...WORDS,
  'RTX 4090',
  'rtx 3090',
  'H100',
  'A100 SXM',
  'MI300X',
  'EPYC 7543',
  'pytorch/pytorch:2.6',
  'llama-3.1-8b',
  'in',
  'say "hi"\\',
  'naïve',
]

/** Makes expressions out of numbers in 0 .. 1. */
export class RandomExpr {
  private readonly chance: () => number
  private left = 0

  constructor(chance: () => number) {
    this.chance = chance
  }

  /** A query of at most about `size` nodes. */
  query(size = 12): Query {
    const order: OrderKey[] = []
    const sortable = OFFER_PROPERTIES.filter((p) => isNumeric(p.type) || p.type === 'boolean')
    while (this.chance() < 0.35 && order.length < 3) order.push({ property: this.pick(sortable).name, descending: this.chance() < 0.5 })
    return { where: this.expr(size), order, limit: this.chance() < 0.3 ? this.below(30) + 1 : null }
  }

  /** A flattened expression. */
  expr(size = 12): Expr {
    this.left = size
    return this.node(3, OFFER_PROPERTIES, true)
  }

  private pick<V>(list: readonly V[]): V {
    return list[this.below(list.length)] as V
  }

  private below(bound: number): number {
    return Math.floor(this.chance() * bound)
  }

  private node(depth: number, properties: readonly Property[], top: boolean): Expr {
    this.left--
    const roll = this.chance()
    if (depth > 0 && this.left > 0 && roll < 0.4) {
      const kind = roll < 0.26 ? 'and' : 'or'
      const items = Array.from({ length: 2 + this.below(2) }, () => this.node(depth - 1, properties, top))
      return { kind, items: items.flatMap((e) => (e.kind === kind ? e.items : [e])) }
    }
    if (depth > 0 && roll < 0.5) return { kind: 'not', item: this.node(depth - 1, properties, top) }
    if (top && depth > 0 && roll < 0.66) return this.parts(depth)
    if (roll < 0.67) return { kind: 'const', value: this.chance() < 0.5 }
    return this.atom(this.pick(properties))
  }

  private parts(depth: number): Expr {
    const over = this.pick<Collection>(['gpu', 'gpu', 'gpu', 'runner', 'device', 'software'])
    const where = this.node(depth - 1, COLLECTIONS[over], false)
    const kind = this.pick(['any', 'all', 'count'] as const)
    if (kind !== 'count') return { kind, over, where }
    return { kind, over, where, op: this.pick<CountOp>(['=', '!=', '<', '<=', '>', '>=']), value: this.below(5) }
  }

  private atom(property: Property): Expr {
    const { name } = property
    const roll = this.chance()
    if (roll < 0.08) return { kind: 'has', property: name }
    if (property.type === 'boolean')
      return { kind: 'compare', property: name, op: this.pick<CompareOp>(['=', '!=']), value: this.chance() < 0.5 }
    if (roll < 0.3)
      return {
        kind: 'in',
        property: name,
        negated: this.chance() < 0.4,
        values: Array.from({ length: 1 + this.below(3) }, () => this.literal(property)),
      }
    const ops: readonly CompareOp[] = isNumeric(property.type)
      ? ['=', '!=', '<', '<=', '>', '>=', '<=', '>=']
      : property.type === 'key'
        ? ['=', '!=']
        : ['=', '!=', '~']
    return { kind: 'compare', property: name, op: this.pick(ops), value: this.literal(property) }
  }

  private literal(property: Property): Literal {
    if (property.type === 'key') return Array.from({ length: 64 }, () => this.below(16).toString(16)).join('')
    const numbers = NUMBERS[property.type]
    if (numbers === undefined) return this.pick(TEXTS)
    const value = this.chance() < 0.8 ? this.pick(numbers) : this.below(1_000_000)
    return property.type === 'money' && this.chance() < 0.15 ? { micros: value, unit: this.pick(['credits', 'USDC']) } : value
  }
}
