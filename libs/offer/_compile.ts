// Expressions into functions over columns. A test answers 0 for false, 1 for true, else a mask of the missing properties' names.

import { fromHex } from '@haggle/wire'
import { type Columns, KINDS, type NumberColumn, SOURCES } from './_columns.ts'
import type { Dictionary } from './_dictionary.ts'
import type { KeyTable } from './_keys.ts'
import type { Collection, CompareOp, Expr, Literal } from './ast.ts'
import { compareValue, evaluate, mentionsGpu } from './evaluate.ts'
import { isGpuProperty } from './properties.ts'
import { lowestPrice, PRICED, type PropertyValue, stakeMicros } from './subject.ts'

/** Tests a row; `device` is the GPU that `gpu.…` means, or the part under `any`, `all`, `count`; -1 for none. */
export type RowTest = (row: number, device: number) => number

/** What can be said of a row. */
export interface Tables {
  readonly columns: Columns
  readonly keys: KeyTable
}

const FALSE = 0
const TRUE = 1
/** Bit of "and others" when an expression names more properties than a mask has bits. */
export const MANY: number = 1 << 30

type Atom = Expr & { readonly kind: 'compare' | 'in' | 'has' }

/** Names that one mask has bits for. */
const NAMES = 29

/** Compiles the tests of one query; the names in their masks are its own. */
export class Compiler {
  private readonly names: string[] = []
  private readonly tables: Tables
  private readonly pass: number

  /** Masks have bits for the names of one `pass`; the others share {@link MANY}. */
  constructor(tables: Tables, pass = 0) {
    this.tables = tables
    this.pass = pass
  }

  /** Passes needed to tell all names that the compiled expressions have. */
  get passes(): number {
    return Math.ceil(this.names.length / NAMES)
  }

  /** The names of a mask without {@link MANY}. */
  namesIn(mask: number): string[] {
    return this.names.filter((_, at) => Math.floor(at / NAMES) === this.pass && (mask & (1 << ((at % NAMES) + 1))) !== 0)
  }

  /** A test of one GPU of a row. */
  onGpu(expr: Expr): RowTest {
    return this.test(expr, '')
  }

  /** How many parts of a row surely satisfy a count's condition. */
  counter(expr: Expr & { kind: 'count' }): (row: number) => number {
    const { columns } = this.tables
    if (expr.over === 'runner') {
      return (row) => {
        const list = columns.runners.dictionary.value(columns.runners.data[row] as number)?.shown ?? []
        return list.filter(
          (r) => evaluate(expr.where, { value: (name) => (name === 'name' ? r.runner : r.isolation), parts: () => [] }) === true,
        ).length
      }
    }
    const inner = this.test(expr.where, expr.over)
    const kind = expr.over === 'device' ? -1 : KINDS.indexOf(expr.over)
    return (row) => {
      let sure = 0
      let one = FALSE
      const start = columns.deviceStart[row] as number
      const end = start + (columns.deviceCount[row] as number)
      for (let at = start; at < end; at++) {
        if (kind >= 0 && columns.deviceKind[at] !== kind) continue
        if (columns.deviceSame[at] === 0) one = inner(row, at)
        if (one === TRUE) sure++
      }
      return sure
    }
  }

  /** A test of the whole row: `gpu.…` is tried on each GPU. */
  row(expr: Expr): (row: number) => number {
    const test = this.test(expr, '')
    if (!mentionsGpu(expr)) return (row) => test(row, -1)
    const { columns } = this.tables
    return (row) => {
      let mask = 0
      let gpus = 0
      const start = columns.deviceStart[row] as number
      const end = start + (columns.deviceCount[row] as number)
      for (let at = start; at < end; at++) {
        if (columns.deviceKind[at] !== 0 || columns.deviceSame[at] === 1) continue
        gpus++
        const answer = test(row, at)
        if (answer === TRUE) return TRUE
        mask |= answer
      }
      return gpus === 0 ? test(row, -1) : mask
    }
  }

  private bit(name: string): number {
    let at = this.names.indexOf(name)
    if (at < 0) at = this.names.push(name) - 1
    return Math.floor(at / NAMES) === this.pass ? 1 << ((at % NAMES) + 1) : MANY
  }

  private test(expr: Expr, part: Collection | ''): RowTest {
    switch (expr.kind) {
      case 'const': {
        const answer = expr.value ? TRUE : FALSE
        return () => answer
      }
      case 'and':
        return every(expr.items.map((item) => this.test(item, part)))
      case 'or':
        return some(expr.items.map((item) => this.test(item, part)))
      case 'not': {
        const inner = this.test(expr.item, part)
        return (row, device) => {
          const answer = inner(row, device)
          return answer === FALSE ? TRUE : answer === TRUE ? FALSE : answer
        }
      }
      case 'any':
      case 'all':
      case 'count':
        return expr.over === 'runner' ? this.runners(expr) : this.devices(expr)
      case 'compare':
      case 'in':
      case 'has':
        return part === '' ? this.top(expr) : this.device(expr, expr.property, this.bit(`${part}.${expr.property}`))
    }
  }

