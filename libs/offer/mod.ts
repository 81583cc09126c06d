/**
 * What is sold and what is wanted: devices, offers and demands, the constraint language over them, and an index that finds the best fits.
 *
 * @example
 * ```ts
 * import { offerIndex, parse, print } from "@haggle/offer";
 * import { sampleOffer } from "@haggle/offer/testing";
 * import { expect } from "vitest";
 *
 * const index = offerIndex();
 * index.put({ provider: new Uint8Array(32), offer: sampleOffer() });
 * expect(index.find("gpu.vram>=24GiB price.hour<=0.40")).toHaveLength(1);
 * expect(index.explain("gpu.vram>=48GiB").failures[0]?.relax).toBe("gpu.vram >= 24GiB");
 * expect(print(parse("gpu.vram>=24GiB region in [DE,FR]"))).toBe("gpu.vram >= 24GiB and region in [DE, FR]");
 * ```
 *
 * @module
 */

export * from './classes.ts'
export * from './demand.ts'
export * from './device.ts'
export * from './meter.ts'
export * from './offer.ts'
export {
  checkBounds,
  type Collection,
  type CompareOp,
  conjunction,
  conjuncts,
  type CountOp,
  EVERYTHING,
  type Expr,
  isEverything,
  type Literal,
  MAX_EXPR_BYTES,
  MAX_EXPR_DEPTH,
  MAX_EXPR_NODES,
  MAX_STRING,
  type MoneyLiteral,
  type OrderKey,
  type Query,
} from './ast.ts'
export { parse, type ParseOptions, parseQuery } from './parse.ts'
export { nameMoney } from './money.ts'
export { print, type PrintOptions, printQuery } from './print.ts'
export { DEVICE_PROPERTIES, OFFER_PROPERTIES, type Property, RENTER_PROPERTIES, RUNNER_PROPERTIES, type Vocabulary } from './properties.ts'
export { formatNumber, type NumericType, type UnitTable, UNITS, type ValueType, versionNumber } from './units.ts'
export { evaluate, evaluateOn, isUnknown, mentionsGpu, type Unknown, type Verdict } from './evaluate.ts'
export { acceptVerdict, demandQuery, devicesFor, impliedBy, match, type Match, type MatchOptions } from './match.ts'
export { byOrder, byWorth, rank, STRANGER_MICRO } from './rank.ts'
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
