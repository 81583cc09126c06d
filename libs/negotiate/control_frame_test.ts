import { concat, encode, type Value } from '@haggle/wire'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type ControlFrame, decodeFrame, encodeFrame, MAX_FRAME_BYTES, MAX_RIDING_BYTES } from './control_frame.ts'

const bytes = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length })
const count = fc.integer({ min: 0, max: 2 ** 32 - 1 })
const octets = fc.oneof(fc.nat(70_000), fc.integer({ min: 0, max: 2 ** 48 - 1 }))
const frame: fc.Arbitrary<ControlFrame> = fc.oneof(
  fc.record({ kind: fc.constant('envelope' as const), bytes: fc.uint8Array({ maxLength: 600 }) }),
  fc.record({ kind: fc.constant('sync' as const), thread: bytes(16), mine: count, yours: count }),
  fc.record({ kind: fc.constant('spec' as const), thread: bytes(16), salt: bytes(32), spec: fc.uint8Array({ maxLength: 600 }) }),
  fc.record({
    kind: fc.constant('output' as const),
    contract: bytes(32),
    channel: fc.constantFrom('stdout' as const, 'stderr' as const),
    offset: octets,
    bytes: fc.uint8Array({ maxLength: 600 }),
  }),
  fc.record({ kind: fc.constant('end' as const), contract: bytes(32), stdoutBytes: octets, stderrBytes: octets }),
)
const payloadOf = (encoded: Uint8Array): Uint8Array => encoded.subarray(4)
const tagged = (tag: number, value: Value): Uint8Array => concat(Uint8Array.of(tag), encode(value))

describe('encodeFrame() and decodeFrame()', () => {
  it('give the same frame again, behind its length', () => {
    fc.assert(
      fc.property(frame, (value) => {
        const encoded = encodeFrame(value)
        expect(new DataView(encoded.buffer, encoded.byteOffset).getUint32(0)).toBe(encoded.length - 4)
        expect(decodeFrame(payloadOf(encoded))).toEqual(value)
      }),
    )
  })

  it('carry the largest spec and the largest output within the limit', () => {
    const spec: ControlFrame = {
      kind: 'spec',
      thread: new Uint8Array(16),
      salt: new Uint8Array(32),
      spec: new Uint8Array(64 * 1024).fill(7),
    }
    const output: ControlFrame = {
      kind: 'output',
      contract: new Uint8Array(32),
      channel: 'stdout',
      offset: 2 ** 48 - 1,
      bytes: new Uint8Array(MAX_RIDING_BYTES),
    }
    for (const value of [spec, output]) {
      const encoded = encodeFrame(value)
      expect(encoded.length - 4).toBeLessThanOrEqual(MAX_FRAME_BYTES)
      expect(decodeFrame(payloadOf(encoded))).toEqual(value)
    }
  })

  it('throw a code of this project for any bytes', () => {
    fc.assert(
      fc.property(fc.nat(6), fc.uint8Array({ maxLength: 80 }), (tag, rest) => {
        try {
          const data = concat(Uint8Array.of(tag), rest)
          expect(payloadOf(encodeFrame(decodeFrame(data)))).toEqual(data)
        } catch (error) {
          expect(error).toMatchObject({ code: expect.stringMatching(/^E_(CONTROL_FRAME|WIRE_)/) as string })
        }
      }),
    )
  })
})

it.each([
  ['no tag', new Uint8Array(0), 'E_CONTROL_FRAME'],
  ['an unknown tag', Uint8Array.of(5, 0x90), 'E_CONTROL_FRAME'],
  ['a SYNC with a short thread', tagged(1, [new Uint8Array(15), 0, 0]), 'E_WIRE_SCHEMA'],
  ['a SYNC with a position too many', tagged(1, [new Uint8Array(16), 0, 0, 0]), 'E_WIRE_SCHEMA'],
  ['a SYNC cut short', tagged(1, [new Uint8Array(16), 0, 0]).subarray(0, -1), 'E_WIRE_TRUNCATED'],
  ['a SYNC with octets behind it', concat(tagged(1, [new Uint8Array(16), 0, 0]), Uint8Array.of(0)), 'E_WIRE_TRAILING'],
  [
    'an OUTPUT that is too long',
    tagged(3, [new Uint8Array(32), 'stdout', new Uint8Array(0), new Uint8Array(MAX_RIDING_BYTES + 1)]),
    'E_WIRE_SCHEMA',
  ],
  ['an OUTPUT on another channel', tagged(3, [new Uint8Array(32), 'stdin', new Uint8Array(0), new Uint8Array(0)]), 'E_WIRE_SCHEMA'],
  ['an END with a negative length', concat(Uint8Array.of(4, 0x93, 0xc4, 32), new Uint8Array(32), Uint8Array.of(0xff, 0)), 'E_WIRE_TYPE'],
])('decodeFrame() refuses %s', (_, data, code) => {
  expect(() => decodeFrame(data)).toThrow(expect.objectContaining({ code }))
})
