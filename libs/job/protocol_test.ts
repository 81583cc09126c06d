import { decodeAs, encode, encodeAs, utf8 } from '@haggle/wire'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type ChannelHeader,
  decodeHeader,
  encodeHeader,
  FILES_PER_FRAME,
  GET,
  GOT,
  LISTING,
  MAX_HEADER_BYTES,
  MAX_REPLY_BYTES,
  MISSING,
  OPENING,
  rightOf,
} from './protocol.ts'

const channel = fc.constantFrom('stdout', 'stderr', 'stdin', 'put', 'get', 'list')
const octets = fc.oneof(fc.nat(), fc.integer({ min: 0, max: 2 ** 48 - 1 }), fc.constantFrom(0, 255, 256, 2 ** 32, 2 ** 48 - 1))
const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 })

describe('encodeHeader() and decodeHeader()', () => {
  it('give the same header again', () => {
    const header = fc.record({ contract: bytes32, channel, offset: octets, capability: fc.option(fc.uint8Array({ maxLength: 1024 })) })
    fc.assert(
      fc.property(header, (value) => {
        const bytes = encodeHeader(value)
        expect(bytes.length).toBeLessThanOrEqual(MAX_HEADER_BYTES)
        expect(decodeHeader(bytes)).toEqual(value)
      }),
    )
  })

  it.each([
    ['an unknown channel', [new Uint8Array(32), 'tunnel', new Uint8Array(0), null]],
    ['a short contract', [new Uint8Array(31), 'get', new Uint8Array(0), null]],
    ['an offset that is a number', [new Uint8Array(32), 'get', 0, null]],
    ['an offset of 2^48', [new Uint8Array(32), 'get', Uint8Array.of(1, 0, 0, 0, 0, 0, 0), null]],
    ['an offset with a leading zero', [new Uint8Array(32), 'get', Uint8Array.of(0), null]],
    ['a capability that is too long', [new Uint8Array(32), 'get', new Uint8Array(0), new Uint8Array(1025)]],
    ['a missing position', [new Uint8Array(32), 'get', new Uint8Array(0)]],
  ])('refuse %s', (_, value) => {
    expect(() => decodeHeader(encode(value))).toThrow(expect.objectContaining({ code: 'E_WIRE_SCHEMA' }))
  })

  it('throw E_WIRE_* for any other bytes', () => {
    const good = encodeHeader({ contract: new Uint8Array(32), channel: 'get', offset: 7, capability: null } satisfies ChannelHeader)
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.nat(255), (at, byte) => {
        const bytes = good.slice()
        bytes[at] = byte
        try {
          expect(encodeHeader(decodeHeader(bytes))).toEqual(bytes)
        } catch (error) {
          expect(error).toMatchObject({ code: expect.stringMatching(/^E_WIRE_/) as string })
        }
      }),
    )
  })
})

it('rightOf() asks for control where the renter writes', () => {
  expect(['stdout', 'stderr', 'get', 'list'].map((name) => rightOf(name as 'get'))).toEqual(['read', 'read', 'read', 'read'])
  expect(['stdin', 'put'].map((name) => rightOf(name as 'put'))).toEqual(['control', 'control'])
})

it.each(['no code', 'e_job', 'E_', 'E_JOB right', 'E_JOB\u001b[31m', `E_${'X'.repeat(63)}`])('OPENING refuses the error %j', (error) => {
  expect(() => encodeAs(OPENING, { error })).toThrow()
  // The same through bytes, for what another implementation may send.
  const body = utf8(error)
  const raw = Uint8Array.of(0x91, 0xd9, body.length, ...body)
  expect(() => decodeAs(OPENING, raw)).toThrow()
})

it('a full listing frame of the longest names fits', () => {
  const file = { path: 'ü'.repeat(127), size: 2 ** 48 - 1, sha256: new Uint8Array(32), executable: true }
  const listing = { files: Array.from({ length: FILES_PER_FRAME }, () => file), more: true, leftOut: 2 ** 32 - 1 }
  const bytes = encodeAs(LISTING, listing)
  expect(bytes.length).toBeLessThanOrEqual(MAX_REPLY_BYTES)
  expect(decodeAs(LISTING, bytes)).toEqual(listing)
})

it('MISSING, GET and GOT give the same again', () => {
  const missing = fc.record({ missing: fc.array(fc.record({ file: fc.nat(127), offset: octets }), { maxLength: 128 }) })
  fc.assert(fc.property(missing, (value) => void expect(decodeAs(MISSING, encodeAs(MISSING, value))).toEqual(value)))
  fc.assert(
    fc.property(octets, (offset) => void expect(decodeAs(GET, encodeAs(GET, { path: 'a', offset }))).toEqual({ path: 'a', offset })),
  )
  fc.assert(fc.property(octets, (size) => void expect(decodeAs(GOT, encodeAs(GOT, { error: null, size }))).toEqual({ error: null, size })))
})

it('GET refuses a path that may not travel', () => {
  expect(() => encodeAs(GET, { path: '../x', offset: 0 })).toThrow(expect.objectContaining({ code: 'E_WIRE_SCHEMA' }))
})
