// `npm run bench -- [--json] [--only NAME]`: every figure beside its floor, measured in the same run. Each file of this folder that has
// `rows()` runs in a process of its own. The table goes to stderr; with --json the last line of stdout is one JSON object.

import { spawn } from 'node:child_process'
import { globSync } from 'node:fs'
import { basename } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { type BenchModule, type BenchRow, meetsAim } from './row.ts'

/** Files here that hold no rows. */
const NOT_ROWS = /^(main|row|_.*|.*_test)\.ts$/

const nameOf = (path: string): string => basename(path, '.ts').replaceAll('_', '-')

/** Modules that may hold a row called `only`: `match` and `match-1e5` both are in match.ts. */
export function chosen(files: readonly string[], only: string | undefined): string[] {
  const modules = files.filter((path) => !NOT_ROWS.test(basename(path))).sort()
  if (only === undefined) return modules
  const named = modules.filter((path) => only === nameOf(path) || only.startsWith(`${nameOf(path)}-`))
  return named.length > 0 ? named : modules
}

async function measure(path: string): Promise<BenchRow[]> {
  const child = spawn(process.execPath, ['--conditions=@haggle/source', '--expose-gc', import.meta.filename, '--module', path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  if (code !== 0) throw new Error(`${nameOf(path)} ended with ${code ?? 'a signal'}`)
  return JSON.parse(text.trim().split('\n').at(-1) ?? '') as BenchRow[]
}

const number = (value: number | null): string =>
  value === null ? '–' : value >= 1000 ? Math.round(value).toLocaleString('en') : String(Number(value.toPrecision(3)))

function line(row: BenchRow): string {
  const aim = row.aim ? ('atMost' in row.aim ? `≤ ${row.aim.atMost}` : `≥ ${row.aim.atLeast}`) : ''
  const cells = [
    row.name.padEnd(26),
    `${number(row.value)} ${row.unit}`.padStart(14),
    number(row.floor).padStart(10),
    number(row.ratio).padStart(8),
    aim.padStart(7),
  ]
  return `${cells.join('  ')} ${row.aim ? (meetsAim(row) ? '✓' : '✗') : ' '}  ${number(row.p95).padStart(9)}  ${String(row.samples).padStart(7)}  ${row.note ?? ''}`
}

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { json: { type: 'boolean' }, only: { type: 'string' }, module: { type: 'string' } } })
  if (values.module !== undefined) {
    const module = (await import(pathToFileURL(values.module).href)) as BenchModule
    process.stdout.write(`${JSON.stringify(await module.rows())}\n`)
    return 0
  }
  const rows: BenchRow[] = []
  const errors: { module: string; message: string }[] = []
  console.error(
    ['name'.padEnd(26), 'value'.padStart(14), 'floor'.padStart(10), 'ratio'.padStart(8), 'aim'.padStart(7)].join('  '),
    '  ',
    'p95'.padStart(9),
    '',
    'samples'.padStart(7),
  )
  for (const path of chosen(globSync(`${import.meta.dirname}/*.ts`), values.only)) {
    try {
      for (const row of await measure(path)) {
        if (values.only !== undefined && row.name !== values.only && !row.name.startsWith(`${values.only}-`)) continue
        rows.push(row)
        console.error(line(row))
      }
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      errors.push({ module: nameOf(path), message })
      console.error(`${nameOf(path)}: ${message}`)
    }
  }
  const missed = rows.filter((row) => !meetsAim(row)).map(({ name }) => name)
  const ok = errors.length === 0 && rows.length > 0 && missed.length === 0
  if (missed.length > 0) console.error(`missed: ${missed.join(', ')}`)
  if (values.json) process.stdout.write(`${JSON.stringify({ ok, rows, missed, errors })}\n`)
  return ok ? 0 : 1
}

if (import.meta.main) process.exitCode = await main()
