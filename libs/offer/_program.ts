// A constraint as bitmaps: a superset of the rows for which it is true, exact where the bitmaps can tell.

import { type Bitmaps, BLOCK_WORDS } from './_bitmaps.ts'
import { type Facets, NTH } from './_facets.ts'
import type { Leaf } from './_groups.ts'
import { type CompareOp, conjuncts, type Expr, isEverything, type Literal } from './ast.ts'
import { fold } from './evaluate.ts'
import { isGpuProperty, typeOf } from './properties.ts'

/** A node over bitmaps. `all` is every row, inexact. */
export type Program =
  | { readonly kind: 'all' }
  | { readonly kind: 'leaf'; readonly leaf: Leaf }
  | { readonly kind: 'and' | 'or'; readonly items: readonly Program[] }

/** A program, and whether it holds just the right rows. */
export interface Compiled {
  readonly program: Program
  readonly exact: boolean
}

const ALL: Compiled = { program: { kind: 'all' }, exact: false }
const TRUE: Compiled = { program: { kind: 'all' }, exact: true }
const NONE: Leaf = { any: [], but: [], exact: true }
const of = (leaf: Leaf): Compiled => ({ program: { kind: 'leaf', leaf }, exact: leaf.exact })
/** Properties that no GPU lacks. */
const ALWAYS_KNOWN: ReadonlySet<string> = new Set(['vendor', 'model', 'free'])
const FLIPPED: Readonly<Record<CompareOp, CompareOp | undefined>> = {
  '=': '!=',
  '!=': '=',
  '<': '>=',
  '<=': '>',
  '>': '<=',
  '>=': '<',
  '~': undefined,
}

type Atom = Expr & { readonly kind: 'compare' | 'in' | 'has' }

/** Where names mean what: at the top, or the properties of a GPU under `any`, `all`, `count`. */
type Place = 'top' | 'gpu'

/** Turns expressions into programs. */
export class Programmer {
  private readonly facets: Facets
  private readonly money: string

  constructor(facets: Facets, money: string) {
    this.facets = facets
    this.money = money
  }

  /** The program of one conjunct. */
  compile(expr: Expr): Compiled {
    return this.node(expr, false, 'top')
  }

  private node(expr: Expr, negated: boolean, place: Place): Compiled {
    switch (expr.kind) {
      case 'const':
        return expr.value === negated ? of(NONE) : TRUE
      case 'not':
        return this.node(expr.item, !negated, place)
      case 'and':
      case 'or':
        return this.several(expr, negated, place)
      case 'any':
      case 'all':
        return this.quantifier(expr, negated)
      case 'count':
        return this.count(expr, negated)
      default:
        return this.atom(expr, negated, place)
    }
  }

  private several(expr: Expr & { kind: 'and' | 'or' }, negated: boolean, place: Place): Compiled {
    const items = expr.items.map((item) => this.node(item, negated, place))
    const kind = (expr.kind === 'and') === negated ? 'or' : 'and'
    if (kind === 'or') {
      if (items.some((item) => item.program.kind === 'all')) return ALL
      return { program: { kind, items: items.map((i) => i.program) }, exact: items.every((i) => i.exact) }
    }
    const kept = items.filter((item) => item.program.kind !== 'all').map((i) => i.program)
    if (kept.length === 0) return ALL
    // Each part may be true of another GPU: only what does not speak of GPUs stays exact.
    const apart = place === 'gpu' || expr.items.some(speaksOfGpu)
    return { program: { kind, items: kept }, exact: !apart && items.every((i) => i.exact) }
  }

  private quantifier(expr: Expr & { kind: 'any' | 'all' }, negated: boolean): Compiled {
    if (negated || expr.over !== 'gpu') return expr.over === 'runner' && !negated && expr.kind === 'any' ? this.runner(expr.where) : ALL
    const inner = expr.kind === 'all' ? this.all(expr.where) : this.node(expr.where, false, 'gpu')
    const counts = this.facets.numberGroup('gpu.count')
    const program: Program = inner.program.kind === 'all' && counts !== undefined ? of(counts.atLeast(1)).program : inner.program
    return { program, exact: inner.exact }
  }

  /** Offers of whose GPUs all satisfy: all that `a and b` asks is all of `a` and all of `b`. */
  private all(where: Expr): Compiled {
    const items = (where.kind === 'and' ? where.items : [where]).map((part) => this.allOfOne(part))
    const kept = items.filter((i) => i.program.kind !== 'all').map((i) => i.program)
    return { program: kept.length === 0 ? { kind: 'all' } : { kind: 'and', items: kept }, exact: items.every((i) => i.exact) }
  }

