// Frames: any cut of the bytes gives the same frames, and no length makes the reader hold more than one.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { concat, FrameReader, fromHex, readFrames, utf8, writeFrame } from './mod.ts'

const payloads = fc.array(
  fc.uint8Array({ maxLength: 40 }).map((bytes) => Uint8Array.from(bytes)),
  { maxLength: 8 },
)

describe('FrameReader', () => {
  it('gives the same frames when the bytes come in any pieces', () => {
    fc.assert(
      fc.property(payloads, fc.array(fc.integer({ min: 1, max: 13 }), { minLength: 1 }), (sent, cuts) => {
        const stream = concat(...sent.map((payload) => writeFrame(payload)))
        const reader = new FrameReader()
        const got: Uint8Array[] = []
        for (let at = 0, i = 0; at < stream.length; i++) {
          const next = at + (cuts[i % cuts.length] as number)
          got.push(...reader.push(stream.subarray(at, next)))
          at = next
        }
        expect(got).toEqual(sent)
        expect(reader.pendingBytes).toBe(0)
        reader.end()
      }),
    )
  })

  it('throws E_FRAME_SIZE as soon as a length is too large, before its payload is there', () => {
    const reader = new FrameReader({ maxBytes: 16 })
    expect(reader.push(fromHex('00000010')).length).toBe(0)
    expect(reader.push(new Uint8Array(16))).toEqual([new Uint8Array(16)])
    expect(() => reader.push(fromHex('00000011'))).toThrow(expect.objectContaining({ code: 'E_FRAME_SIZE' }))
    expect(() => new FrameReader().push(fromHex('ffffffff'))).toThrow(expect.objectContaining({ code: 'E_FRAME_SIZE' }))
  })

  it('end() throws E_FRAME_CUT when a frame or its head is cut', () => {
    for (const hex of ['00', '00000002', '0000000201']) {
      const reader = new FrameReader()
      reader.push(fromHex(hex))
      expect(reader.pendingBytes).toBe(hex.length / 2)
      expect(() => reader.end()).toThrow(expect.objectContaining({ code: 'E_FRAME_CUT' }))
    }
  })

  it('rest() gives what is in no frame and empties the reader', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 30 }), fc.nat({ max: 40 }), (payload, cut) => {
        const stream = writeFrame(payload).subarray(0, cut)
        const reader = new FrameReader()
        const frames = reader.push(stream)
        expect(reader.rest()).toEqual(frames.length > 0 ? new Uint8Array(0) : Uint8Array.from(stream))
        expect(reader.pendingBytes).toBe(0)
        expect(reader.push(writeFrame(utf8('after')))).toEqual([utf8('after')])
      }),
    )
  })

  it('gives copies, so that a reused chunk changes nothing', () => {
    const chunk = writeFrame(utf8('abc'))
    const [frame] = new FrameReader().push(chunk)
    chunk.fill(0)
    expect(frame).toEqual(utf8('abc'))
  })
})

describe('writeFrame()', () => {
  it('throws E_FRAME_SIZE above the limit', () => {
    expect(writeFrame(new Uint8Array(4), 4)).toEqual(fromHex('0000000400000000'))
    expect(() => writeFrame(new Uint8Array(5), 4)).toThrow(expect.objectContaining({ code: 'E_FRAME_SIZE' }))
  })
})

describe('readFrames()', () => {
  async function* chunks(...hex: string[]): AsyncGenerator<Uint8Array> {
    for (const one of hex) yield fromHex(one)
  }

  it('yields each frame and ends with the stream', async () => {
    const got: Uint8Array[] = []
    for await (const frame of readFrames(chunks('000000', '0161000000', '00'))) got.push(frame)
    expect(got).toEqual([utf8('a'), new Uint8Array(0)])
  })

  it('throws E_FRAME_CUT when the stream ends inside a frame', async () => {
    const run = async (): Promise<void> => {
      for await (const _ of readFrames(chunks('0000000261'))) expect.unreachable()
    }
    await expect(run()).rejects.toMatchObject({ code: 'E_FRAME_CUT' })
  })
})
