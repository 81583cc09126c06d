// What is asked for and run where a test plays both sides of a thread.

import type { QuoteReqBody } from '@haggle/contract'

/** The spec of a script's job, which nobody reads. */
export const SPEC: Uint8Array = new Uint8Array([1, 2, 3])

/** The salt of {@link SPEC}. */
export const SALT: Uint8Array = new Uint8Array(32).fill(5)

/** A demand; the provider of a test answers what its script says. */
export const DEMAND: QuoteReqBody['demand'] = {
  where: '',
  runner: 'exec',
  isolation: [],
  minGpus: 0,
  maxGpus: 0,
  rail: 'free',
  cap: 1_000_000n,
  limits: { cpuMilli: 1000, memMiB: 64, diskMiB: 64, outMiB: 1, pids: 8, maxMs: 60_000 },
  idleMs: 20_000,
  visibility: 'private',
  sla: null,
}
