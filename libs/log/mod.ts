/**
 * The log of a node among others, over `/haggle/log/1`: heads that counterparties cosign, split views found and gossiped as evidence, entries that
 * were lost fetched back from those who keep them, and other people's logs audited.
 *
 * @example
 * ```ts
 * import { decodeQuestion, encodeQuestion, evidenceTopic, LOG_PROTOCOL } from "@haggle/log";
 * import { networkId } from "@haggle/wire";
 * import { expect } from "vitest";
 *
 * const frame = encodeQuestion("consistency", { from: 256, to: 512 });
 * expect(decodeQuestion(frame)).toEqual({ name: "consistency", body: { from: 256, to: 512 } });
 * expect(LOG_PROTOCOL).toBe("/haggle/log/1");
 * expect(evidenceTopic(networkId("haggle"))).toMatch(/^haggle\/[0-9a-f]{16}\/evidence\/1$/);
 * ```
 *
 * @module
 */

export { ask, ASK_MS, type AskOptions, type AskParts } from './ask.ts'
export { type EvidenceParts, hearEvidence } from './evidence_topic.ts'
export { COUNTERPARTY_DAYS, type Counterparties, followCounterparties } from './counterparties.ts'
export { fetchAnchor, type FetchAnchorParts, type FetchedAnchor } from './fetch_anchor.ts'
export { type KeptEntries, keptEntries } from './kept_entries.ts'
export {
  AUDIT_MS,
  type CheckpointResult,
  EXCHANGE_MS,
  type LogEvent,
  type LogInit,
  type LogService,
  type LogStatus,
  startLog,
  TICK_MS,
} from './log_service.ts'
export type { ImportKind } from './presenter.ts'
export {
  type Answers,
  decodeAnswer,
  decodeQuestion,
  encodeAnswer,
  encodeQuestion,
  type EntryFrame,
  evidenceTopic,
  type LineFrame,
  LOG_PROTOCOL,
  type Named,
  type Questions,
} from './protocol.ts'
export { pushHead, type PushFrom, type PushOutcome, type PushParts } from './push.ts'
export { serveLog, type ServeParts } from './serve.ts'
