// The explanation of a query, folded from sets of rows. Where the sets come from, a list of offers or an index, does not matter here.

import { type Bits, both, either, fewest, inAll, size, without } from './_bits.ts'
import { relaxation } from './_relax.ts'
import { conjunction, conjuncts, type Expr } from './ast.ts'
import { mentionsGpu } from './evaluate.ts'
import type { Closest, Explanation, Failure } from './explain.ts'
import { print } from './print.ts'
import type { PropertyValue } from './subject.ts'

/** Rows for which an expression is true, and rows for which it is false; the rest is unknown. */
export interface Truth {
  readonly yes: Bits
  readonly no: Bits
}

/** Where the facts of an explanation come from. */
export interface Evidence {
  /** Rows that are there. */
  readonly live: Bits
  truth(expr: Expr): Truth
  /** Rows whose `accept` refuses the renter, or undefined when no renter was given. */
  readonly refusing: Bits | undefined
  /**
   * How to read the values that decide a constraint about a property or a count: of a `gpu.…` property those of the GPUs for which `rest` holds.
   */
  values(constraint: Expr, rest: Expr): (row: number) => readonly PropertyValue[]
  /** How many of `rows` miss each property when `expr` is evaluated, by name. */
  missing(expr: Expr, rows: Bits): ReadonlyMap<string, number>
  /** The row that ranks first among `rows` by price and key. */
  best(rows: Bits): number
  provider(row: number): Uint8Array
}

interface Constraint {
  readonly text: string
  readonly expr: Expr
  readonly onGpu: boolean
  readonly truth: Truth
}

/** Folds the evidence on a query into an explanation. */
export function explainSets(where: Expr, evidence: Evidence): Explanation {
  const { live, refusing } = evidence
  const constraints = conjuncts(where)
    .filter((e) => !(e.kind === 'const' && e.value))
    .map((expr): Constraint => ({ text: print(expr), expr, onGpu: mentionsGpu(expr), truth: evidence.truth(expr) }))
  const gpu = constraints.filter((c) => c.onGpu)
  const joint = jointTruth(gpu, evidence)
  const accepted = refusing === undefined ? live : without(live, refusing)
  const rest = (left: Constraint | undefined): Bits => {
    const others = constraints.filter((c) => c !== left && !(c.onGpu && gpu.length > 1)).map((c) => c.truth.yes)
    const gpuLeft = gpu.filter((c) => c !== left)
    if (gpu.length > 1) others.push(gpuLeft.length === gpu.length ? joint.yes : jointTruth(gpuLeft, evidence).yes)
    return inAll(accepted, others)
  }
  const fits = rest(undefined)
  const failures = constraints.map((c) => failureOf(c, { fits, without: rest(c), gpu, evidence }))
  const apart = gpu.length > 1 ? sameGpu(constraints, { joint, accepted, fits }) : undefined
  if (apart !== undefined) failures.push(apart.failure)
  if (refusing !== undefined)
    failures.push(
      refusal(
        refusing,
        without(
          inAll(
            live,
            constraints.map((c) => c.truth.yes),
          ),
          fits,
        ),
      ),
    )
  const failed = constraints.reduce((all, c) => either(all, c.truth.no), either(joint.no, refusing ?? new Uint32Array(live.length)))
  const unknownRows = without(without(live, fits), failed)
  const misses = [
    ...constraints.map((c) => ({ text: c.text, rows: without(live, c.truth.yes) })),
    ...(apart === undefined ? [] : [{ text: apart.failure.constraint, rows: apart.rows }]),
    ...(refusing === undefined ? [] : [{ text: 'accept', rows: refusing }]),
  ]
  return {
    seen: size(live),
    fits: size(fits),
    failures: failures
      .filter((f) => f.count > 0 || f.gains > 0)
      .sort((a, b) => b.count - a.count || (a.constraint < b.constraint ? -1 : 1)),
    unknown: [...evidence.missing(where, unknownRows)]
      .map(([property, count]) => ({ property, count }))
      .sort((a, b) => b.count - a.count || (a.property < b.property ? -1 : 1)),
    closest: closestOf(without(live, fits), misses, evidence),
  }
}

/** Truth of all the constraints on one and the same GPU. */
function jointTruth(gpu: readonly Constraint[], evidence: Evidence): Truth {
  if (gpu.length === 0) return { yes: evidence.live, no: new Uint32Array(evidence.live.length) }
  return gpu.length === 1 ? (gpu[0] as Constraint).truth : evidence.truth(conjunction(gpu.map((c) => c.expr)))
}

function failureOf(
  constraint: Constraint,
  of: { readonly fits: Bits; readonly without: Bits; readonly gpu: readonly Constraint[]; readonly evidence: Evidence },
): Failure {
  const { evidence } = of
  const gained = without(of.without, of.fits)
  const drop = size(gained)
  const rest = constraint.onGpu ? conjunction(of.gpu.filter((c) => c !== constraint).map((c) => c.expr)) : conjunction([])
  const failed = { constraint: constraint.text, count: size(constraint.truth.no) }
  if (drop === 0) return { ...failed, nearest: null, relax: null, gains: 0 }
  const near = relaxation(constraint.expr, gained, evidence.values(constraint.expr, rest))
  return { ...failed, nearest: near?.nearest ?? null, relax: near?.relax ?? null, gains: near?.gains ?? drop }
}

/** Offers whose GPUs satisfy each constraint, but none all of them. */
function sameGpu(
  constraints: readonly Constraint[],
  of: { readonly joint: Truth; readonly accepted: Bits; readonly fits: Bits },
): { readonly failure: Failure; readonly rows: Bits } {
  const gpu = constraints.filter((c) => c.onGpu)
  const separately = gpu.map((c) => c.truth.yes)
  const rows = without(inAll(separately[0] as Bits, separately.slice(1)), of.joint.yes)
  const refuted = both(
    gpu.reduce((open, c) => without(open, c.truth.no), of.joint.no),
    of.joint.no,
  )
  const dropped = inAll(
    of.accepted,
    constraints.map((c) => c.truth.yes),
  )
  const text = print(conjunction(gpu.map((c) => c.expr)))
  return { failure: { constraint: text, count: size(refuted), nearest: null, relax: null, gains: size(without(dropped, of.fits)) }, rows }
}

function refusal(refusing: Bits, gained: Bits): Failure {
  return { constraint: 'accept', count: size(refusing), nearest: null, relax: null, gains: size(both(gained, refusing)) }
}

function closestOf(rows: Bits, misses: readonly { readonly text: string; readonly rows: Bits }[], evidence: Evidence): Closest | null {
  const near = fewest(
    rows,
    misses.map((m) => m.rows),
  )
  if (near === undefined) return null
  const row = evidence.best(near.rows)
  const has = (set: Bits): boolean => ((set[row >>> 5] ?? 0) & (1 << (row & 31))) !== 0
  return { provider: evidence.provider(row), misses: misses.filter((m) => has(m.rows)).map((m) => m.text) }
}
