// What a provider is made of, what it counts and tells.

import type { Offer } from '@haggle/offer'
import type { Message } from '@haggle/wire'
import type { CourtAccess } from './court_access.ts'
import type { MarketParts } from './parts.ts'
import type { Rails } from './rails.ts'

/** Counts that a provider shows its owner. */
export interface ProviderCounts {
  requests: number
  accepted: number
  readonly refusals: Map<string, number>
}

/** The parts of a node that provides. */
export type ProviderParts = MarketParts & {
  readonly access: CourtAccess
  readonly provider: NonNullable<MarketParts['provider']>
  readonly money: Rails
}

/** What the provider tells the rest of the node. */
export interface ProviderEvents {
  /** There is a fresh offer: announce it. */
  offered(message: Message<Offer>): void
}
