// The agent inside a command: the same agent on the same socket, for as long as the command runs.

import { collectInTime } from '../agent_flags.ts'
import type { Boot } from '../boot.ts'
import { pathsOf } from '../home.ts'
import { VERSION } from '../version.ts'
import { type Agent, startAgent } from './agent.ts'
import { joinAs } from './compose.ts'
import { createLog } from './log.ts'

/** Starts an agent in this process. Its log goes to stderr, on a terminal from warnings on. Throws E_HOME_BUSY when an agent runs already. */
export async function startForeground(home: string, boot: Boot): Promise<Agent> {
  const paths = pathsOf(home)
  collectInTime()
  const log = createLog((text) => process.stderr.write(text), process.stderr.isTTY ? 'warn' : 'info')
  return await startAgent({ paths, boot, log, version: VERSION, idleMs: null, join: () => joinAs(paths, boot, log) })
}
