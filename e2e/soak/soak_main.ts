// `npm run soak -- --minutes M --nodes N --rate R --seed S --json`: a market of real processes trades for M minutes; what grows is told.

import { parseArgs } from 'node:util'
import { soak } from './soak.ts'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    nodes: { type: 'string', default: '20' },
    rate: { type: 'string', default: '1.5' },
    seed: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
  },
})
const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort(new Error(`stopped by ${signal}`)))
const result = await soak({
  minutes: Number(values.minutes),
  nodes: Number(values.nodes),
  rate: Number(values.rate),
  seed: Number(values.seed),
  signal: stop.signal,
  onProgress: (line) => process.stderr.write(`${line}\n`),
})
process.stdout.write(values.json ? `${JSON.stringify(result)}\n` : `${JSON.stringify(result, undefined, 2)}\n`)
process.exitCode = result.ok ? 0 : 1
