// Schemas: what each position of a message holds, read from and built into dialect values (spec/wire.md, Schemas).

import { decode, encode, type Value } from './dialect.ts'
import { HaggleError } from './errors.ts'
import type { Limits } from './limits.ts'

/** Reads a `T` from a dialect value and builds the value from it. `build(parse(v))` is `v` again: a schema never loses or repairs anything. */
export interface Schema<T> {
  /** Throws `E_WIRE_SCHEMA` with `details.path`, such as `[3][0]`. */
  parse(value: Value): T
  /** Throws `E_WIRE_SCHEMA` for a `T` that `parse` would refuse. */
  build(value: T): Value
}

/** The type that a schema reads. */
export type Infer<S> = S extends Schema<infer T> ? T : never

/** Bounds of a length, both inclusive. */
export interface Bounds {
  /** Default 0. */
  readonly min?: number
  /** The most that is accepted. */
  readonly max: number
}

/** The error of a schema: `reason` reads on from "it …", such as "must be at most 40, is 55". For schemas made with {@link refine} and {@link mapped}. */
export function schemaError(reason: string, path = '', name = ''): HaggleError {
  const where = path === '' ? 'the value' : name === '' ? path : `${path} (${name})`
  return new HaggleError('E_WIRE_SCHEMA', `Cannot read ${where}: ${reason}`, { details: { path, name, reason } })
}

/** `run()`, with the path of a schema error prefixed: errors deeper down say where they are without any cost when nothing is wrong. */
export function within<T>(step: string, name: string, run: () => T): T {
  try {
    return run()
  } catch (error) {
    throw deeper(error, step, name)
  }
}

function deeper(error: unknown, step: string, name: string): unknown {
  if (!(error instanceof HaggleError) || error.code !== 'E_WIRE_SCHEMA') return error
  const inner = String(error.details['name'] ?? '')
  const joined = name === '' || inner === '' || inner.startsWith('[') ? name + inner : `${name}.${inner}`
  return schemaError(String(error.details['reason'] ?? ''), step + String(error.details['path'] ?? ''), joined)
}

function kindOf(value: unknown): string {
  if (value === null) return 'nil'
  if (value instanceof Uint8Array) return 'bin'
  if (Array.isArray(value)) return `an array of ${value.length}`
  switch (typeof value) {
    case 'number':
      return String(value)
    case 'string':
      return 'text'
    case 'boolean':
      return String(value)
    default:
      return typeof value
  }
}

/** A schema whose form in JavaScript is the dialect value itself, so that reading and building are one check. */
function same<T extends Value>(check: (value: unknown) => T): Schema<T> {
  return { parse: check, build: check }
}

/** An unsigned integer from `min` (default 0) to `max` (default 2^32 - 1), both inclusive. */
export function uint(bounds: { readonly min?: number; readonly max?: number } = {}): Schema<number> {
  const { min = 0, max = 0xffffffff } = bounds
  return same((value) => {
    if (typeof value !== 'number' || value >>> 0 !== value || value < min || value > max) {
      throw schemaError(`must be an integer from ${min} to ${max}, is ${kindOf(value)}`)
    }
    return value
  })
}

/** True or false. */
export function bool(): Schema<boolean> {
  return same((value) => {
    if (typeof value !== 'boolean') throw schemaError(`must be true or false, is ${kindOf(value)}`)
    return value
  })
}

/** Text of `min` (default 0) to `max` bytes of UTF-8. With `pattern`, text that matches it. */
export function text(bounds: Bounds & { readonly pattern?: RegExp }): Schema<string> {
  const { min = 0, max, pattern } = bounds
  return same((value) => {
    if (typeof value !== 'string') throw schemaError(`must be text, is ${kindOf(value)}`)
    const length = utf8Length(value)
    if (length < min || length > max) throw schemaError(`must be text of ${range(min, max)} bytes, is ${length}`)
    if (pattern && !pattern.test(value)) throw schemaError(`must be text like ${pattern.source}`)
    return value
  })
}

/** Bytes: exactly `length`, or from `min` (default 0) to `max`. */
export function bytes(bounds: { readonly length: number } | Bounds): Schema<Uint8Array> {
  const min = 'length' in bounds ? bounds.length : (bounds.min ?? 0)
  const max = 'length' in bounds ? bounds.length : bounds.max
  return same((value) => {
    if (!(value instanceof Uint8Array)) throw schemaError(`must be bin, is ${kindOf(value)}`)
    if (value.length < min || value.length > max) throw schemaError(`must be ${range(min, max)} bytes, is ${value.length}`)
    return value
  })
}

/** A large unsigned integer or money: big-endian bin without leading zero bytes, zero is the empty bin. At most `maxBytes` (default 16). */
export function big(bounds: { readonly maxBytes?: number } = {}): Schema<bigint> {
  const { maxBytes = 16 } = bounds
  return {
    parse(value) {
      if (!(value instanceof Uint8Array)) throw schemaError(`must be bin, is ${kindOf(value)}`)
      if (value.length > maxBytes) throw schemaError(`must be an integer of at most ${maxBytes} bytes, is ${value.length}`)
      if (value[0] === 0) throw schemaError('must have no leading zero byte')
      let sum = 0n
      for (let i = 0; i < value.length; i++) sum = sum * 256n + BigInt(value[i] as number)
      return sum
    },
    build(value) {
      if (typeof value !== 'bigint' || value < 0n || value >> BigInt(maxBytes * 8) !== 0n) {
        throw schemaError(`must be an integer of at most ${maxBytes} bytes, is ${String(value)}`)
      }
      const reversed: number[] = []
      for (let rest = value; rest > 0n; rest >>= 8n) reversed.push(Number(rest & 0xffn))
      return Uint8Array.from(reversed.reverse())
    },
  }
}

