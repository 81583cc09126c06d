// A provider that takes credits and tokens, as a process of its own.
// Usage: _paid_provider_node.ts HOME NETWORK ACCOUNT, the account as JSON (see _paid_rail.ts)

import { mkdirSync } from 'node:fs'
import { startLauncher } from '@haggle/runners'
import { type PaidAccount, paidRail } from './_paid_rail.ts'

const [home = '', network = '', account = '{}'] = process.argv.slice(2)
mkdirSync(home, { recursive: true, mode: 0o700 })
const launcher = await startLauncher({ home, deno: `${import.meta.dirname}/../../node_modules/.bin/deno` })
const { joinMarket } = await import('@haggle/market')
const rails = [paidRail(JSON.parse(account) as PaidAccount)]
const market = await joinMarket({ home, network, launcher, rails, listen: ['/ip4/127.0.0.1/tcp/0'], mdns: false })
await market.provide({ price: '0.01', slots: 2, also: [{ rail: 'free', price: '0.01' }] })
process.stdout.write(`${JSON.stringify({ address: market.addresses()[0] })}\n`)
process.once('SIGTERM', () => {
  void market
    .close()
    .then(() => launcher.shutdown())
    .then(() => process.exit(0))
})
