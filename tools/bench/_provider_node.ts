// A provider of the market as a process of its own, with what a benchmark needs said on its command line.
// Usage: _provider_node.ts HOME NETWORK SLOTS FRIEND|- [BOOTSTRAP]

import { mkdirSync } from 'node:fs'
import { startLauncher } from '@haggle/runners'

const [home = '', network = '', slots = '1', friend = '-', bootstrap = ''] = process.argv.slice(2)
mkdirSync(home, { recursive: true, mode: 0o700 })
const launcher = await startLauncher({ home, deno: `${import.meta.dirname}/../../node_modules/.bin/deno` })
const { joinMarket } = await import('@haggle/market')
const market = await joinMarket({
  home,
  network,
  launcher,
  listen: ['/ip4/127.0.0.1/tcp/0'],
  mdns: false,
  ...(bootstrap === '' ? {} : { bootstrap: [bootstrap] }),
})
await market.provide({ price: '0.01', slots: Number(slots), ...(friend === '-' ? { for: 'anyone' } : { for: 'friends', allow: [friend] }) })
process.stdout.write(
  `${JSON.stringify({ address: market.addresses()[0], peerId: market.peerId, pid: process.pid, launcher: launcher.pid })}\n`,
)
const leave = (): void =>
  void market
    .close()
    .then(() => launcher.shutdown())
    .then(() => process.exit(0))
process.once('SIGTERM', leave)
// The benchmark holds our stdin open: when it is gone, so are we.
process.stdin.resume().once('end', leave)
