// Three-valued evaluation: true, false, or unknown with the names of what is missing.

import { checkBounds, type CompareOp, type Expr, type Literal, type MoneyLiteral } from './ast.ts'
import { isGpuProperty, typeOf } from './properties.ts'
import type { PropertyValue, Subject } from './subject.ts'

/** Neither true nor false: `unknown` names the missing properties, sorted, each once. */
export interface Unknown {
  /** Names of the missing properties. */
  readonly unknown: readonly string[]
}

/** What a constraint says of a subject. */
export type Verdict = boolean | Unknown

/** True when a verdict is unknown. */
export function isUnknown(verdict: Verdict): verdict is Unknown {
  return typeof verdict === 'object'
}

const missing = (name: string): Unknown => ({ unknown: [name] })

function union(a: Unknown | undefined, b: Unknown): Unknown {
  if (a === undefined) return b
  return { unknown: [...new Set([...a.unknown, ...b.unknown])].sort((x, y) => (x < y ? -1 : 1)) }
}

/** Kleene's and: false when one is false, else unknown with all that is missing, else true. */
export function allOf(verdicts: Iterable<Verdict>): Verdict {
  let unknown: Unknown | undefined
  for (const v of verdicts) {
    if (v === false) return false
    if (isUnknown(v)) unknown = union(unknown, v)
  }
  return unknown ?? true
}

/** Kleene's or: true when one is true, else unknown with all that is missing, else false. */
export function anyOf(verdicts: Iterable<Verdict>): Verdict {
  let unknown: Unknown | undefined
  for (const v of verdicts) {
    if (v === true) return true
    if (isUnknown(v)) unknown = union(unknown, v)
  }
  return unknown ?? false
}

/** Lower case of A to Z only, so that every language folds alike. */
export function fold(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase())
}

function equalText(value: string, literal: string, region: boolean): boolean {
  const have = fold(value)
  const want = fold(literal)
  return have === want || (region && have.startsWith(`${want}-`))
}

/** One comparison of a known value. `literal` has the type of the property. */
export function compareValue(value: PropertyValue, op: CompareOp, literal: number | string | boolean, region = false): boolean {
  if (typeof value === 'object') {
    if (op === '~') return value.some((v) => fold(v).includes(fold(String(literal))))
    return value.some((v) => equalText(v, String(literal), false)) === (op === '=')
  }
  if (typeof value === 'string') {
    if (op === '~') return fold(value).includes(fold(String(literal)))
    return equalText(value, String(literal), region) === (op === '=')
  }
  if (op === '=') return value === literal
  if (op === '!=') return value !== literal
  return op === '<' ? value < literal : op === '<=' ? value <= literal : op === '>' ? value > literal : value >= literal
}

const isMoney = (literal: Literal): literal is MoneyLiteral => typeof literal === 'object'

/** Where an atom looks a property up, and what it calls it when it is missing. */
interface Place {
  readonly subject: Subject
  /** `gpu.` under `any(gpu, …)`, else empty. */
  readonly prefix: string
  /** The GPU that `gpu.…` means; null when there is none; undefined where the question does not arise. */
  readonly gpu: Subject | null | undefined
}

function atom(place: Place, property: string, test: (read: (unit?: string) => PropertyValue | undefined) => boolean | undefined): Verdict {
  const onGpu = place.gpu !== undefined && isGpuProperty(property)
  if (onGpu && place.gpu === null) return false
  const holder = onGpu ? (place.gpu as Subject) : place.subject
  const name = onGpu ? property.slice(4) : property
  return test((unit) => holder.value(name, unit)) ?? missing(place.prefix + property)
}

function compareLiteral(
  read: (unit?: string) => PropertyValue | undefined,
  op: CompareOp,
  literal: Literal,
  region: boolean,
): boolean | undefined {
  const value = isMoney(literal) ? read(literal.unit) : read()
  return value === undefined ? undefined : compareValue(value, op, isMoney(literal) ? literal.micros : literal, region)
}

