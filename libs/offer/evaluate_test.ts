import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { RandomExpr } from './_random_expr.ts'
import type { Expr } from './ast.ts'
import { allOf, anyOf, evaluate, isUnknown, type Verdict } from './evaluate.ts'
import type { Listing, Offer } from './offer.ts'
import { parse } from './parse.ts'
import { offerSubject } from './subject.ts'
import { sampleCpu, sampleDevice, sampleOffer, seededNumbers, syntheticMarket } from './testing.ts'

const listing = (offer: Partial<Offer> = {}, more: Partial<Listing> = {}): Listing => ({
  provider: new Uint8Array(32).fill(0xab),
  offer: sampleOffer(offer),
  ...more,
})
const verdict = (text: string, offer: Partial<Offer> = {}, more: Partial<Listing> = {}): Verdict =>
  evaluate(parse(text), offerSubject(listing(offer, more)))

const U: Verdict = { unknown: ['region'] }
const NAMES = new Map<Verdict, string>([
  [true, 'true'],
  [false, 'false'],
  [U, 'region = DE'],
])
const text = (v: Verdict): string => NAMES.get(v) ?? ''

describe('evaluate()', () => {
  test.each([
    [true, true, true, true],
    [true, false, false, true],
    [true, U, U, true],
    [false, true, false, true],
    [false, false, false, false],
    [false, U, false, U],
    [U, true, U, true],
    [U, false, false, U],
    [U, U, U, U],
  ])('evaluate() follows the tables of Kleene for %j and %j', (a, b, and, or) => {
    expect(verdict(`${text(a)} and ${text(b)}`, { region: null })).toEqual(and)
    expect(verdict(`${text(a)} or ${text(b)}`, { region: null })).toEqual(or)
    expect([allOf([a, b]), anyOf([a, b])]).toEqual([and, or])
  })

  test('evaluate() leaves unknown what it negates, and names everything that is missing, sorted, once', () => {
    expect(verdict('not region=DE', { region: null })).toEqual(U)
    expect(verdict('region!=DE region not in [FR] provider.rtt<=5ms provider.score>0', { region: null })).toEqual({
      unknown: ['provider.rtt', 'provider.score', 'region'],
    })
    expect(verdict('has(region)', { region: null })).toBe(false)
    expect(verdict('not has(region)', { region: null })).toBe(true)
  })

  test('evaluate() compares each type its own way', () => {
    expect(verdict('gpu.vram=24GiB gpu.vram.usable<24GiB memory=64GiB net.down=1Gbps')).toBe(true)
    expect(verdict('gpu.cuda>=12.8 gpu.cuda<12.10 gpu.driver>=570.86.9 gpu.cc!=8.6')).toBe(true)
    expect(verdict('gpu.model="rtx 4090" gpu.model~"409" cpu.model~ryzen os=LINUX')).toBe(true)
    expect(verdict('runner=deno runner in [x,exec] isolation!=permissions not runner=container runner~"den"')).toBe(true)
    expect(verdict('cached.image!=a has(cached.image)')).toBe(false)
    expect(verdict('price.hour=0.31 price.hour<0.310001 limit.cpu=16 limit.duration=1h tick=5s')).toBe(true)
    expect(verdict(`provider.key="${'ab'.repeat(32)}" provider.score=0.5`, {}, { scoreMicro: 500_000 })).toBe(true)
  })

  test('evaluate() takes a subdivision for its country, and not the other way round', () => {
    expect(verdict('region=US', { region: 'US-CA' })).toBe(true)
    expect(verdict('region in [us-ca, FR]', { region: 'US-CA' })).toBe(true)
    expect(verdict('region=US-CA', { region: 'US' })).toBe(false)
    expect(verdict('region=U', { region: 'US' })).toBe(false)
    expect(verdict('region!=US', { region: 'US-CA' })).toBe(false)
  })

  test('evaluate() reads a price in the unit that is configured or named, and knows none in another', () => {
    const usdc = {
      rail: 'evm:1:0xa',
      unit: 'USDC',
      decimals: 18,
      meters: [{ unit: 'ms' as const, price: 250_000_000_000_000_001n, per: 3_600_000n }],
      account: new Uint8Array(20),
    }
    const both = { rails: [...sampleOffer().rails, usdc], stake: { rail: usdc.rail, amount: 2n * 10n ** 18n } }
    expect(verdict('price.hour=0.31 price.hour=0.250001USDC', both)).toBe(true)
    expect(verdict('price.hour<1', { rails: [usdc] })).toEqual({ unknown: ['price.hour'] })
    expect(verdict('stake=2USDC', both)).toBe(true)
    expect(verdict('stake>=1', both)).toEqual({ unknown: ['stake'] })
    expect(verdict('stake=0')).toBe(true)
    expect(evaluate(parse('price.hour=0.250001 stake=2'), offerSubject(listing(both), { unit: 'USDC' }))).toBe(true)
    expect(verdict('price.request<=1')).toEqual({ unknown: ['price.request'] })
  })
})

