// Sizes between people and programs: `24GiB` on one side, bytes on the other.

import { HaggleError } from './errors.ts'

const BINARY = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const
const UNITS: ReadonlyMap<string, number> = new Map<string, number>([
  ...BINARY.map((unit, power): [string, number] => [unit.toLowerCase(), 1024 ** power]),
  ...['b', 'kb', 'mb', 'gb', 'tb', 'pb'].map((unit, power): [string, number] => [unit, 1000 ** power]),
])

/**
 * Bytes of a text such as `24GiB`, `512 MiB`, `1.5GB` or `100B`. Binary units are powers of 1,024, decimal ones of 1,000; case does not matter.
 * Throws `E_SIZE` when it is none, has no unit, or is no whole number of bytes.
 *
 * @example
 * ```ts
 * import { formatSize, parseSize } from "@haggle/wire";
 * import { expect } from "vitest";
 *
 * expect(parseSize("24GiB")).toBe(24 * 1024 ** 3);
 * expect(formatSize(24 * 1024 ** 3)).toBe("24 GiB");
 * ```
 */
export function parseSize(text: string): number {
  const match = /^\s*([0-9]{1,16}(?:\.[0-9]{1,9})?)\s*([a-zA-Z]{1,3})\s*$/.exec(text)
  const unit = UNITS.get((match?.[2] ?? '').toLowerCase())
  const bytes = match && unit !== undefined ? Number(match[1]) * unit : Number.NaN
  if (!Number.isSafeInteger(bytes)) {
    throw new HaggleError('E_SIZE', `Cannot read the size "${text.slice(0, 48)}": must be a number with a unit, such as 512MiB or 24GiB`)
  }
  return bytes
}

/** A size as people read it, in binary units with at most one decimal: `512 B`, `1.5 KiB`, `24 GiB`. */
export function formatSize(bytes: number): string {
  let power = 0
  let value = bytes
  while (power < BINARY.length - 1 && Number(value.toFixed(1)) >= 1024) {
    value /= 1024
    power++
  }
  return `${Number(value.toFixed(1))} ${BINARY[power] as string}`
}
