import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createTilePixels, decodeTile, encodeTile, tileCount, tileRect } from './tile.ts'

describe('tileRect()', () => {
  it('covers every pixel of the picture once', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 17 }),
        fc.integer({ min: 1, max: 17 }),
        (width, height, a, b) => {
          const picture = { width, height, tile: [a, b] as const }
          const seen = new Uint8Array(width * height)
          for (let i = 0; i < tileCount(picture); i++) {
            const rect = tileRect(i, picture)
            for (let y = rect.y; y < rect.y + rect.height; y++) for (let x = rect.x; x < rect.x + rect.width; x++) seen[y * width + x]! += 1
          }
          expect(seen.every((times) => times === 1)).toBe(true)
        },
      ),
    )
  })
})

describe('decodeTile()', () => {
  it('gives back what encodeTile() took, within half a float', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 60000, noNaN: true }), { minLength: 6, maxLength: 6 }), (values) => {
        const tile = createTilePixels({ x: 3, y: 4, width: 2, height: 1 })
        tile.colour.set(values)
        tile.variance.set([0.25, 4])
        tile.albedo.set([0, 0.5, 1, 1, 1, 1])
        tile.normal.set([-1, 0, 1, 0, 1, 0])
        const back = decodeTile(encodeTile(tile))
        expect(back.rect).toEqual(tile.rect)
        for (const [i, value] of values.entries())
          expect(Math.abs(back.colour[i]! - value)).toBeLessThanOrEqual(Math.max(value / 1024, 1e-7))
        expect([...back.variance]).toEqual([0.25, 4])
        expect(back.normal[2]).toBe(1)
        expect(back.albedo[1]).toBeCloseTo(0.5, 2)
      }),
    )
  })

  it('refuses bytes that are no tile, or are cut short', () => {
    const bytes = encodeTile(createTilePixels({ x: 0, y: 0, width: 2, height: 2 }))
    expect(() => decodeTile(bytes.subarray(0, 30))).toThrow('length')
    expect(() => decodeTile(new Uint8Array(40))).toThrow('not a tile')
  })
})
