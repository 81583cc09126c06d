// The Channels seam: what a rail that pays ahead needs of a chain, and nothing else of it.

/** What a chain knows of one channel, as of enough confirmations. Amounts are base units of the token. */
export interface ChannelState {
  /** 32 bytes. */
  readonly id: Uint8Array
  /** Who deposits, 20 bytes. */
  readonly payer: Uint8Array
  /** Who claims, 20 bytes. */
  readonly payee: Uint8Array
  /** Whose signature a voucher needs, 20 bytes; may be the payer. */
  readonly signer: Uint8Array
  /** All that was ever paid in. */
  readonly deposit: bigint
  /** All that was ever claimed, at most `deposit`. */
  readonly claimed: bigint
  /** When the payer may take the rest, unix seconds of the chain; null while nobody closes it. */
  readonly closesAtS: number | null
  /** True once the rest has gone back: nothing can be claimed any more. */
  readonly closed: boolean
}

/** The payer's promise: this channel pays `cumulative` in all. */
export interface SignedVoucher {
  /** Channel id, 32 bytes. */
  readonly channel: Uint8Array
  /** All that was ever promised over this channel, base units. */
  readonly cumulative: bigint
  /** EIP-712 signature of the channel's signer, 65 bytes. */
  readonly sig: Uint8Array
}

/** One claim: takes `amount` in all, which a voucher for at least as much allows. */
export interface ChannelClaim {
  /** What the payer promised. */
  readonly voucher: SignedVoucher
  /** Cumulative like the voucher, at most its `cumulative`, and above what was claimed before. */
  readonly amount: bigint
  /** Root of the Merkle tree (RFC 9162) over the receipts that are claimed for, 32 bytes. */
  readonly receiptRoot: Uint8Array
}

/** A transaction that is in the chain with enough confirmations. */
export interface Transaction {
  /** `0x` and 64 hex digits; whatever names it on another chain. */
  readonly hash: string
  /** Height of its block. */
  readonly block: number
  /** What it cost in gas; 0 where there is none. */
  readonly gasUsed: bigint
}

/** What happened to a channel, with enough confirmations. */
export interface ChannelEvent {
  /**
   * `opened`, `toppedUp` and `claimed`: as they say. `closing`: the payer wants the rest back, see `channel.closesAtS`. `cancelled`: the parties agreed
   * not to close. `closed`: the rest has gone back. `undone`: the chain took an event back that had enough confirmations, which is rare; `channel` is what
   * there is now.
   */
  readonly kind: 'opened' | 'toppedUp' | 'claimed' | 'closing' | 'cancelled' | 'closed' | 'undone'
  /** The channel at that block's end or later. */
  readonly channel: ChannelState
  /** Height of the block. */
  readonly block: number
  /** Hash of the transaction. */
  readonly transaction: string
}

/** Options of everything that waits for a chain. */
export interface ChainOptions {
  /** Ends the wait. */
  readonly signal?: AbortSignal
}

/**
 * Payment channels of one token on one chain, as one account uses them: as payer, as payee, or both. Every call that sends a transaction resolves when
 * the transaction has enough confirmations; one that ended by its signal may still come true. Every implementation passes `testChannels` of
 * `@haggle/payment/testing`.
 *
 * Errors of all calls: `E_CHAIN_UNREACHABLE` when the chain can't be asked; `E_CHANNEL` when it refuses; `E_FUNDS` when the account has too little.
 */
export interface Channels {
  /** The rail in terms and offers, such as `evm:31337:0x5fbd…`. */
  readonly rail: string
  /** The token's symbol. */
  readonly unit: string
  /** The token's decimals, >= 6. */
  readonly decimals: number
  /** Own address, 20 bytes. */
  readonly account: Uint8Array
  /** How long a payee has to claim once the payer wants to close, seconds. */
  readonly closeDelayS: number
  /** Tokens of the own account that no channel holds, base units. */
  balance(options?: ChainOptions): Promise<bigint>
  /** The own open channel to `payee` (20 bytes); null: there is none, or not yet with enough confirmations. */
  find(payee: Uint8Array, options?: ChainOptions): Promise<ChannelState | null>
  /** A channel by id (32 bytes), as of enough confirmations; null: no such channel. Nothing is served on unconfirmed funds, so nothing else is told. */
  read(id: Uint8Array, options?: ChainOptions): Promise<ChannelState | null>
  /** Opens a channel to `payee` and pays `deposit` (> 0) in. */
  open(to: { readonly payee: Uint8Array; readonly deposit: bigint }, options?: ChainOptions): Promise<ChannelState>
  /** Pays `amount` (> 0) more into an own channel. */
  topUp(id: Uint8Array, amount: bigint, options?: ChainOptions): Promise<ChannelState>
  /** Takes what vouchers allow, in batches that the chain takes. Resolves with the last transaction. */
  claim(claims: readonly ChannelClaim[], options?: ChainOptions): Promise<Transaction>
  /** As payer: wants the rest back, after `closeDelayS`. As payee: gives the rest back at once. */
  requestClose(id: Uint8Array, options?: ChainOptions): Promise<Transaction>
  /** As payer: takes the rest once `closesAtS` has passed. */
  withdraw(id: Uint8Array, options?: ChainOptions): Promise<Transaction>
  /** Signs a voucher as the signer of own channels. Touches no chain. */
  sign(voucher: { readonly channel: Uint8Array; readonly cumulative: bigint }): Promise<Uint8Array>
  /** Whether `signer` (20 bytes) signed the voucher for this chain and contract. Touches no chain. */
  verify(voucher: SignedVoucher, signer: Uint8Array): boolean
  /** Tells `listener` of every event of own channels (as payer or payee) from here on, in order, each at least once. Returns the end of it. */
  follow(listener: (event: ChannelEvent) => void): () => void
}
