// `npm run bench -- [--json] [--only NAME[,NAME]]`: every figure beside its floor, measured in the same run. Each file of this folder that has
// `rows()` runs in a process of its own; the names of its rows start with its own name. The table goes to stderr; the last line of stdout
// is one JSON object, whose `ok` says that every row that was asked for has been measured. Whether a row meets its aim is in the row and in `missed`.

import { spawn } from 'node:child_process'
import { globSync } from 'node:fs'
import { basename } from 'node:path'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'
import { list, namedCommand, SEED } from '../named_command.ts'
import { type BenchModule, type BenchRow, meetsAim } from './row.ts'

/** Files here that hold no rows. */
const NOT_ROWS = /^(main|row|_.*|.*_test)\.ts$/

const nameOf = (path: string): string => basename(path, '.ts').replaceAll('_', '-')
const isWithin = (name: string, group: string): boolean => name === group || name.startsWith(`${group}-`)

/** What was asked for: the files to run, and the names that none of them can have. Without names, everything. */
export function chosen(files: readonly string[], only: readonly string[]): { paths: string[]; unknown: string[] } {
  const modules = files.filter((path) => !NOT_ROWS.test(basename(path))).sort()
  const holds = (path: string, name: string): boolean => isWithin(name, nameOf(path)) || isWithin(nameOf(path), name)
  return {
    paths: only.length === 0 ? modules : modules.filter((path) => only.some((name) => holds(path, name))),
    unknown: only.filter((name) => !modules.some((path) => holds(path, name))),
  }
}

/** True for a row that was asked for by its name or by the start of it: `match` and `match-1e5` both want `match-1e5-01`. */
export function wanted(row: string, only: readonly string[]): boolean {
  return only.length === 0 || only.some((name) => isWithin(row, name))
}

/** What was asked for. */
interface Asked {
  /** Rows, each by its name or the start of it; empty: all. */
  readonly only: readonly string[]
  readonly seed: number
}

/** Runs a file's rows in a process of their own; yields each that was asked for as it comes. */
async function* measure(path: string, { only, seed }: Asked): AsyncGenerator<BenchRow, void> {
  const args = ['--conditions=@haggle/source', '--expose-gc', import.meta.filename, '--module', path, String(seed), only.join(',')]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const closed = new Promise<number | null>((resolve) => child.once('close', resolve))
  for await (const line of createInterface({ input: child.stdout })) {
    const row = JSON.parse(line) as BenchRow
    if (wanted(row.name, only)) yield row
  }
  const code = await closed
  if (code !== 0) throw new Error(`ended with ${code ?? 'a signal'}`)
}

/** What such a process does: one line of JSON a row. */
async function runModule(path: string, { only, seed }: Asked): Promise<void> {
  const module = (await import(pathToFileURL(path).href)) as BenchModule
  const rows = module.rows({ wants: (name) => wanted(name, only), seed })
  for await (const row of rows instanceof Promise ? await rows : rows) process.stdout.write(`${JSON.stringify(row)}\n`)
}

const number = (value: number | null): string =>
  value === null ? '–' : value >= 1000 ? Math.round(value).toLocaleString('en') : String(Number(value.toPrecision(3)))

function aimOf({ aim, limit }: BenchRow): string {
  const ratio = aim ? ('atMost' in aim ? `≤ ${aim.atMost}` : `≥ ${aim.atLeast}`) : ''
  return limit === undefined ? ratio : `${ratio} ${number(limit)}`
}

function line(row: BenchRow): string {
  const cells = [
    row.name.padEnd(26),
    `${number(row.value)} ${row.unit}`.padStart(14),
    number(row.floor).padStart(10),
    number(row.ratio).padStart(8),
    aimOf(row).padStart(8),
  ]
  const { met } = judged(row)
  return `${cells.join('  ')} ${met === null ? ' ' : met ? '✓' : '✗'}  ${number(row.p95).padStart(9)}  ${String(row.samples).padStart(7)}  ${row.note ?? ''}`
}

/** A row with its verdict: null where nothing was aimed at. */
function judged(row: BenchRow): BenchRow & { readonly met: boolean | null } {
  return { ...row, met: row.aim === undefined && row.limit === undefined ? null : meetsAim(row) }
}

/** Measures all that is wanted, and shows each row when it is there. */
async function bench(asked: Asked) {
  const { paths, unknown } = chosen(globSync(`${import.meta.dirname}/*.ts`), asked.only)
  const rows: ReturnType<typeof judged>[] = []
  const errors: { module: string; message: string }[] = unknown.map((name) => ({ module: name, message: `There is no row "${name}"` }))
  console.error(
    ['name'.padEnd(26), 'value'.padStart(14), 'floor'.padStart(10), 'ratio'.padStart(8), 'aim'.padStart(8)].join('  '),
    '  ',
    'p95'.padStart(9),
    '',
    'samples'.padStart(7),
  )
  for (const path of paths) {
    try {
      let count = 0
      for await (const row of measure(path, asked)) {
        count += 1
        rows.push(judged(row))
        console.error(line(row))
      }
      if (count === 0) throw new Error('measured no row that was asked for')
    } catch (error) {
      errors.push({ module: nameOf(path), message: error instanceof Error ? error.message : String(error) })
    }
  }
  for (const { module, message } of errors) console.error(`${module}: ${message}`)
  const missed = rows.filter(({ met }) => met === false).map(({ name }) => name)
  if (missed.length > 0) console.error(`missed: ${missed.join(', ')}`)
  const ok = errors.length === 0 && rows.length > 0
  return { ok, rows, missed, errors }
}

if (import.meta.main) {
  const [child, path = '', seed, names = ''] = process.argv.slice(2)
  if (child === '--module') await runModule(path, { only: names.split(',').filter(Boolean), seed: Number(seed) })
  else {
    await namedCommand({
      name: 'bench',
      what: 'every figure beside its floor, measured in the same run',
      options: { only: list('rows to measure, each by its name or the start of it; all unless given'), seed: SEED },
      run: bench,
    })
  }
}
