// haggle devnet: a small market of its own on this machine, to try things and to develop against.

import { EXIT } from '../failure.ts'
import { JSON_FLAG, type Verb } from '../table.ts'

export const verb: Verb = {
  name: 'devnet',
  summary: 'run a relay, some providers and a chain with test money on this machine until Ctrl-C',
  flags: [
    { name: 'providers', kind: 'count', value: 'N', help: 'how many', fallback: '2' },
    { name: 'price', kind: 'amount', value: 'P', help: 'price of the first; each further one asks a quarter more', fallback: '0.004' },
    { name: 'free', kind: 'switch', help: 'credits only: start no chain' },
    { name: 'dir', kind: 'folder', value: 'DIR', help: 'keep homes here; a temporary folder when not given' },
    JSON_FLAG,
  ],
  notes: [
    'Everything listens on loopback only and is on a network of its own. Providers take credits and the test token at the same price, and anchor the ledgers of others; the renter’s home has a wallet with 100 of it. It prints what to type in another terminal. With --json the first line on stdout is one JSON object, once all is ready.',
  ],
  examples: ['haggle devnet', 'haggle devnet --providers 5 --dir /tmp/market'],
  async run(args) {
    const { runDevnet } = await import('../devnet.ts')
    await runDevnet(args)
    return EXIT.ok
  },
}