  private allOfOne(expr: Expr): Compiled {
    if (expr.kind === 'compare') {
      const name = `gpu.${expr.property}`
      const words = this.facets.wordGroup(name)
      const least = this.facets.numberGroup(`${name}:least`)
      if (words !== undefined && expr.op === '=') {
        // One value and no other. A GPU whose value is unknown has none, so only what is always known is exact.
        const found = words.oneOf([fold(String(expr.value))])
        const uniform: Program = { kind: 'leaf', leaf: { any: [words.uniform], but: [], exact: true } }
        return { program: { kind: 'and', items: [of(found).program, uniform] }, exact: found.exact && ALWAYS_KNOWN.has(expr.property) }
      }
      if (least !== undefined && typeof expr.value === 'number' && (expr.op === '>=' || expr.op === '>'))
        return of(numberLeaf(least, expr.op, expr.value))
    }
    return { ...this.node(expr, false, 'gpu'), exact: expr.kind === 'const' && expr.value }
  }

  /** Offers with a runner of that name, and one of that isolation, perhaps not the same. */
  private runner(where: Expr): Compiled {
    const items: Program[] = []
    for (const part of where.kind === 'and' ? where.items : [where]) {
      const words =
        part.kind === 'compare' && part.op === '=' ? [part.value] : part.kind === 'in' && !part.negated ? part.values : undefined
      const property = part.kind === 'compare' || part.kind === 'in' ? part.property : ''
      const group = this.facets.wordGroup(property === 'name' ? 'runner' : property)
      if (words !== undefined && group !== undefined) items.push({ kind: 'leaf', leaf: group.oneOf(words.map((w) => fold(String(w)))) })
    }
    return items.length === 0 ? ALL : { program: { kind: 'and', items }, exact: false }
  }

  private count(expr: Expr & { kind: 'count' }, negated: boolean): Compiled {
    const op = negated ? FLIPPED[expr.op] : expr.op
    if (op === undefined || expr.over !== 'gpu') return ALL
    const counts = this.facets.numberGroup('gpu.count')
    if (counts === undefined) return ALL
    if (isEverything(expr.where)) return of(numberLeaf(counts, op, expr.value))
    const free = this.facets.numberGroup('gpu.free:count')
    if (free !== undefined && isFree(expr.where)) return of(numberLeaf(free, op, expr.value))
    const least = op === '>' ? expr.value + 1 : op === '>=' || op === '=' ? expr.value : 0
    if (least < 1) return ALL
    const items = [of(counts.atLeast(least)).program, this.node(expr.where, false, 'gpu').program, ...this.nthLargest(expr.where, least)]
    return { program: { kind: 'and', items: items.filter((item) => item.kind !== 'all') }, exact: false }
  }

  /** So many GPUs with so much memory means that the n-th largest has it. */
  private nthLargest(where: Expr, least: number): Program[] {
    const nth = NTH.findLast((n) => n <= least)
    const group = nth === undefined ? undefined : this.facets.numberGroup(`gpu.vram:${nth}`)
    if (group === undefined) return []
    return conjuncts(where).flatMap((part) =>
      part.kind === 'compare' && part.property === 'vram' && typeof part.value === 'number' && (part.op === '>=' || part.op === '>')
        ? [of(numberLeaf(group, part.op, part.value)).program]
        : [],
    )
  }

  private atom(expr: Atom, negated: boolean, place: Place): Compiled {
    const onGpu = place === 'gpu' || isGpuProperty(expr.property)
    const name = place === 'gpu' ? `gpu.${expr.property}` : expr.property
    const compiled = this.known(expr, negated, { name, onGpu })
    if (!negated || place === 'gpu' || !onGpu) return compiled
    // Without a GPU the atom is false, and its negation true.
    return compiled.program.kind === 'all'
      ? ALL
      : { program: { kind: 'or', items: [compiled.program, this.noGpu()] }, exact: compiled.exact }
  }

  private noGpu(): Program {
    return { kind: 'leaf', leaf: { any: [this.facets.noGpu], but: [], exact: true } }
  }

  private known(expr: Atom, negated: boolean, at: { readonly name: string; readonly onGpu: boolean }): Compiled {
    const numbers = this.facets.numberGroup(at.name)
    const words = this.facets.wordGroup(at.name)
    if (expr.kind === 'has') {
      const known = numbers?.known ?? words?.known
      return known === undefined || negated ? ALL : of({ any: [known], but: [], exact: true })
    }
    if (expr.kind === 'in') {
      const out = expr.negated !== negated
      if (words !== undefined) return this.words(at, out ? '!=' : '=', expr.values)
      if (numbers === undefined || out) return ALL
      const items = expr.values.map((literal) => this.number(at, '=', literal))
      return items.some((i) => i.program.kind === 'all')
        ? ALL
        : { program: { kind: 'or', items: items.map((i) => i.program) }, exact: items.every((i) => i.exact) }
    }
    if (words !== undefined) {
      if (expr.op === '~') return negated ? ALL : this.containing(at.name, String(expr.value))
      return this.words(at, (expr.op === '=') === negated ? '!=' : '=', [expr.value])
    }
    const op = negated ? FLIPPED[expr.op] : expr.op
    return op === undefined || numbers === undefined ? ALL : this.number(at, op, expr.value)
  }

