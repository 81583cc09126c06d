// Reads what forge writes of coverage: the lcov format, of which only files, lines, functions and branches matter here.

/** Of one kind of place: how many there are, how many were reached, and the lines of the others. */
export interface Reached {
  readonly all: number
  readonly hit: number
  /** Line numbers, from 1. */
  readonly missed: readonly number[]
}

/** Coverage of one file. */
export interface FileCoverage {
  readonly file: string
  readonly branches: Reached
  readonly lines: Reached
  readonly functions: Reached
}

/**
 * Parses an lcov file.
 *
 * @example
 * ```ts no-run
 * const [file] = readLcov(readFileSync('lcov.info', 'utf8'))
 * ```
 */
export function readLcov(text: string): FileCoverage[] {
  return text
    .split('end_of_record')
    .filter((record) => record.includes('SF:'))
    .map((record) => {
      const rows = record
        .trim()
        .split('\n')
        .map((row) => [row.slice(0, row.indexOf(':')), row.slice(row.indexOf(':') + 1)] as const)
      const of = (kind: string): string[] => rows.filter(([name]) => name === kind).map(([, value]) => value)
      const starts = new Map(of('FN').map((row) => [row.slice(row.indexOf(',') + 1), Number.parseInt(row, 10)]))
      return {
        file: of('SF')[0] ?? '',
        branches: reached(of('BRDA').map((row) => ({ line: Number.parseInt(row, 10), count: row.split(',').at(-1) ?? '' }))),
        lines: reached(of('DA').map((row) => ({ line: Number.parseInt(row, 10), count: row.split(',').at(-1) ?? '' }))),
        functions: reached(
          of('FNDA').map((row) => ({ line: starts.get(row.slice(row.indexOf(',') + 1)) ?? 0, count: row.split(',')[0] ?? '' })),
        ),
      }
    })
}

/** A branch that was never evaluated has `-` for its count. */
function reached(places: readonly { readonly line: number; readonly count: string }[]): Reached {
  const missed = places.filter(({ count }) => count === '-' || count === '0').map(({ line }) => line)
  return { all: places.length, hit: places.length - missed.length, missed }
}
