/**
 * Memory that can't be rewritten: an append-only Merkle ledger, proofs that a stranger checks, checkpoints and scores.
 *
 * @module
 */

export { type Checkpoint, checkpointMessage, type CheckpointReason, type Head, type SignedHead } from './checkpoint.ts'
export { type Cosignature, cosign, cosignMessage } from './cosign.ts'
export { decodeEntry, encodeEntry, type Entry, ENTRY_KINDS, type EntryKind, entryLeaf, type Facts, SALT_BYTES } from './entry.ts'
export { contradiction, type Evidence, type EvidenceKind, forkEvidence, isEvidence, type LeafShown, readEvidence, rewriteEvidence } from './evidence.ts'
export { type HeadBook, type HeadBookInit, type HeadVerdict, openHeadBook } from './head_book.ts'
export { CHECKPOINT_ENTRIES, CHECKPOINT_MS, type HeadSigner, type HeadSignerInit, type HeadState, type HeadStatus, openHeadSigner } from './head_signer.ts'
export { type Journal, memoryJournal } from './journal.ts'
export {
  type CheckReport,
  type KeptEntry,
  type Ledger,
  type LedgerInit,
  type LedgerState,
  type LedgerStatus,
  openLedger,
  type ScanOptions,
  type StoredEntry,
} from './ledger.ts'
export type { Gap, MergeReport } from './_merge.ts'
export {
  type ConsistencyClaim,
  emptyRoot,
  type InclusionClaim,
  leafHash,
  nodeHash,
  type Sha256,
  verifyConsistency,
  verifyInclusion,
} from './rfc9162.ts'
