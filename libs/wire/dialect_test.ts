// Encoding and decoding: one encoding per value, one value per encoding, and no byte sequence that is read but not written.

import fc from 'fast-check'
import { pack, unpack } from 'msgpackr'
import { describe, expect, it } from 'vitest'
import { checkDialect, decode, DOCUMENT_LIMITS, encode, fromHex, HaggleError, toHex, type Value } from './mod.ts'

const scalar: fc.Arbitrary<Value> = fc.oneof(
  fc.nat({ max: 0xffffffff }),
  fc.constantFrom(0, 127, 128, 255, 256, 65535, 65536, 0xffffffff),
  fc.boolean(),
  fc.constant(null),
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Uint8Array.from(bytes)),
  fc.string({ unit: 'grapheme', maxLength: 80 }).map(clean),
  fc.string({ maxLength: 300 }),
)
const value: fc.Arbitrary<Value> = fc.letrec<{ tree: Value }>((tie) => ({
  tree: fc.oneof({ depthSize: 'small', maxDepth: 7 }, scalar, fc.array(tie('tree'), { maxLength: 20 })),
})).tree

/** The text without what the dialect refuses, in normal form C. */
function clean(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}]/gu, '').normalize('NFC')
}

function codeOf(run: () => unknown): string {
  try {
    run()
    return 'fine'
  } catch (error) {
    return error instanceof HaggleError ? error.code : String(error)
  }
}

describe('encode()', () => {
  it('decode() gives the value back, and encoding that gives the bytes back', () => {
    fc.assert(
      fc.property(value, (input) => {
        const bytes = encode(input, DOCUMENT_LIMITS)
        const output = decode(bytes, DOCUMENT_LIMITS)
        expect(output).toEqual(input)
        expect(toHex(encode(output, DOCUMENT_LIMITS))).toBe(toHex(bytes))
      }),
    )
  })

  it.each<[string, unknown, string]>([
    ['a negative number', -1, 'E_WIRE_RANGE'],
    ['2^32', 2 ** 32, 'E_WIRE_RANGE'],
    ['a fraction', 0.5, 'E_WIRE_RANGE'],
    ['NaN', Number.NaN, 'E_WIRE_RANGE'],
    ['infinity', Infinity, 'E_WIRE_RANGE'],
    ['undefined', undefined, 'E_WIRE_TYPE'],
    ['a hole in an array', new Array(2), 'E_WIRE_TYPE'],
    ['an object', {}, 'E_WIRE_TYPE'],
    ['a map', new Map(), 'E_WIRE_TYPE'],
    ['a date', new Date(0), 'E_WIRE_TYPE'],
    ['a bigint', 1n, 'E_WIRE_TYPE'],
    ['a symbol', Symbol('a'), 'E_WIRE_TYPE'],
    ['a function', () => 1, 'E_WIRE_TYPE'],
    ['another typed array', new Uint16Array(2), 'E_WIRE_TYPE'],
    ['half of a surrogate pair', '\ud83d', 'E_WIRE_TEXT'],
    ['text not in NFC', 'e\u0301', 'E_WIRE_TEXT'],
    ['a newline', 'a\nb', 'E_WIRE_TEXT'],
    ['a zero width joiner', 'a\u200db', 'E_WIRE_TEXT'],
    ['9 arrays deep', [[[[[[[[[]]]]]]]]], 'E_WIRE_DEPTH'],
    ['1,024 values in an array', new Array(1024).fill(0), 'E_WIRE_ITEMS'],
    ['more than 16 KiB', new Uint8Array(16 * 1024), 'E_WIRE_SIZE'],
  ])('refuses %s', (_, input, code) => {
    expect(codeOf(() => encode(input as Value))).toBe(code)
    if (code !== 'E_WIRE_SIZE' && code !== 'E_WIRE_ITEMS') expect(codeOf(() => encode([0, input as Value]))).toBe(code)
  })

  it('refuses an array that holds itself', () => {
    const loop: Value[] = []
    loop.push(loop)
    expect(codeOf(() => encode(loop))).toBe('E_WIRE_DEPTH')
  })

  it('encodes -0 as 0 and a Buffer as bin', () => {
    expect(toHex(encode([-0, Buffer.from('a')]))).toBe('9200c40161')
  })

  it('gives an array of its own, not a window into a shared buffer', () => {
    const bytes = encode('a')
    expect(bytes.buffer.byteLength).toBe(2)
    expect(bytes.constructor).toBe(Uint8Array)
  })
})

