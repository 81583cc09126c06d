// `node --conditions=@haggle/source e2e/sim/contract_main.ts --runs N --seed S [--workers W] [--json]`: two machines, every kind of bad luck.
// `--trace SEED` replays one run of it, line by line.

import { allTransitions, CONTRACT_MESSAGES } from '@haggle/contract'
import { namedCommand, SEED, whole } from '@haggle/tools/named-command'
import { availableParallelism } from 'node:os'
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

/** Replays one run, line by line. */
function replay(seed: number) {
  const { wrong, outcome, steps } = trace(seed, (line) => process.stderr.write(`${line}\n`))
  return { ok: wrong.length === 0, outcome, steps, wrong }
}

async function simulate({ runs, seed, workers }: { readonly runs: number; readonly seed: number; readonly workers: number }) {
  forgoStacks()
  const startedAt = performance.now()
  const done: number[] = []
  const visited = together(
    await Promise.all(
      shares({ runs, seed, workers }).map((share, at) =>
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
  for (const { seed: at, what } of visited.wrong) process.stderr.write(`seed ${at}: ${what}\n`)
  for (const { name, found, runs: after, what } of planted)
    process.stderr.write(`${found ? `found after ${after}` : 'NOT FOUND'}  ${name}  ${what ?? ''}\n`)
  return {
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
}

if (isMainThread) {
  await namedCommand({
    name: 'sim:contract',
    what: 'two machines of a contract under every kind of bad luck',
    options: {
      runs: whole('runs', 100_000, { most: 10_000_000 }),
      seed: SEED,
      workers: whole('threads', Math.min(4, availableParallelism()), { most: 256 }),
      trace: whole('replay only the run of this seed, line by line; 0: all of them', 0, { least: 0, most: Number.MAX_SAFE_INTEGER }),
    },
    run: async ({ trace: only, ...all }) => (only === 0 ? await simulate(all) : replay(only)),
  })
} else {
  forgoStacks()
  const { seed, count } = workerData as Share
  parentPort?.postMessage(explore({ seed, count, onProgress: (done) => parentPort?.postMessage(done) }))
}
