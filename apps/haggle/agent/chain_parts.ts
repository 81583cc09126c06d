// The chain under a home's money, as the agent uses it: what `@haggle/chain` gives for real, and memory gives in tests.

import type { Channels, ChannelState, ClaimRecord, StakeBook, Transaction } from '@haggle/payment'
import type { ChainAnchor } from '@haggle/reputation'
import type { Court } from '@haggle/witness'
import type { ChainView } from '../money_views.ts'

/** An own channel, with what vouchers say of it. Base units, cumulative. */
export interface ChannelLine {
  readonly channel: ChannelState
  /** Payer: promised by vouchers. Payee: what the best voucher allows. */
  readonly promised: bigint
  /** Payee: what a claim would take now. */
  readonly claimable: bigint
}

/** The own channels and their vouchers. */
export interface ChannelDesk {
  /** Own channels, closed ones too, newest first. */
  list(): Promise<readonly ChannelLine[]>
  /** Takes in a channel that was just opened, before its event is heard. */
  note(id: Uint8Array): void
  /** Claims from all of them. */
  claim(): Promise<readonly ClaimRecord[]>
  /** Asks to close as payer; claims and gives the rest back as payee. */
  close(id: Uint8Array): Promise<Transaction>
}

/** A chain, and what this node has on it. */
export interface ChainParts {
  /** The chain as last seen. Asks nothing. */
  view(): ChainView
  readonly channels: Channels
  readonly desk: ChannelDesk
  readonly stake: StakeBook
  readonly anchors: ChainAnchor
  /** The court, opened when it is first asked. */
  court(): Promise<Court>
  /** The chain's own coin that the account has for gas, wei. */
  gas(): Promise<bigint>
  /** Gives test money and gas; null where money is not given away. */
  readonly fund: ((amount: bigint) => Promise<Transaction>) | null
}
