import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { RandomExpr } from './_random_expr.ts'
import type { Query } from './ast.ts'
import { evaluate } from './evaluate.ts'
import { explain } from './explain.ts'
import { acceptVerdict } from './match.ts'
import { freeRate } from './meter.ts'
import type { Listing } from './offer.ts'
import { offerIndex } from './offer_index.ts'
import { parseQuery } from './parse.ts'
import { print, printQuery } from './print.ts'
import { rank } from './rank.ts'
import { offerSubject } from './subject.ts'
import { sampleDemand, sampleDevice, sampleOffer, seededNumbers, syntheticMarket } from './testing.ts'

const RENTER = { renter: { key: new Uint8Array(32).fill(9) }, demand: sampleDemand() }
/** These take a second or two; on a machine that does much else, longer. */
const PATIENCE_MS = 60_000
const ORDERED = [
  'order by gpu.bench.f16 desc',
  'slots.free>=1 order by memory desc, price.hour',
  'order by slots.free, gpu.vram desc',
  'region=IS order by net.down desc',
]
const keyOf = (x: { provider: Uint8Array }): string => Buffer.from(x.provider).toString('hex')

function market(seed: number, count: number): Listing[] {
  const source = syntheticMarket({ seed })
  return Array.from({ length: count }, (_, at) => {
    const listing = vary(source.next().value, seed)
    return at % 3 === 0 ? mixed(listing, source.next().value) : listing
  })
}

/** The host with another one's GPUs put in. */
function mixed(listing: Listing, other: Listing): Listing {
  const gpus = [...listing.offer.devices, ...other.offer.devices].filter(({ kind }) => kind === 'gpu').slice(0, 8)
  const devices = gpus.map((device, at) => ({ ...device, id: `gpu${at}` }))
  return devices.length === 0 ? listing : { ...listing, offer: { ...listing.offer, devices } }
}

/** Some offers with what the market lacks: other money, stake, no price, odd rules. */
function vary(listing: Listing, seed: number): Listing {
  const roll = ((listing.provider[0] as number) + seed) % 16
  const { offer } = listing
  const usdc = {
    rail: 'evm:1:0xabc',
    unit: 'USDC',
    decimals: 18,
    meters: [{ unit: 'ms' as const, price: 400_000_000_000_000_000n, per: 3_600_000n }],
    account: new Uint8Array(20),
  }
  if (roll === 0)
    return { ...listing, offer: { ...offer, rails: [...offer.rails, usdc], stake: { rail: usdc.rail, amount: 5n * 10n ** 18n } } }
  if (roll === 1) return { ...listing, offer: { ...offer, rails: [usdc] } }
  if (roll === 2) return { ...listing, offer: { ...offer, accept: 'this is (' } }
  if (roll === 3) return { ...listing, offer: { ...offer, stake: { rail: 'free', amount: 2_000_000n } } }
  return listing
}

function naive(query: Query, listings: readonly Listing[], who?: typeof RENTER): string[] {
  const fits = listings.filter(
    (l) => evaluate(query.where, offerSubject(l)) === true && (who === undefined || acceptVerdict(l, who) !== false),
  )
  return rank(fits, query.order).map(keyOf)
}

