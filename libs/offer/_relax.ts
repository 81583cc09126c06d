// What to write instead of a constraint that fails: the nearest value that is on offer, and how many it brings.

import { type Bits, each } from './_bits.ts'
import type { Expr, Literal } from './ast.ts'
import { fold } from './evaluate.ts'
import { print } from './print.ts'
import { typeOf } from './properties.ts'
import type { PropertyValue } from './subject.ts'
import { formatDecimal, formatNumber } from './units.ts'

/** A nearest value and what it changes. */
export interface Relaxation {
  /** The value as text. */
  readonly nearest: string
  /** The constraint with that value let in. */
  readonly relax: string
  /** Rows that it lets in. */
  readonly gains: number
}

const numberOf = (literal: Literal): number => (typeof literal === 'object' ? literal.micros : Number(literal))

/**
 * The relaxation of `constraint` that lets in what is nearest among `rows`; undefined when its kind has none (`not`, `or`, `any`, `all`, `has`,
 * `!=`, `~`, truths, keys) or no value is known.
 */
export function relaxation(constraint: Expr, rows: Bits, values: (row: number) => readonly PropertyValue[]): Relaxation | undefined {
  if (constraint.kind === 'count')
    return constraint.op === '!='
      ? undefined
      : numeric(constraint.op, [constraint.value], { rows, values, write: (value) => count(constraint, value) })
  if ((constraint.kind === 'compare' || constraint.kind === 'in') && typeOf(constraint.property) === 'key') return undefined
  if (constraint.kind === 'compare') {
    const { op, value: literal } = constraint
    if (typeof literal === 'boolean' || op === '~' || op === '!=') return undefined
    if (typeof literal === 'string') return op === '=' ? textual([literal], { rows, values, property: constraint.property }) : undefined
    return numeric(op, [numberOf(literal)], { rows, values, write: (value) => compare(constraint, value) })
  }
  if (constraint.kind !== 'in' || constraint.negated) return undefined
  const first = constraint.values[0]
  if (typeof first === 'string') return textual(constraint.values.map(String), { rows, values, property: constraint.property })
  if (first === undefined || typeof first === 'boolean') return undefined
  return numeric('=', constraint.values.map(numberOf), { rows, values, write: (value) => among(constraint, value) })
}

interface Written {
  readonly nearest: string
  readonly relax: string
}

function shown(literal: Literal, property: string): string {
  if (typeof literal === 'object') return `${formatDecimal(literal.micros, 6)}${literal.unit}`
  return typeof literal === 'number' ? formatNumber(literal, typeOf(property) ?? 'count') : String(literal)
}

function like(literal: Literal, value: number): Literal {
  return typeof literal === 'object' ? { ...literal, micros: value } : value
}

function count(constraint: Expr & { kind: 'count' }, value: number): Written {
  const { op } = constraint
  if (op === '=') return { nearest: String(value), relax: print({ kind: 'or', items: [constraint, { ...constraint, value }] }) }
  return { nearest: String(value), relax: print({ ...constraint, op: op === '<' ? '<=' : op === '>' ? '>=' : op, value }) }
}

function compare(constraint: Expr & { kind: 'compare' }, value: number): Written {
  const { op, property } = constraint
  const literal = like(constraint.value, value)
  const nearest = shown(literal, property)
  if (op === '=') return { nearest, relax: print({ kind: 'in', property, negated: false, values: [constraint.value, literal] }) }
  return { nearest, relax: print({ ...constraint, op: op === '<' ? '<=' : op === '>' ? '>=' : op, value: literal }) }
}

function among(constraint: Expr & { kind: 'in' }, value: number): Written {
  const literal = like(constraint.values[0] as Literal, value)
  return { nearest: shown(literal, constraint.property), relax: print({ ...constraint, values: [...constraint.values, literal] }) }
}

/** For `<` and `<=` the smallest value, for `>` and `>=` the largest, for `=` the one nearest to a wanted one, the smaller of two. */
function numeric(
  op: string,
  wanted: readonly number[],
  of: { readonly rows: Bits; readonly values: (row: number) => readonly PropertyValue[]; readonly write: (value: number) => Written },
): Relaxation | undefined {
  const distance = (value: number): number =>
    op === '<' || op === '<=' ? value : op === '>' || op === '>=' ? -value : Math.min(...wanted.map((w) => Math.abs(w - value)))
  let best: number | undefined
  let bestDistance = Infinity
  let gains = 0
  each(of.rows, (row) => {
    let own: number | undefined
    let ownDistance = Infinity
    for (const value of of.values(row)) {
      if (typeof value !== 'number') continue
      const far = distance(value)
      if (far < ownDistance || (far === ownDistance && value < (own as number))) {
        own = value
        ownDistance = far
      }
    }
    if (own === undefined || ownDistance > bestDistance) return
    if (ownDistance < bestDistance || own < (best as number)) {
      best = own
      bestDistance = ownDistance
      gains = 0
    }
    if (own === best) gains++
  })
  return best === undefined ? undefined : { ...of.write(best), gains }
}

/** The value that most rows have, the first in folded order of several. */
function textual(
  wanted: readonly string[],
  of: { readonly rows: Bits; readonly values: (row: number) => readonly PropertyValue[]; readonly property: string },
): Relaxation | undefined {
  const found = new Map<string, { text: string; rows: number; last: number }>()
  each(of.rows, (row) => {
    for (const text of of.values(row).flatMap((v) => (typeof v === 'object' || typeof v === 'string' ? v : []))) {
      const key = fold(text)
      const known = found.get(key)
      if (known === undefined) found.set(key, { text, rows: 1, last: row })
      else if (known.last !== row) {
        known.rows++
        known.last = row
      }
      if (known !== undefined && text < known.text) known.text = text
    }
  })
  const [most] = [...found].sort(([a, x], [b, y]) => y.rows - x.rows || (a < b ? -1 : 1))
  if (most === undefined) return undefined
  const { text: value, rows: gains } = most[1]
  return { nearest: value, relax: print({ kind: 'in', property: of.property, negated: false, values: [...wanted, value] }), gains }
}
