// What sends an account's transactions, as its users see it.

import type { Clock } from '@haggle/wire'
import type { Store } from '@haggle/store'
import type { Address, Hex } from 'viem'
import type { Chain } from './chain.ts'
import type { FeePolicy } from './fees.ts'
import type { WalletSigner } from './wallet.ts'

/** What a transaction does. */
export interface Call {
  /** The contract. */
  readonly to: Address
  /** Its calldata. */
  readonly data: Hex
  /** Wei that go with it. Default 0. */
  readonly value?: bigint
}

/** A transaction that is in the chain with enough confirmations. */
export interface Mined {
  /** Its hash. */
  readonly hash: Hex
  /** Height of its block. */
  readonly block: number
  /** Gas that it used. */
  readonly gasUsed: bigint
}

/** Options of {@link TransactionSender.send}. */
export interface SendOptions {
  /**
   * Names what the transaction is for, such as `open:<payee>`: while one with this key is under way, a second call joins it instead of sending another.
   * It is kept with the transaction, so it also holds after a restart. Default: each call is its own.
   */
  readonly key?: string
  /** Ends the waiting. A transaction that has no nonce yet is taken back; one that was sent goes on. */
  readonly signal?: AbortSignal
}

/** A transaction that is under way, for `status`. */
export interface PendingTransaction {
  readonly key: string
  /** `queued`: has no nonce yet. `sent`: given to the chain. `mined`: in a block, with too few confirmations. */
  readonly state: 'queued' | 'sent' | 'mined'
  readonly nonce: number | null
  /** Hash of the newest attempt, null while queued. */
  readonly hash: Hex | null
  /** Times that it was sent with a higher fee. */
  readonly raised: number
  /** Unix seconds when it was asked for. */
  readonly sinceS: number
}

/** How a sender stands, for `status`. */
export interface SenderStatus {
  readonly pending: readonly PendingTransaction[]
  /** Why nothing moves at the moment, or null: code (`E_CHAIN_UNREACHABLE`, `E_CHAIN_GAS` …) and sentence. */
  readonly waiting: { readonly code: string; readonly why: string } | null
}

/** Sends the transactions of one account. One for each account, on one store: two would take the same nonces. */
export interface TransactionSender {
  /** The account, 20 bytes. */
  readonly account: Uint8Array
  /** The same as text. */
  readonly address: Address
  /**
   * Resolves when `call` is in the chain with enough confirmations. Rejects with `E_CHAIN_REVERTED` when the contract refuses (`details.reason` names the
   * contract's error), `E_CHAIN_FUNDS` when the account can't pay the gas, `E_SENDER_STOPPED` when the sender stops first, and the signal's reason. An outage
   * or a gas price above the limit rejects nothing: it waits, and {@link TransactionSender.status} says why.
   */
  send(call: Call, options?: SendOptions): Promise<Mined>
  /** How it stands. */
  status(): SenderStatus
  /** Ends the work. What is under way stays written down and goes on with the next sender on this store. */
  stop(): Promise<void>
}

/** What `openSender` needs. */
export interface SenderInit {
  readonly chain: Chain
  readonly wallet: WalletSigner
  /** A store or sub-store of its own. */
  readonly store: Store
  readonly clock: Clock
  /** What it may pay. Default: {@link FeePolicy}'s own defaults. */
  readonly fees?: Partial<FeePolicy>
  /** Names the error in a revert's data, for `details.reason`. */
  readonly reasonOf?: (data: Hex) => string | undefined
  /** Milliseconds between looks at the chain. Default {@link POLL_MS}, or {@link DEV_POLL_MS} on a development chain. */
  readonly pollMs?: number
  /** Milliseconds after which a transaction that no block takes is sent again for a higher fee. Default {@link RAISE_MS}. */
  readonly raiseMs?: number
}

/** Half a block time of 12 s is soon enough. */
export const POLL_MS = 6000

/** A development chain mines at once. */
export const DEV_POLL_MS = 100

/** Five blocks of 12 s: a fee that was enough is in by then. */
export const RAISE_MS = 60_000
