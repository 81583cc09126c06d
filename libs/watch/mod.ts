/**
 * Heartbeats, up-receipts and bitmaps over `/haggle/witness/1`, and the court's business of one account by itself: as provider, renter and witness.
 *
 * @example
 * ```ts
 * import { decodeAnswer, encodeAnswer, WITNESS_PROTOCOL } from "@haggle/watch";
 * import { expect } from "vitest";
 *
 * expect(WITNESS_PROTOCOL).toBe("/haggle/witness/1");
 * const answer = { name: "receipt", body: { sig: new Uint8Array(65) } } as const;
 * expect(decodeAnswer(encodeAnswer(answer))).toEqual(answer);
 * ```
 *
 * @module
 */
export { ask, ASK_MS, type AskOptions, type AskParts, serve } from './ask.ts'
export { EvidenceBook } from './evidence.ts'
export {
  decodeAnswer,
  decodeQuestion,
  encodeAnswer,
  encodeQuestion,
  MAX_FRAME_BYTES,
  type Named,
  refusedFor,
  type WatchAnswer,
  type WatchAnswers,
  type WatchQuestion,
  type WatchQuestions,
  type WatchRefusal,
  WITNESS_PROTOCOL,
} from './protocol.ts'
export {
  parseCaseId,
  startWatch,
  type WatchedCase,
  type WatchEvent,
  type WatchInit,
  type WatchRole,
  type WatchService,
} from './watch_service.ts'
