// `npm test`: every check and every test of the project, each stage timed, and one closing line with the counts.
// `--all` (npm run ok) adds what a reviewer would also run; `--only a,b` runs just those stages; `--list` names them.

import { spawn } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { flag, list, optionsOfProcess } from './named_command.ts'
import type { Counts } from './count_reporter.ts'
import { UNIT_REPORT } from './nx_mod.ts'
import { loadWorkspace } from './workspace.ts'

/** One stage: commands that run one after another, and the reports that its tests leave. */
interface Stage {
  readonly name: string
  readonly what: string
  readonly commands: readonly (readonly string[])[]
  /** Files with {@link Counts}. A stage without any counts as one check. */
  readonly reports?: readonly string[]
  /** Only with `--all`. */
  readonly extra?: boolean
  /** When it runs: `first`, two at a time; `side`, all side by side after those, because their tests wait most of the time; `alone`, since real processes measure time. */
  readonly turn: 'first' | 'side' | 'alone'
  /** Its tests are an Nx run, whose cache is worth a word. */
  readonly cached?: boolean
}

interface Outcome {
  readonly stage: Stage
  readonly ok: boolean
  readonly seconds: number
  readonly output: string
  readonly counts: Counts
}

const root = `${import.meta.dirname}/..`
/** A stage that hangs is killed. Far above what any takes, so that a busy machine is only slow. */
const STAGE_LIMIT_MS = 15 * 60_000
/** The whole run should fit in this on two cores that have nothing else to do. */
const BUDGET_S = 480
/** A run above the budget names this many of its slowest tests. */
const SLOWEST_SHOWN = 20

const bin = (name: string): string => `${root}/node_modules/.bin/${name}`
const script = (path: string, ...args: string[]): string[] => [process.execPath, '--conditions=@haggle/source', `${root}/${path}`, ...args]

/** Runs one command to its end; output is kept, not shown, so that stages may run side by side. */
function execute(command: readonly string[], env: Readonly<Record<string, string>>): Promise<{ code: number; output: string }> {
  const [file = '', ...args] = command
  return new Promise((resolve) => {
    const chunks: string[] = []
    const child = spawn(file, args, {
      cwd: root,
      env: { ...withoutColour(process.env), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    })
    const kill = (): void => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
      } catch {
        // the group is gone already
      }
    }
    const timer = setTimeout(() => {
      chunks.push(`\nkilled after ${STAGE_LIMIT_MS / 1000} s\n`)
      kill()
    }, STAGE_LIMIT_MS)
    const stop = (): void => {
      kill()
      process.exit(130)
    }
    process.once('SIGINT', stop)
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (chunk: string) => chunks.push(chunk))
    child.on('error', (error) => chunks.push(`${error.message}\n`))
    child.on('close', (code) => {
      clearTimeout(timer)
      process.off('SIGINT', stop)
      resolve({ code: code ?? 1, output: chunks.join('') })
    })
  })
}

/** Node warns when both NO_COLOR and FORCE_COLOR are there, and Nx sets the second for its tasks. */
const withoutColour = ({ NO_COLOR: _, ...env }: NodeJS.ProcessEnv): NodeJS.ProcessEnv => env

/** Of what Nx printed, only the tasks that failed. */
function failedTasks(output: string): string {
  const tasks = output.split(/^(?=> nx run )/m)
  const failed = new Set([...output.matchAll(/^- (\S+:test)$/gm)].map((match) => match[1]))
  return tasks.filter((task) => failed.has(/^> nx run (\S+)/.exec(task)?.[1])).join('') || output
}

