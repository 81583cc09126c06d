// Which GPUs a host with GPUs of several models is made of. What one of its models has and what another has is no GPU that has both: bitmaps, which speak of
// a host as a whole, can't tell, and looking at each GPU of each such host takes time. A host's composition tells it for all hosts like it.

import { Dictionary } from './_dictionary.ts'
import type { Device } from './device.ts'
import { type CompareOp, conjuncts, type Expr, type Literal } from './ast.ts'
import { compareValue, fold, mentionsGpu } from './evaluate.ts'
import { isGpuProperty } from './properties.ts'

/** The GPUs of one model in a composition. */
interface Kind {
  readonly vendor: string
  readonly model: string
  readonly count: number
  /** The largest value that such a GPU has had of each number, in any host of this composition; absent: none was known. */
  readonly most: Map<string, number>
}

/** Compositions of mixed hosts, by row. */
export class Hosts {
  /** Codes of compositions; 0: all GPUs are of one model, or there is none. */
  data: Uint32Array = new Uint32Array(0)
  private readonly dictionary = new Dictionary<readonly Kind[]>()
  /** Changes whenever an answer may: a composition that is new has shown more than nothing. */
  private grown = 0

  /** Takes the GPUs of a row that has none. `numbers` gives what is known of each. */
  write(row: number, devices: readonly Device[], numbers: (at: number) => Iterable<readonly [name: string, value: number]>): void {
    this.data[row] = 0
    const first = devices.find(({ kind }) => kind === 'gpu')
    if (devices.every((d) => d.kind !== 'gpu' || (d.model === first?.model && d.vendor === first.vendor))) return
    const counts = new Map<string, number>()
    for (const d of devices) if (d.kind === 'gpu') counts.set(nameOf(d), (counts.get(nameOf(d)) ?? 0) + 1)
    const sorted = [...counts].sort(([a], [b]) => (a < b ? -1 : 1))
    // Models that differ in capitals only are one.
    if (sorted.length < 2) return
    const made = sorted.map(([name, count]): Kind => {
      const [vendor = '', model = ''] = name.split('\0')
      return { vendor, model, count, most: new Map() }
    })
    const code = this.dictionary.intern(sorted.flat().join('\0'), made)
    this.data[row] = code
    const kinds = this.dictionary.value(code) ?? []
    for (const [at, device] of devices.entries()) {
      const kind = device.kind === 'gpu' ? kinds[sorted.findIndex(([name]) => name === nameOf(device))] : undefined
      for (const [name, value] of kind === undefined ? [] : numbers(at)) {
        if (value <= (kind?.most.get(name) ?? -Infinity)) continue
        kind?.most.set(name, value)
        this.grown++
      }
    }
  }

  erase(row: number): void {
    this.dictionary.release(this.data[row] as number)
    this.data[row] = 0
  }

  /** A test that says 0 of rows whose composition can't satisfy all of `exprs`, and 1 of the others; undefined when none of them is about GPUs. */
  test(exprs: readonly Expr[]): ((row: number) => number) | undefined {
    const parts = exprs.filter(isAboutGpus)
    if (parts.length === 0) return undefined
    let answers = new Int8Array(0)
    let version = -1
    return (row) => {
      const code = this.data[row] as number
      if (code === 0) return 1
      if (version !== this.grown) {
        answers = new Int8Array(this.dictionary.bound).fill(-1)
        version = this.grown
      }
      if (answers[code] === -1) {
        const kinds = this.dictionary.value(code) ?? []
        answers[code] = parts.every((part) => mayFit(part, kinds)) ? 1 : 0
      }
      return answers[code] as number
    }
  }
}

const nameOf = ({ vendor, model }: Device): string => `${fold(vendor)}\0${fold(model)}`

function isAboutGpus(expr: Expr): boolean {
  if (expr.kind === 'any' || expr.kind === 'all' || expr.kind === 'count') return expr.over === 'gpu'
  return mentionsGpu(expr)
}

/** False when no host of these kinds satisfies the expression. */
function mayFit(expr: Expr, kinds: readonly Kind[]): boolean {
  if (expr.kind === 'any') return kinds.some((kind) => mayHold(expr.where, kind, false))
  if (expr.kind === 'all') return kinds.every((kind) => mayHold(expr.where, kind, false))
  if (expr.kind === 'count') {
    const least = expr.op === '>' ? expr.value + 1 : expr.op === '>=' || expr.op === '=' ? expr.value : 0
    return kinds.reduce((sum, kind) => sum + (mayHold(expr.where, kind, false) ? kind.count : 0), 0) >= least
  }
  // At the top, all that is said of `gpu.…` is said of one GPU.
  return kinds.some((kind) => conjuncts(expr).every((part) => mayHold(part, kind, true)))
}

/** False when no GPU of this kind makes the expression true. */
function mayHold(expr: Expr, kind: Kind, isTop: boolean): boolean {
  switch (expr.kind) {
    case 'const':
      return expr.value
    case 'and':
      return expr.items.every((item) => mayHold(item, kind, isTop))
    case 'or':
      return expr.items.some((item) => mayHold(item, kind, isTop))
    case 'compare':
    case 'in': {
      if (isTop && !isGpuProperty(expr.property)) return true
      const name = isTop ? expr.property.slice('gpu.'.length) : expr.property
      if (expr.kind === 'compare') return mayBe(name, expr.op, expr.value, kind)
      return expr.negated || expr.values.some((value) => mayBe(name, '=', value, kind))
    }
    default:
      return true
  }
}

function mayBe(name: string, op: CompareOp, wanted: Literal, { vendor, model, most }: Kind): boolean {
  if (name === 'vendor' || name === 'model') return compareValue(name === 'vendor' ? vendor : model, op, String(wanted))
  if (typeof wanted !== 'number' || (op !== '>=' && op !== '>' && op !== '=')) return true
  const value = most.get(name)
  return value !== undefined && compareValue(value, op === '=' ? '>=' : op, wanted)
}
