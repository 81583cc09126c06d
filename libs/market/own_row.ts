// A provider's own offer as the row that its owner sees.

import { HaggleError } from '@haggle/wire'
import { peerIdOf } from '@haggle/identity'
import { offerRow } from './offer_view.ts'
import type { MarketParts } from './parts.ts'
import type { Provider } from './provider.ts'
import type { Rails } from './rails.ts'
import { STRANGER } from './trust.ts'
import type { OfferRow } from './types.ts'

/** The row of what this node offers now, priced on `rail`. Throws `E_NOT_PROVIDING`, and `E_RAIL_UNKNOWN`. */
export function ownRow(provider: Provider, rail: string | undefined, parts: MarketParts & { readonly money: Rails }): OfferRow {
  const message = provider.current
  if (message === undefined) throw new HaggleError('E_NOT_PROVIDING', 'This node does not provide')
  const { publicKey } = parts.identity
  const known = {
    peerId: peerIdOf(publicKey),
    provider: publicKey,
    offer: message,
    rttMs: 0,
    shownAtMs: parts.clock.monotonicMs(),
    trust: STRANGER,
  }
  return offerRow(known, { ...parts, rail: parts.money.pick(rail) })
}
