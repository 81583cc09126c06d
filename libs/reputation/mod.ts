/**
 * Memory that can't be rewritten: an append-only Merkle ledger, proofs that a stranger checks, checkpoints and scores.
 *
 * @module
 */

export { type Checkpoint, checkpointMessage, type CheckpointReason, type Head, type SignedHead } from './checkpoint.ts'
export { decodeEntry, encodeEntry, type Entry, ENTRY_KINDS, type EntryKind, entryLeaf, type Facts, SALT_BYTES } from './entry.ts'
export { type Journal, memoryJournal } from './journal.ts'
export { type CheckReport, type Ledger, type LedgerInit, type LedgerState, openLedger, type StoredEntry } from './ledger.ts'
export { type Gap } from './_merge.ts'
export { type ConsistencyClaim, emptyRoot, type InclusionClaim, leafHash, nodeHash, type Sha256, verifyConsistency, verifyInclusion } from './rfc9162.ts'
