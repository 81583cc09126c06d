import { inflateSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodePng } from './png.ts'

/** A decoder written from the standard, for 8-bit RGB with one IDAT. */
function decode(png: Uint8Array): { width: number; height: number; rgb: number[] } {
  const view = Buffer.from(png)
  const [width, height] = [view.readUInt32BE(16), view.readUInt32BE(20)]
  const rows = inflateSync(view.subarray(41, 41 + view.readUInt32BE(33)))
  const rgb: number[] = []
  for (let y = 0; y < height; y++) {
    const filter = rows[y * (width * 3 + 1)]
    for (let i = 0; i < width * 3; i++) {
      const [a, b, c] = [
        i >= 3 ? rgb[y * width * 3 + i - 3]! : 0,
        y > 0 ? rgb[(y - 1) * width * 3 + i]! : 0,
        i >= 3 && y > 0 ? rgb[(y - 1) * width * 3 + i - 3]! : 0,
      ]
      const p = a + b - c
      const [pa, pb, pc] = [Math.abs(p - a), Math.abs(p - b), Math.abs(p - c)]
      const guess = filter === 1 ? a : filter === 2 ? b : filter === 4 ? (pa <= pb && pa <= pc ? a : pb <= pc ? b : c) : 0
      rgb.push((rows[y * (width * 3 + 1) + 1 + i]! + guess) & 0xff)
    }
  }
  return { width, height, rgb }
}

describe('encodePng()', () => {
  it('gives back its pixels when decoded by the standard', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 1, max: 12 }),
        fc.infiniteStream(fc.integer({ min: 0, max: 255 })),
        (width, height, stream) => {
          const rgb = Uint8Array.from({ length: width * height * 3 }, () => stream.next().value ?? 0)
          const png = encodePng(rgb, width, height)
          expect([...png.subarray(0, 8)]).toEqual([137, 80, 78, 71, 13, 10, 26, 10])
          expect(decode(png)).toEqual({ width, height, rgb: [...rgb] })
        },
      ),
    )
  })
})
