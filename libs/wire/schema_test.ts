// Schemas: what they read they build again, what they refuse they name by its path.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  anyValue,
  big,
  bool,
  bytes,
  decodeAs,
  encodeAs,
  fields,
  type HaggleError,
  type Infer,
  list,
  mapped,
  nullable,
  oneOf,
  refine,
  type Schema,
  schemaError,
  text,
  toHex,
  uint,
  type Value,
} from './mod.ts'

const meter = fields({ unit: oneOf('ms', 'request'), price: big(), per: big({ maxBytes: 8 }) })
const offer = fields({
  id: bytes({ length: 4 }),
  name: text({ min: 1, max: 12 }),
  slots: uint({ min: 1, max: 64 }),
  live: bool(),
  meters: list(meter, { min: 1, max: 4 }),
  note: nullable(text({ max: 20 })),
  extra: anyValue(),
})
type Offer = Infer<typeof offer>

const good: Offer = {
  id: Uint8Array.of(1, 2, 3, 4),
  name: 'box',
  slots: 2,
  live: true,
  meters: [{ unit: 'ms', price: 310_000n, per: 3_600_000n }],
  note: null,
  extra: [1, ['a']],
}

function errorOf(run: () => unknown): HaggleError {
  try {
    run()
  } catch (error) {
    return error as HaggleError
  }
  throw new Error('nothing was thrown')
}

function refusal(schema: Schema<never> | Schema<unknown>, value: unknown): string {
  const error = errorOf(() => schema.parse(value as Value))
  expect(error.code).toBe('E_WIRE_SCHEMA')
  return `${String(error.details['path'])}: ${String(error.details['reason'])}`
}

describe('fields()', () => {
  it('reads what it built', () => {
    expect(decodeAs(offer, encodeAs(offer, good))).toEqual(good)
  })

  it('puts keys into positions in the order they are written', () => {
    expect(toHex(encodeAs(fields({ b: uint(), a: uint() }), { a: 1, b: 2 }))).toBe('920201')
  })

  it('refuses missing and additional positions', () => {
    const built = offer.build(good) as Value[]
    expect(refusal(offer, built.slice(0, -1))).toBe(': must be an array of 7, is an array of 6')
    expect(refusal(offer, [...built, 0])).toBe(': must be an array of 7, is an array of 8')
    expect(refusal(offer, 'text')).toBe(': must be an array, is text')
  })

  it('names the path and the names of what is wrong', () => {
    const built = offer.build(good) as Value[]
    built[4] = [['ms', new Uint8Array(1), new Uint8Array(0)]]
    const error = errorOf(() => offer.parse(built))
    expect(error.details['path']).toBe('[4][0][1]')
    expect(error.details['name']).toBe('meters[0].price')
    expect(error.message).toBe('Cannot read [4][0][1] (meters[0].price): must have no leading zero byte')
  })

  it('names the path when building too', () => {
    const error = errorOf(() => offer.build({ ...good, meters: [{ unit: 'ms', price: -1n, per: 1n }] }))
    expect(error.details['path']).toBe('[4][0][1]')
  })

  it('does not read a position from a key of the prototype', () => {
    expect(errorOf(() => fields({ toString: text({ max: 3 }) }).build({} as never)).code).toBe('E_WIRE_SCHEMA')
  })
})

