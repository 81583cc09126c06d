/**
 * Memory that can't be rewritten: an append-only Merkle ledger, proofs that a stranger checks, checkpoints and scores.
 *
 * @module
 */

export { type Checkpoint, checkpointMessage, type CheckpointReason, type Head, type SignedHead } from './checkpoint.ts'
export { betaCdf, betaQuantile } from './beta.ts'
export { type Audit, audit, CLOSE_WITHIN_S, gapsOf, type LogLine } from './audit.ts'
export { type Cosignature, cosign, cosignMessage } from './cosign.ts'
export { decodeEntry, encodeEntry, type Entry, ENTRY_KINDS, type EntryKind, entryLeaf, type Facts, SALT_BYTES } from './entry.ts'
export {
  contradiction,
  type Evidence,
  type EvidenceKind,
  forkEvidence,
  isEvidence,
  type LeafShown,
  readEvidence,
  rewriteEvidence,
  voidEvidence,
  type VoidShown,
} from './evidence.ts'
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
  type Summary,
} from './ledger.ts'
export { type Memory, type MemoryInit, openMemory, successionEntry } from './memory.ts'
export type { Gap, MergeReport } from './_merge.ts'
export { ageFactor, FREE_FACTOR, HALF_LIFE_DAYS, type Observation, observationWeight, VALUE_UNIT, valueWeight } from './observation.ts'
export { isBothSigned, isProof, observationOf, type Proof, PROOF_BYTES, proveEntry, verifyProof } from './proof.ts'
export {
  type ConsistencyClaim,
  emptyRoot,
  HASH_BYTES,
  type InclusionClaim,
  leafHash,
  nodeHash,
  type Sha256,
  verifyConsistency,
  verifyInclusion,
} from './rfc9162.ts'
export { type Axis, type AxisScore, type Contribution, GAP_WEIGHT, LOWER_QUANTILE, makeScorer, type Score, type Scorer, type ScoreInput, VOICE_WEIGHT } from './score.ts'
export { Frontier, TreeHasher } from './tree.ts'
export { FAILURE_FACTOR, FULL_TRUST, PAIR_CAP, type Trust, WALK_SHARE, WALK_STEPS, walkTrust } from './trust_walk.ts'
export { openScoreBook, type ScoreBook, type ScoreBookInit } from './score_book.ts'
