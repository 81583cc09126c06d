// Types of values in expressions, their units, and numbers in and out of text.

/**
 * Type of a property. Numbers are integers in a base unit: `count` things, `size` bytes, `rate` bits a second, `speed` bytes a second, `flops`
 * 10^6 operations a second, `duration` ms, `money` and `ratio` millionths, `cores` thousandths, `version` see {@link versionNumber}. `string`
 * compares with ASCII case folded, `region` besides that by prefix, `key` is 64 hex digits, `strings` holds several.
 */
export type ValueType = NumericType | 'string' | 'region' | 'key' | 'boolean' | 'strings'

/** The types whose values are integers. */
export type NumericType = 'count' | 'size' | 'rate' | 'speed' | 'flops' | 'duration' | 'money' | 'ratio' | 'cores' | 'version'

/** Units of a type as [name, base units], in the order in which a printer tries them. */
export type UnitTable = readonly (readonly [name: string, factor: number])[]

const K = 1024

/** Units of the types that have them. A number of such a type needs one, except 0. */
export const UNITS: Readonly<Partial<Record<ValueType, UnitTable>>> = {
  size: [
    ['TiB', K ** 4],
    ['GiB', K ** 3],
    ['TB', 1e12],
    ['GB', 1e9],
    ['MiB', K ** 2],
    ['MB', 1e6],
    ['KiB', K],
    ['kB', 1e3],
    ['B', 1],
  ],
  rate: [
    ['Tbps', 1e12],
    ['Gbps', 1e9],
    ['Mbps', 1e6],
    ['kbps', 1e3],
    ['bps', 1],
  ],
  speed: [
    ['TB/s', 1e12],
    ['GB/s', 1e9],
    ['MB/s', 1e6],
    ['kB/s', 1e3],
    ['B/s', 1],
  ],
  flops: [
    ['PFLOPS', 1e9],
    ['TFLOPS', 1e6],
    ['GFLOPS', 1e3],
    ['MFLOPS', 1],
  ],
  duration: [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1_000],
    ['ms', 1],
  ],
}

/** Decimals of the types that are written as plain decimals. */
export const DECIMALS: Readonly<Partial<Record<ValueType, number>>> = { count: 0, money: 6, ratio: 6, cores: 3 }

/** True for the types whose values are integers. */
export function isNumeric(type: ValueType): type is NumericType {
  return type !== 'string' && type !== 'region' && type !== 'key' && type !== 'boolean' && type !== 'strings'
}

/**
 * `text` (digits with at most one point) times `factor`, exactly; undefined when that is no integer or above 2^53 - 1.
 */
export function scaleDecimal(text: string, factor: number): number | undefined {
  const match = /^([0-9]{1,20})(?:\.([0-9]{1,20}))?$/.exec(text)
  if (match === null) return undefined
  const fraction = match[2] ?? ''
  const scaled = BigInt(`${match[1]}${fraction}`) * BigInt(factor)
  const divisor = 10n ** BigInt(fraction.length)
  if (scaled % divisor !== 0n) return undefined
  const value = scaled / divisor
  return value > BigInt(Number.MAX_SAFE_INTEGER) ? undefined : Number(value)
}

/** `value` with `decimals` implied ones as the shortest decimal: 400000 with 6 is `0.4`. */
export function formatDecimal(value: number, decimals: number): string {
  if (decimals === 0) return String(value)
  const digits = String(value).padStart(decimals + 1, '0')
  const fraction = digits.slice(-decimals).replace(/0+$/, '')
  return fraction === '' ? digits.slice(0, -decimals) : `${digits.slice(0, -decimals)}.${fraction}`
}

const VERSION_BITS = [12, 13, 14, 14] as const

/**
 * A dotted version as one integer that sorts as versions do: four parts of 12, 13, 14 and 14 bits, missing ones 0. Only the leading digits and points
 * are read; undefined when there are none, more than four, or one too large.
 *
 * @example
 * ```ts
 * import { versionNumber } from "@haggle/offer";
 * import { expect } from "vitest";
 *
 * expect(versionNumber("12.10")).toBeGreaterThan(versionNumber("12.4")!);
 * expect(versionNumber("12")).toBe(versionNumber("12.0.0"));
 * ```
 */
export function versionNumber(text: string): number | undefined {
  const match = /^[0-9]{1,6}(\.[0-9]{1,6})*/.exec(text)
  if (match === null) return undefined
  const parts = match[0].split('.').map(Number)
  if (parts.length > VERSION_BITS.length) return undefined
  let value = 0
  for (const [at, bits] of VERSION_BITS.entries()) {
    const part = parts[at] ?? 0
    if (part >= 2 ** bits) return undefined
    value = value * 2 ** bits + part
  }
  return value
}

/** The dotted form of {@link versionNumber}, without trailing zero parts but with two at least. */
export function formatVersion(value: number): string {
  const parts: number[] = []
  let rest = value
  for (const bits of VERSION_BITS.toReversed()) {
    parts.unshift(rest % 2 ** bits)
    rest = Math.floor(rest / 2 ** bits)
  }
  while (parts.length > 2 && parts.at(-1) === 0) parts.pop()
  return parts.join('.')
}

/** A number of `type` as the canonical text: the first unit of the table that divides it, or a decimal. */
export function formatNumber(value: number, type: ValueType): string {
  if (type === 'version') return formatVersion(value)
  const units = UNITS[type]
  if (units === undefined) return formatDecimal(value, DECIMALS[type] ?? 0)
  if (value === 0) return '0'
  const [name, factor] = units.find(([, f]) => value % f === 0) ?? ['', 1]
  return `${value / factor}${name}`
}