describe('offerIndex', () => {
  test(
    'find() gives what evaluating and ranking every offer gives, for any query',
    () => {
      const listings = market(7, 900)
      const index = offerIndex()
      for (const listing of listings) index.put(listing)
      fc.assert(
        fc.property(fc.integer(), fc.integer({ min: 1, max: 40 }), fc.boolean(), (seed, limit, asked) => {
          const query = new RandomExpr(seededNumbers(seed)).query()
          const who = asked ? RENTER : undefined
          const found = index.find(query, { limit, ...(who === undefined ? {} : { who }) }).map(keyOf)
          expect(found, printQuery(query)).toEqual(naive(query, listings, who).slice(0, limit))
        }),
        { numRuns: 150 },
      )
    },
    PATIENCE_MS,
  )

  test(
    'find() gives the best first where a few of many blocks may have them',
    () => {
      const listings = market(17, 6000)
      const index = offerIndex()
      for (const listing of listings) index.put(listing)
      const models = new Set(listings.flatMap(({ offer }) => offer.devices.map(({ model }) => model)))
      expect(models.size).toBeGreaterThan(10)
      for (const model of models)
        for (const rest of ['', 'price.hour<=0.50', 'order by gpu.bench.mem desc', 'order by slots.free desc, price.hour']) {
          const text = `gpu.model="${model}" ${rest}`
          expect(index.find(text, { limit: 5 }).map(keyOf), text).toEqual(naive(parseQuery(text), listings).slice(0, 5))
        }
    },
    PATIENCE_MS,
  )

  test('find() tells GPUs of one host apart that differ in nothing but where a figure is from', () => {
    const figure = (source: 'declared' | 'challenged') => [
      { name: 'bench.f16' as const, value: 90_000, source, by: null, nonce: null, at: 1_760_000_000 },
    ]
    const index = offerIndex()
    const devices = (['declared', 'challenged', 'declared'] as const).map((source, i) =>
      sampleDevice({ id: `gpu${i}`, figures: figure(source) }),
    )
    index.put({ provider: new Uint8Array(32), offer: sampleOffer({ devices }) })
    for (const [where, count] of [
      ['gpu.bench.f16.source=challenged gpu.bench.f16>=80TFLOPS', 1],
      ['count(gpu, bench.f16.source=challenged)=1', 1],
      ['count(gpu, bench.f16.source=declared)=2', 1],
      ['all(gpu, bench.f16.source=declared)', 0],
    ] as const)
      expect(index.find(where), where).toHaveLength(count)
  })

  test('a prepared query finds a host of mixed GPUs as soon as one of them has all that is asked, and no sooner', () => {
    const figure = (value: number) => [
      { name: 'bench.f16' as const, value, source: 'declared' as const, by: null, nonce: null, at: 1_760_000_000 },
    ]
    const host = (key: number, f16: readonly [old: number, fresh: number]): Listing => ({
      provider: new Uint8Array(32).fill(key),
      offer: sampleOffer({
        devices: [
          sampleDevice({ id: 'gpu0', model: 'GTX 1080 Ti', cc: '6.1', vramMiB: 11 * 1024, figures: figure(f16[0]) }),
          sampleDevice({ id: 'gpu1', model: 'RTX 3060', cc: '8.6', vramMiB: 12 * 1024, figures: figure(f16[1]) }),
        ],
      }),
    })
    const index = offerIndex()
    const strong = index.prepare('gpu.cc>=8.6 gpu.bench.f16>=30TFLOPS')
    const counted = index.prepare('count(gpu, vram>=12GiB and cc>=6)>=2')
    const found = (query: typeof strong): number[] => query.find().map(({ provider }) => provider[0] as number)
    index.put(host(1, [40_000, 12_000]))
    expect([found(strong), found(counted)]).toEqual([[], []])
    index.put(host(2, [100, 31_000]))
    expect([found(strong), found(counted)]).toEqual([[2], []])
    index.put(host(1, [40_000, 30_000]))
    expect(found(strong)).toEqual([1, 2])
    for (const key of [1, 2]) index.remove(new Uint8Array(32).fill(key))
    const pair = host(4, [100, 31_000]).offer.devices
    const [old, fresh] = pair
    if (old === undefined || fresh === undefined) throw new Error('two GPUs')
    const two = { ...fresh, id: 'gpu2', figures: figure(20_000) }
    index.put({ provider: new Uint8Array(32).fill(4), offer: sampleOffer({ devices: [...pair, two] }) })
    expect(index.find('count(gpu, cc>=8.6)>=2')).toHaveLength(1)
    expect(index.find('count(gpu, cc>=8.6)>=3')).toEqual([])
    expect(index.find('gpu.bench.f16=20TFLOPS gpu.cc>=8.6')).toHaveLength(1)
    index.remove(new Uint8Array(32).fill(4))
    // The composition's code is free again: what was worked out for it holds no longer.
    index.put({
      provider: new Uint8Array(32).fill(3),
      offer: sampleOffer({
        devices: [sampleDevice({ model: 'L40S', vramMiB: 48 * 1024, figures: figure(90_000) }), sampleDevice({ id: 'gpu1' })],
      }),
    })
    expect([found(strong), found(counted)]).toEqual([[3], [3]])
  })

  test(
    'explain() gives what explaining the list of all offers gives, for any query',
    () => {
      const listings = market(11, 400)
      const index = offerIndex()
      for (const listing of listings) index.put(listing)
      fc.assert(
        fc.property(fc.integer(), fc.boolean(), (seed, asked) => {
          const query = new RandomExpr(seededNumbers(seed)).query(8)
          const who = asked ? { who: RENTER } : {}
          expect(index.explain(query, who), print(query.where)).toEqual(explain(query, listings, who))
        }),
        { numRuns: 100 },
      )
    },
    PATIENCE_MS,
  )

  test(
    'put() and remove() leave the same as a fresh index, in any order of coming, changing and going',
    () => {
      fc.assert(
        fc.property(fc.integer(), (seed) => {
          const chance = seededNumbers(seed)
          const source = syntheticMarket({ seed })
          const index = offerIndex<number>()
          const held = new Map<string, Listing>()
          const pool: Listing[] = []
          for (let step = 0; step < 1500; step++) {
            const roll = chance()
            const old = pool[Math.floor(chance() * pool.length)]
            if (old === undefined || roll < 0.5) {
              const listing = vary(source.next().value, seed)
              pool.push(listing)
              held.set(keyOf(listing), listing)
              index.put(listing, step)
            } else if (roll < 0.75) {
              const other = source.next().value
              const changed =
                roll < 0.6 ? { ...old, offer: { ...old.offer, freeSlots: 0, region: 'IS' } } : { ...other, provider: old.provider }
              held.set(keyOf(old), changed)
              index.put(changed, step)
            } else {
              expect(index.remove(old.provider)).toBe(held.delete(keyOf(old)))
            }
            if (step % 150 === 149) {
              const text = ORDERED[Math.floor(chance() * ORDERED.length)] as string
              expect(index.find(text, { limit: 9 }).map(keyOf), text).toEqual(naive(parseQuery(text), [...held.values()]).slice(0, 9))
            }
          }
          expect(index.size).toBe(held.size)
          const random = new RandomExpr(chance)
          for (let i = 0; i < 15; i++) {
            const query = random.query()
            expect(index.find(query, { limit: 20 }).map(keyOf), printQuery(query)).toEqual(naive(query, [...held.values()]).slice(0, 20))
          }
          for (const key of [...held.keys()].slice(0, held.size - 3)) index.remove(Buffer.from(key, 'hex'))
          expect(index.size).toBe(3)
          expect(index.find('', { limit: 100 })).toHaveLength(3)
        }),
        { numRuns: 5 },
      )
    },
    PATIENCE_MS,
  )

  test('find() stays right when thousands of offers share one price and one model', () => {
    const index = offerIndex()
    const chance = seededNumbers(3)
    const listings = Array.from({ length: 3000 }, (_, i): Listing => {
      const provider = Uint8Array.from({ length: 32 }, () => Math.floor(chance() * 256))
      return { provider, offer: sampleOffer({ region: i % 7 === 0 ? 'FR' : 'DE' }) }
    })
    for (const listing of listings) index.put(listing)
    for (const text of [
      'region=FR',
      'order by gpu.bench.f16 desc',
      'price.hour>0.31',
      'order by price.hour desc limit 5',
      'order by memory, price.hour',
    ])
      expect(index.find(text, { limit: 30 }).map(keyOf), text).toEqual(naive(parseQuery(text), listings).slice(0, 30))
  })

  test('find() stays right when strangers invent a model, a region and an image for every offer', () => {
    const index = offerIndex()
    const listings = Array.from({ length: 1200 }, (_, i): Listing => {
      const provider = new Uint8Array(32)
      new DataView(provider.buffer).setUint32(i % 2 === 0 ? 0 : 28, i * 2654435761)
      const region = `${String.fromCharCode(65 + (i % 26), 65 + ((i * 7) % 26))}-${i % 1000}`
      const gpu = sampleDevice({ model: `Model ${i}`, vramMiB: (1 + (i % 8)) * 8192, vramUsableMiB: null, cuda: `12.${i}` })
      return { provider, offer: sampleOffer({ devices: [gpu], region, images: [`image:${i}`], rails: [freeRate(BigInt(i % 97))] }) }
    })
    for (const listing of listings) index.put(listing)
    for (const text of [
      'gpu.model="model 777"',
      'gpu.model ~ "77" region=AA',
      'cached.image in ["image:5","image:1100"]',
      'region not in [AH-1] gpu.vram>=40GiB',
      'gpu.cuda>=12.1100',
      'gpu.model != "model 3"',
    ])
      expect(index.find(text, { limit: 40 }).map(keyOf), text).toEqual(naive(parseQuery(text), listings).slice(0, 40))
    expect(index.find('', { limit: 0 })).toEqual([])
    expect(index.find('', { limit: 5000 })).toHaveLength(1200)
  })

  test('prepare() finds offers that came after it, with words that nobody had then', () => {
    const index = offerIndex()
    const prepared = index.prepare('region=IS cached.image="a/b:1"')
    expect(prepared.find()).toEqual([])
    for (const listing of market(5, 700)) index.put(listing)
    expect(prepared.find()).toEqual([])
    index.put({ provider: new Uint8Array(32), offer: sampleOffer({ region: 'IS', images: ['A/b:1'] }) })
    expect(prepared.find().map((h) => h.priceMicro)).toEqual([310_000])
    index.remove(new Uint8Array(32))
    expect(prepared.find()).toEqual([])
  })

  describe('a prepared query goes by what came after it', () => {
    const index = (): { put: (key: number, memory: number, cpu: string) => void; prepare: (text: string) => () => number[] } => {
      const offers = offerIndex()
      return {
        put: (key, memory, cpu) =>
          offers.put({
            provider: new Uint8Array(32).fill(key),
            offer: sampleOffer({ memMiB: memory * 1024, cpu: { model: cpu, cores: 1, threads: 1 } }),
          }),
        prepare: (text) => {
          const prepared = offers.prepare(text)
          return () => prepared.find(100).map(({ provider }) => provider[0] as number)
        },
      }
    }

    test('a number outside of all before', () => {
      const { put, prepare } = index()
      put(1, 64, 'one')
      const [all, none] = [prepare('memory>=32GiB'), prepare('memory>=128GiB')]
      expect([all(), none()]).toEqual([[1], []])
      put(2, 16, 'one')
      put(3, 256, 'one')
      expect([all(), none()]).toEqual([[1, 3], [3]])
    })

    test('a word that is the first in a bitmap for many', () => {
      const { put, prepare } = index()
      // Every bitmap of a model's own is taken.
      for (let i = 0; i < 32; i++) put(100 + i, 64, `model ${i}`)
      const rare = prepare('cpu.model ~ "rare"')
      expect(rare()).toEqual([])
      put(1, 64, 'rare 1')
      expect(rare()).toEqual([1])
      put(2, 64, 'rare 2')
      expect(rare()).toEqual([1, 2])
    })
  })

  test(
    'a prepared query gives what a fresh one does, whatever came, changed and went in between',
    () => {
      const [before, after] = [market(23, 200), market(29, 400)]
      fc.assert(
        fc.property(fc.integer(), fc.integer({ min: 0, max: 200 }), (seed, first) => {
          const index = offerIndex()
          for (const listing of before.slice(0, first)) index.put(listing)
          const random = new RandomExpr(seededNumbers(seed))
          const queries = Array.from({ length: 10 }, () => random.query())
          const prepared = queries.map((query) => index.prepare(query))
          for (const one of prepared) one.find(20)
          for (const listing of after) index.put(listing)
          for (const listing of before.slice(0, first >> 1)) index.remove(listing.provider)
          for (const [at, query] of queries.entries())
            expect(prepared[at]?.find(20).map(keyOf), printQuery(query)).toEqual(index.find(query, { limit: 20 }).map(keyOf))
        }),
        { numRuns: 20 },
      )
    },
    PATIENCE_MS,
  )

  test('find() counts the GPUs that say what is asked, whatever another one of the same host leaves unknown', () => {
    const index = offerIndex<number>({ seed: 3 })
    const listings = market(3, 300)
    const [first, ...others] = listings
    for (const [i, listing] of others.entries()) index.put(listing, i)
    const devices = ['8.9', null, '8.6'].map((cc, i) => sampleDevice({ id: `gpu${i}`, cc }))
    const odd = { ...first!, offer: sampleOffer({ devices, rails: [freeRate(1n)] }) }
    index.put(odd, 999)
    for (const [where, found] of [
      ['count(gpu, cc>=8.6)>=2', true],
      ['count(gpu, cc>=8.6)>=3', false],
      ['count(gpu, cc>=8.9)>=2', false],
    ] as const)
      expect(
        index.find(parseQuery(where), { limit: 500 }).some((hit) => hit.payload === 999),
        where,
      ).toBe(found)
  })

  test('payload() hands back what was put in last, has() and remove() tell what is there', () => {
    const index = offerIndex<string>()
    const listing = { provider: new Uint8Array(32), offer: sampleOffer() }
    index.put(listing, 'one')
    index.put({ ...listing, offer: sampleOffer({ rails: [], slots: 2 }) }, 'two')
    expect([index.size, index.has(listing.provider), index.payload(listing.provider)]).toEqual([1, true, 'two'])
    expect(index.find('')[0]).toEqual({ provider: listing.provider, priceMicro: undefined, payload: 'two' })
    expect([index.remove(listing.provider), index.remove(listing.provider), index.size]).toEqual([true, false, 0])
  })

  test('put() keeps its memory when the same providers change words for ever', () => {
    const index = offerIndex()
    for (let i = 0; i < 4000; i++) {
      const provider = new Uint8Array(32).fill(i % 50)
      index.put({ provider, offer: sampleOffer({ images: [`registry/image:${i}`], cpu: { model: `cpu ${i}`, cores: 1, threads: 1 } }) })
    }
    expect(index.size).toBe(50)
    expect(index.find('cached.image="registry/image:3999"')).toHaveLength(1)
    expect(index.find('cached.image="registry/image:3949"')).toHaveLength(0)
    expect(index.find('cached.image ~ "image:39"', { limit: 100 })).toHaveLength(50)
  })
})
