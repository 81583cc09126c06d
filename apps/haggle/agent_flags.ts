// How Node runs an agent: flags that keep what it has resident small and flat, for a process that lives for months and is idle for most of them.

/**
 * - V8 lets the young part of the heap of a busy process grow to three times 64 MiB, and back and forth with the load: a provider that held 65 MiB had 290 MiB
 *   resident after an hour of small jobs. In three times 4 MiB, neither more nor less, it works as fast.
 * - V8 has four threads that compile and collect, each with a heap of its own of a few MiB that only grows. A heap of 30 MiB is served by one of them: 10 MiB less, and
 *   on a machine whose processors are busy half the time in collections.
 */
export const AGENT_FLAGS: readonly string[] = ['--max-semi-space-size=4', '--min-semi-space-size=4', '--v8-pool-size=1']

/** Starts this program anew in this process, with the agent's flags, when it hasn't got them: for an agent that is not a process of its own. */
export function takeAgentFlags(): void {
  if (AGENT_FLAGS.every((flag) => process.execArgv.includes(flag))) return
  // Missing where the system has no such call: then the agent is only larger.
  process.execve?.(process.execPath, [process.execPath, ...process.execArgv, ...AGENT_FLAGS, ...process.argv.slice(1)], process.env)
}
