// `node --conditions=@haggle/source e2e/sim/contract_main.ts --runs N --seed S [--workers W] [--json]`: two machines, every kind of bad luck.
// `--trace SEED` replays one run of it, line by line.

import { allTransitions, CONTRACT_MESSAGES } from '@haggle/contract'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { allFaultPoints, allStates, explore, findPlanted, together, type Visited } from './contract/explore.ts'
import { trace } from './contract/trace.ts'

/** What one thread is to run. */
interface Share {
  readonly seed: number
  readonly count: number
}

function inThread(share: Share, onProgress: (done: number) => void): Promise<Visited> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: share })
    worker.on('message', (message: number | Visited) => (typeof message === 'number' ? onProgress(message) : resolve(message)))
    worker.on('error', reject)
  })
}

/** Seeds of different threads never meet. */
function shares(options: { readonly runs: number; readonly seed: number; readonly workers: number }): Share[] {
  const { runs, seed, workers } = options
  const each = Math.ceil(runs / workers)
  return Array.from({ length: workers }, (_, at) => ({
    seed: seed * 10_000_000 + at * each,
    count: Math.min(each, runs - at * each),
  })).filter(({ count }) => count > 0)
}

/** A refused command is an error, a dozen of them a run, and nobody reads where they were thrown: their stacks are a fifth of the work. */
function forgoStacks(): void {
  Error.stackTraceLimit = 0
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      runs: { type: 'string', default: '100000' },
      seed: { type: 'string', default: '1' },
      workers: { type: 'string', default: String(Math.min(4, availableParallelism())) },
      json: { type: 'boolean', default: false },
      trace: { type: 'string' },
    },
  })
  if (values.trace !== undefined) {
    const { wrong, outcome, steps } = trace(Number(values.trace), (line) => process.stderr.write(`${line}\n`))
    process.stdout.write(`${JSON.stringify({ ok: wrong.length === 0, outcome, steps, wrong })}\n`)
    return wrong.length === 0 ? 0 : 1
  }
  forgoStacks()
  const runs = Number(values.runs)
  const seed = Number(values.seed)
  const startedAt = performance.now()
  const done: number[] = []
  const visited = together(
    await Promise.all(
      shares({ runs, seed, workers: Number(values.workers) }).map((share, at) =>
        inThread(share, (count) => {
          done[at] = count
          process.stderr.write(`${done.reduce((sum, each) => sum + (each ?? 0), 0)} of ${runs} runs\r`)
        }),
      ),
    ),
  )
  const planted = findPlanted({ seed: seed * 10_000_000, count: Math.min(runs, 20_000) })
  const report = (
    wanted: readonly string[],
    got: Readonly<Record<string, unknown>>,
  ): { total: number; visited: number; missing: string[] } => {
    const missing = wanted.filter((key) => got[key] === undefined)
    return { total: wanted.length, visited: wanted.length - missing.length, missing }
  }
  const states = report(allStates(), visited.states)
  const transitions = report(allTransitions(), visited.transitions)
  const faultPoints = report(allFaultPoints(Object.keys(CONTRACT_MESSAGES)), visited.faultPoints)
  const meanEvents = Math.round((visited.steps / visited.runs) * 10) / 10
  const complete = [states, transitions, faultPoints].every(({ missing }) => missing.length === 0)
  const ok = visited.wrongRuns === 0 && complete && meanEvents >= 40 && planted.every(({ found }) => found)
  const result = {
    ok,
    runs,
    seed,
    seconds: Math.round((performance.now() - startedAt) / 100) / 10,
    meanEvents,
    states,
    transitions,
    faultPoints: { ...faultPoints, hits: visited.faultPoints },
    outcomes: visited.outcomes,
    planted,
    wrongRuns: visited.wrongRuns,
    wrong: visited.wrong,
  }
  for (const { seed: at, what } of visited.wrong) process.stderr.write(`seed ${at}: ${what}\n`)
  for (const { name, found, runs: after, what } of planted)
    process.stderr.write(`${found ? `found after ${after}` : 'NOT FOUND'}  ${name}  ${what ?? ''}\n`)
  process.stdout.write(values.json ? `${JSON.stringify(result)}\n` : `${JSON.stringify(result, undefined, 2)}\n`)
  return ok ? 0 : 1
}

if (isMainThread) {
  process.exitCode = await main()
} else {
  forgoStacks()
  const { seed, count } = workerData as Share
  parentPort?.postMessage(explore({ seed, count, onProgress: (done) => parentPort?.postMessage(done) }))
}
