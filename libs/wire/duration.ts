// Durations between people and programs: `10m` on one side, milliseconds on the other.

import { HaggleError } from './errors.ts'

const UNITS: ReadonlyMap<string, number> = new Map([
  ['ms', 1],
  ['s', 1000],
  ['m', 60_000],
  ['min', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
])

/**
 * Milliseconds of a text such as `10m`, `1h30m`, `500ms` or `1.5 h`. Units: ms, s, m or min, h, d. Rounds to a whole millisecond.
 * Throws `E_DURATION` when it is none, has no unit, or names the same unit twice.
 *
 * @example
 * ```ts
 * import { formatDuration, parseDuration } from "@haggle/wire";
 * import { expect } from "vitest";
 *
 * expect(parseDuration("1h30m")).toBe(5_400_000);
 * expect(formatDuration(5_400_000)).toBe("1 h 30 m");
 * ```
 */
export function parseDuration(text: string): number {
  const wrong = (): HaggleError =>
    new HaggleError(
      'E_DURATION',
      `Cannot read the duration "${text.slice(0, 48)}": must be a number with a unit, such as 500ms, 30s, 10m or 1h30m`,
    )
  if (text.length > 64 || !/^\s*(?:[0-9]+(?:\.[0-9]+)?\s*[a-z]+\s*)+$/.test(text)) throw wrong()
  const seen = new Set<number>()
  let total = 0
  for (const [, number = '', unit = ''] of text.matchAll(/([0-9.]+)\s*([a-z]+)/g)) {
    const size = UNITS.get(unit)
    if (size === undefined || seen.has(size)) throw wrong()
    seen.add(size)
    total += Number(number) * size
  }
  const ms = Math.round(total)
  if (!Number.isSafeInteger(ms)) throw wrong()
  return ms
}

/** A duration as people read it: `38 ms`, `21.4 s`, `12 m 5 s`, `3 h 12 m`, `2 d 4 h`. Below a minute exact to a tenth of a second. */
export function formatDuration(ms: number): string {
  if (ms < 0) return `-${formatDuration(-ms)}`
  if (ms < 1000) return `${Math.round(ms)} ms`
  if (ms < 59_950) return `${Number((ms / 1000).toFixed(1))} s`
  const seconds = Math.round(ms / 1000)
  if (seconds < 3600) return pair(Math.floor(seconds / 60), 'm', seconds % 60, 's')
  const minutes = Math.round(seconds / 60)
  if (minutes < 1440) return pair(Math.floor(minutes / 60), 'h', minutes % 60, 'm')
  const hours = Math.round(minutes / 60)
  return pair(Math.floor(hours / 24), 'd', hours % 24, 'h')
}

function pair(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`
}