function tri(expr: Expr, place: Place): Verdict {
  switch (expr.kind) {
    case 'const':
      return expr.value
    case 'and':
      return allOf(expr.items.map((item) => tri(item, place)))
    case 'or':
      return anyOf(expr.items.map((item) => tri(item, place)))
    case 'not': {
      const inner = tri(expr.item, place)
      return isUnknown(inner) ? inner : !inner
    }
    case 'compare': {
      const region = typeOf(expr.property) === 'region'
      return atom(place, expr.property, (read) => compareLiteral(read, expr.op, expr.value, region))
    }
    case 'in':
      return membership(expr, place)
    case 'has':
      return atom(place, expr.property, (read) => {
        const value = read()
        return value !== undefined && !(typeof value === 'object' && value.length === 0)
      })
    case 'any':
      return anyOf(parts(expr.over, place).map((part) => tri(expr.where, part)))
    case 'all': {
      const each = parts(expr.over, place)
      return each.length > 0 && allOf(each.map((part) => tri(expr.where, part)))
    }
    case 'count':
      return counting(expr, place)
  }
}

function membership(expr: Expr & { kind: 'in' }, place: Place): Verdict {
  const region = typeOf(expr.property) === 'region'
  const found = anyOf(expr.values.map((literal) => atom(place, expr.property, (read) => compareLiteral(read, '=', literal, region))))
  if (!expr.negated || isUnknown(found)) return found
  return !(found || (place.gpu === null && isGpuProperty(expr.property)))
}

function parts(over: 'gpu' | 'software' | 'device' | 'runner', place: Place): Place[] {
  return place.subject.parts(over).map((subject) => ({ subject, prefix: `${over}.`, gpu: undefined }))
}

function counting(expr: Expr & { kind: 'count' }, place: Place): Verdict {
  let sure = 0
  let unknown: Unknown | undefined
  let open = 0
  for (const part of parts(expr.over, place)) {
    const verdict = tri(expr.where, part)
    if (verdict === true) sure++
    else if (isUnknown(verdict)) {
      open++
      unknown = union(unknown, verdict)
    }
  }
  const first = compareValue(sure, expr.op, expr.value)
  for (let n = sure + 1; n <= sure + open; n++) if (compareValue(n, expr.op, expr.value) !== first) return unknown ?? false
  return first
}

/** True when an expression speaks of one GPU at its top: `gpu.vram`, not `any(gpu, …)` or `gpu.count`. */
export function mentionsGpu(expr: Expr): boolean {
  switch (expr.kind) {
    case 'and':
    case 'or':
      return expr.items.some(mentionsGpu)
    case 'not':
      return mentionsGpu(expr.item)
    case 'compare':
    case 'in':
    case 'has':
      return isGpuProperty(expr.property)
    default:
      return false
  }
}

/** As {@link evaluate}, with `gpu.…` read from one given GPU; null: there is none. */
export function evaluateOn(expr: Expr, subject: Subject, gpu: Subject | null): Verdict {
  return tri(expr, { subject, prefix: '', gpu })
}

/**
 * What `expr` says of `subject`. `gpu.…` at the top means one and the same GPU throughout: the expression holds when it holds for some GPU.
 * Without a GPU every comparison of `gpu.…` is false. See `spec/constraints.md` for the tables.
 *
 * @throws `E_EXPR_DEPTH`, `E_EXPR_NODES` for a tree out of bounds.
 * @example
 * ```ts
 * import { evaluate, parse } from "@haggle/offer";
 * import { expect } from "vitest";
 *
 * const subject = { value: (name: string) => ({ "price.hour": 310_000 })[name], parts: () => [] };
 * expect(evaluate(parse("price.hour<=0.40"), subject)).toBe(true);
 * expect(evaluate(parse("price.hour<=0.40 region=DE"), subject)).toEqual({ unknown: ["region"] });
 * ```
 */
export function evaluate(expr: Expr, subject: Subject): Verdict {
  checkBounds(expr)
  if (!mentionsGpu(expr)) return evaluateOn(expr, subject, null)
  const gpus = subject.parts('gpu')
  return gpus.length === 0 ? evaluateOn(expr, subject, null) : anyOf(gpus.map((gpu) => evaluateOn(expr, subject, gpu)))
}
