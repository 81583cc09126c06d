// One device of an offer: what it is, what it has, and how far each figure can be trusted.

import { bool, bytes, fields, HaggleError, list, nullable, oneOf, type Schema, text, uint, type Value } from '@haggle/wire'

/**
 * What a device really is. `gpu`: hardware that computes. `software`: an adapter that a CPU pretends to be (llvmpipe, SwiftShader, WARP);
 * never sold as a GPU. `cpu`: the processor itself, the one device of a machine that has neither.
 */
export type DeviceKind = 'gpu' | 'software' | 'cpu'

/**
 * Who vouches for a figure. `declared`: the owner says so, own benchmark included. `challenged`: a verifier measured it (its key and nonce are in
 * the figure). `attested`: another peer signed it. `live`: read at this moment, by its owner.
 */
export type FigureSource = 'declared' | 'challenged' | 'attested' | 'live'

/** Names that a measured figure may have; the unit of each is fixed: `vram` MiB, `bench.f32` `bench.f16` `bench.i8` GFLOPS (10^9 operations a second), `bench.mem` MB/s (10^6 bytes a second), `power` watts. */
export type FigureName = 'vram' | 'bench.f32' | 'bench.f16' | 'bench.i8' | 'bench.mem' | 'power'

/** Every {@link FigureName}, in the order of the specification. */
export const FIGURE_NAMES: readonly FigureName[] = ['vram', 'bench.f32', 'bench.f16', 'bench.i8', 'bench.mem', 'power']

/** A measured figure with its provenance. */
export interface Figure {
  /** What was measured, and its unit with it. */
  readonly name: FigureName
  /** In the unit that {@link FigureName} fixes, 0 .. 2^32 - 1. */
  readonly value: number
  /** Who vouches for it. */
  readonly source: FigureSource
  /** 32-byte key of the verifier or attester; null when the owner says so. */
  readonly by: Uint8Array | null
  /** The challenge's nonce, 1 .. 32 bytes; null when there was none. */
  readonly nonce: Uint8Array | null
  /** When it was measured, unix seconds. */
  readonly at: number
}

/** One device. Null means: not known, or the device has no such thing. */
export interface Device {
  /** Name inside the offer, such as `gpu0`: 1 .. 16 characters of `a-z 0-9 -`. Unique in the offer. */
  readonly id: string
  /** What it really is. */
  readonly kind: DeviceKind
  /** Lower case, such as `nvidia`, `amd`, `intel`, `apple`; for a CPU its maker. */
  readonly vendor: string
  /** Short model name as people say it, such as `RTX 4090`; see {@link shortModel}. */
  readonly model: string
  /** Nominal memory in MiB: {@link nominalVramMiB} of the driver's figure. 0 for a device without memory of its own (`cpu`, `software`). */
  readonly vramMiB: number
  /** What the driver says, MiB. */
  readonly vramUsableMiB: number | null
  /** What is free now, MiB. */
  readonly vramFreeMiB: number | null
  /** CUDA compute capability, such as `8.9`. */
  readonly cc: string | null
  /** Driver version, such as `570.86.10`. */
  readonly driver: string | null
  /** CUDA version, such as `12.8`. */
  readonly cuda: string | null
  /** ROCm version. */
  readonly rocm: string | null
  /** Metal version. */
  readonly metal: string | null
  /** Vulkan version. */
  readonly vulkan: string | null
  /** True when no contract holds it now. */
  readonly free: boolean
  /** At most one per name, 8 in all. */
  readonly figures: readonly Figure[]
}

/** Most devices in one offer. */
export const MAX_DEVICES = 16

/** Nominal memory sizes of GPUs in GiB, ascending. */
export const NOMINAL_VRAM_GIB: readonly number[] = [
  1, 2, 3, 4, 6, 8, 10, 11, 12, 16, 20, 24, 32, 40, 48, 64, 80, 94, 96, 128, 141, 180, 192, 288,
]

/**
 * The nominal memory of a GPU whose driver says `usableMiB`: the smallest size of {@link NOMINAL_VRAM_GIB} that is not below it, in MiB. Above
 * 288 GiB the driver's figure stands.
 *
 * @example
 * ```ts
 * import { nominalVramMiB } from "@haggle/offer";
 * import { expect } from "vitest";
 *
 * expect(nominalVramMiB(24564)).toBe(24 * 1024); // an RTX 4090
 * expect(nominalVramMiB(81559)).toBe(80 * 1024); // an H100
 * ```
 */
