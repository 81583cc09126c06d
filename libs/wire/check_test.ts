// The walk over bytes: everything outside the dialect is refused with its code and place, and nothing can exhaust it.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkDialect, concat, DOCUMENT_LIMITS, fromHex, type HaggleError, MESSAGE_LIMITS, utf8 } from './mod.ts'

function codeOf(bytes: Uint8Array): string {
  try {
    checkDialect(bytes)
    return 'fine'
  } catch (error) {
    return (error as HaggleError).code
  }
}

function str(text: string): Uint8Array {
  const bytes = utf8(text)
  return concat(bytes.length < 32 ? Uint8Array.of(0xa0 + bytes.length) : Uint8Array.of(0xd9, bytes.length), bytes)
}

describe('checkDialect()', () => {
  it.each([
    ['nil', 'c0'],
    ['false', 'c2'],
    ['true', 'c3'],
    ['0', '00'],
    ['127', '7f'],
    ['128', 'cc80'],
    ['255', 'ccff'],
    ['256', 'cd0100'],
    ['65535', 'cdffff'],
    ['65536', 'ce00010000'],
    ['2^32 - 1', 'ceffffffff'],
    ['empty bin', 'c400'],
    ['bin of 256', `c50100${'00'.repeat(256)}`],
    ['empty text', 'a0'],
    ['text of 31', `bf${'61'.repeat(31)}`],
    ['text of 32', `d920${'61'.repeat(32)}`],
    ['text of 255', `d9ff${'61'.repeat(255)}`],
    ['text of 256', `da0100${'61'.repeat(256)}`],
    ['empty array', '90'],
    ['array of 15', `9f${'00'.repeat(15)}`],
    ['array of 16', `dc0010${'00'.repeat(16)}`],
    ['8 arrays deep', `${'91'.repeat(7)}90`],
    ['1,024 items', `dc03ff${'00'.repeat(1023)}`],
  ])('accepts %s', (_, hex) => {
    expect(codeOf(fromHex(hex))).toBe('fine')
  })

  it.each([
    ['nothing at all', '', 'E_WIRE_TRUNCATED'],
    ['127 in two bytes', 'cc7f', 'E_WIRE_MINIMAL'],
    ['0 in two bytes', 'cc00', 'E_WIRE_MINIMAL'],
    ['255 in three bytes', 'cd00ff', 'E_WIRE_MINIMAL'],
    ['65535 in five bytes', 'ce0000ffff', 'E_WIRE_MINIMAL'],
    ['uint64', 'cf0000000000000001', 'E_WIRE_TYPE'],
    ['uint64 above 2^53', 'cf0020000000000001', 'E_WIRE_TYPE'],
    ['int8', 'd001', 'E_WIRE_TYPE'],
    ['int16', 'd10001', 'E_WIRE_TYPE'],
    ['int32', 'd200000001', 'E_WIRE_TYPE'],
    ['int64', 'd30000000000000001', 'E_WIRE_TYPE'],
    ['-1', 'ff', 'E_WIRE_TYPE'],
    ['-32', 'e0', 'E_WIRE_TYPE'],
    ['float32', 'ca3f800000', 'E_WIRE_TYPE'],
    ['float64', 'cb3ff0000000000000', 'E_WIRE_TYPE'],
    ['0xc1', 'c1', 'E_WIRE_TYPE'],
    ['an empty map', '80', 'E_WIRE_TYPE'],
    ['a map', '81a16101', 'E_WIRE_TYPE'],
    ['a map with a key twice', '82a16101a16102', 'E_WIRE_TYPE'],
    ['map16', 'de0001a16101', 'E_WIRE_TYPE'],
    ['map32', 'df00000001a16101', 'E_WIRE_TYPE'],
    ['a timestamp', 'd6ff00000000', 'E_WIRE_TYPE'],
    ['fixext1', 'd40100', 'E_WIRE_TYPE'],
    ['a record definition', 'd4724091a16101', 'E_WIRE_TYPE'],
    ['fixext2', 'd5010000', 'E_WIRE_TYPE'],
    ['fixext8', `d7ff${'00'.repeat(8)}`, 'E_WIRE_TYPE'],
    ['fixext16', `d801${'00'.repeat(16)}`, 'E_WIRE_TYPE'],
    ['ext8', 'c7000100', 'E_WIRE_TYPE'],
    ['ext16', 'c8000001', 'E_WIRE_TYPE'],
    ['ext32', 'c90000000001', 'E_WIRE_TYPE'],
    ['bin8 form of bin16', 'c50001ff', 'E_WIRE_MINIMAL'],
    ['bin32 form of bin8', 'c600000001ff', 'E_WIRE_MINIMAL'],
    ['str8 form of fixstr', 'd90161', 'E_WIRE_MINIMAL'],
    ['str16 form of str8', `da0020${'61'.repeat(32)}`, 'E_WIRE_MINIMAL'],
    ['str32 form of fixstr', 'db0000000161', 'E_WIRE_MINIMAL'],
    ['array16 form of fixarray', 'dc000100', 'E_WIRE_MINIMAL'],
    ['array32 form of fixarray', 'dd0000000100', 'E_WIRE_MINIMAL'],
    ['a number that is cut', 'cd01', 'E_WIRE_TRUNCATED'],
    ['text that is cut', 'a361', 'E_WIRE_TRUNCATED'],
    ['bin that is cut', 'c402ff', 'E_WIRE_TRUNCATED'],
    ['bin of 4 GiB', 'c6ffffffff', 'E_WIRE_TRUNCATED'],
    ['a length that is cut', 'c5', 'E_WIRE_TRUNCATED'],
    ['an array that is cut', '9200', 'E_WIRE_TRUNCATED'],
    ['an array of 1,000 with nothing in it', 'dc03e8', 'E_WIRE_TRUNCATED'],
    ['an array of 4 billion', 'ddffffffff', 'E_WIRE_ITEMS'],
    ['1,025 items', `dc0400${'00'.repeat(1024)}`, 'E_WIRE_ITEMS'],
    ['9 arrays deep', `${'91'.repeat(8)}90`, 'E_WIRE_DEPTH'],
    ['16 KiB of arrays', '91'.repeat(16 * 1024), 'E_WIRE_DEPTH'],
    ['16 KiB of empty arrays', '90'.repeat(16 * 1024), 'E_WIRE_TRAILING'],
    ['a byte after the end', '0000', 'E_WIRE_TRAILING'],
    ['one byte above 16 KiB', `c54000${'00'.repeat(16 * 1024 - 2)}`, 'E_WIRE_SIZE'],
  ])('refuses %s', (_, hex, code) => {
    expect(codeOf(fromHex(hex))).toBe(code)
  })

  it.each([
    ['a lone continuation byte', 'a180'],
    ['an overlong slash', 'a2c0af'],
    ['an overlong NUL', 'a2c080'],
    ['an overlong slash of three bytes', 'a3e080af'],
    ['an overlong slash of four bytes', 'a4f08080af'],
    ['a lone surrogate', 'a3eda080'],
    ['a surrogate pair, three bytes each', 'a6eda0bdedb880'],
    ['a code point above U+10FFFF', 'a4f4908080'],
    ['0xf5', 'a4f5808080'],
    ['0xfe', 'a1fe'],
    ['a character cut by the end of its text', '92a1c3a1bc'],
    ['a character whose second byte is ASCII', 'a2c341'],
    ['a cut character of four bytes', 'a3f09f98'],
  ])('refuses %s as not UTF-8', (_, hex) => {
    expect(codeOf(fromHex(hex))).toBe('E_WIRE_UTF8')
  })

  it('refuses every control character and accepts their neighbours', () => {
    for (let point = 0; point < 0x100; point++) {
      const control = point < 0x20 || (point >= 0x7f && point < 0xa0)
      const format = point === 0xad
      expect(codeOf(str(String.fromCodePoint(point))), point.toString(16)).toBe(control || format ? 'E_WIRE_TEXT' : 'fine')
    }
  })

  it('refuses every format character of this Unicode version and hardly anything else', () => {
    let refused = 0
    for (let point = 0x100; point <= 0x10ffff; point++) {
      if (point >= 0xd800 && point <= 0xdfff) continue
      const text = String.fromCodePoint(point)
      const code = codeOf(str(text))
      if (code !== 'fine') {
        refused++
        // Later versions of Unicode may add format characters; those of 16.0 stay.
        if (!/\p{Cf}/u.test(text)) throw new Error(`U+${point.toString(16)} is refused and no format character`)
        expect(code).toBe('E_WIRE_TEXT')
      }
    }
    expect(refused).toBe(169)
  })

  it('says whether a text must be checked for its normal form', () => {
    expect(checkDialect(str('plain, é, ß, ÿ, ˿'))).toBe(false)
    expect(checkDialect(concat(Uint8Array.of(0x92), str('東'), str('a')))).toBe(true)
  })

  it('says where', () => {
    const error = catchError(() => checkDialect(fromHex('9301cc7f02')))
    expect(error.details['at']).toBe(2)
    expect(error.message).toBe('Cannot read the message: not in its shortest form at byte 2')
  })

  it('applies the limits it is given', () => {
    const large = concat(Uint8Array.of(0xc5, 0xff, 0x00), new Uint8Array(0xff00))
    expect(() => checkDialect(large, DOCUMENT_LIMITS)).not.toThrow()
    expect(catchError(() => checkDialect(large, MESSAGE_LIMITS)).code).toBe('E_WIRE_SIZE')
    expect(catchError(() => checkDialect(fromHex('9190'), { ...MESSAGE_LIMITS, maxDepth: 1 })).code).toBe('E_WIRE_DEPTH')
    expect(catchError(() => checkDialect(fromHex('90'), { ...MESSAGE_LIMITS, maxDepth: 0 })).code).toBe('E_WIRE_DEPTH')
    expect(catchError(() => checkDialect(fromHex('920000'), { ...MESSAGE_LIMITS, maxItems: 2 })).code).toBe('E_WIRE_ITEMS')
    expect(() => checkDialect(fromHex('920000'), { ...MESSAGE_LIMITS, maxItems: 3 })).not.toThrow()
  })

  it('throws nothing but E_WIRE errors, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(codeOf(bytes)).toMatch(/^(fine|E_WIRE_[A-Z0-9]+)$/)
      }),
      { numRuns: 2000 },
    )
  })
})

function catchError(run: () => unknown): HaggleError {
  try {
    run()
  } catch (error) {
    return error as HaggleError
  }
  throw new Error('nothing was thrown')
}
