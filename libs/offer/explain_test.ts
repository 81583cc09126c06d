import { describe, expect, test } from 'vitest'
import { explain } from './explain.ts'
import { freeRate } from './meter.ts'
import type { Listing, Offer } from './offer.ts'
import { parseQuery } from './parse.ts'
import { sampleCpu, sampleDemand, sampleDevice, sampleOffer } from './testing.ts'

const offers = (...changes: Partial<Offer>[]): Listing[] =>
  changes.map((change, at) => ({ provider: new Uint8Array(32).fill(at + 1), offer: sampleOffer(change) }))
const at = (price: string): Offer['rails'] => [freeRate(BigInt(Math.round(Number(price) * 1e6)))]
const why = (text: string, listings: readonly Listing[]): ReturnType<typeof explain> => explain(parseQuery(text), listings)

describe('explain()', () => {
  test('explain() counts failures, names the nearest value that fits otherwise, and what writing it brings', () => {
    const listings = offers(
      { rails: at('0.34') },
      { rails: at('0.34') },
      { rails: at('0.50') },
      { rails: at('0.10'), region: 'FR' },
      { rails: at('0.10'), devices: [sampleCpu()] },
    )
    expect(why('gpu.vram>=24GiB price.hour<=0.30 region=DE', listings)).toEqual({
      seen: 5,
      fits: 0,
      failures: [
        { constraint: 'price.hour <= 0.3', count: 3, nearest: '0.34', relax: 'price.hour <= 0.34', gains: 2 },
        { constraint: 'gpu.vram >= 24GiB', count: 1, nearest: null, relax: null, gains: 1 },
        { constraint: 'region = DE', count: 1, nearest: 'FR', relax: 'region in [DE, FR]', gains: 1 },
      ],
      unknown: [],
      closest: { provider: new Uint8Array(32).fill(4), misses: ['region = DE'] },
    })
  })

  test('explain() relaxes each kind of constraint its own way', () => {
    const relax = (text: string, ...changes: Partial<Offer>[]): string | null | undefined =>
      why(text, offers(...changes)).failures[0]?.relax
    expect(relax('memory>100GiB', {}, { memMiB: 1024 })).toBe('memory >= 64GiB')
    expect(relax('cpu.cores<16', {}, { cpu: { model: 'x', cores: 64, threads: 1 } })).toBe('cpu.cores <= 16')
    expect(relax('cpu.cores=15', {})).toBe('cpu.cores in [15, 16]')
    expect(relax('cpu.cores in [1, 2]', {})).toBe('cpu.cores in [1, 2, 16]')
    expect(relax('region in [NL]', {}, { region: 'FR' }, { region: 'FR' })).toBe('region in [NL, FR]')
    expect(relax('runner=container', {})).toBe('runner in [container, deno]')
    expect(relax('gpu.cuda>=13', {}, { devices: [sampleDevice({ cuda: '12.9' })] })).toBe('gpu.cuda >= 12.9')
    expect(relax('gpu.model=H100', {})).toBe('gpu.model in [H100, "RTX 4090"]')
    expect(
      relax('price.hour<=0.2USDC', {
        rails: [
          { rail: 'r', unit: 'USDC', decimals: 6, meters: [{ unit: 'ms', price: 250_000n, per: 3_600_000n }], account: new Uint8Array(20) },
        ],
      }),
    ).toBe('price.hour <= 0.25USDC')
    expect(relax('count(gpu)>=4', {}, { devices: [sampleDevice(), sampleDevice({ id: 'b' })] })).toBe('count(gpu) >= 2')
    expect(relax('count(gpu)=4', {})).toBe('count(gpu) = 4 or count(gpu) = 1')
    expect([relax('not region=DE', {}), relax('gpu.free', { devices: [sampleDevice({ free: false })] }), relax('region!=DE', {})]).toEqual([
      null,
      null,
      null,
    ])
  })

  test('explain() looks for the nearest value on a GPU that satisfies the rest', () => {
    const devices = [sampleDevice({ model: 'A', cuda: '12.2' }), sampleDevice({ id: 'b', model: 'B', cuda: '12.6' })]
    expect(why('gpu.model=A gpu.cuda>=12.4', offers({ devices }))).toMatchObject({
      fits: 0,
      failures: [
        { constraint: 'gpu.model = A and gpu.cuda >= 12.4', count: 1, nearest: null, relax: null, gains: 1 },
        { constraint: 'gpu.cuda >= 12.4', count: 0, nearest: '12.2', relax: 'gpu.cuda >= 12.2', gains: 1 },
        { constraint: 'gpu.model = A', count: 0, nearest: 'B', relax: 'gpu.model in [A, B]', gains: 1 },
      ],
      closest: { misses: ['gpu.model = A and gpu.cuda >= 12.4'] },
    })
  })

  test('explain() says what is unknown, and offers nothing where dropping one constraint is not enough', () => {
    expect(why('provider.rtt<=5ms region=FR', offers({}, { region: null }, { region: 'FR' }))).toEqual({
      seen: 3,
      fits: 0,
      failures: [{ constraint: 'region = FR', count: 1, nearest: null, relax: null, gains: 0 }].concat([
        { constraint: 'provider.rtt <= 5ms', count: 0, nearest: null, relax: null, gains: 1 },
      ]),
      unknown: [
        { property: 'provider.rtt', count: 2 },
        { property: 'region', count: 1 },
      ],
      closest: { provider: new Uint8Array(32).fill(3), misses: ['provider.rtt <= 5ms'] },
    })
  })

  test('explain() counts the offers that refuse this renter', () => {
    const who = { renter: { key: new Uint8Array(32), jobs: 0 }, demand: sampleDemand() }
    const listings = offers({ accept: 'renter.jobs>=1' }, { accept: 'renter.jobs>=1', region: 'FR' }, { accept: '((', region: 'FR' })
    expect(explain(parseQuery('region=DE'), listings, { who })).toMatchObject({
      fits: 0,
      failures: [
        { constraint: 'accept', count: 2, gains: 1 },
        { constraint: 'region = DE', count: 2, gains: 1 },
      ],
      closest: { provider: new Uint8Array(32).fill(1), misses: ['accept'] },
    })
  })

  test('explain() has nothing to say when everything fits, or nothing was seen', () => {
    expect(why('region=DE', offers({}, {}))).toEqual({ seen: 2, fits: 2, failures: [], unknown: [], closest: null })
    expect(why('', offers({}))).toMatchObject({ seen: 1, fits: 1 })
    expect(why('false', offers({}))).toMatchObject({ fits: 0, failures: [{ constraint: 'false', count: 1, relax: null, gains: 1 }] })
  })
})
