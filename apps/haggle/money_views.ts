// What the agent says about money, as the verbs print it and `--json` gives it. Amounts are decimal text in the token's unit, times are ISO 8601.

import type { CourtStatus, MoneyRow } from '@haggle/market'

/** The chain that money is on, as last seen. */
export interface ChainView {
  readonly id: number
  /** Host and port of its JSON-RPC address: the rest may hold a key. */
  readonly host: string
  /** The token's address, and what people call one. */
  readonly token: string
  readonly unit: string
  readonly decimals: number
  /** Blocks until money counts. */
  readonly confirmations: number
  /** Height of the newest block seen, and when; null before the first. */
  readonly block: number | null
  readonly seenAt: string | null
  /** What is wrong with it now; null: it answers. */
  readonly problem: { readonly code: string; readonly message: string } | null
}

/** What every answer about money on a chain begins with. */
export interface OnChain {
  readonly chain: number
  readonly unit: string
  /** The own account, `0x` and 40 hex digits. */
  readonly address: string
}

/** The wallet of a home. */
export interface WalletView {
  readonly address: string | null
  readonly file: string
  /** `none`: there is no wallet; `locked`: it can receive and can't pay; `open`. */
  readonly state: 'none' | 'locked' | 'open'
  /** Null: no chain is configured. */
  readonly chain: ChainView | null
  /** True: the running agent pays with it only after a restart. */
  readonly restart: boolean
}

/** Money in `status`: asks the chain nothing, so it is there when the chain is not. */
export interface MoneyStatus extends WalletView {
  /** What stands open on each rail of this node, credits included. */
  readonly rails: readonly MoneyRow[]
  /** How the court stands; null without one. */
  readonly court: CourtStatus | null
}

/** What a wallet holds. */
export interface BalanceView extends OnChain {
  readonly balance: string
  /** Of the chain's own coin, for transactions; 18 decimals. */
  readonly gas: string
  /** Left in own channels: deposits that nobody claimed. */
  readonly inChannels: string
  /** Earned by vouchers and not claimed yet. */
  readonly claimable: string
  readonly staked: string
}

/** A transaction that counts. */
export interface SentView {
  readonly transaction: string
  readonly block: number
  readonly gas: string
}

/** What is at stake. */
export interface StakeView extends OnChain {
  readonly staked: string
  readonly locked: string
  readonly unbonding: string
  /** When what is unbonding may be withdrawn. */
  readonly unbondsAt: string | null
  /** How long stake that is asked back stays. */
  readonly unbondingS: number
  readonly sent: SentView | null
}

/** One channel. */
export interface ChannelView {
  /** `0x` and 64 hex digits. */
  readonly id: string
  readonly role: 'payer' | 'payee'
  /** The other account. */
  readonly other: string
  readonly deposit: string
  readonly claimed: string
  /** Payer: promised by vouchers, a job's next tick included. Payee: earned by vouchers. */
  readonly promised: string
  /** Payee: can be claimed now. */
  readonly claimable: string
  /** When the payer may take the rest; null while nobody closes it. */
  readonly closesAt: string | null
  readonly state: 'open' | 'closing' | 'closed'
}

/** Channels, and what a command did to one. */
export interface ChannelsView extends OnChain {
  readonly channels: readonly ChannelView[]
  readonly sent: SentView | null
}

/** What a claim took: one transaction for up to 25 channels. */
export interface ClaimView extends OnChain {
  readonly claimed: string
  readonly claims: readonly (SentView & {
    readonly channels: readonly { readonly id: string; readonly claimed: string; readonly contracts: readonly string[] }[]
  })[]
}

/** How far the chain is behind a ledger, or behind the heads of others. */
export interface AnchorStateView {
  /** Entries now, and of the last anchor; for heads of others, heads. */
  readonly size: number
  readonly anchored: { readonly size: number; readonly root: string; readonly transaction: string; readonly block: number } | null
  /** Entries since, and when the next anchor is due by itself. */
  readonly pending: number
  readonly nextAt: string | null
}

/** The ledger's head and where it is anchored. */
export interface AnchorView extends AnchorStateView {
  readonly chain: number
  readonly account: string
  readonly log: number
  /** The heads of other ledgers, of `logs` of them; null: this node anchors none. */
  readonly others: (AnchorStateView & { readonly logs: number }) | null
}

/** An anchor of this node's ledger that an aggregator gave. */
export interface AnchorFileView {
  /** Base64. */
  readonly file: string
  readonly chain: number
  /** The aggregator's account there. */
  readonly account: string
  readonly log: number
  /** Entries that it covers. */
  readonly size: number
}

/** What a token is worth, as far as this node knows. */
export interface PriceView {
  readonly chain: number
  readonly unit: string
  readonly token: string
  readonly decimals: number
  /** Prices an hour that offers ask in this token. */
  readonly offers: { readonly count: number; readonly cheapest: string | null; readonly middle: string | null }
}

/** A claim of downtime. */
export interface CourtClaimView {
  readonly number: string
  readonly window: number
  /** Slots claimed, and of them those that receipts refuted. */
  readonly slots: number
  readonly refuted: number
  readonly refutableUntil: string
  readonly bond: string
  readonly finalized: boolean
}

/** A service level before the court. */
export interface CaseView {
  readonly id: string
  /** What this account is in it. */
  readonly roles: readonly ('provider' | 'renter' | 'witness')[]
  readonly state: string
  readonly from: string
  readonly slots: number
  readonly slotS: number
  /** What is left of the provider's locked stake. */
  readonly locked: string
  readonly witnesses: number
  readonly claims: readonly CourtClaimView[]
}

/** The court as this account sees it. */
export interface CourtView {
  readonly chain: number
  readonly unit: string
  readonly account: string
  /** Bonds that may be collected. */
  readonly owed: string
  /** The account's seat as witness; null: none. */
  readonly seat: { readonly number: number; readonly cases: number; readonly left: boolean } | null
  readonly cases: readonly CaseView[]
  /** What the call did, in words; null: it only looked. */
  readonly did: string | null
  readonly sent: SentView | null
}