export function nominalVramMiB(usableMiB: number): number {
  for (const gib of NOMINAL_VRAM_GIB) if (gib * 1024 >= usableMiB) return gib * 1024
  return usableMiB
}

const VENDOR_WORDS = /\b(nvidia|amd|intel|apple|ati|corporation|geforce|radeon|graphics|\(r\)|\(tm\)|\(c\))\b|\((?:r|tm|c)\)/giu

/**
 * The model name as people say it: maker and brand words, trade marks and memory sizes go, spaces are single. Declared names stay recognisable when
 * nothing would be left.
 *
 * @example
 * ```ts
 * import { shortModel } from "@haggle/offer";
 * import { expect } from "vitest";
 *
 * expect(shortModel("NVIDIA GeForce RTX 4090")).toBe("RTX 4090");
 * expect(shortModel("NVIDIA H100 80GB HBM3")).toBe("H100");
 * expect(shortModel("AMD Radeon RX 7900 XTX")).toBe("RX 7900 XTX");
 * ```
 */
export function shortModel(name: string): string {
  const short = name
    .replace(VENDOR_WORDS, ' ')
    .replace(/[\s-]*\b\d+\s?gi?b\b.*$/iu, ' ')
    .replace(/\s+/gu, ' ')
    .trim()
  return (short === '' ? name.trim() : short).slice(0, 64)
}

const figureSchema: Schema<Figure> = fields({
  name: oneOf('vram', 'bench.f32', 'bench.f16', 'bench.i8', 'bench.mem', 'power'),
  value: uint(),
  source: oneOf('declared', 'challenged', 'attested', 'live'),
  by: nullable(bytes({ length: 32 })),
  nonce: nullable(bytes({ max: 32 })),
  at: uint(),
})

const version: Schema<string | null> = nullable(text({ max: 32 }))

const deviceFields: Schema<Device> = fields({
  id: text({ max: 16 }),
  kind: oneOf('gpu', 'software', 'cpu'),
  vendor: text({ max: 32 }),
  model: text({ max: 64 }),
  vramMiB: uint(),
  vramUsableMiB: nullable(uint()),
  vramFreeMiB: nullable(uint()),
  cc: version,
  driver: version,
  cuda: version,
  rocm: version,
  metal: version,
  vulkan: version,
  free: bool(),
  figures: list(figureSchema, { max: 8 }),
})

/**
 * Fails on what the shape alone does not show.
 *
 * @throws `E_OFFER_DEVICE` when the id has other characters, a figure is named twice, or a device that is no GPU claims GPU memory or a capability.
 */
export function checkDevice(device: Device): Device {
  const wrong = (what: string): never => {
    throw new HaggleError('E_OFFER_DEVICE', `Cannot offer device "${device.id}": ${what}`)
  }
  if (!/^[a-z0-9-]{1,16}$/.test(device.id)) wrong('its id must be 1 to 16 of a-z 0-9 -')
  if (device.kind !== 'gpu' && (device.vramMiB !== 0 || device.cc !== null || device.cuda !== null || device.rocm !== null))
    wrong(`a ${device.kind} device has no GPU memory, compute capability, CUDA or ROCm`)
  if (device.kind === 'gpu' && device.vramUsableMiB !== null && device.vramMiB !== nominalVramMiB(device.vramUsableMiB))
    wrong(
      `nominal memory is ${nominalVramMiB(device.vramUsableMiB)} MiB when the driver says ${device.vramUsableMiB} MiB, not ${device.vramMiB} MiB`,
    )
  if (new Set(device.figures.map((f) => f.name)).size !== device.figures.length) wrong('one of its figures is there twice')
  return device
}

/** Dialect form of a {@link Device}: an array of its fields in the order of the interface. */
export const deviceSchema: Schema<Device> = {
  parse: (value: Value): Device => checkDevice(deviceFields.parse(value)),
  build: (device: Device): Value => deviceFields.build(checkDevice(device)),
}
