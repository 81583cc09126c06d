// The Court seam: what parties, witnesses and people ask of a court. A memory implementation is in testing.ts, the chain's in @haggle/chain.

import type { Seat } from './committee.ts'
import type { RuleNumber } from './rule.ts'
import type { Schedule } from './slots.ts'
import type { CourtDomain, Statement } from './statement.ts'

/** A constant of one court. */
export interface CourtParameters extends CourtDomain {
  /** Stake that a seat locks, base units. */
  readonly witnessStake: bigint
  /** Seconds after a window's end in which it can be claimed for. */
  readonly claimS: number
  /** Seconds after a claim in which it can be refuted. */
  readonly refuteS: number
  /** Blocks from the opening to the block whose hash draws. */
  readonly drawDelay: number
  /** True: the parties commit to secrets, because the chain's blocks are not random. */
  readonly commitReveal: boolean
}

/** What `openSla` says. The caller is the provider. */
export interface SlaOpening extends Schedule {
  /** The renter's account, 20 bytes. */
  readonly renter: Uint8Array
  /** The renter's key in the mesh, 32 bytes: witnesses hand bitmaps to it. */
  readonly renterKey: Uint8Array
  /** The provider's key in the mesh, 32 bytes: witnesses ask it for heartbeats. */
  readonly providerKey: Uint8Array
  /** What the case is of, 32 bytes: the id of the contract, whose ACCEPT names the terms. */
  readonly terms: Uint8Array
  /** Which rule decides. */
  readonly rule: RuleNumber
  /** What a missed slot counts for, base units. */
  readonly pricePerSlot: bigint
  /** How many times that is lost for it. */
  readonly factor: number
  /** Stake to lock, base units. */
  readonly lock: bigint
  /** 32 bytes, null without commit-reveal. */
  readonly renterCommit: Uint8Array | null
  /** 32 bytes, null without commit-reveal. */
  readonly providerCommit: Uint8Array | null
}

/** A member of a committee. */
export interface Member {
  /** Number of its seat. */
  readonly seat: number
  /** 20 bytes: whose signature counts. */
  readonly account: Uint8Array
  /** 32 bytes: its key in the mesh, as it says. */
  readonly peerKey: Uint8Array
}

/**
 * Where a case stands.
 *
 * - `opened`: waits for its draw
 * - `drawn`: has its committee; slots can be claimed
 * - `closed`: what was left of the lock is free
 */
export type CaseState = 'opened' | 'drawn' | 'closed'

/** A case as the court knows it. */
export interface Case extends SlaOpening {
  /** 32 bytes. */
  readonly id: Uint8Array
  /** Where it stands. */
  readonly state: CaseState
  /** 20 bytes. */
  readonly provider: Uint8Array
  /** What is left of the lock. */
  readonly lockLeft: bigint
  /** The block whose hash draws, while `opened`. */
  readonly drawBlock: number
  /** Empty until drawn. */
  readonly committee: readonly Member[]
  /** Claims that wait for their end. */
  readonly openClaims: number
}

/** A claim that waits for its end. */
export interface Claim {
  /** Its number at this court. */
  readonly number: bigint
  /** Case id, 32 bytes. */
  readonly id: Uint8Array
  /** The window that it is about. */
  readonly window: number
  /** Slots claimed, and of them those that fell. */
  readonly mask: bigint
  /** Of the mask, the slots that fell. */
  readonly refuted: bigint
  /** Unix seconds of the chain: refutable until then. */
  readonly untilS: number
  /** What the claim's maker put up, base units. */
  readonly bond: bigint
  /** True once finalised. */
  readonly finalized: boolean
}

/** A witness's signature under a statement. */
export interface Attestation {
  /** Place in the committee. */
  readonly index: number
  /** 65 bytes. */
  readonly sig: Uint8Array
}

/** A bitmap with its signature. */
export interface AttestedBitmap extends Attestation {
  /** Its down bits. */
  readonly down: bigint
}

/** A statement with its signature. */
export type AttestedStatement = Statement & { readonly sig: Uint8Array }

/** A transaction of the court, confirmed. */
export interface CourtReceipt {
  /** `0x` and 64 hex digits. */
  readonly hash: string
  /** Height of its block. */
  readonly block: number
  /** 0 where there is no gas. */
  readonly gasUsed: bigint
}

/** What happened at the court, confirmed. */
export interface CourtEvent {
  /**
   * `opened`, `pinned` (the draw waits for another block), `drawn`, `ended` (shortened), `closed`: of a case. `claimed`, `refuted`, `finalized`: of a
   * claim. `equivocated`: a witness lost its stake.
   */
  readonly kind: 'opened' | 'pinned' | 'drawn' | 'ended' | 'closed' | 'claimed' | 'refuted' | 'finalized' | 'equivocated'
  /** Case id, 32 bytes. */
  readonly id: Uint8Array
  /** Of the claim; null for what is not about one. */
  readonly claim: bigint | null
  /** Height of its block. */
  readonly block: number
}