describe('scalar schemas', () => {
  it.each<[string, Schema<unknown>, unknown, string]>([
    ['uint()', uint(), 'a', ': must be an integer from 0 to 4294967295, is text'],
    ['uint()', uint({ min: 2, max: 3 }), 1, ': must be an integer from 2 to 3, is 1'],
    ['uint()', uint({ max: 3 }), 4, ': must be an integer from 0 to 3, is 4'],
    ['bool()', bool(), 0, ': must be true or false, is 0'],
    ['text()', text({ max: 3 }), 'four', ': must be text of 0 to 3 bytes, is 4'],
    ['text()', text({ max: 3 }), 'éé', ': must be text of 0 to 3 bytes, is 4'],
    ['text()', text({ min: 1, max: 3 }), '', ': must be text of 1 to 3 bytes, is 0'],
    ['text()', text({ max: 3, pattern: /^[a-z]*$/ }), 'A', ': must be text like ^[a-z]*$'],
    ['text()', text({ max: 3 }), null, ': must be text, is nil'],
    ['bytes()', bytes({ length: 2 }), Uint8Array.of(1), ': must be 2 bytes, is 1'],
    ['bytes()', bytes({ max: 2 }), new Uint8Array(3), ': must be 0 to 2 bytes, is 3'],
    ['bytes()', bytes({ max: 2 }), 'ab', ': must be bin, is text'],
    ['big()', big(), 1, ': must be bin, is 1'],
    ['big()', big(), Uint8Array.of(0), ': must have no leading zero byte'],
    ['big()', big({ maxBytes: 2 }), Uint8Array.of(1, 0, 0), ': must be an integer of at most 2 bytes, is 3'],
    ['list()', list(uint(), { max: 1 }), [1, 2], ': must be an array of 0 to 1, is an array of 2'],
    ['list()', list(uint(), { max: 1 }), 1, ': must be an array, is 1'],
    ['list()', list(uint(), { min: 1, max: 2 }), [], ': must be an array of 1 to 2, is an array of 0'],
    ['list()', list(uint(), { max: 3 }), [1, true], '[1]: must be an integer from 0 to 4294967295, is true'],
    ['oneOf()', oneOf('a', 'b'), 'c', ': must be one of a, b, is "c"'],
    ['oneOf()', oneOf('a', 'b'), 1, ': must be one of a, b, is 1'],
    ['nullable()', nullable(uint()), false, ': must be an integer from 0 to 4294967295, is false'],
  ])('%s says what must be and what is', (_, schema, value, wanted) => {
    expect(refusal(schema, value)).toBe(wanted)
  })

  it('uint() refuses what only looks like an integer when building', () => {
    for (const value of [-1, 0.5, 2 ** 32, Number.NaN]) expect(errorOf(() => uint().build(value)).code).toBe('E_WIRE_SCHEMA')
  })
})

describe('big()', () => {
  it('builds the shortest big-endian bytes and reads them back', () => {
    expect(big().build(0n)).toEqual(new Uint8Array(0))
    expect(big().build(255n)).toEqual(Uint8Array.of(255))
    expect(big().build(256n)).toEqual(Uint8Array.of(1, 0))
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }), (value) => {
        const built = big().build(value) as Uint8Array
        expect(built[0]).not.toBe(0)
        expect(big().parse(built)).toBe(value)
      }),
    )
  })

  it('refuses to build what is negative or too long', () => {
    for (const value of [-1n, 2n ** 128n]) expect(errorOf(() => big().build(value)).code).toBe('E_WIRE_SCHEMA')
    expect(errorOf(() => big().build(1 as never)).code).toBe('E_WIRE_SCHEMA')
  })
})

describe('text()', () => {
  it('counts bytes of UTF-8', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 12 }), (value) => {
        const length = Buffer.byteLength(value)
        expect(text({ max: length }).parse(value)).toBe(value)
        if (length > 0) expect(errorOf(() => text({ max: length - 1 }).parse(value)).code).toBe('E_WIRE_SCHEMA')
      }),
    )
  })
})

describe('refine() and mapped()', () => {
  const even = refine(uint(), (n) => (n % 2 === 0 ? undefined : `must be even, is ${n}`))
  const celsius = mapped(
    uint(),
    (n) => n - 273,
    (c) => c + 273,
  )

  it('refine() refuses for its own reason in both directions', () => {
    expect(even.parse(2)).toBe(2)
    expect(refusal(list(even, { max: 3 }), [2, 3])).toBe('[1]: must be even, is 3')
    expect(errorOf(() => even.build(3)).details['reason']).toBe('must be even, is 3')
  })

  it('mapped() undoes itself', () => {
    expect(celsius.build(celsius.parse(300))).toBe(300)
    expect(celsius.parse(300)).toBe(27)
  })

  it('leaves other errors as they are', () => {
    const broken = mapped(
      uint(),
      (): number => {
        throw new TypeError('mine')
      },
      (n: number) => n,
    )
    expect(() => list(broken, { max: 1 }).parse([1])).toThrow(TypeError)
  })

  it('schemaError() reads as a sentence', () => {
    expect(schemaError('must be even', 'body[1]', 'count').message).toBe('Cannot read body[1] (count): must be even')
    expect(schemaError('must be even').message).toBe('Cannot read the value: must be even')
  })
})
