// Vectors of offers and demands as bytes, of the constraint language, and of matching.

import { createIdentity, portableSuite } from '@haggle/identity'
import {
  bucketsOf,
  CLASSES,
  classesFor,
  classKeysOf,
  type Demand,
  demandQuery,
  demandSchema,
  devicesFor,
  evaluate,
  explain,
  type Expr,
  freeRate,
  type Listing,
  match,
  microPrice,
  nominalVramMiB,
  type Offer,
  offerMessage,
  offerSchema,
  offerSubject,
  parse,
  parseQuery,
  priceBucket,
  priceBucketFloor,
  print,
  printQuery,
  rank,
  type Rail,
  type Renter,
  type Verdict,
  versionNumber,
} from '@haggle/offer'
import { sampleCpu, sampleDemand, sampleDevice, sampleOffer } from '@haggle/offer/testing'
import { encode, errorCode, HaggleError, networkId, seal, toHex, type Value } from '@haggle/wire'
import { toJson } from './dialect_vectors.ts'
import type { Json } from './main.ts'

const USDC: Rail = {
  rail: 'evm:1:0xa0b8',
  unit: 'USDC',
  decimals: 18,
  meters: [{ unit: 'ms', price: 250_000_000_000_000_001n, per: 3_600_000n }],
  account: new Uint8Array(20).fill(0xb0),
}
const SMALL = sampleDevice({
  id: 'gpu1',
  model: 'RTX 3060',
  vramMiB: 12_288,
  vramUsableMiB: 12_288,
  vramFreeMiB: null,
  cc: '8.6',
  cuda: null,
  driver: '22.3.6-devel',
})
const MEASURED = sampleDevice({
  figures: [
    {
      name: 'bench.f16',
      value: 82_600,
      source: 'challenged',
      by: new Uint8Array(32).fill(9),
      nonce: Uint8Array.of(1, 2, 3),
      at: 1_799_990_000,
    },
    { name: 'power', value: 450, source: 'live', by: null, nonce: null, at: 1_800_000_000 },
  ],
})

/** The offers of all vectors, by name. The provider of the n-th is 32 bytes of n + 1. */
const OFFERS: Readonly<Record<string, Offer>> = {
  plain: sampleOffer(),
  cpu: sampleOffer({
    devices: [sampleCpu()],
    rails: [freeRate(4_000n)],
    region: 'US-CA',
    runners: [{ runner: 'deno', isolation: 'permissions' }],
  }),
  software: sampleOffer({
    devices: [sampleCpu({ id: 'sw0', kind: 'software', vendor: 'mesa', model: 'llvmpipe' })],
    region: null,
    net: { downKbps: null, upKbps: null },
  }),
  pair: sampleOffer({ devices: [sampleDevice(), SMALL], slots: 2, freeSlots: 1, rails: [freeRate(450_000n)] }),
  measured: sampleOffer({
    devices: [MEASURED],
    images: ['Ubuntu:24.04'],
    models: ['llama-3.1-8b'],
    accept: 'renter.jobs >= 1 and job.duration <= 10m',
  }),
  paid: sampleOffer({ rails: [USDC], stake: { rail: USDC.rail, amount: 2n * 10n ** 18n } }),
  both: sampleOffer({ rails: [freeRate(100_000n), USDC], stake: { rail: 'free', amount: 5_000_000n }, serves: 'friends' }),
  watched: sampleOffer({
    rails: [freeRate(100_000n), USDC],
    sla: {
      rail: USDC.rail,
      court: new Uint8Array(20).fill(0xc0),
      rule: 1,
      slotS: 60,
      pricePerSlot: 5n * 10n ** 15n,
      factor: 10,
      fee: 10n ** 17n,
    },
  }),
  odd: sampleOffer({
    accept: 'renter.shoe_size >= 40',
    freeSlots: 0,
    rails: [
      {
        ...freeRate(1n),
        meters: [
          { unit: 'ms', price: 1n, per: 3_600_001n },
          { unit: 'tokenOut', price: 3n, per: 1_000n },
        ],
      },
    ],
  }),
}

const names = Object.keys(OFFERS)
const listingOf = (name: string): Listing => ({
  provider: new Uint8Array(32).fill(names.indexOf(name) + 1),
  offer: OFFERS[name] as Offer,
  ...(name === 'plain' ? { scoreMicro: 500_000, axesMicro: { completes: 600_000, disputes: 900_000 }, jobs: 4, rttMs: 20 } : {}),
})
const verdict = (v: Verdict): Json => (typeof v === 'object' ? { unknown: [...v.unknown] } : v)
const refused = (run: () => unknown): string => {
  try {
    run()
  } catch (error) {
    return errorCode(error)
  }
  throw new Error('a bad vector is good')
}

