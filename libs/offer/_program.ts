// A constraint as bitmaps: a superset of the rows for which it is true, exact where the bitmaps can tell.

import { type Facets, NTH } from './_facets.ts'
import type { Leaf } from './_groups.ts'
import { type CompareOp, conjuncts, type Expr, isEverything, type Literal } from './ast.ts'
import { fold, mentionsGpu } from './evaluate.ts'
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
    const apart = place === 'gpu' || expr.items.some(mentionsGpu)
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
    if (nth === undefined) return []
    return conjuncts(where).flatMap((part) => {
      if (part.kind !== 'compare' || typeof part.value !== 'number' || (part.op !== '>=' && part.op !== '>')) return []
      const group = this.facets.numberGroup(`gpu.${part.property}:${nth}`)
      return group === undefined ? [] : [of(numberLeaf(group, part.op, part.value)).program]
    })
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
