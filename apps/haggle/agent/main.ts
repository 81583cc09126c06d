// The background agent's process: started by a verb, says on fd 3 when it is ready or why it is not, and lives until it is told to leave.

import { closeSync, readFileSync, writeSync } from 'node:fs'
import module from 'node:module'
import { collectInTime } from '../agent_flags.ts'
import type { Boot } from '../boot.ts'
import { describe } from '../failure.ts'
import { openHome } from '../home.ts'
import { VERSION } from '../version.ts'
import { startAgent } from './agent.ts'
import { joinAs } from './compose.ts'
import { createLog } from './log.ts'
import { onSignals } from './signals.ts'

/** The verb that started the agent reads one line of JSON here. */
const REPORT_FD = 3
/** And writes here how the agent is to join. */
const STDIN_FD = 0

function report(word: Readonly<Record<string, unknown>>): void {
  try {
    writeSync(REPORT_FD, `${JSON.stringify(word)}\n`)
    closeSync(REPORT_FD)
  } catch (error) {
    // Nobody listens: the verb was killed, or a person started this by hand.
    if (!['EBADF', 'EPIPE'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
  }
}

const [home = ''] = process.argv.slice(2)
const log = createLog((text) => writeSync(2, text))
process.title = 'haggle-agent'
// A bug in one call or one peer's stream must not end the jobs of all the others.
process.on('unhandledRejection', (error) =>
  log('error', 'unhandled_rejection', { code: describe(error).code, error, stack: error instanceof Error ? error.stack : undefined }),
)
process.on('uncaughtException', (error) => log('error', 'uncaught_exception', { code: describe(error).code, error, stack: error.stack }))
try {
  const boot = JSON.parse(readFileSync(STDIN_FD, 'utf8')) as Boot
  const paths = openHome(home)
  const agent = await startAgent({ paths, boot, log, version: VERSION, join: () => joinAs(paths, boot, log) })
  onSignals(agent, log)
  collectInTime()
  report({ ready: true, pid: process.pid })
  // Otherwise written at a clean end only: an agent that is killed would compile everything again the next time.
  module.flushCompileCache()
  await agent.gone
  process.exit(0)
} catch (error) {
  const { code, message, next } = describe(error)
  log('error', 'not_started', { code, error: message, stack: error instanceof Error ? error.stack : undefined })
  report({ code, message, next })
  process.exit(1)
}
