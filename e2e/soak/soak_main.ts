// `npm run soak -- --minutes M --nodes N --rate R --seed S --json`: a market of real processes trades for M minutes; what grows is told.

import { fraction, namedCommand, SEED, whole } from '@haggle/tools/named-command'
import { soak } from './soak.ts'

const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort(new Error(`stopped by ${signal}`)))

await namedCommand({
  name: 'soak',
  what: 'real nodes, each its own process, trade for a while; what grows is told',
  options: {
    minutes: fraction('how long they trade', 30, { least: 0.1, most: 10_080 }),
    nodes: whole('relays, providers and renters together', 20, { least: 3, most: 200 }),
    rate: fraction('demands a second, of all renters together', 1.5, { least: 0.01, most: 100 }),
    seed: SEED,
  },
  run: (values) => soak({ ...values, signal: stop.signal, onProgress: (line) => process.stderr.write(`${line}\n`) }),
})
