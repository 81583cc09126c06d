import { describe, expect, it } from 'vitest'
import { hash32 } from './job/sampler.ts'
import { createTilePixels } from './job/tile.ts'
import { createPicture, denoise, develop, putTile } from './picture.ts'

describe('putTile()', () => {
  it('copies a tile to its place and nowhere else', () => {
    const picture = createPicture(4, 3)
    const tile = createTilePixels({ x: 2, y: 1, width: 2, height: 2 })
    tile.colour.fill(1)
    putTile(picture, tile)
    const lit = Array.from({ length: 12 }, (_, i) => picture.colour[i * 3])
    expect(lit).toEqual([0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 1, 1])
  })
})

describe('denoise()', () => {
  it('takes most of the noise out and keeps an edge', () => {
    const picture = createPicture(40, 40)
    const truth = (i: number): number => (i % 40 < 20 ? 0.2 : 0.8)
    for (let i = 0; i < 1600; i++) {
      const noise = (hash32(i) / 4294967296 - 0.5) * 0.2
      picture.colour.fill(truth(i) + noise, i * 3, i * 3 + 3)
      picture.variance[i] = 0.2 ** 2 / 12
    }
    const error = (light: Float32Array): number =>
      Math.sqrt(Array.from({ length: 1600 }, (_, i) => (light[i * 3]! - truth(i)) ** 2).reduce((a, b) => a + b) / 1600)
    expect(error(denoise(picture))).toBeLessThan(error(picture.colour) / 3)
  })
})

describe('develop()', () => {
  it('maps black to black, much light to white, and keeps the order between', () => {
    const out = develop(Float32Array.from([0, 0, 0, 0.1, 0.1, 0.1, 0.5, 0.5, 0.5, 50, 50, 50]), 4, 1)
    expect(out[0]).toBeLessThan(120) // its neighbour glows
    expect(out[9]).toBe(255)
    expect(out[3]! < out[6]!).toBe(true)
  })
})
