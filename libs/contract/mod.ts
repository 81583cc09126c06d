/**
 * Terms, the messages of a negotiation and of the contract that comes of it, the machine that each side runs, and transcripts that anyone can check.
 *
 * @module
 */

export * from './bodies.ts'
export * from './constants.ts'
export { type Deadline, deadlinesOf } from './deadlines.ts'
export * from './effect.ts'
export * from './engine.ts'
export * from './event.ts'
export { brokenRule, CANCEL_RULES, extendsTerms, type Parties, type Rule, RULES } from './rules.ts'
export { type Facts, learn, NO_FACTS } from './facts.ts'
export * from './messages.ts'
export * from './metering.ts'
export * from './outcome.ts'
export * from './phase.ts'
export * from './reasons.ts'
export type { Proposal, Rec, RecOf } from './record.ts'
export * from './state.ts'
export * from './states.ts'
export * from './terms.ts'
export * from './transitions.ts'
export { termsFrom, type TermsSources } from './terms_from.ts'
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
