/**
 * Terms, the messages of a negotiation and of the contract that comes of it, the machine that each side runs, and transcripts that anyone can check.
 *
 * @module
 */

export * from './bodies.ts'
export * from './constants.ts'
export * from './effect.ts'
export * from './engine.ts'
export * from './event.ts'
export * from './messages.ts'
export * from './outcome.ts'
export * from './phase.ts'
export * from './reasons.ts'
export * from './state.ts'
export * from './terms.ts'
