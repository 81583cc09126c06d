// A renter in a fresh process with one bootstrap address: joins, finds, rents, prints the milliseconds to its first output.
// Usage: _cold_renter_node.ts NETWORK BOOTSTRAP

import { joinMarket } from '@haggle/market'

const started = performance.now()
const [network = '', bootstrap = ''] = process.argv.slice(2)
const market = await joinMarket({ network, bootstrap: [bootstrap], listen: [] })
const job = await market.run({ command: ['echo', 'x'] })
for await (const _ of job.stdout) break
const firstMs = performance.now() - started
await job.done
process.stdout.write(`${JSON.stringify({ firstMs })}\n`)
await market.close()
process.exit(0)
