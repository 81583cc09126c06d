import { decodeAs, encodeAs, type Value } from '@haggle/wire'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Demand, demandSchema } from './demand.ts'
import { deviceSchema, nominalVramMiB, shortModel } from './device.ts'
import { freeRate, meterSchema, microPrice, PRICE_CEILING } from './meter.ts'
import { MAX_OFFER_LIFETIME_S, type Offer, offerMessage, offerSchema } from './offer.ts'
import { sampleCpu, sampleDemand, sampleDevice, sampleOffer, syntheticMarket } from './testing.ts'

const coded = (code: string): unknown => expect.objectContaining({ code })

describe('offerSchema', () => {
  test('offerSchema reads back what it wrote, for a market of offers', () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const { offer } = syntheticMarket({ seed }).next().value
        const bytes = encodeAs(offerSchema, offer)
        expect(decodeAs(offerSchema, bytes)).toEqual(offer)
        expect(bytes.length).toBeLessThan(16 * 1024)
      }),
      { numRuns: 60 },
    )
  })

  test('offerSchema keeps figures, stake, other money and nulls', () => {
    const figure = {
      name: 'bench.f16' as const,
      value: 4_000_000_000,
      source: 'challenged' as const,
      by: new Uint8Array(32).fill(1),
      nonce: new Uint8Array([7]),
      at: 1,
    }
    const offer = sampleOffer({
      devices: [sampleDevice({ figures: [figure, { ...figure, name: 'power', by: null, nonce: null, source: 'live' }] })],
      rails: [
        freeRate(0n),
        {
          rail: 'evm:1:0xa',
          unit: 'USDC',
          decimals: 6,
          meters: [{ unit: 'tokenOut', price: 2n ** 64n - 1n, per: 1n }],
          account: new Uint8Array(20).fill(7),
        },
      ],
      stake: { rail: 'evm:1:0xa', amount: 2n ** 100n },
      net: { downKbps: null, upKbps: null },
      region: 'US-CA',
    })
    expect(decodeAs(offerSchema, encodeAs(offerSchema, offer))).toEqual(offer)
  })

  test.each<[string, Partial<Offer>]>([
    ['E_OFFER_DEVICE', { devices: [sampleDevice(), sampleDevice()] }],
    ['E_OFFER_RAIL', { rails: [freeRate(1n), freeRate(2n)] }],
    ['E_OFFER_RAIL', { rails: [{ ...freeRate(1n), account: new Uint8Array(20) }] }],
    ['E_OFFER_RAIL', { rails: [{ ...freeRate(1n), rail: 'evm:1:0xa' }] }],
    ['E_OFFER_REGION', { region: 'de' }],
    ['E_OFFER_REGION', { region: 'DEU' }],
    ['E_OFFER_SLOTS', { slots: 1, freeSlots: 2 }],
    ['E_WIRE_SCHEMA', { devices: [] }],
    ['E_WIRE_SCHEMA', { rails: [] }],
    ['E_WIRE_SCHEMA', { runners: [] }],
    ['E_WIRE_SCHEMA', { slots: 0, freeSlots: 0 }],
    ['E_WIRE_SCHEMA', { accept: 'x'.repeat(1025) }],
    ['E_OFFER_METER', { rails: [{ ...freeRate(1n), meters: [{ unit: 'ms', price: 1n, per: 0n }] }] }],
  ])('offerSchema refuses with %s, to write and to read', (code, changes) => {
    expect(() => offerSchema.build(sampleOffer(changes))).toThrowError(coded(code))
  })

  test('offerSchema refuses a device that claims what its kind has not', () => {
    const read = (changes: Parameters<typeof sampleDevice>[0]): unknown => deviceSchema.build(sampleDevice(changes))
    expect(() => read({ kind: 'software' })).toThrowError(coded('E_OFFER_DEVICE'))
    expect(() => deviceSchema.build(sampleCpu({ vramMiB: 24 * 1024 }))).toThrowError(coded('E_OFFER_DEVICE'))
    expect(() => read({ vramMiB: 80 * 1024 })).toThrowError(coded('E_OFFER_DEVICE'))
    expect(() => read({ id: 'GPU 0' })).toThrowError(coded('E_OFFER_DEVICE'))
    const figure = { name: 'vram' as const, value: 1, source: 'live' as const, by: null, nonce: null, at: 1 }
    expect(() => read({ figures: [figure, figure] })).toThrowError(coded('E_OFFER_DEVICE'))
    // Reading checks the same: a forged array is refused though each field has its type.
    const good = deviceSchema.build(sampleCpu()) as Value[]
    expect(() => deviceSchema.parse(good.with(4, 24 * 1024))).toThrowError(coded('E_OFFER_DEVICE'))
  })

  test('offerMessage promises a price for ten minutes at most', () => {
    expect([offerMessage.type, offerMessage.maxLifetimeS, offerMessage.thread, offerMessage.audience]).toEqual([
      'offer',
      MAX_OFFER_LIFETIME_S,
      false,
      false,
    ])
    expect(MAX_OFFER_LIFETIME_S).toBe(600)
  })
})