  private number(at: { readonly name: string; readonly onGpu: boolean }, op: CompareOp, literal: Literal): Compiled {
    if (typeof literal === 'object' && literal.unit !== this.money) return ALL
    const value = typeof literal === 'object' ? literal.micros : Number(literal)
    const most = this.facets.numberGroup(at.name)
    if (most === undefined) return ALL
    if (!at.onGpu) return of(numberLeaf(most, op, value))
    // Among several GPUs: some is at least v when the largest is, some at most v when the smallest is.
    if (op === '>=' || op === '>') return of(numberLeaf(most, op, value))
    const least = this.facets.numberGroup(`${at.name}:least`)
    const known: Leaf = { any: [most.known], but: [], exact: false }
    if (op === '!=') return of(known)
    if (op === '=') {
      const from = most.atLeast(value)
      const to = least?.below(value + 1)
      return { program: { kind: 'and', items: [of({ ...from, exact: false }).program, of(to ?? known).program] }, exact: false }
    }
    return of(least === undefined ? known : numberLeaf(least, op, value))
  }

  private words(at: { readonly name: string; readonly onGpu: boolean }, op: '=' | '!=', literals: readonly Literal[]): Compiled {
    const group = this.facets.wordGroup(at.name)
    if (group === undefined) return ALL
    const keys = literals.map((literal) => fold(String(literal)))
    const found =
      typeOf(at.name) === 'region'
        ? group.oneOf((key) => keys.some((want) => key === want || key.startsWith(`${want}-`)))
        : group.oneOf(keys)
    if (op === '=') return of(found)
    // A list without the value may be empty, and so have no bit; of GPUs another one may differ.
    if (!group.single) return at.onGpu ? of({ any: [group.known], but: [], exact: false }) : ALL
    return of({ any: [group.known], but: found.exact ? found.any : [], exact: found.exact })
  }

  private containing(name: string, text: string): Compiled {
    const wanted = fold(text)
    const group = this.facets.wordGroup(name)
    return group === undefined ? ALL : of(group.oneOf((key) => key.includes(wanted)))
  }
}

function isFree(where: Expr): boolean {
  return where.kind === 'compare' && where.property === 'free' && where.op === '=' && where.value === true
}

function speaksOfGpu(expr: Expr): boolean {
  switch (expr.kind) {
    case 'and':
    case 'or':
      return expr.items.some(speaksOfGpu)
    case 'not':
      return speaksOfGpu(expr.item)
    case 'compare':
    case 'in':
    case 'has':
      return isGpuProperty(expr.property)
    default:
      return false
  }
}

function numberLeaf(
  group: { atLeast(v: number): Leaf; below(v: number): Leaf; between(a: number, b: number): Leaf; readonly known: number },
  op: CompareOp,
  value: number,
): Leaf {
  switch (op) {
    case '>=':
      return group.atLeast(value)
    case '>':
      return group.atLeast(value + 1)
    case '<':
      return group.below(value)
    case '<=':
      return group.below(value + 1)
    case '=':
      return group.between(value, value)
    default: {
      const equal = group.between(value, value)
      // All known rows but the equal ones; what is only perhaps equal stays in.
      return equal.exact && equal.any.length === 0
        ? { any: [group.known], but: [], exact: true }
        : { any: [group.known], but: [], exact: false }
    }
  }
}

/** Rows that a program would take at most, by its bitmaps' counts: for putting the strictest first. */
export function estimate(program: Program, bitmaps: Bitmaps): number {
  switch (program.kind) {
    case 'all':
      return Infinity
    case 'leaf': {
      const sum = (ids: readonly number[]): number => ids.reduce((total, id) => total + (bitmaps.counts[id] as number), 0)
      return Math.max(0, sum(program.leaf.any) - sum(program.leaf.but))
    }
    case 'and':
      return Math.min(...program.items.map((item) => estimate(item, bitmaps)))
    case 'or':
      return program.items.reduce((total, item) => total + estimate(item, bitmaps), 0)
  }
}

