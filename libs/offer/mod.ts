/**
 * What is sold and what is wanted: devices, offers and demands, the constraint language over them, and an index that finds the best fits.
 *
 * @module
 */

export * from './classes.ts'
export * from './demand.ts'
export * from './device.ts'
export * from './meter.ts'
export * from './offer.ts'
export * from './ast.ts'
export { parse, type ParseOptions, parseQuery } from './parse.ts'
export { print, type PrintOptions, printQuery } from './print.ts'
export * from './properties.ts'
export * from './units.ts'
export { allOf, anyOf, evaluate, evaluateOn, isUnknown, mentionsGpu, type Unknown, type Verdict } from './evaluate.ts'
export { acceptVerdict, demandQuery, devicesFor, impliedBy, match, type Match, type MatchOptions } from './match.ts'
export { byOrder, rank } from './rank.ts'
export { deviceSubject, offerSubject, type PropertyValue, renterSubject, type Subject, type SubjectOptions } from './subject.ts'
export { classesFor, mayFit, type Reach, reachOf } from './reach.ts'
export { type Closest, explain, type ExplainOptions, type Explanation, type Failure } from './explain.ts'
export {
  type AskOptions,
  DEFAULT_LIMIT,
  type Hit,
  type OfferIndex,
  offerIndex,
  type OfferIndexInit,
  type PreparedQuery,
} from './offer_index.ts'
