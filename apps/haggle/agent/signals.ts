// What signals mean to an agent: TERM and INT drain (a second one does not wait), HUP reads the configuration again.

import type { Agent } from './agent.ts'
import { describe } from '../failure.ts'
import type { Log } from './log.ts'

/** Lets signals steer an agent. Returns what takes them away again. */
export function onSignals(agent: Agent, log: Log): () => void {
  let asked = false
  const leave = (signal: NodeJS.Signals): void => {
    log('info', 'signal', { signal })
    if (asked) process.exit(signal === 'SIGINT' ? 130 : 143)
    asked = true
    void agent.stop({ drain: true })
  }
  const reload = (): void => {
    agent.reload().then(
      () => log('info', 'reloaded'),
      (error: unknown) => log('error', 'reload_failed', { code: describe(error).code, error }),
    )
  }
  process.on('SIGTERM', leave).on('SIGINT', leave).on('SIGHUP', reload)
  return () => void process.off('SIGTERM', leave).off('SIGINT', leave).off('SIGHUP', reload)
}
