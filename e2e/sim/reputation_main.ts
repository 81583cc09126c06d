// `npm run sim:reputation -- --scenario sybil|whitewash --seed S --json`: what cheating does for a score.

import { parseArgs } from 'node:util'
import { simulateSybil } from './reputation_sybil.ts'
import { simulateWhitewash } from './reputation_whitewash.ts'

const { values } = parseArgs({
  options: {
    scenario: { type: 'string', default: 'sybil' },
    seed: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
  },
})
const { scenario } = values
const seed = Number(values.seed)
const onProgress = (line: string): void => void process.stderr.write(`${line}\n`)
const simulate = new Map<string, typeof simulateSybil | typeof simulateWhitewash>([
  ['sybil', simulateSybil],
  ['whitewash', simulateWhitewash],
]).get(scenario)
if (simulate === undefined) {
  process.stderr.write(`haggle: there is no scenario "${scenario}": must be sybil or whitewash (E_USAGE)\n`)
  process.exitCode = 2
} else {
  const result = { scenario, seed, ...simulate({ seed, onProgress }) }
  process.stdout.write(values.json ? `${JSON.stringify(result)}\n` : `${JSON.stringify(result, undefined, 2)}\n`)
  process.exitCode = result.ok ? 0 : 1
}
