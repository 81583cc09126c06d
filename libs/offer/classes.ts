// Coarse shape of an offer: the class that names its topic, the buckets of its advert, the keys of its DHT records.

import type { Device } from './device.ts'
import { microPrice, HOUR_MS, railOf } from './meter.ts'
import type { Offer } from './offer.ts'

/** Class of an offer: `cpu`, `software`, or `g` and the nominal memory tier in GiB of its largest GPU, rounded down. A GPU below 4 GiB counts as `g4`. */
export type ClassName = 'cpu' | 'software' | 'g4' | 'g8' | 'g12' | 'g16' | 'g24' | 'g40' | 'g48' | 'g80' | 'g141'

/** Every class with the smallest nominal memory in GiB that belongs to it, ascending. Its position is the class's number in an advert. */
export const CLASSES: readonly { readonly name: ClassName; readonly minGiB: number }[] = [
  { name: 'cpu', minGiB: 0 },
  { name: 'software', minGiB: 0 },
  { name: 'g4', minGiB: 0 },
  { name: 'g8', minGiB: 8 },
  { name: 'g12', minGiB: 12 },
  { name: 'g16', minGiB: 16 },
  { name: 'g24', minGiB: 24 },
  { name: 'g40', minGiB: 40 },
  { name: 'g48', minGiB: 48 },
  { name: 'g80', minGiB: 80 },
  { name: 'g141', minGiB: 141 },
]

/** Position of the first GPU class in {@link CLASSES}. */
export const FIRST_GPU_CLASS = 2

/** The class of a GPU with `vramMiB` of nominal memory. */
export function gpuClass(vramMiB: number): ClassName {
  let name: ClassName = 'g4'
  for (const c of CLASSES.slice(FIRST_GPU_CLASS)) if (vramMiB >= c.minGiB * 1024) name = c.name
  return name
}

function largestGpu(devices: readonly Device[]): Device | undefined {
  let best: Device | undefined
  for (const d of devices) if (d.kind === 'gpu' && (best === undefined || d.vramMiB > best.vramMiB)) best = d
  return best
}

/** The class of an offer, by its largest GPU; `software` when it has an adapter and no GPU, else `cpu`. */
export function classOf(offer: Offer): ClassName {
  const gpu = largestGpu(offer.devices)
  if (gpu !== undefined) return gpuClass(gpu.vramMiB)
  return offer.devices.some((d) => d.kind === 'software') ? 'software' : 'cpu'
}

/** Coarse buckets of an advert. All are hints: the offer decides. */
export interface Buckets {
  /** The offer's class. */
  readonly class: ClassName
  /** Nominal memory of the largest GPU, GiB; 0 without one. */
  readonly vramTier: number
  /** Free slots, 0 .. 255. */
  readonly freeCount: number
  /** {@link priceBucket} of the free rail's price per hour; 255 without one. */
  readonly priceBucket: number
  /** As in the offer. */
  readonly region: string | null
  /** Bit 0 `deno`, 1 `exec`, 2 `container`, 3 `openai`; isolation bit 4 `permissions`, 5 `bubblewrap`, 6 `container`, 7 any other. */
  readonly runnerBits: number
}

/** Bucket of an offer with no price in credits. */
export const NO_PRICE_BUCKET = 255

/**
 * Quarter-octave bucket of a price in millionths: 0 for free, then four a doubling; 1 + 4e + m where e is the position of the highest bit and m the
 * two bits below it. Integer arithmetic, so that everybody finds the same. The largest is 213.
 *
 * @example
 * ```ts
 * import { priceBucket, priceBucketFloor } from "@haggle/offer";
 * import { expect } from "vitest";
 *
 * expect(priceBucket(310_000)).toBe(73);
 * expect(priceBucketFloor(73)).toBe(262_144);
 * ```
 */
export function priceBucket(micros: number): number {
  if (micros <= 0) return 0
  let exponent = 0
  for (let rest = micros; rest >= 2; rest = Math.floor(rest / 2)) exponent++
  const base = 2 ** exponent
  return 1 + 4 * exponent + Math.floor(((micros - base) * 4) / base)
}

/** The lowest price in millionths that falls into `bucket` of {@link priceBucket}. */
export function priceBucketFloor(bucket: number): number {
  if (bucket <= 0) return 0
  const exponent = Math.floor((bucket - 1) / 4)
  return Math.ceil(2 ** exponent * (1 + ((bucket - 1) % 4) / 4))
}

const RUNNER_BITS: Readonly<Record<string, number>> = { deno: 1, exec: 2, container: 4, openai: 8 }
const ISOLATION_BITS: Readonly<Record<string, number>> = { permissions: 16, bubblewrap: 32, container: 64 }

/** Bits of {@link Buckets.runnerBits} for runners with their isolation. An unknown runner has no bit of its own. */
export function runnerBits(runners: readonly { readonly runner: string; readonly isolation: string }[]): number {
  let bits = 0
  for (const r of runners) bits |= (RUNNER_BITS[r.runner] ?? 0) | (ISOLATION_BITS[r.isolation] ?? 128)
  return bits
}

/** The buckets that an offer's advert carries. */
export function bucketsOf(offer: Offer): Buckets {
  const gpu = largestGpu(offer.devices)
  const free = railOf(offer.rails, 'free')
  const micros = free === undefined ? undefined : microPrice(free, 'ms', HOUR_MS)
  return {
    class: classOf(offer),
    vramTier: gpu === undefined ? 0 : Math.floor(gpu.vramMiB / 1024),
    freeCount: Math.min(255, offer.freeSlots),
    priceBucket: micros === undefined ? NO_PRICE_BUCKET : priceBucket(micros),
    region: offer.region,
    runnerBits: runnerBits(offer.runners),
  }
}

/** A key under which an offer is found in the DHT. */
export interface ClassKey {
  /** What the value names. */
  readonly kind: 'any' | 'tier' | 'vendor' | 'model'
  /** `any` for kind any, the class for tier, else the {@link slug} of vendor or model. */
  readonly value: string
}

/** Lower case, every run of other characters than `a-z 0-9` one `-`, none at the ends. */
export function slug(name: string): string {
  return name
    .toLowerCase()
    .replace(/[^a-z0-9]+/gu, '-')
    .replace(/^-|-$/gu, '')
}

/** The DHT keys of an offer: any and tier, and for a GPU class vendor and model of the largest GPU. */
export function classKeysOf(offer: Offer): ClassKey[] {
  const keys: ClassKey[] = [
    { kind: 'any', value: 'any' },
    { kind: 'tier', value: classOf(offer) },
  ]
  const gpu = largestGpu(offer.devices)
  if (gpu !== undefined) keys.push({ kind: 'vendor', value: slug(gpu.vendor) }, { kind: 'model', value: slug(gpu.model) })
  return keys
}