function allStages(): Stage[] {
  const nx = (projects: readonly string[], parallel: number): string[] => [
    bin('nx'),
    'run-many',
    '--target=test',
    `--projects=${projects.join(',')}`,
    `--parallel=${parallel}`,
    '--outputStyle=static',
    '--nxBail=false',
  ]
  const packages = loadWorkspace(root).packages
  const named = (pattern: RegExp): string[] => packages.filter(({ dir }) => pattern.test(dir)).map(({ manifest }) => manifest.name)
  const reports = (pattern: RegExp): string[] => packages.filter(({ dir }) => pattern.test(dir)).map(({ dir }) => `${dir}/out/test.json`)
  // The longest by far, and Nx would begin it last.
  const command = /^apps\/haggle$/
  return [
    {
      name: 'layers',
      what: 'imports go down, browsers reach no Node, dependencies are declared',
      commands: [script('tools/check_layers.ts')],
      turn: 'first',
    },
    {
      name: 'shape',
      what: 'every library has its doc, README, exports and tests',
      commands: [script('tools/check_shape.ts')],
      turn: 'first',
    },
    { name: 'lint', what: 'oxlint', commands: [[bin('oxlint'), '--quiet']], turn: 'first' },
    {
      name: 'format',
      what: 'oxfmt',
      commands: [[bin('oxfmt'), '--check', '--no-error-on-unmatched-pattern', '**/*.{ts,mjs,js}']],
      turn: 'first',
    },
    {
      name: 'types',
      what: 'tsc, sources and tests',
      commands: [
        [bin('tsc'), '-b'],
        [bin('tsc'), '-p', 'tsconfig.tests.json'],
      ],
      turn: 'first',
    },
    {
      name: 'deno',
      what: 'deno check and deno doc --lint of the browser-safe libraries',
      commands: [script('tools/check_deno.ts')],
      turn: 'first',
    },
    {
      name: 'vectors',
      what: 'golden vectors are what the code makes',
      commands: [script('tools/vectors/main.ts', '--check')],
      turn: 'first',
    },
    {
      name: 'docs',
      what: 'examples in doc comments and READMEs',
      commands: [[bin('vitest'), 'run', '--config', 'vitest.docs.ts']],
      reports: ['out/docs.json'],
      turn: 'first',
    },
    {
      name: 'command',
      what: 'unit tests of the command and its agent',
      commands: [nx(named(command), 1)],
      reports: reports(command),
      turn: 'side',
      cached: true,
    },
    {
      name: 'unit',
      what: 'unit and property tests of everything else',
      commands: [[bin('nx'), 'run', '@haggle/root:unit', '--outputStyle=static']],
      reports: [UNIT_REPORT],
      turn: 'side',
      cached: true,
    },
    { name: 'e2e', what: 'real processes', commands: [nx(named(/^e2e$/), 1)], reports: reports(/^e2e$/), turn: 'alone' },
    { name: 'unused', what: 'knip: unused files, exports and dependencies', commands: [[bin('knip')]], extra: true, turn: 'first' },
    {
      name: 'pack',
      what: 'publint: every library as it would be published',
      commands: packages.filter(({ dir }) => dir.startsWith('libs/')).map(({ dir }) => [bin('publint'), dir, '--strict']),
      extra: true,
      turn: 'first',
    },
  ]
}

/** Adds up the reports of a stage. A stage whose tests left no report failed as a whole. */
function countsOf(stage: Stage, ok: boolean): Counts {
  if (!stage.reports) return { passed: ok ? 1 : 0, failed: ok ? [] : [{ name: stage.name, message: stage.what }], skipped: [], slowest: [] }
  const all = stage.reports
    .filter((path) => existsSync(`${root}/${path}`))
    .map((path) => JSON.parse(readFileSync(`${root}/${path}`, 'utf8')) as Counts)
  const failed = all.flatMap((one) => one.failed)
  return {
    passed: all.reduce((sum, one) => sum + one.passed, 0),
    failed: !ok && failed.length === 0 ? [{ name: stage.name, message: 'ended with an error outside of its tests' }] : failed,
    skipped: all.flatMap((one) => one.skipped),
    slowest: all.flatMap((one) => one.slowest),
  }
}