/** One bit for each block that may have rows of the program. `out` is as long as a bitmap's block level. */
export function blocksOf(program: Program, bitmaps: Bitmaps, out: Uint32Array): void {
  switch (program.kind) {
    case 'all':
      out.fill(0xffffffff)
      return
    case 'leaf': {
      out.fill(0)
      for (const id of program.leaf.any) {
        const blocks = bitmaps.blocks[id] as Uint32Array
        for (let w = 0; w < blocks.length; w++) out[w] = (out[w] as number) | (blocks[w] as number)
      }
      return
    }
    default: {
      const part = new Uint32Array(out.length)
      const and = program.kind === 'and'
      out.fill(and ? 0xffffffff : 0)
      for (const item of program.items) {
        blocksOf(item, bitmaps, part)
        for (let w = 0; w < out.length; w++)
          out[w] = and ? (out[w] as number) & (part[w] as number) : (out[w] as number) | (part[w] as number)
      }
    }
  }
}

/** The rows of a program within `rows`, over `length` words. */
export function rowsOf(program: Program, bitmaps: Bitmaps, rows: Uint32Array): Uint32Array {
  switch (program.kind) {
    case 'all':
      return rows.slice()
    case 'leaf': {
      const out = new Uint32Array(rows.length)
      for (const id of program.leaf.any) {
        const words = bitmaps.words[id] as Uint32Array
        const end = Math.min(words.length, out.length)
        for (let w = 0; w < end; w++) out[w] = (out[w] as number) | ((words[w] as number) & (rows[w] as number))
      }
      for (const id of program.leaf.but) {
        const words = bitmaps.words[id] as Uint32Array
        const end = Math.min(words.length, out.length)
        for (let w = 0; w < end; w++) out[w] = (out[w] as number) & ~(words[w] as number)
      }
      return out
    }
    case 'and':
      return program.items.reduce((left, item) => rowsOf(item, bitmaps, left), rows)
    case 'or': {
      const out = new Uint32Array(rows.length)
      for (const item of program.items) {
        const part = rowsOf(item, bitmaps, rows)
        for (let w = 0; w < out.length; w++) out[w] = (out[w] as number) | (part[w] as number)
      }
      return out
    }
  }
}

/** Narrows the sixteen words of one block after another. */
export class Narrower {
  /** The words of the block: rows that are left. */
  readonly out: Uint32Array = new Uint32Array(BLOCK_WORDS)
  private readonly bitmaps: Bitmaps
  private readonly spare: Uint32Array[] = []
  private base = 0

  constructor(bitmaps: Bitmaps) {
    this.bitmaps = bitmaps
  }

  /** Leaves in `out` the rows of `start` and `program` in a block; false when there is none. */
  block(block: number, start: Uint32Array, program: Program): boolean {
    this.base = block * BLOCK_WORDS
    const { out, base } = this
    for (let w = 0; w < BLOCK_WORDS; w++) out[w] = start[base + w] as number
    return this.narrow(program, out, 0)
  }

  private narrow(program: Program, out: Uint32Array, level: number): boolean {
    switch (program.kind) {
      case 'all':
        return true
      case 'leaf':
        return this.leaf(program.leaf, out)
      case 'and': {
        for (const item of program.items) if (!this.narrow(item, out, level)) return false
        return true
      }
      case 'or':
        return this.or(program.items, out, level)
    }
  }

  private or(items: readonly Program[], out: Uint32Array, level: number): boolean {
    const sum = (this.spare[level * 2] ??= new Uint32Array(BLOCK_WORDS))
    const part = (this.spare[level * 2 + 1] ??= new Uint32Array(BLOCK_WORDS))
    sum.fill(0)
    for (const item of items) {
      part.set(out)
      if (this.narrow(item, part, level + 1)) for (let w = 0; w < BLOCK_WORDS; w++) sum[w] = (sum[w] as number) | (part[w] as number)
    }
    let left = 0
    for (let w = 0; w < BLOCK_WORDS; w++) left |= out[w] = sum[w] as number
    return left !== 0
  }

  private leaf(leaf: Leaf, out: Uint32Array): boolean {
    const { any, but } = leaf
    const { base } = this
    let left = 0
    if (any.length === 1) {
      const words = this.bitmaps.words[any[0] as number] as Uint32Array
      if (words.length === 0) return false
      for (let w = 0; w < BLOCK_WORDS; w++) left |= out[w] = (out[w] as number) & (words[base + w] as number)
    } else {
      for (let w = 0; w < BLOCK_WORDS; w++) {
        let word = 0
        for (const id of any) word |= (this.bitmaps.words[id] as Uint32Array)[base + w] ?? 0
        left |= out[w] = (out[w] as number) & word
      }
    }
    for (const id of but) {
      const words = this.bitmaps.words[id] as Uint32Array
      if (words.length === 0 || left === 0) continue
      left = 0
      for (let w = 0; w < BLOCK_WORDS; w++) left |= out[w] = (out[w] as number) & ~(words[base + w] as number)
    }
    return left !== 0
  }
}