describe('decode()', () => {
  it('accepts exactly what encode() gives, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 40 }), mutated()), (bytes) => {
        let read: Value
        try {
          read = decode(bytes)
        } catch (error) {
          expect((error as HaggleError).code).toMatch(/^E_WIRE_/)
          return
        }
        expect(toHex(encode(read))).toBe(toHex(bytes))
      }),
      { numRuns: 3000 },
    )
  })

  it('reads what msgpackr alone would read otherwise or not at all', () => {
    // The reason for the walk: msgpackr takes all of these.
    for (const hex of ['cc7f', 'cb3ff0000000000000', 'ff', 'c1', 'd6ff00000000', '82a16101a16102', 'dc000100']) {
      expect(() => unpack(fromHex(hex)), hex).not.toThrow()
      expect(
        codeOf(() => decode(fromHex(hex))),
        hex,
      ).toMatch(/^E_WIRE_/)
    }
    expect(() => unpack(new Uint8Array(1 << 20).fill(0x91))).toThrow(RangeError)
    expect(codeOf(() => decode(new Uint8Array(1 << 20).fill(0x91), { maxBytes: 1 << 20, maxDepth: 8, maxItems: 1 << 20 }))).toBe(
      'E_WIRE_DEPTH',
    )
  })

  it('refuses text that is not in normal form C', () => {
    for (const text of ['e\u0301', '\u212b', '\u1100\u1161', '\u0958', 'a\u0316\u0300'.normalize('NFD') + '\u0316\u0301\u0316']) {
      const bytes = Uint8Array.from(pack([1, text]))
      if (text === text.normalize('NFC')) expect(codeOf(() => decode(bytes))).toBe('fine')
      else
        expect(
          codeOf(() => decode(bytes)),
          text,
        ).toBe('E_WIRE_TEXT')
    }
  })

  it('keeps text of any length and script as it is', () => {
    for (const text of ['', 'é', '東京', '😀', 'a'.repeat(70), '東'.repeat(70), `${'a'.repeat(63)}é`, 'न्'.repeat(11), '😀'.repeat(64)]) {
      expect(decode(encode([text, text]))).toEqual([text, text])
    }
  })

  it('gives bins that are plain views of a Buffer and leaves no trace on the input', () => {
    const bytes = Buffer.concat([Buffer.alloc(3), Buffer.from('92c40101c40102', 'hex')]).subarray(3)
    const read = decode(bytes) as Uint8Array[]
    expect(read[0]?.constructor).toBe(Uint8Array)
    expect(read).toEqual([Uint8Array.of(1), Uint8Array.of(2)])
    expect(Object.keys(bytes)).toEqual(Object.keys(Buffer.alloc(7)))
    const plain = fromHex('c40101')
    decode(plain)
    expect(plain).toEqual(fromHex('c40101'))
    expect(Object.getOwnPropertyNames(plain)).not.toContain('dataView')
  })

  it('does not run out of stack or time on hostile input of the largest size', () => {
    for (const byte of [0x90, 0x91, 0x9f, 0xdc, 0xdd, 0xc4, 0xc6, 0xd9, 0xdb, 0xa0, 0xbf, 0x00, 0xc0, 0xff]) {
      const bytes = new Uint8Array(DOCUMENT_LIMITS.maxBytes).fill(byte)
      expect(codeOf(() => decode(bytes, DOCUMENT_LIMITS))).toMatch(/^E_WIRE_/)
      bytes[0] = 0x91
      expect(codeOf(() => decode(bytes, DOCUMENT_LIMITS))).toMatch(/^E_WIRE_/)
    }
  })
})

/** Encodings with one byte changed, put in or taken out: closer to the edge than noise. */
function mutated(): fc.Arbitrary<Uint8Array> {
  return fc
    .tuple(value, fc.nat(), fc.nat({ max: 255 }), fc.constantFrom('change', 'insert', 'remove', 'none'))
    .map(([input, at, byte, how]) => {
      const bytes = [...encode(input, DOCUMENT_LIMITS)].slice(0, 4000)
      const index = at % bytes.length
      if (how === 'change') bytes[index] = byte
      if (how === 'insert') bytes.splice(index, 0, byte)
      if (how === 'remove') bytes.splice(index, 1)
      return Uint8Array.from(bytes)
    })
}

describe('MESSAGE_LIMITS', () => {
  it('are checked when encoding, so that nobody sends what others refuse', () => {
    fc.assert(
      fc.property(value, (input) => {
        const code = codeOf(() => encode(input))
        if (code === 'fine') expect(codeOf(() => checkDialect(encode(input)))).toBe('fine')
        else expect(code).toMatch(/^E_WIRE_(SIZE|ITEMS|DEPTH)$/)
      }),
    )
  })
})
