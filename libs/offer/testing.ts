// Offers for tests, simulations and benchmarks: one plain one, and a seeded market of many that looks like a real one.

import type { Device, Figure, FigureName } from './device.ts'
import type { Demand } from './demand.ts'
import { freeRate } from './meter.ts'
import type { Listing, Offer } from './offer.ts'

/** A GPU like an RTX 4090, free, with what `changes` says. */
export function sampleDevice(changes: Partial<Device> = {}): Device {
  return {
    id: 'gpu0',
    kind: 'gpu',
    vendor: 'nvidia',
    model: 'RTX 4090',
    vramMiB: 24 * 1024,
    vramUsableMiB: 24564,
    vramFreeMiB: 24000,
    cc: '8.9',
    driver: '570.86.10',
    cuda: '12.8',
    rocm: null,
    metal: null,
    vulkan: '1.3.280',
    free: true,
    figures: [],
    ...changes,
  }
}

/** The one device of a machine without GPU. */
export function sampleCpu(changes: Partial<Device> = {}): Device {
  const none = { vramMiB: 0, vramUsableMiB: null, vramFreeMiB: null, cc: null, driver: null, cuda: null, vulkan: null }
  return sampleDevice({ id: 'cpu0', kind: 'cpu', vendor: 'amd', model: 'EPYC 7543', ...none, ...changes })
}

/** An offer of one {@link sampleDevice} at 0.31 credits an hour, with what `changes` says. */
export function sampleOffer(changes: Partial<Offer> = {}): Offer {
  return {
    devices: [sampleDevice()],
    cpu: { model: 'Ryzen 9 7950X', cores: 16, threads: 32 },
    memMiB: 65_536,
    diskMiB: 512_000,
    net: { downKbps: 1_000_000, upKbps: 300_000 },
    os: 'linux',
    arch: 'x64',
    region: 'DE',
    runners: [
      { runner: 'deno', isolation: 'bubblewrap' },
      { runner: 'exec', isolation: 'bubblewrap' },
    ],
    images: [],
    models: [],
    rails: [freeRate(310_000n)],
    limits: { cpuMilli: 16_000, memMiB: 32_768, diskMiB: 102_400, outMiB: 64, pids: 512, maxMs: 3_600_000 },
    timing: { tickMs: 5000, graceMs: 10_000, stagingMs: 60_000, idleMs: 60_000 },
    stake: null,
    sla: null,
    slots: 1,
    freeSlots: 1,
    serves: 'anyone',
    accept: '',
    ...changes,
  }
}

/** A demand that asks for little, with what `changes` says. */
export function sampleDemand(changes: Partial<Demand> = {}): Demand {
  return {
    where: '',
    runner: 'deno',
    isolation: [],
    minGpus: 0,
    maxGpus: 0,
    rail: 'free',
    cap: 1_000_000n,
    limits: { cpuMilli: 1000, memMiB: 512, diskMiB: 256, outMiB: 16, pids: 64, maxMs: 600_000 },
    idleMs: 60_000,
    visibility: 'private',
    sla: null,
    ...changes,
  }
}

