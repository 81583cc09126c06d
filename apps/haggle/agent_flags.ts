// How Node runs an agent: flags that keep what it has resident small and flat, for a process that lives for months and is idle for most of them.

import { fileURLToPath } from 'node:url'

/**
 * - V8 lets the young part of the heap of a busy process grow to three times 64 MiB, and back and forth with the load: a provider that held 65 MiB had 290 MiB
 *   resident after an hour of small jobs. In three times 4 MiB, neither more nor less, it works as fast.
 * - V8 has four threads that compile and collect, each with a heap of its own of a few MiB that only grows. A heap of 30 MiB is served by one of them: 10 MiB less, and
 *   on a machine whose processors are busy half the time in collections.
 * - `collectInTime` may ask for a collection.
 */
export const AGENT_FLAGS: readonly string[] = ['--max-semi-space-size=4', '--min-semi-space-size=4', '--v8-pool-size=1', '--expose-gc']

/**
 * And what it has in its environment: glibc gives each thread an arena of its own, and what a thread of LevelDB, of the file system or of V8's compiler has freed there
 * serves no other thread. In one arena it does: less is resident, and it stops growing.
 */
export const AGENT_ENV: Readonly<Record<string, string>> = { MALLOC_ARENA_MAX: '1' }

/** Between two collections of the whole heap, ms. */
const COLLECT_MS = 300_000

/**
 * Collects the whole heap of this process in time: V8 by itself waits until it has grown by some MiB, which an agent's takes hours for, and all of that stays resident. So do
 * the pages that an ordinary collection empties: one of last resort gives them back. It stops the process for a tenth of a second, and a provider that has run a
 * thousand jobs has 25 MiB less.
 */
export function collectInTime(): void {
  setInterval(() => void globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' }), COLLECT_MS).unref()
}

/** What starts an agent: its arguments are one of this package's modules, by its path without an ending, and that one's own arguments. */
export const AGENT_STARTER: string = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? './bin/agent.js' : '../bin/agent.js', import.meta.url),
)

/** Starts this command anew in this process, as an agent is started, when it wasn't: for an agent that is not a process of its own. */
export function takeAgentFlags(): void {
  if (AGENT_FLAGS.every((flag) => process.execArgv.includes(flag))) return
  // Missing where the system has no such call: then the agent is only larger.
  const [, , ...argv] = process.argv
  process.execve?.(process.execPath, [process.execPath, ...process.execArgv, ...AGENT_FLAGS, '--', AGENT_STARTER, 'main', ...argv], {
    ...process.env,
    ...AGENT_ENV,
  })
}