async function runStage(stage: Stage): Promise<Outcome> {
  for (const path of stage.reports ?? []) rmSync(`${root}/${path}`, { force: true })
  const started = performance.now()
  const outputs: string[] = []
  let ok = true
  for (const command of stage.commands) {
    const PATH = `${root}/node_modules/.bin:${process.env['PATH'] ?? ''}`
    const env = {
      PATH,
      NX_DAEMON: 'false',
      NX_TUI: 'false',
      FORCE_COLOR: '0',
      ...(stage.name === 'docs' ? { HAGGLE_TEST_REPORT: 'out/docs.json' } : {}),
    }
    const { code, output } = await execute(command, env)
    if (code !== 0) ok = false
    if (code !== 0 || stage.cached) outputs.push(output)
  }
  return { stage, ok, seconds: (performance.now() - started) / 1000, output: outputs.join(''), counts: countsOf(stage, ok) }
}

const plural = (count: number, word: string): string => `${count} ${word}${count === 1 ? '' : 's'}`

function report({ stage, ok, seconds, output, counts }: Outcome): void {
  const cached = stage.cached ? /Cache:\s+(\d+)\/(\d+) hit/.exec(output) : null
  const tests = stage.reports ? plural(counts.passed + counts.failed.length + counts.skipped.length, 'test') : ''
  const note = [tests, cached ? `${cached[1]} of ${cached[2]} projects unchanged since they passed` : ''].filter(Boolean).join(', ')
  console.log(
    `${ok ? 'ok  ' : 'FAIL'} ${stage.name.padEnd(8)} ${seconds.toFixed(1).padStart(6)} s  ${stage.what}${note ? `  (${note})` : ''}`,
  )
  if (!ok) console.log((stage.reports ? failedTasks(output) : output).replace(/^(?=.)/gm, '     '))
}

async function main(every: readonly Stage[], { all, only }: { readonly all: boolean; readonly only: readonly string[] }): Promise<number> {
  const stages = every.filter((stage) => (only.length > 0 ? only.includes(stage.name) : all || stage.extra !== true))
  const started = performance.now()
  const outcomes: Outcome[] = []
  const inLanes = async (waiting: Stage[], lanes: number): Promise<void> => {
    const lane = async (): Promise<void> => {
      for (let stage = waiting.shift(); stage; stage = waiting.shift()) {
        const outcome = await runStage(stage)
        outcomes.push(outcome)
        report(outcome)
      }
    }
    await Promise.all(Array.from({ length: lanes }, lane))
  }
  const of = (turn: Stage['turn']): Stage[] => stages.filter((stage) => stage.turn === turn)
  await inLanes(of('first'), Math.min(2, availableParallelism()))
  await inLanes(of('side'), of('side').length)
  await inLanes(of('alone'), 1)
  const failed = outcomes.flatMap(({ counts }) => counts.failed)
  const skipped = outcomes.flatMap(({ counts }) => counts.skipped)
  const passed = outcomes.reduce((sum, { counts }) => sum + counts.passed, 0)
  console.log('')
  for (const { name, message } of failed) console.log(`failed   ${name}: ${message}`)
  for (const { name, reason } of skipped) console.log(`skipped  ${name}: ${reason}`)
  const seconds = Math.round((performance.now() - started) / 1000)
  if (seconds > BUDGET_S) {
    const slowest = outcomes.flatMap(({ counts }) => counts.slowest).sort((a, b) => b.ms - a.ms)
    for (const { name, ms } of slowest.slice(0, SLOWEST_SHOWN)) console.log(`slow     ${(ms / 1000).toFixed(1)} s ${name}`)
  }
  console.log(`${seconds} s in all${seconds > BUDGET_S ? `, over the budget of ${BUDGET_S} s` : ''}`)
  console.log(`${passed} passed, ${failed.length} failed, ${skipped.length} skipped`)
  return failed.length > 0 || outcomes.some(({ ok }) => !ok) ? 1 : 0
}

const every = allStages()
const asked = optionsOfProcess({
  name: 'test',
  what: 'every check of this repository, in stages',
  options: {
    all: flag('also the stages that take long'),
    only: list(
      'stages to run',
      every.map(({ name }) => name),
    ),
    list: flag('only say which stages there are'),
  },
})
if (asked?.list === true) for (const { name, what } of every) console.log(`${name.padEnd(8)} ${what}`)
else if (asked !== null) process.exitCode = await main(every, asked)
