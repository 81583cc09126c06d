// The evidence of an explanation, taken from an index's columns and bitmaps.

import { type Bits, each, without } from './_bits.ts'
import { BLOCK_WORDS } from './_bitmaps.ts'
import type { NumberColumn } from './_columns.ts'
import { Compiler, MANY } from './_compile.ts'
import { type Evidence, explainSets, type Truth } from './_explain_sets.ts'
import { rowsOf } from './_narrow.ts'
import { Programmer } from './_program.ts'
import type { RowFilter } from './_search.ts'
import { LIVE, type Table } from './_table.ts'
import type { CountOp, Expr, Query } from './ast.ts'
import { mentionsGpu } from './evaluate.ts'
import type { Explanation } from './explain.ts'
import { isAlwaysKnown, isGpuProperty, type Scope } from './properties.ts'
import type { PropertyValue } from './subject.ts'

/** Explains a query over all rows of a table. */
export function explainTable(table: Table<unknown>, query: Query, accepts: RowFilter | undefined): Explanation {
  return explainSets(query.where, evidenceOf(table, accepts))
}

function evidenceOf(table: Table<unknown>, accepts: RowFilter | undefined): Evidence {
  const words = table.blocks.bound * BLOCK_WORDS
  const live = (table.bitmaps.words[LIVE] as Uint32Array).slice(0, words)
  return {
    live,
    truth: (expr) => truthOf(table, live, expr),
    refusing: accepts === undefined ? undefined : where(live, (row) => !accepts(row)),
    values: (constraint, rest) => valuesOf(table, constraint, rest),
    missing: (expr, rows) => missingOf(table, expr, rows),
    best: (rows) => {
      let best = -1
      each(rows, (row) => {
        if (
          best < 0 ||
          table.priceOf(row) < table.priceOf(best) ||
          (table.priceOf(row) === table.priceOf(best) && table.keys.compare(row, best) < 0)
        )
          best = row
      })
      return best
    },
    provider: (row) => table.keys.copyOf(row),
  }
}

function where(rows: Bits, holds: (row: number) => boolean): Bits {
  const out = new Uint32Array(rows.length)
  each(rows, (row) => {
    if (holds(row)) out[row >>> 5] = (out[row >>> 5] as number) | (1 << (row & 31))
  })
  return out
}

/**
 * Bitmaps settle what they can: which rows may be true, which may be false. Only where they leave a doubt are rows looked at one by one.
 */
function truthOf(table: Table<unknown>, live: Bits, expr: Expr): Truth {
  const { numbers, money } = table.columns
  if (expr.kind === 'compare') {
    const column = numbers.get(expr.property)
    const { value } = expr
    const wanted = typeof value === 'object' ? (value.unit === money ? value.micros : undefined) : Number(value)
    if (column !== undefined && wanted !== undefined && expr.op !== '~')
      return compareColumn(column, live, { op: expr.op, wanted: wanted / column.factor })
  }
  const programmer = new Programmer(table.facets, money)
  const is = programmer.compile(expr)
  // Of several GPUs one may satisfy and another not: false is only what is false of all, which bitmaps of any can't tell.
  const isNot = { ...programmer.compile({ kind: 'not', item: expr }), ...(mentionsGpu(expr) ? { exact: false } : {}) }
  const test = new Compiler(table).row(expr)
  const mayBe = rowsOf(is.program, table.bitmaps, live)
  if (isCertain(expr, 'offer')) {
    const yes = is.exact ? mayBe : where(mayBe, (row) => test(row) === 1)
    return { yes, no: without(live, yes) }
  }
  const mayNot = rowsOf(isNot.program, table.bitmaps, live)
  const yes = is.exact ? mayBe : where(isNot.exact ? without(mayBe, mayNot) : mayBe, (row) => test(row) === 1)
  return { yes, no: isNot.exact ? mayNot : where(without(mayNot, yes), (row) => test(row) === 0) }
}

/** True when an expression is never unknown. */
function isCertain(expr: Expr, scope: Scope): boolean {
  switch (expr.kind) {
    case 'const':
    case 'has':
      return true
    case 'and':
    case 'or':
      return expr.items.every((item) => isCertain(item, scope))
    case 'not':
      return isCertain(expr.item, scope)
    case 'any':
    case 'all':
    case 'count':
      return isCertain(expr.where, expr.over)
    default:
      return isAlwaysKnown(scope, expr.property)
  }
}