/** Body of the plain offer with one position, or one position of its device, changed. */
function changed(position: number, value: Value, inside: readonly number[] = []): Value {
  const put = (list: Value, path: readonly number[]): Value => {
    const [first, ...rest] = path
    return first === undefined ? value : (list as readonly Value[]).map((item, at) => (at === first ? put(item, rest) : item))
  }
  return put(offerSchema.build(sampleOffer()), [position, ...inside])
}

/** The list at a position of an offer's body. */
function at(offer: Offer, position: number): readonly Value[] {
  return (offerSchema.build(offer) as readonly Value[])[position] as readonly Value[]
}

const BAD_OFFERS: readonly (readonly [string, Value])[] = [
  ['a position too few', (offerSchema.build(sampleOffer()) as readonly Value[]).slice(0, -1)],
  ['no device', changed(0, [])],
  [
    'two devices of one id',
    changed(
      0,
      at(OFFERS['pair'] as Offer, 0).map((device) => (device as readonly Value[]).with(0, 'gpu0')),
    ),
  ],
  ['a device id in upper case', changed(0, 'GPU0', [0, 0])],
  ['a software device with GPU memory', changed(0, 'software', [0, 1])],
  ['nominal memory that the driver’s figure does not give', changed(0, 40_960, [0, 4])],
  ['a figure of an unknown name', changed(0, [['speed', 1, 'live', null, null, 1]], [0, 14])],
  [
    'a figure twice',
    changed(
      0,
      [
        ['power', 1, 'live', null, null, 1],
        ['power', 1, 'live', null, null, 1],
      ],
      [0, 14],
    ),
  ],
  ['a region in lower case', changed(7, 'de')],
  ['no runner', changed(8, [])],
  ['two rails of one name', changed(11, [...at(sampleOffer(), 11), ...at(sampleOffer(), 11)])],
  ['an account on the free rail', changed(11, new Uint8Array(20), [0, 4])],
  ['another rail without an account', changed(11, 'evm:1:0xa0b8', [0, 0])],
  ['an account of 19 octets', changed(11, new Uint8Array(19), [0, 4])],
  ['a price per 0', changed(11, new Uint8Array(0), [0, 3, 0, 2])],
  ['5 decimals', changed(11, 5, [0, 2])],
  ['a tick of 99 ms', changed(13, 99, [0])],
  ['no slot', changed(16, 0)],
  ['more free slots than slots', changed(17, 2)],
  ['another door', changed(18, 'family')],
  ['a price of service levels among the prices of a rail', changed(11, 'sla', [0, 3, 0, 0])],
  [
    'a service level on a rail that the offer lacks',
    changed(15, ['evm:1:0xa0b8', new Uint8Array(20), 1, 60, Uint8Array.of(1), 10, Uint8Array.of(1)]),
  ],
  ['a service level on the free rail', changed(15, ['free', new Uint8Array(20), 1, 60, Uint8Array.of(1), 10, Uint8Array.of(1)])],
  ['a service level of a third rule', changed(15, ['free', new Uint8Array(20), 3, 60, Uint8Array.of(1), 10, Uint8Array.of(1)])],
]

