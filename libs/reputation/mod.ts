/**
 * Memory that can't be rewritten: an append-only Merkle ledger, proofs that a stranger checks, checkpoints and scores.
 *
 * @example
 * ```ts
 * import { memoryJournal, openMemory } from "@haggle/reputation";
 * import { createIdentity, portableSuite } from "@haggle/identity";
 * import { memoryStore } from "@haggle/store";
 * import { networkId, systemClock } from "@haggle/wire";
 * import { expect } from "vitest";
 *
 * const [me, peer] = [1, 2].map((byte) => createIdentity(new Uint8Array(32).fill(byte)));
 * const memory = await openMemory({
 *   store: memoryStore(), journal: async () => memoryJournal(), signer: me!.signer, suite: portableSuite(), clock: systemClock(),
 *   random: (n) => crypto.getRandomValues(new Uint8Array(n)), network: networkId("devnet-1"),
 * });
 * const at = Math.floor(Date.now() / 1000);
 * const facts = { role: "provider", outcome: "settled", liable: null, rail: "evm", settled: 70_000n, meteredS: 60, upS: 60, speedPermille: null } as const;
 * await memory.ledger.append([{ kind: "closed", at, number: 1, peer: peer!.publicKey, contract: new Uint8Array(32), facts, evidence: [] }]);
 * expect((await memory.scores.score(peer!.publicKey, "provider")).value).toBeGreaterThan(0.4);
 * await memory.close();
 * ```
 *
 * @module
 */

export { type Aggregate, AGGREGATE_LOG, type AggregateAnchor, type AnchorProof, openAggregate, verifyAnchorProof } from './aggregate.ts'
export { type Aggregator, type AggregatorInit, type Brought, MAX_STRANGERS, openAggregator } from './aggregator.ts'
export { ANCHOR_EVERY_MS, type AnchorClaim, type Anchored, type AnchorOptions, type ChainAnchor } from './anchor.ts'
export { type Checkpoint, checkpointMessage, type CheckpointReason, type Head, type SignedHead } from './checkpoint.ts'
export { betaCdf, betaQuantile } from './beta.ts'
export {
  type Audit,
  audit,
  type AuditOptions,
  CLOSE_WITHIN_S,
  type ContractTimes,
  gapsOf,
  type LogLine,
  longestOf,
  SHOWN_WITHIN_S,
} from './audit.ts'
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
export {
  CHECKPOINT_ENTRIES,
  CHECKPOINT_MS,
  type HeadSigner,
  type HeadSignerInit,
  type HeadState,
  type HeadStatus,
  openHeadSigner,
} from './head_signer.ts'
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
export {
  type Axis,
  type AxisScore,
  type Contribution,
  GAP_WEIGHT,
  LOWER_QUANTILE,
  makeScorer,
  type Score,
  type Scorer,
  type ScoreInput,
  VOICE_WEIGHT,
} from './score.ts'
export { Frontier, TreeHasher } from './tree.ts'
export { FAILURE_FACTOR, FULL_TRUST, PAIR_CAP, type Trust, WALK_SHARE, WALK_STEPS, walkTrust } from './trust_walk.ts'
export { openScoreBook, type Receipt, type ScoreBook, type ScoreBookInit, type ScoredLedger, type Standing } from './score_book.ts'
