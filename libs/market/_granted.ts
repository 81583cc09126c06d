// Whether somebody who is not the renter may do what only the renter may: with a GRANT that the renter signed.

import type { Authorise } from '@haggle/job'
import { checkGrant, type Thread } from '@haggle/negotiate'
import type { MarketParts } from './parts.ts'

/** True when the renter has granted that right to that key. */
export function isGranted(
  { networkId, suite, identity, clock }: Pick<MarketParts, 'networkId' | 'suite' | 'identity' | 'clock'>,
  { record }: Pick<Thread, 'record'>,
  { contract, remoteKey, right, capability }: Parameters<Authorise>[0],
): boolean {
  if (capability === null) return false
  const { thread, peerKey: renter } = record
  const nowS = Math.floor(clock.now() / 1000)
  try {
    checkGrant(capability, { networkId, suite, contract, thread, renter, provider: identity.publicKey, remoteKey, right, nowS })
    return true
  } catch {
    // Whatever is wrong with a grant, its bearer is told no more than a stranger.
    return false
  }
}