function offerVectors(): Json {
  const provider = createIdentity(new Uint8Array(32).fill(3))
  const envelope = seal(
    offerMessage,
    {
      network: networkId('devnet-vectors'),
      audience: null,
      thread: null,
      seq: 1_800_000_000,
      prev: null,
      ack: null,
      iat: 1_800_000_000,
      exp: 1_800_000_600,
      body: sampleOffer(),
    },
    provider.signer,
    portableSuite(),
  )
  const demands: Readonly<Record<string, Demand>> = {
    plain: sampleDemand(),
    full: sampleDemand({
      where: 'gpu.vram>=24GiB',
      runner: 'exec',
      isolation: ['bubblewrap', 'gvisor'],
      minGpus: 1,
      maxGpus: 2,
      cap: 2n ** 70n,
      visibility: 'public',
    }),
    watched: sampleDemand({ rail: USDC.rail, sla: new Uint8Array(20).fill(0x77) }),
  }
  const prices: readonly (readonly [Rail, bigint])[] = [
    [freeRate(310_000n), 3_600_000n],
    [freeRate(1n), 1n],
    [freeRate(0n), 3_600_000n],
    [USDC, 3_600_000n],
    [{ ...USDC, decimals: 6 }, 3_600_000n],
  ]
  return {
    page: 'spec/offer.md',
    note: 'offers, demands: body as a dialect value and its bytes. bad: bodies that are refused. envelope: the offer "plain" of the identity with seed 03…03, network devnet-vectors.',
    offers: names.map((name) => {
      const body = offerSchema.build(OFFERS[name] as Offer)
      const { class: cls, vramTier, freeCount, priceBucket: bucket, region, runnerBits } = bucketsOf(OFFERS[name] as Offer)
      return {
        name,
        body: toJson(body),
        bytes: toHex(encode(body)),
        buckets: { class: cls, vramTier, freeCount, priceBucket: bucket, region, runnerBits },
        keys: classKeysOf(OFFERS[name] as Offer).map(({ kind, value }) => ({ kind, value })),
      }
    }),
    bad: BAD_OFFERS.map(([name, body]) => ({ name, bytes: toHex(encode(body)), code: refused(() => offerSchema.parse(body)) })),
    envelope: { bytes: toHex(envelope.bytes), id: toHex(envelope.id) },
    demands: Object.entries(demands).map(([name, demand]) => ({
      name,
      body: toJson(demandSchema.build(demand)),
      bytes: toHex(encode(demandSchema.build(demand))),
    })),
    nominalMiB: [
      0, 1, 1024, 1025, 8188, 11_264, 12_282, 15_360, 23_034, 24_564, 46_068, 81_559, 97_871, 143_771, 183_359, 196_592, 294_912, 294_913,
    ].map((usableMiB) => ({ usableMiB, nominalMiB: nominalVramMiB(usableMiB) })),
    pricesOfMs: prices.map(([rail, amount]) => ({
      decimals: rail.decimals,
      price: String(rail.meters[0]?.price),
      per: String(rail.meters[0]?.per),
      amount: String(amount),
      micros: microPrice(rail, 'ms', amount) ?? null,
    })),
    priceBuckets: [0, 1, 2, 3, 4, 5, 7, 8, 4_000, 310_000, 1_000_000, Number.MAX_SAFE_INTEGER].map((micros) => ({
      micros,
      bucket: priceBucket(micros),
      from: priceBucketFloor(priceBucket(micros)),
    })),
    classes: CLASSES.map(({ name }) => name),
    reach: [
      'gpu.vram>=24GiB',
      'gpu.vram>=25GiB',
      'gpu.vram<=8GiB',
      'any(gpu, vram>=80GiB) or gpu.count=0',
      'count(gpu)=0',
      'not gpu.vram>=24GiB',
      'price.hour<=1',
    ].map((where) => ({ where, classes: classesFor(parse(where)) })),
  }
}

const GOOD_TEXTS: readonly string[] = [
  '',
  'true',
  'gpu.vram>=24GiB gpu.model in ["RTX 4090","RTX 3090"] count(gpu, vram>=24GiB and cc>=8.6)>=2 net.down>=300Mbps price.hour<=0.40 region in [DE,FR] order by price.hour, bench.f16 desc limit 5',
  'gpu.free',
  'gpu.free not gpu.cuda>=12.4',
  'region not in [DE] not region in [FR]',
  'region = IN OR region = NOT',
  'os=linux or arch=x64 region=DE',
  '(os=linux or arch=x64) region=DE',
  'not (os=linux and (arch=x64 and disk>=1TB))',
  'not not has(region)',
  'memory>=1.5GiB memory<=24000000000B disk>=0',
  'gpu.vram >= 24 gib limit.duration>=120m tick<=1500ms',
  'gpu.cuda>=12.10 gpu.cc=9 gpu.driver>=570.86.10',
  'price.hour==0.500 price.hour<0.000001 price.hour<=0.5USDC',
  'provider.score>0.25 limit.cpu>=0.5',
  'trust.score>=0.7 order by trust.score desc',
  'gpu.model~4090 cpu.model ~ "ryzen 9"',
  'any(gpu, gpu.vram>=1GiB) all(gpu, free) count(gpu)>=2 count(runner, name=deno)=1',
  'cached.image in [\'a"b\\\\c\', "it\'s"]',
  'region="order" region=order_1',
  'gpu.bench.f16>=82.6TFLOPS gpu.bench.mem>=1TB/s',
  'limit 3',
  'order by gpu.free desc, provider.rtt asc',
  `provider.key=${'ab'.repeat(32)}`,
]

