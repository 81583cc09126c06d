// What every role in a case is given: the case as it is now, who signs, how to ask, where evidence is kept.

import type { AccountSigner, Court, Schedule } from '@haggle/witness'
import type { Clock } from '@haggle/wire'
import type { WatchAnswer, WatchQuestion } from './protocol.ts'
import type { EvidenceBook } from './evidence.ts'

/** Shared by the roles of one node. */
export interface RoleParts {
  readonly court: Court
  readonly signer: AccountSigner
  readonly clock: Clock
  readonly evidence: EvidenceBook
  /** Asks a peer; rejects when it does not answer in `withinMs`. */
  readonly ask: (peerKey: Uint8Array, question: WatchQuestion, withinMs: number) => Promise<WatchAnswer>
  /** Told of what a role did at the court by itself. */
  readonly tell: (kind: 'claimDowntime', id: Uint8Array, about: string) => void
  /** Ends what is under way when the service stops. */
  readonly signal: AbortSignal
  /** Work that nobody awaits; what it throws is that peer's or the chain's trouble, and comes again by itself. */
  readonly run: (work: Promise<unknown>) => void
}

/** A role in one case. `step` is called often, and begins what is due. */
export interface Role {
  step(): void
}

/** Times that a heartbeat may be sent in its slot. */
export const ATTEMPTS = 6

/** Milliseconds between attempts. */
export function attemptMs({ slotS }: Pick<Schedule, 'slotS'>): number {
  return (slotS * 1_000) / ATTEMPTS
}
