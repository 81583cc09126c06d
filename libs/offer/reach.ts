// Where a query must look: the classes, prices, regions and runners that could satisfy it, so that the rest is never fetched.

import { conjuncts, type Expr, isEverything, type Query } from './ast.ts'
import { type Buckets, CLASSES, type ClassName, FIRST_GPU_CLASS, gpuClass, NO_PRICE_BUCKET, priceBucket, runnerBits } from './classes.ts'
import { CREDITS } from './meter.ts'
import { fold } from './evaluate.ts'
import { isGpuProperty } from './properties.ts'

/** Necessary conditions of a query in the terms of an advert's {@link Buckets}. What fails them can't satisfy the query; what passes may. */
export interface Reach {
  /** In the order of `CLASSES`. */
  readonly classes: readonly ClassName[]
  /** Highest price bucket, or 255 for any, offers without a price included. */
  readonly maxPriceBucket: number
  /** Region prefixes, or null for any. */
  readonly regions: readonly string[] | null
  /** Bits of which an advert must have all. */
  readonly runnerBits: number
  /** Fewest free jobs. */
  readonly minFree: number
}

const ALL = (1 << CLASSES.length) - 1
const GPU = ALL & ~((1 << FIRST_GPU_CLASS) - 1)

function fromTier(bytes: number): number {
  const first = CLASSES.findIndex((c) => c.name === gpuClass(bytes / 2 ** 20))
  return ALL & ~((1 << first) - 1)
}

function atomClasses(property: string, expr: Expr, gpuPart: boolean): number {
  if (gpuPart && property === 'vram') {
    if (expr.kind === 'compare' && typeof expr.value === 'number' && /^(=|>=?)$/.test(expr.op)) return fromTier(expr.value)
    if (expr.kind === 'in' && !expr.negated)
      return expr.values.reduce<number>((mask, v) => mask | (typeof v === 'number' ? fromTier(v) : GPU), 0)
  }
  if (gpuPart) return GPU
  if (property === 'gpu.count' && expr.kind === 'compare' && typeof expr.value === 'number') return countClasses(expr.op, expr.value)
  return ALL
}

function countClasses(op: string, value: number): number {
  if (op === '=') return value === 0 ? ALL & ~GPU : GPU
  if (op === '>=') return value >= 1 ? GPU : ALL
  if (op === '>') return GPU
  if (op === '<') return value <= 1 ? ALL & ~GPU : ALL
  if (op === '<=') return value === 0 ? ALL & ~GPU : ALL
  return value === 0 ? GPU : ALL
}

function classMask(expr: Expr, inGpu: boolean): number {
  switch (expr.kind) {
    case 'const':
      return expr.value ? ALL : 0
    case 'and':
      return expr.items.reduce((mask, item) => mask & classMask(item, inGpu), ALL)
    case 'or':
      return expr.items.reduce((mask, item) => mask | classMask(item, inGpu), 0)
    case 'not':
      return ALL
    case 'compare':
    case 'in':
    case 'has': {
      const bare = !inGpu && isGpuProperty(expr.property)
      return atomClasses(bare ? expr.property.slice(4) : expr.property, expr, inGpu || bare)
    }
    case 'any':
    case 'all':
      return expr.over === 'gpu' ? GPU & classMask(expr.where, true) : ALL
    case 'count': {
      if (expr.over !== 'gpu') return ALL
      const needed = countClasses(expr.op, expr.value)
      return needed === GPU ? GPU & classMask(expr.where, true) : isEverything(expr.where) ? needed : ALL
    }
  }
}

/** The classes whose offers can satisfy an expression. */
export function classesFor(expr: Expr): ClassName[] {
  const mask = classMask(expr, false)
  return CLASSES.filter((_, at) => (mask & (1 << at)) !== 0).map((c) => c.name)
}

function wantedRunner(expr: Expr): number {
  if (expr.kind === 'compare' && expr.property === 'runner' && expr.op === '=' && typeof expr.value === 'string')
    return runnerBits([{ runner: fold(expr.value), isolation: '' }]) & 15
  if (expr.kind !== 'any' || expr.over !== 'runner') return 0
  return conjuncts(expr.where).reduce(
    (bits, e) => (e.kind === 'compare' && e.property === 'name' ? bits | wantedRunner({ ...e, property: 'runner' }) : bits),
    0,
  )
}

/**
 * What a query needs, as far as an advert can show it.
 *
 * @example
 * ```ts
 * import { mayFit, parseQuery, reachOf } from "@haggle/offer";
 * import { expect } from "vitest";
 *
 * const reach = reachOf(parseQuery("gpu.vram>=40GiB region in [DE,FR] price.hour<=1"));
 * expect(reach.classes).toEqual(["g40", "g48", "g80", "g141"]);
 * expect(mayFit(reach, { class: "g24", vramTier: 24, freeCount: 1, priceBucket: 60, region: "DE", runnerBits: 17 })).toBe(false);
 * ```
 */
export function reachOf(query: Query, options: { readonly unit?: string } = {}): Reach {
  let maxPriceBucket = NO_PRICE_BUCKET
  let regions: readonly string[] | null = null
  let bits = 0
  let minFree = 0
  const inCredits = (options.unit ?? CREDITS) === CREDITS
  for (const c of conjuncts(query.where)) {
    bits |= wantedRunner(c)
    if (c.kind === 'in' && c.property === 'region' && !c.negated) regions = narrower(regions, c.values.map(String))
    if (c.kind !== 'compare') continue
    if (c.property === 'region' && c.op === '=') regions = narrower(regions, [String(c.value)])
    if (c.property === 'price.hour' && inCredits && typeof c.value === 'number' && /^(=|<=?)$/.test(c.op))
      maxPriceBucket = Math.min(maxPriceBucket, priceBucket(c.value))
    if (c.property === 'slots.free' && (c.op === '>=' || c.op === '=') && typeof c.value === 'number')
      minFree = Math.max(minFree, Math.min(c.value, 255))
  }
  return { classes: classesFor(query.where), maxPriceBucket, regions, runnerBits: bits, minFree }
}

function narrower(a: readonly string[] | null, b: readonly string[]): readonly string[] {
  return a === null || b.length < a.length ? b : a
}

/** True when an offer with these buckets could satisfy a query of this reach. */
export function mayFit(reach: Reach, buckets: Buckets): boolean {
  if (!reach.classes.includes(buckets.class) || (buckets.runnerBits & reach.runnerBits) !== reach.runnerBits) return false
  if (reach.maxPriceBucket !== NO_PRICE_BUCKET && buckets.priceBucket > reach.maxPriceBucket) return false
  if (buckets.freeCount < reach.minFree) return false
  const { region } = buckets
  return reach.regions === null || (region !== null && reach.regions.some((r) => inRegion(fold(region), fold(r))))
}

const inRegion = (have: string, want: string): boolean => have === want || have.startsWith(`${want}-`)