describe('demandSchema', () => {
  test('demandSchema reads back what it wrote, and refuses fewer GPUs at most than at least', () => {
    const demand: Demand = sampleDemand({
      where: 'gpu.vram>=24GiB',
      isolation: ['bubblewrap'],
      minGpus: 1,
      maxGpus: 4,
      visibility: 'public',
    })
    expect(decodeAs(demandSchema, encodeAs(demandSchema, demand))).toEqual(demand)
    expect(() => demandSchema.build(sampleDemand({ minGpus: 2, maxGpus: 1 }))).toThrowError(coded('E_DEMAND_GPUS'))
  })
})

describe('device figures', () => {
  test.each([
    [0, 1],
    [1024, 1],
    [1025, 2],
    [11264, 11],
    [12282, 12],
    [15360, 16],
    [23034, 24],
    [24564, 24],
    [40960, 40],
    [46068, 48],
    [81559, 80],
    [97871, 96],
    [143771, 141],
    [183359, 180],
    [196592, 192],
    [294912, 288],
  ])('nominalVramMiB() of %i MiB is %i GiB', (usable, gib) => {
    expect(nominalVramMiB(usable)).toBe(gib * 1024)
  })

  test('nominalVramMiB() leaves what is above every known size', () => {
    expect(nominalVramMiB(300_000)).toBe(300_000)
  })

  test.each([
    ['NVIDIA GeForce RTX 4090', 'RTX 4090'],
    ['NVIDIA H100 80GB HBM3', 'H100'],
    ['NVIDIA A100-SXM4-40GB', 'A100-SXM4'],
    ['NVIDIA GeForce RTX 3060 Laptop GPU', 'RTX 3060 Laptop GPU'],
    ['AMD Radeon RX 7900 XTX', 'RX 7900 XTX'],
    ['Intel(R) Arc(TM) A770 Graphics', 'Arc A770'],
    ['Apple M2 Max', 'M2 Max'],
    ['AMD Radeon Graphics', 'AMD Radeon Graphics'],
    ['llvmpipe (LLVM 15.0.6, 256 bits)', 'llvmpipe (LLVM 15.0.6, 256 bits)'],
    ['x'.repeat(80), 'x'.repeat(64)],
  ])('shortModel() of "%s" is "%s"', (name, short) => {
    expect(shortModel(name)).toBe(short)
  })
})

describe('microPrice()', () => {
  test('microPrice() rounds up to millionths, whatever the decimals of the money', () => {
    const rail = (decimals: number, price: bigint, per: bigint): Parameters<typeof microPrice>[0] => ({
      rail: 'x',
      unit: 'X',
      decimals,
      meters: [{ unit: 'ms', price, per }],
      account: null,
    })
    expect(microPrice(rail(6, 1n, 3_600_000n), 'ms', 3_600_000n)).toBe(1)
    expect(microPrice(rail(6, 1n, 3_600_001n), 'ms', 3_600_000n)).toBe(1)
    expect(microPrice(rail(6, 0n, 1n), 'ms', 1n)).toBe(0)
    expect(microPrice(rail(18, 1n, 1n), 'ms', 1n)).toBe(1)
    expect(microPrice(rail(18, 10n ** 18n, 1n), 'ms', 2n)).toBe(2_000_000)
    expect(microPrice(rail(6, 2n ** 63n, 1n), 'ms', 3_600_000n)).toBe(PRICE_CEILING)
    expect(microPrice(rail(6, 1n, 1n), 'request', 1n)).toBeUndefined()
  })

  test('meterSchema refuses a price for nothing counted', () => {
    expect(() => meterSchema.build({ unit: 'ms', price: 1n, per: 0n })).toThrowError(coded('E_OFFER_METER'))
  })
})
