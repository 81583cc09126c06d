// `npm run sim:court -- --seeds N --seed S --json`: up to f of n witnesses lie in every way; who is slashed, and who can be.

import { parseArgs } from 'node:util'
import { chances, explore, findPlanted } from './court/explore.ts'

/** Most runs that a planted fault gets to show itself in. */
const PLANTED_RUNS = 3_000

function main(): number {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', default: '10000' },
      seed: { type: 'string', default: '1' },
      json: { type: 'boolean', default: false },
    },
  })
  const seed = Number(values.seed)
  const seeds = Number(values.seeds)
  const startedAt = performance.now()
  const onProgress = (done: number): void => void process.stderr.write(`${done} of ${seeds} cases\r`)
  const { runs, counts, honestProvidersSlashed, wrongRuns, wrong } = explore({ seed: seed * 1_000_000, count: seeds, onProgress })
  process.stderr.write(`${runs} cases, ${wrongRuns} wrong; looking for planted faults\n`)
  const planted = findPlanted({ seed: seed * 1_000_000, count: PLANTED_RUNS })
  const result = {
    ok: wrongRuns === 0 && planted.every((one) => one.seed !== null) && counts.downSlashed > 0,
    seeds: runs,
    seed,
    honestProvidersSlashed,
    downSlots: counts.down,
    downSlashable: counts.downSlashed,
    counts,
    wrongRuns,
    wrong,
    planted,
    chances: chances(),
    seconds: Math.round((performance.now() - startedAt) / 1_000),
  }
  process.stdout.write(`${values.json ? JSON.stringify(result) : JSON.stringify(result, undefined, 2)}\n`)
  return result.ok ? 0 : 1
}

process.exitCode = main()
