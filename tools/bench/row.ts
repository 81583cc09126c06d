// One figure of the benchmark, and how it is measured: in turn with what it is the floor of, in the same run.

/** One row of `npm run bench`. */
export interface BenchRow {
  readonly name: string
  readonly value: number
  /** Unit of `value`, `floor` and `p95`, such as `ms` or `/s`. */
  readonly unit: string
  /** The bare operation, measured in the same run; null where there is nothing to compare with. */
  readonly floor: number | null
  /** value / floor. */
  readonly ratio: number | null
  /** 95th percentile of the samples behind `value`, in `unit`: of times the slow end, of rates the slow end too. */
  readonly p95: number | null
  readonly samples: number
  /** What the ratio should be. */
  readonly aim?: { readonly atMost: number } | { readonly atLeast: number }
  /** What `value` itself should be at most, in `unit`. */
  readonly limit?: number
  /** What a reader must know to judge the figure. */
  readonly note?: string
}

/** What a file of rows is told. */
export interface BenchOptions {
  /** False for a row that nobody asked for: it need not be measured. */
  readonly wants: (name: string) => boolean
  /** Seed of all chance. */
  readonly seed: number
}

/** A file of this folder with rows. */
export interface BenchModule {
  /** All at once, or each as soon as it is measured: what comes before a failure counts. */
  rows(options: BenchOptions): Promise<readonly BenchRow[]> | AsyncIterable<BenchRow>
}

/** A pass: samples of one side, in its unit. */
export type Pass = () => Promise<readonly number[]> | readonly number[]

/** Both sides of a row. */
export interface Sides {
  readonly subject: Pass
  readonly floor: Pass
  /** Pairs of passes in one attempt. Default 3: A-B-A-B-A-B. */
  readonly pairs?: number
  /** Attempts when the floor is unsteady. Default 3. */
  readonly attempts?: number
}

/** What came of it. */
export interface Measured {
  readonly value: number
  readonly floor: number
  readonly p95: number
  readonly samples: number
  /** (slowest - fastest) / median of the floor's passes. */
  readonly spread: number
}

/** A floor that spreads more than this between its passes says nothing: the run is repeated. */
export const MAX_SPREAD = 0.25

/** The `part` quantile of samples, by nearest rank. */
export function quantile(samples: readonly number[], part: number): number {
  const sorted = [...samples].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(part * sorted.length) - 1))] ?? Number.NaN
}

/** Measures subject and floor in turn. `slowEnd` says which quantile is bad: 0.95 for times, 0.05 for rates. */
export async function alternate({ subject, floor, pairs = 3, attempts = 3 }: Sides, slowEnd = 0.95): Promise<Measured> {
  let best: Measured | undefined
  for (let attempt = 0; attempt < attempts; attempt++) {
    const mine: number[] = []
    const floors: number[][] = []
    for (let pair = 0; pair < pairs; pair++) {
      mine.push(...(await subject()))
      floors.push([...(await floor())])
    }
    const medians = floors.map((samples) => quantile(samples, 0.5))
    const middle = quantile(medians, 0.5)
    const spread = (Math.max(...medians) - Math.min(...medians)) / middle
    const measured = {
      value: quantile(mine, 0.5),
      floor: quantile(floors.flat(), 0.5),
      p95: quantile(mine, slowEnd),
      samples: mine.length,
      spread,
    }
    if (best === undefined || spread < best.spread) best = measured
    if (spread <= MAX_SPREAD) break
  }
  if (!best) throw new RangeError('attempts must be at least 1')
  return best
}

const round = (value: number): number => Number(value.toPrecision(4))

/** A row from a measurement. A floor that stayed unsteady is said in the note. */
export function rowOf(
  name: string,
  unit: string,
  { value, floor, p95, samples, spread }: Measured,
  more: Pick<BenchRow, 'aim' | 'limit' | 'note'> = {},
): BenchRow {
  const unsteady = spread > MAX_SPREAD ? `floor spread ${Math.round(spread * 100)} %` : ''
  const note = [more.note, unsteady].filter(Boolean).join('; ')
  return {
    name,
    value: round(value),
    unit,
    floor: round(floor),
    ratio: round(value / floor),
    p95: round(p95),
    samples,
    ...(more.aim ? { aim: more.aim } : {}),
    ...(more.limit === undefined ? {} : { limit: more.limit }),
    ...(note ? { note } : {}),
  }
}

/** Milliseconds of processor time that this thread has used: what others on a busy machine take meanwhile does not count. */
export function threadMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}

/** Operations a second of `work`, sampled in slices of `sliceMs` for `totalMs` once it has run for `warmMs`, by `clock`: the wall's unless told. */
export function rates(
  work: () => void,
  {
    totalMs = 400,
    sliceMs = 40,
    warmMs = 200,
    clock = () => performance.now(),
  }: { readonly totalMs?: number; readonly sliceMs?: number; readonly warmMs?: number; readonly clock?: () => number } = {},
): number[] {
  const slice = (): number => {
    const started = clock()
    let count = 0
    let spent = 0
    do {
      for (let i = 0; i < 16; i++) work()
      count += 16
      spent = clock() - started
    } while (spent < sliceMs)
    return (count / spent) * 1000
  }
  for (const started = clock(); clock() - started < warmMs;) slice()
  return Array.from({ length: Math.max(1, Math.round(totalMs / sliceMs)) }, slice)
}

/** True when the row has no aim or meets it, and its limit too. */
export function meetsAim({ aim, limit, value, ratio }: BenchRow): boolean {
  if (limit !== undefined && value > limit) return false
  if (!aim || ratio === null) return true
  return 'atMost' in aim ? ratio <= aim.atMost : ratio >= aim.atLeast
}
