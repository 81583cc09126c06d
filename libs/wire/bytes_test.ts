// Hex, joining and comparing.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareBytes, concat, equalBytes, fromHex, toHex, utf8 } from './mod.ts'

const bytes = fc.uint8Array({ maxLength: 20 }).map((one) => Uint8Array.from(one))

describe('fromHex()', () => {
  it('toHex() has two digits for every byte, of any number of bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 5_000, size: 'max' }), (one) => {
        expect(toHex(one)).toBe(Buffer.from(one).toString('hex'))
      }),
    )
  })

  it('undoes toHex() in either case', () => {
    fc.assert(
      fc.property(bytes, (one) => {
        expect(fromHex(toHex(one))).toEqual(one)
        expect(fromHex(toHex(one).toUpperCase())).toEqual(one)
      }),
    )
  })

  it.each(['0', 'zz', '0x00', ' 00', '00 ', '0g'])('throws E_HEX when given "%s"', (text) => {
    expect(() => fromHex(text)).toThrow(expect.objectContaining({ code: 'E_HEX' }))
  })

  it('throws E_HEX when the length is not the wanted one', () => {
    expect(fromHex('0001', 2)).toEqual(Uint8Array.of(0, 1))
    expect(() => fromHex('00', 2)).toThrow('must be 4 hex digits')
  })
})

describe('compareBytes()', () => {
  it('orders as hex does and says 0 exactly when equalBytes() does', () => {
    fc.assert(
      fc.property(bytes, bytes, (a, b) => {
        expect(Math.sign(compareBytes(a, b))).toBe(toHex(a) < toHex(b) ? -1 : toHex(a) > toHex(b) ? 1 : 0)
        expect(equalBytes(a, b)).toBe(compareBytes(a, b) === 0)
        expect(equalBytes(a, Uint8Array.from(a))).toBe(true)
      }),
    )
  })
})

describe('concat()', () => {
  it('joins in order and copies', () => {
    const a = utf8('a')
    const joined = concat(a, new Uint8Array(0), utf8('bé'))
    a.fill(0)
    expect(toHex(joined)).toBe('6162c3a9')
    expect(concat()).toEqual(new Uint8Array(0))
  })
})