const BAD_TEXTS: readonly string[] = [
  'gpu.vrma>=24GiB',
  'vram>=24GiB',
  'any(gpu, price.hour<1)',
  'gpu.vram>=24',
  'gpu.vram>=24Mbps',
  'cpu.cores>=4GiB',
  'cpu.cores>=4.5',
  'price.hour<=0.0000001',
  'price.hour<=99999999999',
  'gpu.cuda>=4096',
  'price.hour<=cheap',
  'provider.key=abc',
  'gpu.free=maybe',
  'price.hour~4',
  'region<DE',
  'order by region',
  'region',
  'region in [DE',
  'region in []',
  '(region=DE',
  'region=DE)',
  'region=DE and',
  'region=DE or or',
  'count(gpu, free)',
  'any(cpu, free)',
  'any(gpu, any(gpu, free))',
  'limit 0',
  'region="DE',
  'region="D\\n"',
  'cpu.model="😀" ?',
  `${'not '.repeat(9)}true`,
  `${'('.repeat(9)}true${')'.repeat(9)}`,
  Array.from({ length: 256 }, () => 'true').join(' '),
  `region=DE${' '.repeat(4088)}`,
]

function treeOf(expr: Expr): Json {
  return JSON.parse(JSON.stringify(expr)) as Json
}

function badText(text: string): Json {
  try {
    parseQuery(text)
  } catch (error) {
    if (!(error instanceof HaggleError)) throw error
    return { text, code: error.code, column: error.details['column'] ?? null }
  }
  throw new Error(`"${text}" is good`)
}

const EXPRESSIONS: readonly string[] = [
  'gpu.vram>=24GiB',
  'gpu.vram>=24GiB gpu.model="RTX 3060"',
  'any(gpu, vram>=24GiB) any(gpu, model="rtx 3060")',
  'not gpu.vendor=nvidia',
  'gpu.model!=x',
  'gpu.model not in [x]',
  'has(gpu.cuda)',
  'gpu.cuda>=12.4',
  'gpu.driver<=22.3.6',
  'all(gpu, cuda>=12)',
  'all(gpu, vram>=12GiB)',
  'any(gpu, true)',
  'count(gpu, cuda>=12)>=1',
  'count(gpu, cuda>=12)>=2',
  'count(gpu, cuda>=12)!=3',
  'count(software)=1 or count(device, kind=cpu)=1',
  'any(runner, name=exec and isolation=bubblewrap)',
  'runner=deno runner!=container isolation~BUBBLE',
  'cached.image="ubuntu:24.04"',
  'cached.image!=a',
  'has(cached.image)',
  'region=US',
  'region!=DE',
  'has(region)',
  'net.down>=1Gbps or region=DE',
  'net.down>=1Gbps and region=FR',
  'price.hour<=0.31',
  'price.hour<=0.25USDC',
  'price.hour in [0.1, 0.250001USDC]',
  'price.output<=3',
  'stake>=5',
  'stake>=2USDC',
  'gpu.bench.f16>=82TFLOPS',
  'gpu.bench.f16.source=challenged gpu.vram.source=declared',
  'provider.score>=0.5 provider.rtt<=20ms provider.jobs=4',
  'trust.score>=0.5 trust.completes<0.7 trust.disputes=0.9',
  'trust.uptime>=0.5',
  'slots.free>=1 limit.cpu>=16 limit.duration>=1h tick=5s',
  'gpu.count=0 cpu.cores>=16',
]

function constraintVectors(): Json {
  return {
    page: 'spec/constraints.md',
    note: 'good: text, canonical text and tree (base units; money with a unit of its own as { micros, unit }). bad: code and column. values: for each expression its answer over each offer of offer.json, in that order; offer n (from 1) is of the provider with 32 bytes of n; the listing of the first has score 0.5, completes 0.6, disputes 0.9, 4 jobs, round trip 20 ms, the others nothing; configured unit credits.',
    good: GOOD_TEXTS.map((text) => {
      const query = parseQuery(text)
      return {
        text,
        canonical: printQuery(query),
        where: treeOf(query.where),
        order: query.order.map(({ property, descending }) => ({ property, descending })),
        limit: query.limit,
      }
    }),
    bad: BAD_TEXTS.map(badText),
    accept: [
      'renter.jobs >= 1 and job.duration <= 10m',
      'not renter.friend or job.cap<=0.5',
      'trust.score>=0.2 trust.pays>=0.3',
      'job.isolation=gvisor job.cpu<=2.5',
    ].map((text) => ({
      text,
      canonical: print(parse(text, { over: 'renter' }), { over: 'renter' }),
    })),
    versions: [
      '12.4',
      '12.10',
      '12',
      '12.0.0',
      '570.86.10',
      '31.0.15.5222',
      '22.3.6-devel',
      '4095.8191.16383.16383',
      '4096',
      '1.2.3.4.5',
      'v12',
      '',
      '1234567',
    ].map((text) => ({ text, number: versionNumber(text) ?? null })),
    values: EXPRESSIONS.map((text) => ({
      text,
      answers: names.map((name) => verdict(evaluate(parse(text), offerSubject(listingOf(name))))),
    })),
  }
}

