import { describe, expect, test } from 'vitest'
import type { Demand, Renter } from './demand.ts'
import { acceptVerdict, demandQuery, devicesFor, match } from './match.ts'
import type { Listing, Offer } from './offer.ts'
import { freeRate } from './meter.ts'
import { printQuery } from './print.ts'
import { byWorth, rank } from './rank.ts'
import { parseQuery } from './parse.ts'
import { sampleCpu, sampleDemand, sampleDevice, sampleOffer } from './testing.ts'

const renter: Renter = { key: new Uint8Array(32).fill(5), scoreMicro: 400_000, jobs: 3 }
const listing = (changes: Partial<Offer> = {}, more: Partial<Listing> = {}): Listing => ({
  provider: new Uint8Array(32),
  offer: sampleOffer(changes),
  ...more,
})
const matched = (demand: Partial<Demand>, offer: Partial<Offer> = {}, options: { friend?: boolean } = {}): ReturnType<typeof match> =>
  match(sampleDemand(demand), listing(offer), { renter, ...options })

describe('match()', () => {
  test('match() is true when both sides agree', () => {
    expect(
      matched({ where: 'gpu.vram>=24GiB price.hour<=0.40' }, { accept: 'renter.score>=0.4 job.duration<=10m job.runner=deno' }),
    ).toEqual({
      verdict: true,
      demand: true,
      accept: true,
    })
  })

  test('match() says which side refuses', () => {
    expect(matched({ where: 'price.hour<=0.30' })).toEqual({ verdict: false, demand: false, accept: true })
    expect(matched({}, { accept: 'renter.jobs>=10' })).toEqual({ verdict: false, demand: true, accept: false })
  })

  test('match() reads trust.… as the other side, on both sides', () => {
    const known = { scoreMicro: 700_000, axesMicro: { completes: 800_000, disputes: 900_000 } }
    const trusted = (where: string, accept = ''): ReturnType<typeof match>['verdict'] =>
      match(sampleDemand({ where }), listing({ accept }, known), { renter: { ...renter, axesMicro: { pays: 600_000 } } }).verdict
    expect(trusted('trust.score>=0.7 trust.completes>=0.8 trust.disputes=0.9')).toBe(true)
    expect(trusted('trust.score>0.7')).toBe(false)
    expect(trusted('trust.uptime>0.1')).toEqual({ unknown: ['provider.uptime'] })
    expect(trusted('', 'trust.score>=0.4 trust.pays>=0.6')).toBe(true)
    expect(trusted('', 'trust.score>0.4')).toBe(false)
    expect(trusted('', 'trust.disputes>0.4')).toEqual({ unknown: ['renter.disputes'] })
  })

  test('match() fits nobody whose score is 0 when the reader keeps scores', () => {
    const verdict = (scoreMicro: number, scored: boolean): boolean =>
      match(sampleDemand(), listing({}, { scoreMicro }), { renter, scored }).demand === true
    expect([verdict(0, true), verdict(1, true), verdict(0, false)]).toEqual([false, true, true])
  })

  test('match() is unknown, with the names, when one side lacks a fact and neither refuses', () => {
    expect(matched({ where: 'provider.score>=0.5' })).toEqual({
      verdict: { unknown: ['provider.score'] },
      demand: { unknown: ['provider.score'] },
      accept: true,
    })
    expect(matched({}, { accept: 'renter.stake>=1' }).verdict).toEqual({ unknown: ['renter.stake'] })
    expect(matched({}, { accept: 'not a rule (' })).toEqual({
      verdict: { unknown: ['accept'] },
      demand: true,
      accept: { unknown: ['accept'] },
    })
    expect(matched({ where: 'region=FR' }, { accept: 'renter.stake>=1' }).verdict).toBe(false)
  })

  test.each<[string, Partial<Demand>, Partial<Offer>]>([
    ['runner', { runner: 'container' }, {}],
    ['isolation of that runner', { isolation: ['gvisor', 'container'] }, {}],
    ['rail', { rail: 'evm:1:0xa' }, {}],
    ['free slot', {}, { freeSlots: 0 }],
    ['free GPU', { minGpus: 1, maxGpus: 1 }, { devices: [sampleDevice({ free: false })] }],
    ['second GPU', { minGpus: 2, maxGpus: 2 }, {}],
    ['GPU at all', { minGpus: 1, maxGpus: 1 }, { devices: [sampleCpu()] }],
    ['cores', { limits: { ...sampleDemand().limits, cpuMilli: 16_001 } }, {}],
    ['memory', { limits: { ...sampleDemand().limits, memMiB: 32_769 } }, {}],
    ['disk', { limits: { ...sampleDemand().limits, diskMiB: 102_401 } }, {}],
    ['output', { limits: { ...sampleDemand().limits, outMiB: 65 } }, {}],
    ['processes', { limits: { ...sampleDemand().limits, pids: 513 } }, {}],
    ['time', { limits: { ...sampleDemand().limits, maxMs: 3_600_001 } }, {}],
    ['idle time', { idleMs: 60_001 }, {}],
    ['door', {}, { serves: 'friends' }],
  ])('match() is false for want of the %s', (_, demand, offer) => {
    expect(matched({}).verdict).toBe(true)
    expect(matched(demand, offer)).toMatchObject({ verdict: false, demand: false })
  })

  test('match() lets a friend in', () => {
    expect(matched({}, { serves: 'friends' }, { friend: true }).verdict).toBe(true)
  })

  test('match() asks as many free GPUs as it takes that each satisfy the whole demand', () => {
    const devices = [
      sampleDevice({ id: 'a' }),
      sampleDevice({ id: 'b', model: 'RTX 3090' }),
      sampleDevice({ id: 'c' }),
      sampleDevice({ id: 'd', free: false }),
    ]
    const demand = { where: 'gpu.model="RTX 4090"', minGpus: 2, maxGpus: 3 }
    expect(matched(demand, { devices }).verdict).toBe(true)
    expect(devicesFor(sampleDemand(demand), listing({ devices }))).toEqual(['a', 'c'])
    expect(matched({ ...demand, minGpus: 3 }, { devices }).verdict).toBe(false)
    expect(devicesFor(sampleDemand({ ...demand, minGpus: 0, maxGpus: 0 }), listing({ devices }))).toEqual([])
    expect(devicesFor(sampleDemand({ minGpus: 0, maxGpus: 1 }), listing({ devices }))).toEqual(['a'])
  })

  test('demandQuery() shows all that a demand asks as one query', () => {
    expect(
      printQuery(
        demandQuery(sampleDemand({ where: 'region=DE order by provider.rtt limit 3', isolation: ['bubblewrap'], minGpus: 2, maxGpus: 2 })),
      ),
    ).toBe(
      'region = DE and any(runner, name = deno and isolation in [bubblewrap]) and rail = free and slots.free >= 1 and gpu.free = true and count(gpu, free = true) >= 2' +
        ' and limit.cpu >= 1 and limit.memory >= 512MiB and limit.disk >= 256MiB and limit.output >= 16MiB and limit.pids >= 64 and limit.duration >= 10m and limit.idle >= 1m' +
        ' and serves = anyone order by provider.rtt limit 3',
    )
  })

  test('acceptVerdict() sees renter and job, and money only in its own unit', () => {
    const says = (accept: string): unknown =>
      acceptVerdict(listing({ accept }), { renter, demand: sampleDemand({ isolation: ['a', 'b'], visibility: 'public' }) })
    expect(
      says(
        `renter.key="${'05'.repeat(32)}" renter.score>0.3 job.gpus=0 job.cpu=1 job.memory=512MiB job.isolation=b job.public job.rail=free job.cap=1`,
      ),
    ).toBe(true)
    expect(says('renter.friend')).toEqual({ unknown: ['renter.friend'] })
    expect(says('job.cap>=1USDC')).toEqual({ unknown: ['job.cap'] })
    expect(says('')).toBe(true)
  })

  test('match() throws on a demand that can’t be read', () => {
    expect(() => matched({ where: 'gpu.vrma>=1GiB' })).toThrowError(expect.objectContaining({ code: 'E_EXPR_PROPERTY' }))
  })
})

