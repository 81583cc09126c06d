// Frames survive any cutting of the stream, and nonsense ends the connection instead of filling memory.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { creditFrame, DATA_BYTES, FrameReader, frame, HEAD_BYTES, JSON_BYTES, jsonFrame, KIND, readCredit } from './frames.ts'

const kinds = [KIND.json, KIND.stdin, KIND.stdout, KIND.stderr]

test('FrameReader gives back every frame when the stream is cut anywhere', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ kind: fc.constantFrom(...kinds), payload: fc.uint8Array({ maxLength: 300 }) }), { maxLength: 12 }),
      fc.array(fc.nat(4000), { maxLength: 30 }),
      (sent, cuts) => {
        const bytes = Buffer.concat(sent.map(({ kind, payload }) => frame(kind, payload)))
        const places = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)).sort((a, b) => a - b), bytes.length]
        const reader = new FrameReader()
        const read = places.slice(1).flatMap((end, at) => reader.push(bytes.subarray(places[at], end)))
        expect(read.map(({ kind, payload }) => ({ kind, payload: [...payload] }))).toEqual(
          sent.map(({ kind, payload }) => ({ kind, payload: [...payload] })),
        )
        expect(reader.pendingBytes).toBe(0)
      },
    ),
  )
})

test('FrameReader refuses an unknown kind and a length beyond its kind', () => {
  const head = (length: number, kind: number): Uint8Array => {
    const bytes = new Uint8Array(HEAD_BYTES)
    new DataView(bytes.buffer).setUint32(0, length)
    bytes[4] = kind
    return bytes
  }
  expect(() => new FrameReader().push(head(1, 9))).toThrow(RangeError)
  expect(() => new FrameReader().push(head(DATA_BYTES + 1, KIND.stdout))).toThrow(RangeError)
  expect(() => new FrameReader().push(head(JSON_BYTES + 1, KIND.json))).toThrow(RangeError)
  expect(() => new FrameReader().push(head(6, KIND.credit))).toThrow(RangeError)
  expect(new FrameReader().push(head(DATA_BYTES, KIND.stdout))).toEqual([])
})

test('creditFrame() and jsonFrame() read back', () => {
  const [credit] = new FrameReader().push(creditFrame(KIND.stderr, 70_000))
  expect(readCredit(credit?.payload ?? new Uint8Array(0))).toEqual({ channel: KIND.stderr, bytes: 70_000 })
  const [json] = new FrameReader().push(jsonFrame({ a: 'ä' }))
  expect(JSON.parse(Buffer.from(json?.payload ?? []).toString())).toEqual({ a: 'ä' })
})