const RENTERS: Readonly<Record<string, Renter>> = {
  known: { key: new Uint8Array(32).fill(0xee), scoreMicro: 250_000, jobs: 2, friend: false },
  stranger: { key: new Uint8Array(32).fill(0xdd) },
}

const DEMANDS: Readonly<Record<string, Demand>> = {
  plain: sampleDemand(),
  gpu: sampleDemand({ where: 'gpu.vram>=24GiB price.hour<=0.40', minGpus: 1, maxGpus: 1 }),
  two: sampleDemand({ where: 'gpu.vram>=12GiB', minGpus: 2, maxGpus: 4 }),
  one_of_two: sampleDemand({ where: 'gpu.vram>=24GiB', minGpus: 2, maxGpus: 4 }),
  tiers: sampleDemand({ isolation: ['gvisor', 'permissions'] }),
  paid: sampleDemand({ rail: USDC.rail, where: 'price.hour<=0.3USDC' }),
  watched: sampleDemand({ rail: USDC.rail, sla: new Uint8Array(20).fill(0x77) }),
  long: sampleDemand({ limits: { ...sampleDemand().limits, maxMs: 1_800_000 } }),
}

const QUERIES: readonly string[] = [
  'gpu.vram>=24GiB price.hour<=0.30 region=DE',
  'price.hour<=0.2 region in [FR]',
  'gpu.cuda>=13',
  'gpu.model="RTX 3060" gpu.vram>=24GiB',
  'count(gpu)>=4',
  'provider.rtt<=5ms',
  'true',
]
const ORDERS: readonly string[] = [
  '',
  'order by gpu.vram',
  'order by gpu.vram desc',
  'order by provider.score desc',
  'order by price.hour desc',
  'order by slots desc, net.down',
]

function matchVectors(): Json {
  const listings = names.map(listingOf)
  return {
    page: 'spec/offer.md, Match; spec/constraints.md, Order and Explanation',
    note: 'Offers are those of offer.json. matches: for each demand and renter the answers over each offer; friend: the renter knows that it is one. orders: names of offers, best first. explanations: over all offers, unit credits.',
    renters: Object.entries(RENTERS).map(([name, renter]) => ({
      name,
      key: toHex(renter.key),
      scoreMicro: renter.scoreMicro ?? null,
      jobs: renter.jobs ?? null,
      friend: renter.friend ?? null,
    })),
    demands: Object.entries(DEMANDS).map(([name, demand]) => ({
      name,
      body: toJson(demandSchema.build(demand)),
      query: printQuery(demandQuery(demand)),
    })),
    matches: Object.entries(DEMANDS).flatMap(([demandName, demand]) =>
      Object.entries(RENTERS).flatMap(([renterName, renter]) =>
        [false, true].map((friend) => ({
          demand: demandName,
          renter: renterName,
          friend,
          answers: names.map((name) => {
            const result = match(demand, listingOf(name), { renter, friend })
            return {
              offer: name,
              demand: verdict(result.demand),
              accept: verdict(result.accept),
              match: verdict(result.verdict),
              devices: devicesFor(demand, listingOf(name)),
            }
          }),
        })),
      ),
    ),
    orders: ORDERS.map((text) => ({
      text,
      offers: rank(listings, parseQuery(text).order).map((l) => names[(l.provider[0] as number) - 1] as string),
    })),
    explanations: QUERIES.map((text) => {
      const { closest, ...rest } = explain(parseQuery(text), listings)
      return {
        text,
        ...(JSON.parse(JSON.stringify(rest)) as { readonly [key: string]: Json }),
        closest: closest === null ? null : { offer: names[(closest.provider[0] as number) - 1] as string, misses: [...closest.misses] },
      }
    }),
  }
}

export function make(): Readonly<Record<string, Json>> {
  return { 'offer.json': offerVectors(), 'constraints.json': constraintVectors(), 'match.json': matchVectors() }
}
