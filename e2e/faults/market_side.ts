// One side as its owner runs it: a market node with its home, libp2p on loopback, LevelDB, and for a provider the launcher of jobs.

import { mkdirSync } from 'node:fs'
import { joinMarket, type Providing } from '@haggle/market'
import { TEST_MACHINE } from '@haggle/market/testing'
import { startLauncher } from '@haggle/runners'
import { faultHook, listen, readOptions, say } from './side.ts'

const ENDS = new Set(['settled', 'disputed', 'rejected', 'expired', 'cancelled', 'failed'])

async function main(): Promise<void> {
  const options = readOptions()
  const { role, home, network, script, mark } = options
  const hook = faultHook(options.fault)
  const problem = (error: unknown): void => say({ event: 'problem', message: String(error) })
  mkdirSync(home, { recursive: true, mode: 0o700 })
  const launcher = role === 'provider' ? await startLauncher({ home }) : undefined
  const market = await joinMarket({
    home,
    network,
    listen: options.listen,
    peers: options.peers,
    onFault: hook.onFault,
    onProblem: problem,
    ...(launcher === undefined ? {} : { launcher, machine: TEST_MACHINE }),
  })
  let providing: Providing | undefined
  if (role === 'provider') providing = await market.provide({ price: '0.36', slots: 2, for: 'anyone' })
  say({ event: 'ready', peerId: market.peerId, key: '', addresses: market.addresses() })

  const job = (seconds: number): { command: readonly string[] } => ({
    command: ['sh', '-c', `echo begun; sleep ${seconds}; echo over; exit 3`, mark],
  })
  const rent = async (seconds: number): Promise<void> => {
    const rented = await market.run(job(seconds))
    if (script === 'renter cancels') setTimeout(() => void rented.cancel().catch(problem), 1_000)
    await rented.done
  }
  const go: Readonly<Record<string, () => Promise<unknown>>> = {
    exit: () => rent(6.5),
    'renter cancels': () => rent(30),
    'provider cancels': () => rent(30),
    // A stranger runs one job at a time: the second is refused.
    rejected: () => Promise.allSettled([rent(3), new Promise((resolve) => setTimeout(resolve, 700)).then(() => rent(3))]),
    quote: () => market.quote(job(1)),
  }
  listen(async (asked) => {
    switch (asked) {
      case 'go':
        void go[script]?.().catch(problem)
        return
      case 'stop':
        await providing?.stop({ drain: false })
        return
      case 'meet':
        await market.ping(options.peers[0] ?? '')
        return
      case 'report': {
        const jobs = await market.jobs()
        const lines = await market.ledger({ limit: 1_000 })
        const open = jobs.filter(({ phase }) => !ENDS.has(phase)).length
        return say({
          event: 'report',
          passed: hook.passed,
          phases: hook.phases,
          open,
          ledger: lines.map(({ kind, summary }) => `${kind} ${summary}`),
        })
      }
      case 'close':
        await market.close()
        await launcher?.shutdown()
        say({ event: 'closed' })
        process.exit(0)
    }
  })
}

await main()