  private top(expr: Atom): RowTest {
    const { property } = expr
    if (isGpuProperty(property)) {
      const test = this.device({ ...expr, property: property.slice(4) }, property.slice(4), this.bit(property))
      return (row, device) => (device < 0 ? FALSE : test(row, device))
    }
    const { columns } = this.tables
    const bit = this.bit(property)
    if (property === 'provider.key') return this.key(expr)
    if (property === 'runner' || property === 'isolation') {
      const read = property === 'runner' ? 'runner' : 'isolation'
      return byCode(columns.runners, (list) => this.known(expr, list === undefined ? [] : list.shown.map((r) => r[read])))
    }
    const list = columns.lists.get(property)
    if (list !== undefined) return byCode(list, (value) => this.known(expr, value?.shown ?? []))
    const words = columns.words.get(property)
    if (words !== undefined) {
      const test = byCode(words, (value) => (value === undefined ? (expr.kind === 'has' ? FALSE : bit) : this.known(expr, value)))
      return test
    }
    const column = columns.numbers.get(property)
    if (column === undefined) return () => (expr.kind === 'has' ? FALSE : bit)
    return this.number(expr, column, bit, (literal) => this.otherMoney(property, literal))
  }

  private known(expr: Atom, value: PropertyValue): number {
    return evaluate(expr, { value: () => value, parts: () => [] }) === true ? TRUE : FALSE
  }

  private device(expr: Atom, name: string, bit: number): RowTest {
    const { columns } = this.tables
    const numbers = columns.deviceNumbers.get(name)
    if (numbers !== undefined) {
      const test = this.number(expr, numbers, bit, () => undefined)
      return (_row, device) => test(device, device)
    }
    const words = columns.deviceWords.get(name)
    if (words !== undefined) {
      const test = byCode(words, (value) => this.known(expr, value ?? ''))
      return (_row, device) => test(device, device)
    }
    if (name === 'kind' || name === 'free') {
      const answers = name === 'kind' ? KINDS.map((kind) => this.known(expr, kind)) : [false, true].map((free) => this.known(expr, free))
      return name === 'kind'
        ? (_row, device) => answers[columns.deviceKind[device] as number] as number
        : (_row, device) => answers[columns.deviceFree[device] as number] as number
    }
    const source = columns.deviceSources.get(name)
    if (source === undefined) return () => (expr.kind === 'has' ? FALSE : bit)
    const answers = SOURCES.map((s) => (s === '' ? (expr.kind === 'has' ? FALSE : bit) : this.known(expr, s)))
    return (_row, device) => answers[source.data[device] as number] as number
  }

  private number(
    expr: Atom,
    column: NumberColumn,
    bit: number,
    other: (literal: Literal) => ((row: number) => number) | undefined,
  ): RowTest {
    if (expr.kind === 'has') {
      return (row) => {
        const value = column.data[row] as number
        return value === value ? TRUE : FALSE
      }
    }
    if (expr.kind === 'compare') return this.oneNumber(expr.op, { column, literal: expr.value, bit, other: other(expr.value) })
    const each = expr.values.map((literal) => this.oneNumber('=', { column, literal, bit, other: other(literal) }))
    const found = some(each)
    if (!expr.negated) return found
    return (row, device) => {
      const answer = found(row, device)
      return answer === FALSE ? TRUE : answer === TRUE ? FALSE : answer
    }
  }

  private oneNumber(
    op: CompareOp,
    of: {
      readonly column: NumberColumn
      readonly literal: Literal
      readonly bit: number
      readonly other: ((row: number) => number) | undefined
    },
  ): RowTest {
    const { column, literal, bit, other } = of
    const wanted = typeof literal === 'object' ? literal.micros : Number(literal)
    if (other !== undefined) {
      return (row) => {
        const value = other(row)
        return value === value ? (compareValue(value, op, wanted) ? TRUE : FALSE) : bit
      }
    }
    return compareNumber(op, column, wanted, bit)
  }

  /** How to read money that is not the index's own; undefined when it is. NaN: unknown. */
  otherMoney(property: string, literal: Literal): ((row: number) => number) | undefined {
    if (typeof literal !== 'object' || literal.unit === this.tables.columns.money) return undefined
    const { unit } = literal
    const { other, numbers } = this.tables.columns
    const priced = PRICED[property]
    const stake = numbers.get('stake')
    return (row) => {
      const money = other[row]
      if (priced !== undefined) return (money && lowestPrice(money.rails, unit, priced)) ?? NaN
      if (money === undefined) return stake?.data[row] === 0 ? 0 : NaN
      return stakeMicros(money, unit) ?? NaN
    }
  }

