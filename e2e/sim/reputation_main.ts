// `npm run sim:reputation -- --scenario sybil|whitewash --seed S --json`: what cheating does for a score.

import { namedCommand, SEED, text } from '@haggle/tools/named-command'
import { simulateSybil } from './reputation_sybil.ts'
import { simulateWhitewash } from './reputation_whitewash.ts'

const SCENARIOS = new Map<string, typeof simulateSybil | typeof simulateWhitewash>([
  ['sybil', simulateSybil],
  ['whitewash', simulateWhitewash],
])

await namedCommand({
  name: 'sim:reputation',
  what: 'strangers who want a better name than they have earned; none gets it',
  options: { scenario: text('what they try', 'sybil', [...SCENARIOS.keys()]), seed: SEED },
  run({ scenario, seed }) {
    const simulate = SCENARIOS.get(scenario) ?? simulateSybil
    return { scenario, seed, ...simulate({ seed, onProgress: (line) => void process.stderr.write(`${line}\n`) }) }
  },
})
