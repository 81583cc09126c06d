// The random numbers of one pixel: a hash of (seed, pixel), so any tile gives the same bytes whoever renders it, in whatever order.

const GOLDEN_X = 0.7548776662466927 // R2 sequence: 1/g and 1/g² of the plastic number g
const GOLDEN_Y = 0.5698402909980532

/** Integer hash with full avalanche (PCG output permutation over one LCG step). */
export function hash32(x: number): number {
  const state = (Math.imul(x, 747796405) + 2891336453) | 0
  const word = Math.imul((state >>> ((state >>> 28) + 4)) ^ state, 277803737)
  return ((word >>> 22) ^ word) >>> 0
}

/** Sample source of one pixel. The first dimensions follow a low-discrepancy set over the samples; the rest is white. */
export interface Sampler {
  /** Begins sample `index` of `count` (a power of two) at pixel `pixel`. */
  begin(pixel: number, index: number, count: number): void
  /** Draws the next two-dimensional point into `u` and `v`. */
  next2(): void
  next1(): number
  u: number
  v: number
}

/** Two-dimensional draws of a path that are stratified: jitter, lens, and the first two bounces. */
const STRATIFIED = 10

/** Makes a sampler for one seed. */
export function createSampler(seed: number): Sampler {
  const base = hash32(seed)
  let key = 0
  let sample = 0
  let mask = 0
  let dimension = 0
  let state = 0
  const white = (): number => {
    state = (Math.imul(state, 747796405) + 2891336453) | 0
    const word = Math.imul((state >>> ((state >>> 28) + 4)) ^ state, 277803737)
    return (((word >>> 22) ^ word) >>> 0) / 4294967296
  }
  const sampler: Sampler = {
    u: 0,
    v: 0,
    begin(pixel, index, count) {
      key = hash32(pixel ^ base)
      sample = index
      mask = count - 1
      dimension = 0
      state = hash32(key + Math.imul(index, 0x9e3779b9))
    },
    next2() {
      if (dimension >= STRATIFIED) {
        sampler.u = white()
        sampler.v = white()
        return
      }
      // One shift per (pixel, dimension) keeps the set even; a permutation of the index per dimension keeps dimensions apart.
      const h = hash32(key + Math.imul(dimension, 0x85ebca6b))
      const g = hash32(h)
      const i = Math.imul(sample ^ (g & mask), (g >>> 8) | 1) & mask
      const u = h / 4294967296 + i * GOLDEN_X
      const v = g / 4294967296 + i * GOLDEN_Y
      sampler.u = u - Math.floor(u)
      sampler.v = v - Math.floor(v)
      dimension += 1
    },
    next1: white,
  }
  return sampler
}