describe('arrays of devices', () => {
  const small = sampleDevice({ id: 'gpu1', model: 'RTX 3060', vramMiB: 12_288, vramUsableMiB: 12_288, cc: '8.6', cuda: null })
  const pair = { devices: [sampleDevice(), small] }
  const none = { devices: [sampleCpu()] }

  test('evaluate() means one and the same GPU by gpu.… at the top', () => {
    expect(verdict('gpu.vram>=24GiB gpu.model="RTX 4090"', pair)).toBe(true)
    expect(verdict('gpu.vram>=24GiB gpu.model="RTX 3060"', pair)).toBe(false)
    expect(verdict('any(gpu, vram>=24GiB) any(gpu, model="RTX 3060")', pair)).toBe(true)
    expect(verdict('not gpu.vram>=24GiB', pair)).toBe(true)
    expect(verdict('gpu.model="RTX 3060" gpu.cuda>=12', pair)).toEqual({ unknown: ['gpu.cuda'] })
  })

  test('evaluate() finds every comparison of gpu.… false without a GPU', () => {
    expect(verdict('gpu.vram>=1GiB', none)).toBe(false)
    expect(verdict('gpu.model!=x', none)).toBe(false)
    expect(verdict('gpu.model not in [x]', none)).toBe(false)
    expect(verdict('not gpu.vendor=nvidia', none)).toBe(true)
    expect(verdict('has(gpu.cuda)', none)).toBe(false)
    expect(verdict('gpu.vram>=1GiB or cpu.cores>=16', none)).toBe(true)
  })

  test('evaluate() never takes software for a GPU', () => {
    const soft = { devices: [sampleCpu({ id: 'sw0', kind: 'software', vendor: 'mesa', model: 'llvmpipe' })] }
    expect(verdict('gpu.count=0 count(gpu)=0 any(software, model=llvmpipe) any(device, kind=software)', soft)).toBe(true)
    expect(verdict('has(gpu.model)', soft)).toBe(false)
  })

  test('evaluate() quantifies: any of none is false, all of none is false, count of none is 0', () => {
    expect([verdict('any(gpu, true)', none), verdict('all(gpu, true)', none), verdict('count(gpu)=0', none)]).toEqual([false, false, true])
    expect([verdict('all(gpu, vram>=12GiB)', pair), verdict('all(gpu, vram>=24GiB)', pair)]).toEqual([true, false])
    expect(verdict('all(gpu, cuda>=12)', pair)).toEqual({ unknown: ['gpu.cuda'] })
    expect(verdict('all(gpu, cuda>=12 and vram>=24GiB)', pair)).toBe(false)
    expect(verdict('any(gpu, cuda>=13)', pair)).toEqual({ unknown: ['gpu.cuda'] })
    expect(verdict('any(runner, name=exec and isolation=bubblewrap) all(runner, isolation=bubblewrap) count(runner)=2')).toBe(true)
  })

  test('evaluate() counts what is sure and what may be, and is unknown only where that matters', () => {
    expect(verdict('count(gpu, cuda>=12)>=1', pair)).toBe(true)
    expect(verdict('count(gpu, cuda>=12)>=2', pair)).toEqual({ unknown: ['gpu.cuda'] })
    expect(verdict('count(gpu, cuda>=12)>=3', pair)).toBe(false)
    expect(verdict('count(gpu, cuda>=12)!=3', pair)).toBe(true)
    expect(verdict('count(gpu, cuda>=12)=1', pair)).toEqual({ unknown: ['gpu.cuda'] })
  })

  test('evaluate() reads figures with their source', () => {
    const figure = { name: 'bench.f16' as const, value: 82_000, source: 'challenged' as const, by: new Uint8Array(32), nonce: null, at: 1 }
    const measured = { devices: [sampleDevice({ figures: [figure] })] }
    expect(verdict('gpu.bench.f16=82TFLOPS gpu.bench.f16.source=challenged gpu.vram.source=declared', measured)).toBe(true)
    expect(verdict('gpu.bench.f16.source=challenged')).toEqual({ unknown: ['gpu.bench.f16.source'] })
  })
})

describe('laws', () => {
  const market = syntheticMarket({ seed: 21 })
  const subjects = Array.from({ length: 60 }, () => offerSubject(market.next().value))
  const not = (v: Verdict): Verdict => (isUnknown(v) ? v : !v)
  const kind = (v: Verdict): string => (isUnknown(v) ? 'unknown' : String(v))

  test('evaluate() obeys double negation, and De Morgan inside any part', () => {
    fc.assert(
      fc.property(fc.integer(), fc.nat(59), (seed, at) => {
        const random = new RandomExpr(seededNumbers(seed))
        const [a, b] = [random.expr(5), random.expr(5)]
        const subject = subjects[at] as (typeof subjects)[number]
        const value = (e: Expr): string => kind(evaluate(e, subject))
        expect(value({ kind: 'not', item: { kind: 'not', item: a } })).toBe(value(a))
        expect(value({ kind: 'not', item: { kind: 'and', items: [a, b] } })).toBe(
          value({
            kind: 'or',
            items: [
              { kind: 'not', item: a },
              { kind: 'not', item: b },
            ],
          }),
        )
      }),
      { numRuns: 500 },
    )
  })

  test('evaluate() says the same of the same, with nothing unknown that is known', () => {
    fc.assert(
      fc.property(fc.integer(), fc.nat(59), (seed, at) => {
        const expr = new RandomExpr(seededNumbers(seed)).expr(10)
        const subject = subjects[at] as (typeof subjects)[number]
        const first = evaluate(expr, subject)
        expect(evaluate(expr, subject)).toEqual(first)
        if (isUnknown(first)) expect(first.unknown.length).toBeGreaterThan(0)
        expect(isUnknown(first) ? first.unknown : []).toEqual(isUnknown(first) ? [...new Set(first.unknown)].sort() : [])
        expect(not(not(first))).toEqual(first)
      }),
      { numRuns: 500 },
    )
  })

  test('evaluate() refuses a tree that is too tall before it walks it', () => {
    let tall: Expr = { kind: 'const', value: true }
    for (let i = 0; i < 20_000; i++) tall = { kind: 'not', item: tall }
    expect(() => evaluate(tall, subjects[0] as (typeof subjects)[number])).toThrowError(expect.objectContaining({ code: 'E_EXPR_DEPTH' }))
  })
})
