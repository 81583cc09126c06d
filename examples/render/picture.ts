// The whole picture: tiles put together, noise taken out, light turned into the colours of a screen.

import type { TilePixels } from './job/tile.ts'

/** All pixels of a picture, in the layout of a tile's. */
export interface Picture {
  readonly width: number
  readonly height: number
  readonly colour: Float32Array
  readonly variance: Float32Array
  readonly albedo: Float32Array
  readonly normal: Float32Array
}

/** A black picture. */
export function createPicture(width: number, height: number): Picture {
  const pixels = width * height
  return {
    width,
    height,
    colour: new Float32Array(pixels * 3),
    variance: new Float32Array(pixels),
    albedo: new Float32Array(pixels * 3),
    normal: new Float32Array(pixels * 3),
  }
}

/** Copies a tile to its place. */
export function putTile(picture: Picture, { rect, colour, variance, albedo, normal }: TilePixels): void {
  for (let y = 0; y < rect.height; y++) {
    const to = (rect.y + y) * picture.width + rect.x
    const from = y * rect.width
    picture.variance.set(variance.subarray(from, from + rect.width), to)
    for (const [into, part] of [
      [picture.colour, colour],
      [picture.albedo, albedo],
      [picture.normal, normal],
    ] as const) {
      into.set(part.subarray(from * 3, (from + rect.width) * 3), to * 3)
    }
  }
}

/** How far a pixel looks for others like it, and the patch by which it compares, in pixels each way. */
const SEARCH = 5
const PATCH = 2
/** Higher: smoother. The paper's k, squared. */
const STRENGTH = 0.7 * 0.7

/**
 * Non-local means: each pixel becomes the average of those nearby whose neighbourhood looks the same within the noise that both are
 * known to have (Rousselle, Knaus, Zwicker 2012, with one buffer), and whose surface has the same colour and direction.
 */
export function denoise(picture: Picture): Float32Array {
  const { width, height, colour, albedo, normal } = picture
  const pixels = width * height
  // Compare compressed light: a highlight twice as bright is no more different than a shadow twice as bright.
  const soft = new Float32Array(pixels * 3)
  const noise = new Float32Array(pixels)
  const smooth = boxMean(picture.variance, width, height, 1)
  for (let i = 0; i < pixels; i++) {
    const light = 0.25 * colour[i * 3]! + 0.5 * colour[i * 3 + 1]! + 0.25 * colour[i * 3 + 2]!
    const slope = 1 / (0.25 + light)
    for (let c = 0; c < 3; c++) soft[i * 3 + c] = Math.log(0.25 + colour[i * 3 + c]!)
    noise[i] = Math.max(smooth[i]!, 0.25 * picture.variance[i]!) * slope * slope
  }
  const sum = Float32Array.from(colour)
  const weights = new Float32Array(pixels).fill(1)
  const distance = new Float32Array(pixels)
  for (let dy = 0; dy <= SEARCH; dy++) {
    for (let dx = dy === 0 ? 1 : -SEARCH; dx <= SEARCH; dx++) {
      const [x0, x1] = [Math.max(0, -dx), Math.min(width, width - dx)]
      const y1 = height - dy
      distance.fill(0)
      for (let y = 0; y < y1; y++) {
        for (let x = x0; x < x1; x++) {
          const p = y * width + x
          const q = p + dy * width + dx
          const [va, vb] = [noise[p]!, noise[q]!]
          const r = soft[p * 3]! - soft[q * 3]!
          const g = soft[p * 3 + 1]! - soft[q * 3 + 1]!
          const b = soft[p * 3 + 2]! - soft[q * 3 + 2]!
          distance[p] = ((r * r + g * g + b * b) / 3 - (va + Math.min(va, vb))) / (1e-5 + STRENGTH * (va + vb))
        }
      }
      const patch = boxMean(distance, width, height, PATCH)
      for (let y = 0; y < y1; y++) {
        for (let x = x0; x < x1; x++) {
          const p = y * width + x
          const q = p + dy * width + dx
          const near = patch[p]!
          if (near > 5) continue
          let apart = 0
          for (let c = 0; c < 3; c++) {
            const a = albedo[p * 3 + c]! - albedo[q * 3 + c]!
            const n = normal[p * 3 + c]! - normal[q * 3 + c]!
            apart += a * a * 60 + n * n * 8
          }
          const weight = Math.exp(-Math.max(0, near) - apart)
          if (weight < 0.01) continue
          weights[p]! += weight
          weights[q]! += weight
          for (let c = 0; c < 3; c++) {
            sum[p * 3 + c]! += weight * colour[q * 3 + c]!
            sum[q * 3 + c]! += weight * colour[p * 3 + c]!
          }
        }
      }
    }
  }
  for (let i = 0; i < pixels; i++) for (let c = 0; c < 3; c++) sum[i * 3 + c]! /= weights[i]!
  return sum
}

/** Mean over the square of `radius` around each pixel, by running sums. */
function boxMean(values: Float32Array, width: number, height: number, radius: number): Float32Array {
  const rows = new Float32Array(values.length)
  const out = new Float32Array(values.length)
  for (let y = 0; y < height; y++) {
    let sum = 0
    for (let x = -radius; x < width; x++) {
      if (x + radius < width) sum += values[y * width + x + radius]!
      if (x - radius - 1 >= 0) sum -= values[y * width + x - radius - 1]!
      if (x >= 0) rows[y * width + x] = sum
    }
  }
  const column = new Float64Array(width)
  for (let y = -radius; y < height; y++) {
    const rowsIn = Math.min(height - 1, y + radius) - Math.max(0, y - radius) + 1
    for (let x = 0; x < width; x++) {
      if (y + radius < height) column[x]! += rows[(y + radius) * width + x]!
      if (y - radius - 1 >= 0) column[x]! -= rows[(y - radius - 1) * width + x]!
      if (y >= 0) out[y * width + x] = column[x]! / (rowsIn * (Math.min(width - 1, x + radius) - Math.max(0, x - radius) + 1))
    }
  }
  return out
}

/** Linear light to 8-bit sRGB through a filmic curve (Narkowicz's fit of ACES), with a little glow around what is brighter than the screen. */
export function develop(light: Float32Array, width: number, height: number, exposure = 0.95): Uint8Array {
  const glow = bloom(light, width, height)
  const out = new Uint8Array(width * height * 3)
  for (let i = 0; i < out.length; i++) {
    const x = exposure * (light[i]! + 0.35 * glow[i]!)
    const film = Math.min(1, Math.max(0, (x * (2.51 * x + 0.03)) / (x * (2.43 * x + 0.59) + 0.14)))
    out[i] = Math.round(255 * (film <= 0.0031308 ? 12.92 * film : 1.055 * film ** (1 / 2.4) - 0.055))
  }
  return out
}

/** What is above the screen's white, spread softly: three box means are nearly a Gaussian. */
function bloom(light: Float32Array, width: number, height: number): Float32Array {
  const out = new Float32Array(light.length)
  const radius = Math.max(1, Math.round(height / 90))
  for (let c = 0; c < 3; c++) {
    let plane: Float32Array = new Float32Array(width * height)
    for (let i = 0; i < plane.length; i++) plane[i] = Math.min(4, Math.max(0, light[i * 3 + c]! - 1))
    for (let pass = 0; pass < 3; pass++) plane = boxMean(plane, width, height, radius)
    for (let i = 0; i < plane.length; i++) out[i * 3 + c] = plane[i]!
  }
  return out
}
