// What an owner may ask of its node's memory: how its log stands, whom it trusts and why, proofs to give away and to take.

import type { Aggregator, ChainAnchor, CheckReport, Head, HeadState, LedgerState } from '@haggle/reputation'

/** How a node's log stands. */
export interface MemoryStatus {
  /**
   * Whether heads may be signed: `ok`, or why not. `unconfirmed` until a counterparty has shown the last one; `behind` when somebody has seen more of
   * this log than is here; `forked` when somebody has seen it say something else; `damaged` when entries are lost.
   */
  readonly state: HeadState
  /** Whether everything that was ever written is on this disk. */
  readonly ledger: LedgerState
  /** Which of the node's logs is written to: 0, and one more for each successor. */
  readonly log: number
  /** Entries. */
  readonly size: number
  /** Entries under the last signed head. */
  readonly signedSize: number
  /** When the last head was signed, unix seconds; null before the first. */
  readonly signedAt: number | null
  /** Entries that others have seen signed and that may not be here: all behind the last head signed here. 0 unless the log is behind. */
  readonly missing: number
  /** Entries that the ledger could not take yet: they are kept, and appended when it is whole again or succeeded. */
  readonly waiting: number
  /** Counterparties that cosigned the last head. */
  readonly cosigners: number
  /** Entries that opening mended from the other copy. */
  readonly healed: number
  /** Peers that evidence convicts. */
  readonly convicted: number
}

/** Roles that a peer is judged in. */
export type PeerRole = 'provider' | 'renter'

/** What one party's receipts add to one axis of a score. */
export interface StandingLine {
  readonly axis: string
  /** PeerId of whose word it is: this node, a counterparty, or the peer's own log for its gaps. */
  readonly by: string
  readonly contracts: number
  /** Weight on the good side, and on the bad one. */
  readonly good: number
  readonly bad: number
  /** What the same receipts would weigh without cap and trust. */
  readonly uncapped: number
  /** 0 to 1: how far that party is trusted. */
  readonly trust: number
}

/** One receipt behind a score. */
export interface StandingReceipt {
  /** First digits of the contract. */
  readonly contract: string
  /** PeerId of whose word it is. */
  readonly by: string
  /** Unix seconds. */
  readonly at: number
  readonly outcome: string
  readonly meteredS: number
  /** Base units of the rail, decimal. */
  readonly settled: string
  readonly rail: string
  /** Weight by value and age, before caps and trust. */
  readonly weight: number
}

/** A score and all that it adds up from. */
export interface StandingView {
  readonly role: PeerRole
  /** 0 to 1. */
  readonly score: number
  /** What the score is made of: their product is the score. */
  readonly axes: Readonly<Record<string, { readonly value: number; readonly good: number; readonly bad: number }>>
  readonly lines: readonly StandingLine[]
  /** Newest first, at most as many as asked for. */
  readonly receipts: readonly StandingReceipt[]
  /** All receipts that count. */
  readonly receiptCount: number
}

/** Why a peer has the scores that it has. */
export interface Explanation {
  readonly peer: string
  /** What evidence shows against it, or null. */
  readonly convicted: string | null
  /** Size of the newest head of its log that is known here, or null. */
  readonly headSize: number | null
  /** One for each role. */
  readonly roles: readonly StandingView[]
}

/** A proof, as a file. */
export interface ProofFile {
  readonly file: Uint8Array
  readonly index: number
  readonly contract: string
  /** True when both parties signed how the contract ended: worth something to a stranger. */
  readonly bothSigned: boolean
}

/** What became of an imported proof. */
export interface ImportedProof {
  /** `carried`: it is about this node, and is shown to whoever it deals with. `counted`: it counts in this node's scores. */
  readonly kind: 'carried' | 'counted'
  /** PeerId of the log's owner. */
  readonly owner: string
  /** PeerId of whom it is about. */
  readonly about: string
  readonly contract: string
}

/** An anchor of this node's log by an aggregator, as a file. */
export interface AnchorFile {
  readonly file: Uint8Array
  /** Which of the node's logs, and its entries that the anchor covers. */
  readonly log: number
  readonly size: number
  /** Id of the chain, and the aggregator's account there, 20 bytes. Only the chain can say whether it is so. */
  readonly chain: number
  readonly account: Uint8Array
}

/** A node's memory, for its owner. */
export interface MarketMemory {
  status(): Promise<MemoryStatus>
  /** Which receipts make a peer's scores, with what weight. Throws `E_PEER_ID`. */
  explain(peerId: string, options?: { readonly receipts?: number }): Promise<Explanation>
  /**
   * The proof of how a contract (64 hex digits) ended, under a signed head. Throws `E_RECEIPT_UNKNOWN` when the ledger has no such end, and the codes of
   * a head that can't be signed.
   */
  prove(contract: string): Promise<ProofFile>
  /** Takes a proof that somebody gave. Throws the codes of `verifyProof`, and `E_PROOF_USELESS`. */
  importProof(file: Uint8Array): Promise<ImportedProof>
  /** The evidence that convicts a peer, as a file for anybody; null when there is none. */
  evidence(peerId: string): Promise<Uint8Array | null>
  /** Signs the log's head now and brings it to the counterparties. Resolves with the head, and with how many of them cosigned it. */
  checkpoint(): Promise<Head & { readonly cosigned: number; readonly failed: number }>
  /**
   * Makes this node an aggregator: heads of others are taken in from now on, and their owners given anchor files. Whoever calls it anchors, through what it
   * resolves with. Once only.
   */
  aggregate(on: { readonly anchors: ChainAnchor; readonly chain: number }): Promise<Aggregator>
  /**
   * Asks an aggregator, a PeerId or multiaddr, for the anchor file of this log, and brings it the newest head. Rejects with `E_ANCHOR_WAITING`,
   * `E_ANCHOR_NONE`, `E_ANCHOR_BUSY`, `E_ANCHOR_OTHER`, `E_ANCHOR_FORMAT`, `E_ANCHOR_PATH`, `E_DIAL` and `E_LOG_SILENT`.
   */
  anchorFile(from: string, options?: { readonly signal?: AbortSignal }): Promise<AnchorFile>
  /** Fetches lost entries from counterparties. Resolves with how many came. Throws `E_RESTORE_MISSING` and `E_RESTORE_ROOT`. */
  fetchLost(): Promise<number>
  /** Reads the whole ledger twice, mends one copy from the other and recomputes the tree. */
  check(options?: { readonly signal?: AbortSignal; readonly onProgress?: (index: number) => void }): Promise<CheckReport>
  /** Ends a log that can't be made whole, in the open, and goes on in a new one. Throws `E_SUCCEED_NEEDLESS`. */
  succeed(): Promise<void>
}
