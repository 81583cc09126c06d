import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { compileScene, type SceneFile } from './scene.ts'
import { encodeTile } from './tile.ts'
import { createTracer } from './tracer.ts'

const shipped = JSON.parse(readFileSync(`${import.meta.dirname}/scene.json`, 'utf8')) as SceneFile
const small = compileScene(JSON.stringify({ ...shipped, width: 96, height: 54, samples: 4 }))

describe('createTracer()', () => {
  it('gives a pixel the same light in whatever tile it is rendered', () => {
    const whole = createTracer(small).render({ x: 30, y: 20, width: 12, height: 8 })
    const part = createTracer(small).render({ x: 36, y: 24, width: 6, height: 4 })
    for (let y = 0; y < 4; y++) {
      expect(part.colour.slice(y * 18, y * 18 + 18)).toEqual(whole.colour.slice(((y + 4) * 12 + 6) * 3, ((y + 4) * 12 + 12) * 3))
    }
  })

  it('gives the bytes that are on record, so that two engines can be compared', () => {
    const bytes = encodeTile(createTracer(small).render({ x: 40, y: 20, width: 16, height: 12 }))
    expect(createHash('sha256').update(bytes).digest('hex')).toMatchInlineSnapshot(
      `"e5a7cecb114ebaf9b24550f6ebaf7ff3590c444ca60dc2e9a773292948bc0af7"`,
    )
  })

  it('neither makes nor loses light: a matte ball in an even white sky looks like its colour', () => {
    const even = compileScene(
      JSON.stringify({
        ...shipped,
        width: 32,
        height: 32,
        samples: 64,
        bounces: 30,
        camera: { at: [0, 50, 4], look: [0, 50, 0], fov: 0.02, aperture: 0, focus: 4 },
        sky: { zenith: [1, 1, 1], horizon: [0, 0, 0], glow: [0, 0, 0] },
        materials: { ball: { kind: 'matte', colour: [0.5, 0.5, 0.5] }, floor: { kind: 'matte', colour: [1, 1, 1] } },
        floor: { material: 'floor', size: 1 },
        spheres: [{ at: [0, 50, 0], radius: 1, material: 'ball' }],
        knots: [],
        stacks: [],
        panels: [],
        scatter: [],
      }),
    )
    const { colour } = createTracer(even).render({ x: 12, y: 12, width: 8, height: 8 })
    const mean = colour.reduce((sum, value) => sum + value, 0) / colour.length
    expect(mean).toBeGreaterThan(0.45)
    expect(mean).toBeLessThan(0.55)
  })
})
