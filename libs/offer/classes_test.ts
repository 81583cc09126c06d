import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { RandomExpr } from './_random_expr.ts'
import {
  bucketsOf,
  CLASSES,
  classKeysOf,
  classOf,
  gpuClass,
  NO_PRICE_BUCKET,
  priceBucket,
  priceBucketFloor,
  runnerBits,
  slug,
} from './classes.ts'
import { evaluate } from './evaluate.ts'
import { parse, parseQuery } from './parse.ts'
import { printQuery } from './print.ts'
import { classesFor, mayFit, reachOf } from './reach.ts'
import { offerSubject } from './subject.ts'
import { sampleCpu, sampleDevice, sampleOffer, seededNumbers, syntheticMarket } from './testing.ts'

describe('classes', () => {
  test.each([
    [2, 'g4'],
    [4, 'g4'],
    [6, 'g4'],
    [8, 'g8'],
    [11, 'g8'],
    [12, 'g12'],
    [20, 'g16'],
    [24, 'g24'],
    [32, 'g24'],
    [40, 'g40'],
    [64, 'g48'],
    [80, 'g80'],
    [96, 'g80'],
    [141, 'g141'],
    [288, 'g141'],
  ])('gpuClass() of %i GiB is %s', (gib, name) => {
    expect(gpuClass(gib * 1024)).toBe(name)
  })

  test('classOf() goes by the largest GPU, then by software, then it is cpu', () => {
    const software = sampleCpu({ id: 'sw0', kind: 'software' })
    expect(classOf(sampleOffer({ devices: [sampleDevice({ vramMiB: 8192, vramUsableMiB: 8192 }), sampleDevice({ id: 'b' })] }))).toBe('g24')
    expect(classOf(sampleOffer({ devices: [sampleCpu(), software] }))).toBe('software')
    expect(classOf(sampleOffer({ devices: [sampleCpu()] }))).toBe('cpu')
    expect(CLASSES.map((c) => c.name).join(' ')).toBe('cpu software g4 g8 g12 g16 g24 g40 g48 g80 g141')
  })

  test('bucketsOf() says class, tier, free slots, price, region and runners', () => {
    expect(bucketsOf(sampleOffer({ slots: 3, freeSlots: 2 }))).toEqual({
      class: 'g24',
      vramTier: 24,
      freeCount: 2,
      priceBucket: 73,
      region: 'DE',
      runnerBits: 1 | 2 | 32,
    })
    expect(bucketsOf(sampleOffer({ devices: [sampleCpu()], rails: [], region: null })).priceBucket).toBe(NO_PRICE_BUCKET)
    expect(
      runnerBits([
        { runner: 'other', isolation: 'gvisor' },
        { runner: 'openai', isolation: 'server' },
      ]),
    ).toBe(8 | 128)
  })

  test('classKeysOf() gives at most four keys, with names that are the same however they are written', () => {
    expect(classKeysOf(sampleOffer())).toEqual([
      { kind: 'any', value: 'any' },
      { kind: 'tier', value: 'g24' },
      { kind: 'vendor', value: 'nvidia' },
      { kind: 'model', value: 'rtx-4090' },
    ])
    expect(classKeysOf(sampleOffer({ devices: [sampleCpu()] }))).toHaveLength(2)
    expect([slug(' RTX  4090! '), slug('A100-SXM4-40GB')]).toEqual(['rtx-4090', 'a100-sxm4-40gb'])
  })

  test('priceBucket() never falls as prices rise, and priceBucketFloor() is where each begins', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.maxSafeNat(), (a, b) => {
        const [low, high] = a < b ? [a, b] : [b, a]
        expect(priceBucket(low)).toBeLessThanOrEqual(priceBucket(high))
        expect(priceBucketFloor(priceBucket(low))).toBeLessThanOrEqual(low)
        if (low > 8) expect(low).toBeLessThan(priceBucketFloor(priceBucket(low)) * 1.26 + 1)
      }),
    )
    expect([0, 1, 2, 3, 4, 5, 1_000_000, Number.MAX_SAFE_INTEGER].map(priceBucket)).toEqual([0, 1, 5, 7, 9, 10, 80, 212])
  })
})

describe('reachOf()', () => {
  test.each([
    ['gpu.vram>=24GiB', 'g24 g40 g48 g80 g141'],
    ['gpu.vram>=25GiB', 'g24 g40 g48 g80 g141'],
    ['gpu.vram in [8GiB, 80GiB]', 'g8 g12 g16 g24 g40 g48 g80 g141'],
    ['gpu.vram<=8GiB', 'g4 g8 g12 g16 g24 g40 g48 g80 g141'],
    ['any(gpu, vram>=80GiB) or gpu.count=0', 'cpu software g80 g141'],
    ['count(gpu, vram>=40GiB)>=2', 'g40 g48 g80 g141'],
    ['count(gpu)=0', 'cpu software'],
    ['count(gpu, false)=0', 'cpu software g4 g8 g12 g16 g24 g40 g48 g80 g141'],
    ['not gpu.vram>=24GiB', 'cpu software g4 g8 g12 g16 g24 g40 g48 g80 g141'],
    ['price.hour<=1', 'cpu software g4 g8 g12 g16 g24 g40 g48 g80 g141'],
    ['false', ''],
  ])('classesFor() says where to look for %s: %s', (text, names) => {
    expect(classesFor(parse(text)).join(' ')).toBe(names)
  })

  test('reachOf() takes price, region, runner and slots from the top constraints', () => {
    expect(
      reachOf(
        parseQuery(
          'price.hour<=0.31 price.hour<0.5 region in [DE,FR] runner=deno any(runner, name=exec and isolation=bubblewrap) slots.free>=2',
        ),
      ),
    ).toMatchObject({
      maxPriceBucket: 73,
      regions: ['DE', 'FR'],
      runnerBits: 3,
      minFree: 2,
    })
    expect(reachOf(parseQuery('price.hour<=0.31 or region=DE'))).toMatchObject({ maxPriceBucket: NO_PRICE_BUCKET, regions: null })
    expect(reachOf(parseQuery('price.hour<=0.31'), { unit: 'USDC' }).maxPriceBucket).toBe(NO_PRICE_BUCKET)
  })

  test('mayFit() never turns away an offer that fits', () => {
    const market = syntheticMarket({ seed: 4 })
    const listings = Array.from({ length: 120 }, () => market.next().value)
    let fitted = 0
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const query = new RandomExpr(seededNumbers(seed)).query(6)
        const reach = reachOf(query)
        for (const listing of listings) {
          if (evaluate(query.where, offerSubject(listing)) !== true) continue
          fitted++
          expect(mayFit(reach, bucketsOf(listing.offer)), printQuery(query)).toBe(true)
        }
      }),
      { numRuns: 200 },
    )
    expect(fitted).toBeGreaterThan(1000)
  })
})