function compareColumn(column: NumberColumn, live: Bits, of: { readonly op: CountOp; readonly wanted: number }): Truth {
  const { data } = column
  const { op, wanted } = of
  const yes = new Uint32Array(live.length)
  const no = new Uint32Array(live.length)
  for (let w = 0; w < live.length; w++) {
    let y = 0
    let n = 0
    for (let word = live[w] as number; word !== 0; word &= word - 1) {
      const bit = word & -word
      const value = data[w * 32 + 31 - Math.clz32(bit)] as number
      if (value !== value) continue
      const holds =
        op === '<='
          ? value <= wanted
          : op === '>='
            ? value >= wanted
            : op === '<'
              ? value < wanted
              : op === '>'
                ? value > wanted
                : (value === wanted) === (op === '=')
      if (holds) y |= bit
      else n |= bit
    }
    yes[w] = y
    no[w] = n
  }
  return { yes, no }
}

function missingOf(table: Table<unknown>, expr: Expr, rows: Bits): Map<string, number> {
  const counts = new Map<string, number>()
  let passes = 1
  for (let pass = 0; pass < passes; pass++) {
    const compiler = new Compiler(table, pass)
    const test = compiler.row(expr)
    passes = compiler.passes
    const byMask = new Map<number, number>()
    each(rows, (row) => {
      const mask = test(row)
      byMask.set(mask, (byMask.get(mask) ?? 0) + 1)
    })
    for (const [mask, count] of byMask) {
      for (const name of compiler.namesIn(mask & ~MANY)) counts.set(name, (counts.get(name) ?? 0) + count)
    }
  }
  return counts
}

function valuesOf(table: Table<unknown>, constraint: Expr, rest: Expr): (row: number) => readonly PropertyValue[] {
  if (constraint.kind === 'count') {
    const count = new Compiler(table).counter(constraint)
    return (row) => [count(row)]
  }
  if (constraint.kind !== 'compare' && constraint.kind !== 'in') return () => []
  const { property } = constraint
  const { columns } = table
  if (isGpuProperty(property)) return gpuValues(table, property.slice(4), rest)
  const literal = constraint.kind === 'in' ? constraint.values[0] : constraint.value
  const other = literal === undefined ? undefined : new Compiler(table).otherMoney(property, literal)
  if (other !== undefined) return (row) => known(other(row))
  const column = columns.numbers.get(property)
  if (column !== undefined) return (row) => known((column.data[row] as number) * column.factor)
  const words = columns.words.get(property)
  if (words !== undefined) return (row) => text(words.dictionary.value(words.data[row] as number))
  const list = columns.lists.get(property)
  if (list !== undefined) return (row) => [list.dictionary.value(list.data[row] as number)?.shown ?? []]
  if (property !== 'runner' && property !== 'isolation') return () => []
  return (row) => [(columns.runners.dictionary.value(columns.runners.data[row] as number)?.shown ?? []).map((r) => r[property])]
}

function gpuValues(table: Table<unknown>, name: string, rest: Expr): (row: number) => readonly PropertyValue[] {
  const { columns } = table
  const test = new Compiler(table).onGpu(rest)
  const numbers = columns.deviceNumbers.get(name) as NumberColumn | undefined
  const words = columns.deviceWords.get(name)
  const read = (at: number): readonly PropertyValue[] =>
    numbers !== undefined
      ? known(numbers.data[at] as number)
      : words !== undefined
        ? text(words.dictionary.value(words.data[at] as number))
        : table.columns.smallValue(name, at)
  return (row) => {
    const found: PropertyValue[] = []
    const start = columns.deviceStart[row] as number
    const end = start + (columns.deviceCount[row] as number)
    for (let at = start; at < end; at++) if (columns.deviceKind[at] === 0 && test(row, at) === 1) found.push(...read(at))
    return found
  }
}

function known(value: number): readonly number[] {
  return value === value ? [value] : []
}

function text(value: string | undefined): readonly string[] {
  return value === undefined ? [] : [value]
}
