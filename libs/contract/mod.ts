/**
 * Terms, the messages of a negotiation and of the contract that comes of it, the machine that each side runs, and transcripts that anyone can check.
 *
 * @example
 * A renter takes a standing offer. The machine says what to sign; its driver signs, stores, sends, and feeds the message back.
 * ```ts
 * import { begin, CONTRACT_MESSAGES, step, type Terms } from "@haggle/contract";
 * import { createIdentity, portableSuite } from "@haggle/identity";
 * import { freeRate } from "@haggle/offer";
 * import { type Message, networkId, seal } from "@haggle/wire";
 * import { expect } from "vitest";
 *
 * const suite = portableSuite();
 * const renter = createIdentity(new Uint8Array(32).fill(1));
 * const provider = createIdentity(new Uint8Array(32).fill(2));
 * const terms: Terms = {
 *   renter: renter.publicKey, provider: provider.publicKey, offerDigest: new Uint8Array(32), devices: [],
 *   runner: "deno", isolation: "bubblewrap", rail: "free", meters: freeRate(310_000n).meters, cap: 50_000n,
 *   tickMs: 5_000, graceMs: 15_000, stagingMs: 60_000, idleMs: 60_000, maxMs: 600_000,
 *   limits: { cpuMilli: 1_000, memMiB: 512, diskMiB: 512, outMiB: 16, pids: 64 },
 *   net: null, sla: null, visibility: "private", extends: null,
 * };
 *
 * const idle = begin({ role: "renter", self: renter.publicKey, peer: provider.publicKey }, { atMs: 0 });
 * const asked = step(idle, {
 *   type: "command", atMs: 0, command: { do: "accept", terms, specHash: new Uint8Array(32), number: 1, funding: null },
 * });
 * const sign = asked.effects.find((effect) => effect.kind === "sign");
 * expect(asked.state.phase).toBe("accepted");
 * if (sign?.type !== "accept") throw new Error("the machine asks for ACCEPT");
 *
 * const message: Message = seal(CONTRACT_MESSAGES.accept, {
 *   network: networkId("devnet-1"), audience: provider.publicKey, thread: new Uint8Array(16),
 *   seq: sign.seq, prev: sign.prev, ack: sign.ack, iat: 1_800_000_000, exp: 1_800_000_000 + sign.lifetimeS, body: sign.body,
 * }, renter.signer, suite);
 * const accepted = step(asked.state, { type: "message", message, atMs: 1, unixS: 1_800_000_000 });
 *
 * // Nobody answers: it is sent again at 1 s and 3 s, and taken back at 5 s.
 * expect(accepted.state.wakeAtMs).toBe(1_000);
 * const late = step(accepted.state, { type: "wake", atMs: 5_000 });
 * expect(late.effects.some((effect) => effect.kind === "sign" && effect.type === "cancel")).toBe(true);
 * ```
 *
 * @module
 */

export type {
  AcceptBody,
  CancelBody,
  ConfirmBody,
  CounterBody,
  Exit,
  GrantBody,
  MeterBody,
  QuoteBody,
  QuoteReqBody,
  ReadyBody,
  ReceiptBody,
  ReclaimBody,
  RejectedBody,
  ResultBody,
  StartBody,
  VoucherBody,
} from './bodies.ts'
export * from './constants.ts'
export { type Deadline, deadlinesOf } from './deadlines.ts'
export * from './effect.ts'
export * from './engine.ts'
export * from './event.ts'
export { brokenRule, CANCEL_RULES, extendsTerms, type Parties, type Rule, RULES } from './rules.ts'
export { type CancelFact, type Facts, type Figures, learn, type MeterFact, NO_FACTS, type ReceiptFact, type Walk } from './facts.ts'
export * from './messages.ts'
export * from './metering.ts'
export * from './paying.ts'
export * from './outcome.ts'
export * from './phase.ts'
export * from './reasons.ts'
export type { Proposal, Rec, RecOf } from './record.ts'
export * from './state.ts'
export * from './states.ts'
export * from './terms.ts'
export * from './transitions.ts'
export { slaFrom, slaMeter, termsFrom, type TermsSources } from './terms_from.ts'
export {
  type Chains,
  encodeTranscript,
  MAX_TRANSCRIPT_MESSAGE_BYTES,
  readTranscript,
  TRANSCRIPT_HEADER,
  type TranscriptFrames,
} from './transcript.ts'
export { type TranscriptError, type TranscriptReport, verifyTranscript } from './verify.ts'
export type { MachineRules } from './_work.ts'