/** Numbers in 0 .. 1 from a seed (mulberry32). */
export function seededNumbers(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

interface Model {
  readonly share: number
  readonly vendor: string
  readonly name: string
  readonly usableMiB: number
  readonly nominalGiB: number
  readonly cc: string | null
  /** GFLOPS. */
  readonly f32: number
  readonly f16: number
  /** MB/s. */
  readonly mem: number
  /** Thousandths of a credit an hour. */
  readonly price: number
}

const m = (row: readonly [number, string, string, number, number, string | null, number, number, number, number]): Model => {
  const [share, vendor, name, usableMiB, nominalGiB, cc, f32, f16, mem, price] = row
  return { share, vendor, name, usableMiB, nominalGiB, cc, f32, f16, mem, price }
}

const MODELS: readonly Model[] = [
  m([4, 'nvidia', 'GTX 1080 Ti', 11264, 11, '6.1', 11300, 180, 484000, 45]),
  m([3, 'nvidia', 'RTX 2080 Ti', 11264, 11, '7.5', 13400, 26900, 616000, 90]),
  m([9, 'nvidia', 'RTX 3060', 12288, 12, '8.6', 12700, 12700, 360000, 60]),
  m([4, 'nvidia', 'RTX 3070', 8192, 8, '8.6', 20300, 20300, 448000, 80]),
  m([5, 'nvidia', 'RTX 3080', 10240, 10, '8.6', 29700, 29700, 760000, 120]),
  m([11, 'nvidia', 'RTX 3090', 24576, 24, '8.6', 35600, 35600, 936000, 200]),
  m([5, 'nvidia', 'RTX 4060 Ti', 16380, 16, '8.9', 22000, 22000, 288000, 110]),
  m([5, 'nvidia', 'RTX 4070', 12282, 12, '8.9', 29100, 29100, 504000, 130]),
  m([6, 'nvidia', 'RTX 4080', 16376, 16, '8.9', 48700, 48700, 717000, 230]),
  m([16, 'nvidia', 'RTX 4090', 24564, 24, '8.9', 82600, 82600, 1008000, 340]),
  m([4, 'nvidia', 'RTX 5090', 32607, 32, '12.0', 104800, 104800, 1792000, 600]),
  m([3, 'nvidia', 'RTX A4000', 16376, 16, '8.6', 19200, 19200, 448000, 150]),
  m([4, 'nvidia', 'RTX A6000', 49140, 48, '8.6', 38700, 38700, 768000, 480]),
  m([2, 'nvidia', 'L40S', 46068, 48, '8.9', 91600, 366000, 864000, 900]),
  m([3, 'nvidia', 'Tesla T4', 15360, 16, '7.5', 8100, 65000, 320000, 150]),
  m([3, 'nvidia', 'A100', 40960, 40, '8.0', 19500, 312000, 1555000, 900]),
  m([4, 'nvidia', 'A100 SXM', 81920, 80, '8.0', 19500, 312000, 2039000, 1200]),
  m([5, 'nvidia', 'H100', 81559, 80, '9.0', 66900, 989000, 3350000, 2100]),
  m([1, 'nvidia', 'H200', 143771, 141, '9.0', 66900, 989000, 4800000, 3200]),
  m([1, 'amd', 'MI300X', 196592, 192, null, 163400, 1307000, 5300000, 2600]),
  m([2, 'amd', 'RX 7900 XTX', 24560, 24, null, 61400, 122800, 960000, 210]),
  m([1, 'amd', 'RX 6800 XT', 16368, 16, null, 20700, 41500, 512000, 100]),
  m([1, 'intel', 'Arc A770', 16288, 16, null, 19700, 39300, 560000, 70]),
  m([2, 'apple', 'M2 Max', 65536, 64, null, 13600, 27200, 400000, 180]),
]
const SHARES = MODELS.reduce((sum, model) => sum + model.share, 0)

const REGIONS =
  'US-CA US-CA US-CA US-TX US-TX US-VA US-VA US-NY US-WA DE DE DE DE FR FR FR NL NL GB GB PL PL SE FI NO ES IT CZ RO UA CA CA BR AR JP JP KR KR SG IN IN AU NZ ZA IS BG HU VN TH TW TW'.split(
    ' ',
  )
const CUDA = ['11.8', '12.0', '12.2', '12.2', '12.4', '12.4', '12.6', '12.8', '12.8', '13.0']
const DOWN_MBPS = [50, 100, 100, 200, 300, 500, 500, 800, 1000, 1000, 1000, 2000, 5000, 10000]
const IMAGES = ['pytorch/pytorch:2.6', 'nvidia/cuda:12.8', 'ubuntu:24.04', 'vllm/vllm-openai:0.8', 'ollama/ollama:0.6']
const LLMS = ['llama-3.1-8b', 'llama-3.3-70b', 'qwen-2.5-32b', 'mistral-small', 'gemma-3-27b', 'sdxl']

/** What {@link syntheticMarket} may be told. */
export interface MarketOptions {
  /** Default 1. The same seed gives the same listings. */
  readonly seed?: number
}

/**
 * An endless seeded market: GPUs by the shares that public markets show, prices around each model's own, one to eight GPUs in a machine, a tenth of
 * the machines without one, and gaps where owners tell nothing.
 */
export function* syntheticMarket(options: MarketOptions = {}): Generator<Listing, never> {
  const chance = seededNumbers(options.seed ?? 1)
  const pick = <T>(list: readonly T[]): T => list[Math.floor(chance() * list.length)] as T
  const model = (): Model => {
    let at = chance() * SHARES
    return MODELS.find((one) => (at -= one.share) < 0) ?? (MODELS[0] as Model)
  }
  for (;;) {
    const provider = new Uint8Array(32)
    for (let i = 0; i < 32; i++) provider[i] = Math.floor(chance() * 256)
    const kind = chance()
    const first = model()
    const count = kind < 0.1 ? 0 : chance() < 0.7 ? 1 : pick([2, 2, 4, 4, 8])
    const mixed = count > 1 && chance() < 0.08 ? model() : first
    const cuda = pick(CUDA)
    const models = Array.from({ length: count }, (_, i) => (i % 2 === 0 ? first : mixed))
    const devices = models.map((one, i) => gpu(one, { id: `gpu${i}`, cuda, chance }))
    const cores = count === 0 ? pick([4, 8, 16, 32, 64]) : pick([6, 8, 12, 16, 16, 24, 32]) * Math.max(1, count / 2)
    const price = count === 0 ? cores * 2 : models.reduce((sum, one) => sum + one.price, 0)
    const slots = Math.max(1, count)
    const score = chance() < 0.4 ? { scoreMicro: Math.floor(chance() * 1_000_000), jobs: Math.floor(chance() * 200) } : {}
    yield {
      provider,
      ...score,
      ...(chance() < 0.3 ? { rttMs: Math.floor(5 + chance() * 300) } : {}),
      offer: sampleOffer({
        devices:
          count > 0 ? devices : [kind < 0.02 ? sampleCpu({ id: 'sw0', kind: 'software', vendor: 'mesa', model: 'llvmpipe' }) : sampleCpu()],
        cpu: { model: pick(['EPYC 7543', 'EPYC 9354', 'Ryzen 9 7950X', 'Xeon 8358', 'Core i9-13900K']), cores, threads: cores * 2 },
        memMiB: pick([16, 32, 64, 64, 128, 256, 512]) * 1024,
        diskMiB: Math.floor(20 + chance() * 2000) * 1024,
        net: { downKbps: chance() < 0.08 ? null : pick(DOWN_MBPS) * 1000, upKbps: chance() < 0.08 ? null : pick(DOWN_MBPS) * 500 },
        region: chance() < 0.05 ? null : pick(REGIONS),
        runners: runners(chance),
        images: chance() < 0.3 ? [pick(IMAGES)] : [],
        models: chance() < 0.2 ? [pick(LLMS)] : [],
        rails: [freeRate(BigInt(Math.max(1, Math.round(price * (0.6 + chance() * 0.9)))) * 1000n)],
        slots,
        freeSlots: chance() < 0.25 ? 0 : Math.ceil(chance() * slots),
        serves: chance() < 0.06 ? 'friends' : 'anyone',
        accept: chance() < 0.1 ? pick(['renter.jobs >= 1', 'job.duration <= 10m', 'job.runner = deno']) : '',
      }),
    }
  }
}

function runners(chance: () => number): Offer['runners'] {
  const one = chance()
  if (one < 0.15) return [{ runner: 'deno', isolation: 'permissions' }]
  const both = [
    { runner: 'deno', isolation: 'bubblewrap' },
    { runner: 'exec', isolation: 'bubblewrap' },
  ]
  return one < 0.6 ? both : [...both, { runner: 'container', isolation: one < 0.9 ? 'container' : 'gvisor' }]
}

function gpu(model: Model, of: { readonly id: string; readonly cuda: string; readonly chance: () => number }): Device {
  const { chance } = of
  const nvidia = model.vendor === 'nvidia'
  const measured = chance() < 0.75
  const source: Figure['source'] = chance() < 0.35 ? 'challenged' : 'declared'
  const by = source === 'challenged' ? new Uint8Array(32).fill(7) : null
  const figure = (name: FigureName, nominal: number): Figure => ({
    name,
    value: Math.round(nominal * (0.75 + chance() * 0.25)),
    source,
    by,
    nonce: null,
    at: 1_760_000_000,
  })
  return sampleDevice({
    id: of.id,
    vendor: model.vendor,
    model: model.name,
    vramMiB: model.nominalGiB * 1024,
    vramUsableMiB: model.usableMiB,
    vramFreeMiB: chance() < 0.5 ? null : Math.floor(model.usableMiB * chance()),
    cc: model.cc,
    driver: nvidia ? '570.86.10' : null,
    cuda: nvidia ? of.cuda : null,
    rocm: model.vendor === 'amd' ? '6.2' : null,
    metal: model.vendor === 'apple' ? '3.1' : null,
    vulkan: model.vendor === 'apple' ? null : '1.3.280',
    free: chance() < 0.7,
    figures: measured ? [figure('bench.f32', model.f32), figure('bench.f16', model.f16), figure('bench.mem', model.mem)] : [],
  })
}
