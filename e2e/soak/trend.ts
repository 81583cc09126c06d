// What a series of measurements says about the long run: its slope, and how sure of it one may be. Pure.

/** One measurement: a time in hours, and a figure. */
export interface Point {
  readonly hours: number
  readonly value: number
}

/** A straight line through a series, in units per hour. */
export interface Trend {
  readonly perHour: number
  /** The 95 % interval of `perHour`. */
  readonly low: number
  readonly high: number
  readonly mean: number
  /** Hours from the first to the last point. */
  readonly hours: number
  /** Measurements that it rests on. */
  readonly points: number
}

/** What a trend is held to. `unclear`: the series is too short for an interval. */
export type Verdict = 'flat' | 'grows' | 'unclear'

/**
 * Neighbouring measurements of one process are alike, and a line through all of them would be surer of itself than it may be. So the series is cut into
 * this many blocks of equal time, and the line goes through their means, which are as good as independent.
 */
export const BLOCKS = 20
/** Student's t at 97.5 % with `BLOCKS - 2` degrees of freedom. */
const T_975 = 2.101

/** The part of a series that is judged: from a third of its time on. What comes before is start and warming up. */
export function settled(points: readonly Point[], part: number = 1 / 3): readonly Point[] {
  const [first, last] = [points[0]?.hours ?? 0, points.at(-1)?.hours ?? 0]
  return points.filter(({ hours }) => hours >= first + (last - first) * part)
}

/** The trend of a series; null when it has fewer than two measurements for each of its blocks. */
export function trendOf(points: readonly Point[]): Trend | null {
  const means = blockMeans(points)
  if (means.length < BLOCKS) return null
  const mean = average(means.map(({ value }) => value))
  const middle = average(means.map(({ hours }) => hours))
  const spread = means.reduce((sum, { hours }) => sum + (hours - middle) ** 2, 0)
  const perHour = means.reduce((sum, { hours, value }) => sum + (hours - middle) * (value - mean), 0) / spread
  const residual = means.reduce((sum, { hours, value }) => sum + (value - mean - perHour * (hours - middle)) ** 2, 0)
  const half = T_975 * Math.sqrt(residual / (BLOCKS - 2) / spread)
  const hours = (points.at(-1)?.hours ?? 0) - (points[0]?.hours ?? 0)
  return { perHour, low: perHour - half, high: perHour + half, mean, hours, points: points.length }
}

/** Flat when no growth is in evidence, or when what is in evidence is surely below `mostPerHour`. Shrinking is flat. */
export function judge(trend: Trend | null, mostPerHour: number): Verdict {
  if (trend === null) return 'unclear'
  return trend.low <= 0 || trend.high < mostPerHour ? 'flat' : 'grows'
}

/** Several series of the same moments as one: the mean of each moment. Noise of single processes goes, what they have in common stays. */
export function meanSeries(series: readonly (readonly Point[])[]): readonly Point[] {
  const length = Math.min(...series.map((one) => one.length))
  if (!Number.isFinite(length)) return []
  return Array.from({ length }, (_, at) => ({
    hours: series[0]?.[at]?.hours ?? 0,
    value: average(series.map((one) => one[at]?.value ?? 0)),
  }))
}

/** The value below which `share` of all lie; NaN of nothing. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

function blockMeans(points: readonly Point[]): Point[] {
  const first = points[0]?.hours ?? 0
  const width = ((points.at(-1)?.hours ?? 0) - first) / BLOCKS
  const blocks = Array.from({ length: BLOCKS }, (): Point[] => [])
  for (const point of points) blocks[Math.min(BLOCKS - 1, Math.floor((point.hours - first) / width))]?.push(point)
  if (blocks.some((block) => block.length < 2)) return []
  return blocks.map((block) => ({ hours: average(block.map(({ hours }) => hours)), value: average(block.map(({ value }) => value)) }))
}

function average(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