describe('rank()', () => {
  const keyed = (byte: number, price: bigint, changes: Partial<Offer> = {}, more: Partial<Listing> = {}): Listing => ({
    provider: new Uint8Array(32).fill(byte),
    offer: sampleOffer({
      rails: [{ ...(sampleOffer().rails[0] as Offer['rails'][number]), meters: [{ unit: 'ms', price, per: 3_600_000n }] }],
      ...changes,
    }),
    ...more,
  })
  const order = (text: string, listings: readonly Listing[]): (number | undefined)[] =>
    rank(listings, parseQuery(text).order).map((l) => l.provider[0])

  test('rank() puts the cheapest first, then the smaller key', () => {
    expect(order('', [keyed(3, 2n), keyed(2, 1n), keyed(1, 2n), keyed(9, 0n, { rails: [] })])).toEqual([2, 1, 3, 9])
  })

  test('rank() puts what is unknown last in both directions, then the cheaper', () => {
    const list = [keyed(1, 1n), keyed(2, 5n, {}, { rttMs: 9 }), keyed(3, 4n, {}, { rttMs: 9 }), keyed(4, 1n, {}, { rttMs: 70 })]
    expect(order('order by provider.rtt', list)).toEqual([3, 2, 4, 1])
    expect(order('order by provider.rtt desc', list)).toEqual([4, 3, 2, 1])
    expect(order('order by provider.rtt, price.hour desc', list)).toEqual([2, 3, 4, 1])
  })

  test('rank() goes by the best GPU of each offer', () => {
    const small = sampleDevice({ id: 'b', vramMiB: 8192, vramUsableMiB: 8192 })
    const list = [
      keyed(1, 1n, { devices: [small] }),
      keyed(2, 1n, { devices: [sampleDevice(), small] }),
      keyed(3, 1n, { devices: [sampleCpu()] }),
    ]
    expect(order('order by gpu.vram desc', list)).toEqual([2, 1, 3])
    expect(order('order by gpu.vram', list)).toEqual([1, 2, 3])
  })
})

describe('byWorth()', () => {
  const at = (price: bigint, scoreMicro?: number): Listing =>
    listing(
      { rails: [freeRate(price)] },
      { provider: new Uint8Array(32).fill(Number(price)), ...(scoreMicro === undefined ? {} : { scoreMicro }) },
    )
  const order = (...listings: Listing[]): number[] => listings.toSorted(byWorth()).map(({ provider }) => provider[0] ?? 0)

  test('byWorth() lets trust cost something, and not everything', () => {
    expect(order(at(10n), at(15n, 900_000))).toEqual([15, 10])
    expect(order(at(10n), at(19n, 900_000))).toEqual([10, 19])
  })

  test('byWorth() puts whoever earned less than a stranger behind all others, and no price last of its kind', () => {
    const free = listing({ rails: [] }, { provider: new Uint8Array(32).fill(99) })
    expect(order(at(1n, 30_000), at(200n), free)).toEqual([200, 99, 1])
  })

  test('byWorth() goes by price and key when nothing else differs', () => {
    expect(order(at(7n), at(5n), at(6n))).toEqual([5, 6, 7])
  })
})
