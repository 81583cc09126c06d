// A contract's receipt as a person reads it, from the outcome that both chains give.

import { peerIdOf } from '@haggle/identity'
import type { Thread } from '@haggle/negotiate'
import type { PaymentRail } from '@haggle/payment'
import { toHex } from '@haggle/wire'
import { amountOn } from './rails.ts'
import type { ReceiptView } from './types.ts'

/** The receipt of a thread; null while nobody has signed one. */
export function receiptOf(
  thread: Thread,
  { self, rail }: { readonly self: string; readonly rail: Pick<PaymentRail, 'name' | 'unit' | 'decimals'> },
): ReceiptView | null {
  const { contract, termsHash, outcome } = thread.view()
  if (contract === null || termsHash === null || outcome.signedBy === 'none') return null
  const peer = peerIdOf(thread.record.peerKey)
  return {
    contract: toHex(contract),
    provider: thread.role === 'provider' ? self : peer,
    renter: thread.role === 'renter' ? self : peer,
    termsHash: toHex(termsHash),
    usedMs: Number(outcome.usage[0] ?? 0n),
    owed: amountOn(rail, outcome.owed),
    unit: rail.unit,
    rail: rail.name,
    signedBy: outcome.signedBy,
    outcome: outcome.kind,
  }
}
