// Where a process may die: the moments around every write and every send of a thread, named so that tests can visit all of them.

import { CONTRACT_MESSAGES, type ContractMessageName, type Phase } from '@haggle/contract'

/**
 * A moment of the driver. `write` is a synced batch, `send` the handing over to the stream; `take` is the batch of messages that were taken and need no
 * answer, `sync` a SYNC frame.
 */
export type FaultPoint =
  | `${'before' | 'after'}-${'write' | 'send'}:${ContractMessageName}`
  | `${'before' | 'after'}-write:take`
  | `${'before' | 'after'}-send:sync`

/**
 * Is called at a {@link FaultPoint}, with the phase that the thread is in: until its own next message is on disk, that is the phase before it. What is
 * returned is awaited before the thread goes on. Only tests give one.
 */
export type OnFault = (point: FaultPoint, phase: Phase) => void | Promise<void>

/** Every {@link FaultPoint}, in the order in which a message passes them. */
export const FAULT_POINTS: readonly FaultPoint[] = [
  ...(Object.keys(CONTRACT_MESSAGES) as ContractMessageName[]).flatMap(
    (name) => [`before-write:${name}`, `after-write:${name}`, `before-send:${name}`, `after-send:${name}`] as const,
  ),
  'before-write:take',
  'after-write:take',
  'before-send:sync',
  'after-send:sync',
]
