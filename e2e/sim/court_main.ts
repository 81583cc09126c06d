// `npm run sim:court -- --seeds N --seed S --json`: up to f of n witnesses lie in every way; who is slashed, and who can be.

import { namedCommand, SEED, whole } from '@haggle/tools/named-command'
import { chances, explore, findPlanted } from './court/explore.ts'

/** Most runs that a planted fault gets to show itself in. */
const PLANTED_RUNS = 3_000

function simulate({ seeds, seed }: { readonly seeds: number; readonly seed: number }) {
  const startedAt = performance.now()
  const onProgress = (done: number): void => void process.stderr.write(`${done} of ${seeds} cases\r`)
  const { runs, counts, honestProvidersSlashed, wrongRuns, wrong } = explore({ seed: seed * 1_000_000, count: seeds, onProgress })
  process.stderr.write(`${runs} cases, ${wrongRuns} wrong; looking for planted faults\n`)
  const planted = findPlanted({ seed: seed * 1_000_000, count: PLANTED_RUNS })
  return {
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
}

await namedCommand({
  name: 'sim:court',
  what: 'providers, renters, witnesses and relays of every kind in one court; no honest provider is slashed',
  options: { seeds: whole('cases', 10_000, { most: 10_000_000 }), seed: SEED },
  run: simulate,
})