/** Ends a wait. */
export interface CourtOptions {
  /** Ends the wait. */
  readonly signal?: AbortSignal
}

/**
 * A court, as one account uses it. Reads give confirmed state only; calls resolve when confirmed. Errors: `E_COURT` when the court refuses, with
 * `details.reason`; `E_CHAIN_UNREACHABLE` when it can't be asked.
 */
export interface Court {
  /** Its constants. */
  readonly parameters: CourtParameters
  /** Own account, 20 bytes. */
  readonly account: Uint8Array
  /** Unix seconds of the newest block. */
  nowS(options?: CourtOptions): Promise<number>
  /** The newest block that everybody should know: height and hash. */
  latestBlock(options?: CourtOptions): Promise<{ readonly block: number; readonly blockHash: Uint8Array }>
  /** Unix seconds of the block with this height and hash; null when there is none. */
  blockTime(block: number, blockHash: Uint8Array, options?: CourtOptions): Promise<number | null>
  /** A case; null when there is none. */
  caseOf(id: Uint8Array, options?: CourtOptions): Promise<Case | null>
  /** A claim; null when there is none. */
  claimOf(claim: bigint, options?: CourtOptions): Promise<Claim | null>
  /** Mask of the slots of a window that were claimed already. */
  claimedSlots(id: Uint8Array, window: number, options?: CourtOptions): Promise<bigint>
  /** Ids of the cases in which the account is party or witness. */
  cases(account: Uint8Array, options?: CourtOptions): Promise<readonly Uint8Array[]>
  /** Claims of a case, oldest first. */
  claimsOf(id: Uint8Array, options?: CourtOptions): Promise<readonly Claim[]>
  /** The account's seat and what it is; null when it has none. */
  seatOf(account: Uint8Array, options?: CourtOptions): Promise<(Seat & { readonly seat: number; readonly cases: number }) | null>
  /** Base units of bonds that the account may collect. */
  owed(account: Uint8Array, options?: CourtOptions): Promise<bigint>

  /** Takes a seat for the account: locks the witness stake. */
  enroll(peerKey: Uint8Array, options?: CourtOptions): Promise<CourtReceipt>
  /** No later case draws the seat. */
  vacate(options?: CourtOptions): Promise<CourtReceipt>
  /** Gives the stake of a seat that was left back, when no case needs it. */
  release(options?: CourtOptions): Promise<CourtReceipt>
  /** Returns the id of the case besides. */
  openSla(opening: SlaOpening, options?: CourtOptions): Promise<CourtReceipt & { readonly id: Uint8Array }>
  /** Draws, or pins another block when the chain forgot the hash. */
  drawWitnesses(
    id: Uint8Array,
    secrets?: { readonly provider: Uint8Array; readonly renter: Uint8Array },
    options?: CourtOptions,
  ): Promise<CourtReceipt>
  /** Returns the claim's number besides. */
  claimDowntime(
    claim: { readonly id: Uint8Array; readonly window: number; readonly mask: bigint; readonly bitmaps: readonly AttestedBitmap[] },
    options?: CourtOptions,
  ): Promise<CourtReceipt & { readonly claim: bigint }>
  /** Takes slots out of a claim, by q up-receipts each. */
  refute(
    claim: bigint,
    slots: readonly { readonly slot: number; readonly receipts: readonly Attestation[] }[],
    options?: CourtOptions,
  ): Promise<CourtReceipt>
  /** Ends a claim: slashes for what stands and settles the bond. */
  finalize(claim: bigint, options?: CourtOptions): Promise<CourtReceipt>
  /** Shows that a witness contradicts itself: it loses its stake. */
  proveWitnessEquivocation(
    proof: { readonly id: Uint8Array; readonly index: number; readonly a: AttestedStatement; readonly b: AttestedStatement },
    options?: CourtOptions,
  ): Promise<CourtReceipt>
  /** Shortens a case to `slots`, as its renter signed. */
  endSla(id: Uint8Array, slots: number, renterSig: Uint8Array, options?: CourtOptions): Promise<CourtReceipt>
  /** Frees what is left of the lock. */
  close(id: Uint8Array, options?: CourtOptions): Promise<CourtReceipt>
  /** Pays the account the bonds that it is owed. */
  collect(options?: CourtOptions): Promise<CourtReceipt>
  /** Confirmed events from now on. */
  follow(listener: (event: CourtEvent) => void): () => void
}
