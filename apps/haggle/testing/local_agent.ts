// The agent's process with the local market in it, for tests: `node local_agent.ts HOME [IDLE_MS]`, the boot on stdin.

import { closeSync, existsSync, readFileSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { HaggleError } from '@haggle/wire'
import { type Joined, startAgent } from '../agent/agent.ts'
import { createLog } from '../agent/log.ts'
import { onSignals } from '../agent/signals.ts'
import type { Boot } from '../boot.ts'
import { describe } from '../failure.ts'
import { openHome } from '../home.ts'
import { localMarket } from './local_market.ts'
import { localMoney } from './local_money.ts'

const [home = '', idleMs] = process.argv.slice(2)
const say = (word: unknown): void => {
  try {
    writeSync(3, `${JSON.stringify(word)}\n`)
    closeSync(3)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EBADF') throw error
  }
}
const alive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
try {
  const boot = JSON.parse(readFileSync(0, 'utf8')) as Boot
  const paths = openHome(home)
  const log = createLog((text) => writeSync(2, text))
  // Stands for the store's lock, which the system gives back when its holder dies.
  const lock = join(home, 'double.lock')
  const join_ = async (): Promise<Joined> => {
    if (existsSync(lock) && alive(Number(readFileSync(lock, 'utf8'))))
      throw new HaggleError('E_HOME_BUSY', `${home} is used by another process`)
    writeFileSync(lock, String(process.pid))
    const market = localMarket()
    return {
      market,
      money: await localMoney(home, boot.chain),
      hardware: { kind: 'cpu', vramGiB: 0, text: 'no GPU; Test × 2, 4 GiB', firstPrice: '0.0040', firstReason: 'a test', notes: [] },
      leave: () => market.close(),
    }
  }
  const agent = await startAgent({
    paths,
    boot,
    log,
    version: 'double',
    join: join_,
    lookMs: 50,
    ...(idleMs === undefined ? {} : { idleMs: Number(idleMs) }),
  })
  onSignals(agent, log)
  say({ ready: true })
  await agent.gone
  process.exit(0)
} catch (error) {
  const { code, message, next } = describe(error)
  say({ code, message, next })
  process.exit(1)
}