/** Nil (null here), or what `inner` reads. */
export function nullable<T>(inner: Schema<T>): Schema<T | null> {
  return {
    parse: (value) => (value === null ? null : inner.parse(value)),
    build: (value) => (value === null ? null : inner.build(value)),
  }
}

/** An array of `min` (default 0) to `max` values that `item` reads. */
export function list<T>(item: Schema<T>, bounds: Bounds): Schema<readonly T[]> {
  const { min = 0, max } = bounds
  function each<A, B>(value: unknown, step: (entry: A) => B): B[] {
    if (!Array.isArray(value)) throw schemaError(`must be an array, is ${kindOf(value)}`)
    if (value.length < min || value.length > max) throw schemaError(`must be an array of ${range(min, max)}, is ${kindOf(value)}`)
    const result: B[] = new Array<B>(value.length)
    let i = 0
    try {
      for (; i < value.length; i++) result[i] = step(value[i] as A)
    } catch (error) {
      throw deeper(error, `[${i}]`, `[${i}]`)
    }
    return result
  }
  return {
    parse: (value) => each<Value, T>(value, (entry) => item.parse(entry)),
    build: (value) => each<T, Value>(value, (entry) => item.build(entry)),
  }
}

/** One of these words. */
export function oneOf<const W extends string>(...words: readonly W[]): Schema<W> {
  const known: ReadonlySet<unknown> = new Set<unknown>(words)
  return same((value) => {
    if (!known.has(value))
      throw schemaError(`must be one of ${words.join(', ')}, is ${typeof value === 'string' ? `"${value.slice(0, 32)}"` : kindOf(value)}`)
    return value as W
  })
}

/** Any dialect value, untouched. */
export function anyValue(): Schema<Value> {
  return same((value) => value as Value)
}

/** What `inner` reads and `problem` finds nothing wrong with. `problem` returns the reason, or undefined when all is well. */
export function refine<T>(inner: Schema<T>, problem: (value: T) => string | undefined): Schema<T> {
  function check(value: T): T {
    const reason = problem(value)
    if (reason !== undefined) throw schemaError(reason)
    return value
  }
  return { parse: (value) => check(inner.parse(value)), build: (value) => inner.build(check(value)) }
}

/** The same bytes under another JavaScript form: `to` after reading, `from` before building; each must undo the other. */
export function mapped<A, B>(inner: Schema<A>, to: (value: A) => B, from: (value: B) => A): Schema<B> {
  return { parse: (value) => to(inner.parse(value)), build: (value) => inner.build(from(value)) }
}

/**
 * An object here, an array of fixed positions in bytes: position n is the n-th key as written. More or fewer positions are refused.
 *
 * @example
 * ```ts
 * import { decodeAs, encodeAs, fields, list, nullable, text, uint } from "@haggle/wire";
 * import { expect } from "vitest";
 *
 * const job = fields({ name: text({ max: 32 }), cores: uint({ min: 1, max: 64 }), tags: list(text({ max: 8 }), { max: 4 }), note: nullable(text({ max: 80 })) });
 * const bytes = encodeAs(job, { name: "render", cores: 4, tags: ["a"], note: null });
 * expect(decodeAs(job, bytes)).toEqual({ name: "render", cores: 4, tags: ["a"], note: null });
 * ```
 */
export function fields<S extends Readonly<Record<string, Schema<unknown>>>>(shape: S): Schema<{ readonly [K in keyof S]: Infer<S[K]> }> {
  type T = { readonly [K in keyof S]: Infer<S[K]> }
  const names = Object.keys(shape)
  const schemas = names.map((name) => shape[name] as Schema<unknown>)
  return {
    parse(value) {
      if (!Array.isArray(value)) throw schemaError(`must be an array, is ${kindOf(value)}`)
      if (value.length !== names.length) throw schemaError(`must be an array of ${names.length}, is ${kindOf(value)}`)
      const result: Record<string, unknown> = {}
      let i = 0
      try {
        for (; i < names.length; i++) result[names[i] as string] = (schemas[i] as Schema<unknown>).parse(value[i] as Value)
      } catch (error) {
        throw deeper(error, `[${i}]`, names[i] as string)
      }
      return result as T
    },
    build(value) {
      const result: Value[] = new Array<Value>(names.length)
      let i = 0
      try {
        for (; i < names.length; i++) result[i] = (schemas[i] as Schema<unknown>).build(value[names[i] as string])
      } catch (error) {
        throw deeper(error, `[${i}]`, names[i] as string)
      }
      return result
    },
  }
}

/** The bytes of `value` under `schema`. Throws `E_WIRE_SCHEMA` and what {@link encode} throws. */
export function encodeAs<T>(schema: Schema<T>, value: T, limits?: Limits): Uint8Array {
  return encode(schema.build(value), limits)
}

/** The `T` of `bytes`. Throws what {@link decode} throws, then `E_WIRE_SCHEMA`. */
export function decodeAs<T>(schema: Schema<T>, bytes: Uint8Array, limits?: Limits): T {
  return schema.parse(decode(bytes, limits))
}

function range(min: number, max: number): string {
  return min === max ? String(max) : `${min} to ${max}`
}

function utf8Length(value: string): number {
  let length = value.length
  for (let i = 0; i < value.length; i++) {
    const unit = value.charCodeAt(i)
    if (unit >= 0x800 && (unit < 0xd800 || unit > 0xdfff)) length += 2
    else if (unit >= 0x80) length += 1
  }
  return length
}
