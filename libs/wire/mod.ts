/**
 * The bytes of the market: a canonical subset of msgpack, schemas over it, signed envelopes, frames, units of money and time, errors.
 *
 * Every message is `[tbs, signature]`; what is signed is checked byte by byte before it is decoded, and carried, never rebuilt.
 * spec/wire.md has the exact rules, spec/vectors the golden bytes.
 *
 * @example
 * ```ts
 * import { decodeAs, encodeAs, fields, big, text } from "@haggle/wire";
 * import { expect } from "vitest";
 *
 * const price = fields({ unit: text({ max: 8 }), price: big() });
 * const bytes = encodeAs(price, { unit: "ms", price: 50_000n });
 * expect(decodeAs(price, bytes)).toEqual({ unit: "ms", price: 50_000n });
 * ```
 *
 * @module
 */
export { formatAmount, parseAmount, PRICE_DECIMALS } from './amount.ts'
export { compareBytes, concat, concatAll, equalBytes, fromHex, toHex, utf8 } from './bytes.ts'
export { checkDialect } from './check.ts'
export type { Clock, Random } from './clock.ts'
export { decode, encode, type Value } from './dialect.ts'
export { formatDuration, parseDuration } from './duration.ts'
export {
  type Draft,
  envelopeId,
  type Header,
  isMessage,
  MAX_SKEW_S,
  type Message,
  type MessageType,
  type MessageTypes,
  messageTypes,
  open,
  type OpenOptions,
  peekEnvelope,
  seal,
  type Signer,
  signingInput,
  type Suite,
  tbsOf,
} from './envelope.ts'
export { errorCode, HaggleError, type HaggleErrorOptions } from './errors.ts'
export { FrameReader, readFrames, writeFrame } from './frames.ts'
export { DOCUMENT_LIMITS, type Limits, MESSAGE_LIMITS } from './limits.ts'
export { networkId, networkTag, PUBLIC_NETWORK } from './network_id.ts'
export {
  anyValue,
  big,
  bool,
  type Bounds,
  bytes,
  decodeAs,
  encodeAs,
  fields,
  type Infer,
  list,
  mapped,
  nullable,
  oneOf,
  refine,
  type Schema,
  schemaError,
  text,
  uint,
} from './schema.ts'
export { formatSize, parseSize } from './size.ts'
export { systemClock, systemRandom } from './system.ts'
