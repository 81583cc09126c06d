/**
 * Who was up: service levels, the draw of a committee, heartbeats, up-receipts, bitmaps, and the court's rule, as pure functions. Clock, randomness,
 * network and chain are parameters. spec/court.md has the rule and its proof.
 *
 * @example
 * ```ts
 * import { bitmapOf, decideSlot, hear, opensClaim, planClaims, RULES, newWatch } from "@haggle/witness";
 * import { expect } from "vitest";
 *
 * // Four witnesses of a case of two slots. The provider beats in slot 0 and is gone in slot 1.
 * const schedule = { startsAtS: 0, slotS: 60, slots: 2 };
 * const bitmaps = [0, 1, 2, 3].map((index) => {
 *   let { watch } = hear(newWatch({ schedule, quorum: RULES[2].q, nowMs: 0 }), { slot: 0, blockAtS: 0, nowMs: 30_000 });
 *   watch = decideSlot(watch, 0, { nowMs: 90_000, heardOthers: 3 });
 *   watch = decideSlot(watch, 1, { nowMs: 150_000, heardOthers: 3 });
 *   return { index, down: bitmapOf(watch, 0) ?? 0n };
 * });
 * const [claim] = planClaims(RULES[2], bitmaps, 0b11n);
 * expect(claim).toEqual({ mask: 0b10n, indices: [0, 1, 2] });
 * expect(opensClaim(RULES[2], 0b10n, bitmaps.slice(0, 3))).toBe(true);
 * ```
 *
 * @module
 */
export { type AccountSigner, keccak256, localAccount, recoverAddress } from './account.ts'
export { chanceOfSeats, type Draw, drawSeats, drawSeed, eligible, type Seat, TRIES_PER_PLACE } from './committee.ts'
export * from './court.ts'
export { CourtModel } from './court_model.ts'
export {
  attestsOnChain,
  type CallContext,
  type CourtModelOptions,
  HASH_MEMORY,
  MAX_START_DELAY_S,
  REPORTER_PART,
  WITNESS_LOCK,
} from './model_init.ts'
export { commitTo, drawSecret } from './draw_secret.ts'
export { type Bought, caseOfContract, isAsBought, MAX_LEAD_S } from './opened.ts'
export { type CourtRefusal, isRefusal, refused } from './refusal.ts'
export { type Rule, ruleOf, type RuleNumber, ruleProblems, RULES, WINDOW_SLOTS } from './rule.ts'
export { checkSla, decodeSla, encodeSla, MAX_FACTOR, MAX_SLA_BYTES, MAX_SLOTS, type Sla } from './sla.ts'
export {
  countBits,
  graceMs,
  maskSlots,
  MAX_GRACE_S,
  type Schedule,
  slotAt,
  slotBit,
  slotStartMs,
  windowEndS,
  windowMask,
  windowOf,
  windowsOf,
} from './slots.ts'
export {
  addressWord,
  type Bitmap,
  bitmapDigest,
  caseId,
  contradict,
  type CourtDomain,
  domainSeparator,
  endDigest,
  type EndSla,
  type Heartbeat,
  heartbeatDigest,
  receiptDigest,
  type Signed,
  signedBy,
  type Statement,
  type UpReceipt,
  word,
} from './statement.ts'
export { VaultModel } from './vault_model.ts'
export {
  type ClaimPlan,
  contradiction,
  maskOf,
  opensClaim,
  planClaims,
  planRefutations,
  type RefutationPlan,
  refutes,
  settle,
  type Settlement,
  type WitnessBitmap,
} from './verdict.ts'
export {
  bitmapAtMs,
  bitmapOf,
  BLOCK_AGE_S,
  decidesAtMs,
  decideSlot,
  type Decision,
  hear,
  type HeardHeartbeat,
  type HeartbeatVerdict,
  newWatch,
  type Watch,
} from './watch.ts'
