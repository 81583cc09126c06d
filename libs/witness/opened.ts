// Whether the case that a provider opened is the service level that was bought: what a renter asks before it relies on it, and before it pays for it.

import { equalBytes } from '@haggle/wire'
import type { Case } from './court.ts'
import type { Sla } from './sla.ts'
import { caseId } from './statement.ts'

/** Seconds from the opening within which the first slot has to begin: a case that begins after the job watches nothing. */
export const MAX_LEAD_S = 300

/** What the terms of a contract said, and whose keys signed it. */
export interface Bought {
  /** The terms' field. */
  readonly sla: Sla
  /** Id of the contract, 32 bytes: what the court calls `terms`. */
  readonly contract: Uint8Array
  /** The renter's key in the mesh, 32 bytes. */
  readonly renterKey: Uint8Array
  /** The provider's. */
  readonly providerKey: Uint8Array
  /** What the renter committed to for the draw, 32 bytes; null where blocks are random: another commitment lets the provider choose both secrets. */
  readonly renterCommit: Uint8Array | null
}

/** Id of the case of a contract with this service level. */
export function caseOfContract({ sla, contract }: Pick<Bought, 'sla' | 'contract'>): Uint8Array {
  return caseId(sla, { provider: sla.provider, renter: sla.renter, terms: contract })
}

/** True when `one` is what was bought, drawn, and begins by `MAX_LEAD_S` after `nowS` (unix seconds). One that is closed was. */
export function isAsBought(one: Case, { sla, contract, renterKey, providerKey, renterCommit }: Bought, nowS: number): boolean {
  return (
    one.state !== 'opened' &&
    equalBytes(one.renter, sla.renter) &&
    equalBytes(one.provider, sla.provider) &&
    equalBytes(one.terms, contract) &&
    equalBytes(one.renterKey, renterKey) &&
    equalBytes(one.providerKey, providerKey) &&
    (renterCommit === null ? one.renterCommit === null : one.renterCommit !== null && equalBytes(one.renterCommit, renterCommit)) &&
    one.rule === sla.rule &&
    one.slotS === sla.slotS &&
    one.slots === sla.slots &&
    one.pricePerSlot === sla.pricePerSlot &&
    one.factor === sla.factor &&
    one.lock === sla.lock &&
    one.startsAtS <= nowS + MAX_LEAD_S
  )
}
