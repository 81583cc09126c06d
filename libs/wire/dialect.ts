// The dialect: the one encoding of what is signed, a canonical subset of msgpack (spec/wire.md, Dialect).

import { Packr, Unpackr } from 'msgpackr'
import { checkDialect } from './check.ts'
import { HaggleError } from './errors.ts'
import { type Limits, MESSAGE_LIMITS } from './limits.ts'
import { isNormal } from './_normal.ts'

/** What the dialect can carry. Numbers are integers from 0 to 2^32 - 1; larger integers and money are big-endian bins. */
export type Value = number | boolean | null | string | Uint8Array | readonly Value[]

const packr = /* @__PURE__ */ new Packr({ useRecords: false, variableMapSize: true })
const unpackr = /* @__PURE__ */ new Unpackr({ useRecords: false, variableMapSize: true })

/**
 * The one encoding of `value`. Throws `E_WIRE_RANGE` for a number outside 0…2^32-1 or a fraction, `E_WIRE_TYPE` for anything that the dialect
 * does not carry, `E_WIRE_TEXT` for text that is not NFC or holds control, format or lone surrogate characters, and what {@link checkDialect}
 * throws when `limits` are exceeded.
 *
 * @example
 * ```ts
 * import { decode, encode } from "@haggle/wire";
 * import { expect } from "vitest";
 *
 * const bytes = encode([1, "job", null, true]);
 * expect(bytes).toEqual(Uint8Array.of(0x94, 1, 0xa3, 0x6a, 0x6f, 0x62, 0xc0, 0xc3));
 * expect(decode(bytes)).toEqual([1, "job", null, true]);
 * ```
 */
export function encode(value: Value, limits: Limits = MESSAGE_LIMITS): Uint8Array {
  return new Uint8Array(encodeShared(value, limits))
}

/** Like {@link encode}, but the result is a window into msgpackr's larger buffer: for bytes that are copied into their place at once. */
export function encodeShared(value: Value, limits: Limits): Uint8Array {
  checkValue(value, limits.maxDepth)
  const bytes: Uint8Array = packr.pack(value)
  checkDialect(bytes, limits)
  return bytes
}

/**
 * The value of `bytes`, which must be the one encoding of it. Bins in the result are views of `bytes`: the caller must not change them afterwards.
 * Throws what {@link checkDialect} throws, and `E_WIRE_TEXT` for text that is not NFC.
 */
export function decode(bytes: Uint8Array, limits: Limits = MESSAGE_LIMITS): Value {
  const composed = checkDialect(bytes, limits)
  // A view of its own: msgpackr leaves a property on the array that it is given, and views of a Buffer would be Buffers.
  const value = unpackr.unpack(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)) as Value
  if (composed) checkNormal(value)
  return value
}

function checkValue(value: Value, depth: number): void {
  switch (typeof value) {
    case 'number':
      if (value >>> 0 !== value) throw new HaggleError('E_WIRE_RANGE', `Cannot encode ${value}: must be an integer from 0 to 4294967295`)
      return
    case 'string':
      if (isPlainText(value)) return
      if (!value.isWellFormed()) throw new HaggleError('E_WIRE_TEXT', 'Cannot encode the text: it holds half of a surrogate pair')
      if (!isNormal(value)) throw notNormal()
      return
    case 'boolean':
      return
    default:
      if (value === null || value instanceof Uint8Array) return
      if (!Array.isArray(value)) throw new HaggleError('E_WIRE_TYPE', `Cannot encode a value of type ${typeof value}`)
      if (depth === 0) throw new HaggleError('E_WIRE_DEPTH', 'Cannot encode the value: arrays too deep')
      for (let i = 0; i < value.length; i++) checkValue(value[i] as Value, depth - 1)
  }
}

/** True for text whose code points are all below U+0300: it is well-formed and in normal form C as it stands. */
function isPlainText(value: string): boolean {
  for (let i = 0; i < value.length; i++) if (value.charCodeAt(i) >= 0x300) return false
  return true
}

function checkNormal(value: Value): void {
  if (typeof value === 'string') {
    if (!isNormal(value)) throw notNormal()
  } else if (Array.isArray(value)) for (const item of value) checkNormal(item)
}

function notNormal(): HaggleError {
  return new HaggleError('E_WIRE_TEXT', 'The text is not in Unicode normal form C', { next: 'call text.normalize("NFC") first' })
}
