import { decodeAs, encode, encodeAs } from '@haggle/wire'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { octetsSchema } from './octets.ts'

const OCTETS = octetsSchema()

it('octetsSchema() gives the same count again, in the fewest bytes', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 48 - 1 }), (count) => {
      const bytes = encodeAs(OCTETS, count)
      expect(bytes.length - 2).toBe(count === 0 ? 0 : Math.ceil(count.toString(16).length / 2))
      expect(decodeAs(OCTETS, bytes)).toBe(count)
    }),
  )
})

it.each([-1, 0.5, 2 ** 48, Number.NaN, Number.POSITIVE_INFINITY])('octetsSchema() refuses %d', (count) => {
  expect(() => encodeAs(OCTETS, count)).toThrow(expect.objectContaining({ code: 'E_WIRE_SCHEMA' }))
})

it('octetsSchema() refuses seven bytes', () => {
  expect(() => decodeAs(OCTETS, encode(new Uint8Array(7).fill(1)))).toThrow(expect.objectContaining({ code: 'E_WIRE_SCHEMA' }))
})