  private key(expr: Atom): RowTest {
    if (expr.kind === 'has') return () => TRUE
    const { keys } = this.tables
    const wanted = (expr.kind === 'in' ? expr.values : [expr.value]).map((hex) => fromHex(String(hex)))
    const negated = expr.kind === 'in' ? expr.negated : expr.op === '!='
    return (row) => (wanted.some((key) => keys.is(row, key)) === negated ? FALSE : TRUE)
  }

  private runners(expr: Expr & { kind: 'any' | 'all' | 'count' }): RowTest {
    return byCode(this.tables.columns.runners, (list) => {
      const parts = (list?.shown ?? []).map((r) => ({
        value: (name: string) => (name === 'name' ? r.runner : r.isolation),
        parts: () => [],
      }))
      return evaluate(expr, { value: () => undefined, parts: () => parts }) === true ? TRUE : FALSE
    })
  }

  private devices(expr: Expr & { kind: 'any' | 'all' | 'count' }): RowTest {
    const { columns } = this.tables
    const inner = this.test(expr.where, expr.over)
    const kind = expr.over === 'device' ? -1 : KINDS.indexOf(expr.over as 'gpu' | 'software')
    const answer = expr.kind === 'count' ? counted(expr.op, expr.value) : expr.kind === 'any' ? anyAnswer : allAnswer
    return (row) => {
      let sure = 0
      let open = 0
      let size = 0
      let mask = 0
      let one = FALSE
      const start = columns.deviceStart[row] as number
      const end = start + (columns.deviceCount[row] as number)
      for (let at = start; at < end; at++) {
        if (kind >= 0 && columns.deviceKind[at] !== kind) continue
        size++
        if (columns.deviceSame[at] === 0) one = inner(row, at)
        if (one === TRUE) sure++
        else if (one !== FALSE) {
          open++
          mask |= one
        }
      }
      return answer(sure, open, size, mask)
    }
  }
}

type PartsAnswer = (sure: number, open: number, size: number, mask: number) => number

const anyAnswer: PartsAnswer = (sure, _open, _size, mask) => (sure > 0 ? TRUE : mask)
const allAnswer: PartsAnswer = (sure, open, size, mask) => (sure + open < size || size === 0 ? FALSE : open > 0 ? mask : TRUE)

function counted(op: CompareOp, wanted: number): PartsAnswer {
  return (sure, open, _size, mask) => {
    const first = compareValue(sure, op, wanted)
    for (let n = sure + 1; n <= sure + open; n++) if (compareValue(n, op, wanted) !== first) return mask
    return first ? TRUE : FALSE
  }
}

function compareNumber(op: CompareOp, column: NumberColumn, wanted: number, bit: number): RowTest {
  const { factor } = column
  const read = (row: number): number => (column.data[row] as number) * factor
  const no = (value: number): number => (value === value ? FALSE : bit)
  switch (op) {
    case '=':
      return (row) => {
        const value = read(row)
        return value === wanted ? TRUE : no(value)
      }
    case '!=':
      return (row) => {
        const value = read(row)
        return value === value && value !== wanted ? TRUE : no(value)
      }
    case '<':
      return (row) => {
        const value = read(row)
        return value < wanted ? TRUE : no(value)
      }
    case '<=':
      return (row) => {
        const value = read(row)
        return value <= wanted ? TRUE : no(value)
      }
    case '>':
      return (row) => {
        const value = read(row)
        return value > wanted ? TRUE : no(value)
      }
    default:
      return (row) => {
        const value = read(row)
        return value >= wanted ? TRUE : no(value)
      }
  }
}

/** A test of a code, worked out once for each code. */
function byCode<T>(
  column: { readonly data: Uint32Array; readonly dictionary: Dictionary<T> },
  answer: (value: T | undefined) => number,
): RowTest {
  let known = new Int32Array(0)
  const { dictionary } = column
  let version = dictionary.version
  return (row) => {
    if (version !== dictionary.version) {
      known.fill(-1)
      version = dictionary.version
    }
    const code = column.data[row] as number
    if (code >= known.length) {
      const next = new Int32Array(Math.max(16, dictionary.bound * 2)).fill(-1)
      next.set(known)
      known = next
    }
    const before = known[code] as number
    if (before !== -1) return before
    return (known[code] = answer(code === 0 ? undefined : dictionary.value(code)))
  }
}

function every(tests: readonly RowTest[]): RowTest {
  return (row, device) => {
    let mask = 0
    for (const test of tests) {
      const answer = test(row, device)
      if (answer === FALSE) return FALSE
      if (answer !== TRUE) mask |= answer
    }
    return mask === 0 ? TRUE : mask
  }
}

function some(tests: readonly RowTest[]): RowTest {
  return (row, device) => {
    let mask = 0
    for (const test of tests) {
      const answer = test(row, device)
      if (answer === TRUE) return TRUE
      mask |= answer
    }
    return mask
  }
}
