// From what the tools said to the devices of an offer: hardware first, a software adapter only where there is none, the processor when there is neither.

import { type Device, MAX_DEVICES, nominalVramMiB, shortModel } from '@haggle/offer'
import type { NvidiaGpu } from './nvidia_smi.ts'
import type { AmdGpu } from './rocm_smi.ts'
import type { AppleGpu } from './system_profiler.ts'
import type { WebGpuAdapter } from './webgpu_adapter.ts'

/** Everything that was read about GPUs on one machine. */
export interface GpuReadings {
  readonly nvidia: readonly NvidiaGpu[]
  readonly amd: readonly AmdGpu[]
  readonly apple: readonly AppleGpu[]
  readonly webgpu: WebGpuAdapter | undefined
  /** Version of the Vulkan driver that the software adapter uses. */
  readonly vulkan: string | null
  /** Share of unified memory that a GPU without memory of its own may use, MiB. */
  readonly unifiedMiB: number
  /** The processor, for a machine that has neither. */
  readonly cpu: { readonly vendor: string; readonly model: string }
  /** Now, unix seconds. */
  readonly atS: number
}

/** Where a figure comes from, for the owner and for `doctor`. */
export interface Provenance {
  /** Such as `gpu0.vram` or `cpu.model`. */
  readonly what: string
  /** `live`: read at this moment. `declared`: as a tool or the owner says, not measured. */
  readonly source: 'live' | 'declared'
  /** The tool or file. */
  readonly from: string
}

/** One device with what it was made of. */
export interface FoundDevice {
  readonly device: Device
  readonly provenance: readonly Provenance[]
  readonly origin:
    | { readonly tool: 'nvidia-smi'; readonly gpu: NvidiaGpu }
    | { readonly tool: 'rocm-smi'; readonly gpu: AmdGpu }
    | { readonly tool: 'system_profiler'; readonly gpu: AppleGpu }
    | { readonly tool: 'webgpu'; readonly adapter: WebGpuAdapter }
    | { readonly tool: 'cpu' }
}

/** The devices of a machine, at most 16, ids `gpu0`, `gpu1`, … in the order of the tools. Never empty. */
export function devicesFrom(readings: GpuReadings): readonly FoundDevice[] {
  const found = [
    ...readings.nvidia.map((gpu) => nvidiaDevice(gpu, readings.atS)),
    ...readings.amd.map((gpu) => amdDevice(gpu)),
    ...readings.apple.map((gpu) => appleDevice(gpu, readings.unifiedMiB)),
  ]
  const { webgpu } = readings
  if (found.length === 0 && webgpu !== undefined) found.push(adapterDevice(webgpu, readings))
  if (found.length === 0) found.push(cpuDevice(readings.cpu))
  const seen = new Map<string, number>()
  return found.slice(0, MAX_DEVICES).map((one) => {
    const kind = one.device.kind
    const index = seen.get(kind) ?? 0
    seen.set(kind, index + 1)
    const id = `${kind}${index}`
    return { ...one, device: { ...one.device, id }, provenance: one.provenance.map((p) => ({ ...p, what: `${id}.${p.what}` })) }
  })
}

const EMPTY: Omit<Device, 'kind' | 'vendor' | 'model'> = {
  id: '',
  vramMiB: 0,
  vramUsableMiB: null,
  vramFreeMiB: null,
  cc: null,
  driver: null,
  cuda: null,
  rocm: null,
  metal: null,
  vulkan: null,
  free: true,
  figures: [],
}

function nvidiaDevice(gpu: NvidiaGpu, atS: number): FoundDevice {
  const model = `${modelOf(gpu.name)}${gpu.mig === null ? '' : ' MIG'}`
  const device: Device = {
    ...EMPTY,
    kind: 'gpu',
    vendor: 'nvidia',
    model,
    vramMiB: nominalVramMiB(gpu.memMiB),
    vramUsableMiB: gpu.memMiB,
    vramFreeMiB: gpu.freeMiB,
    cc: gpu.cc,
    driver: gpu.driver,
    cuda: gpu.cuda,
    figures:
      gpu.powerLimitW === null ? [] : [{ name: 'power', value: gpu.powerLimitW, source: 'declared', by: null, nonce: null, at: atS }],
  }
  return {
    device,
    origin: { tool: 'nvidia-smi', gpu },
    provenance: [
      ...declared('nvidia-smi', 'model', 'vram', 'driver', ...(gpu.cc === null ? [] : ['cc']), ...(gpu.cuda === null ? [] : ['cuda'])),
      live('nvidia-smi', 'vram.free'),
    ],
  }
}

function amdDevice(gpu: AmdGpu): FoundDevice {
  const device: Device = {
    ...EMPTY,
    kind: 'gpu',
    vendor: 'amd',
    model: modelOf(gpu.name),
    vramMiB: nominalVramMiB(gpu.memMiB),
    vramUsableMiB: gpu.memMiB,
    vramFreeMiB: gpu.freeMiB,
    driver: gpu.driver,
  }
  return {
    device,
    origin: { tool: 'rocm-smi', gpu },
    provenance: [...declared('rocm-smi', 'model', 'vram', 'driver'), live('rocm-smi', 'vram.free')],
  }
}

function appleDevice(gpu: AppleGpu, unifiedMiB: number): FoundDevice {
  const usable = gpu.memMiB ?? unifiedMiB
  const device: Device = {
    ...EMPTY,
    kind: 'gpu',
    vendor: gpu.vendor,
    model: modelOf(gpu.name),
    vramMiB: nominalVramMiB(usable),
    vramUsableMiB: usable,
    metal: gpu.metal?.replace(/^metal/, '') ?? null,
  }
  const memory = gpu.memMiB === null ? 'the share of unified memory that macOS allows' : 'system_profiler'
  return {
    device,
    origin: { tool: 'system_profiler', gpu },
    provenance: [...declared('system_profiler', 'model', 'metal'), ...declared(memory, 'vram')],
  }
}

function adapterDevice(adapter: WebGpuAdapter, { vulkan }: GpuReadings): FoundDevice {
  const software = adapter.kind === 'software'
  const device: Device = {
    ...EMPTY,
    kind: adapter.kind,
    vendor: adapter.vendor,
    // `llvmpipe (LLVM 15.0.6, 256 bits)` is llvmpipe, whatever it was built with.
    model: modelOf(software ? (adapter.name.split(' (')[0] ?? adapter.name) : adapter.name),
    vulkan: software ? vulkan : null,
  }
  return { device, origin: { tool: 'webgpu', adapter }, provenance: declared('the WebGPU adapter that Deno finds', 'model') }
}

function cpuDevice({ vendor, model }: { vendor: string; model: string }): FoundDevice {
  return {
    device: { ...EMPTY, kind: 'cpu', vendor, model },
    origin: { tool: 'cpu' },
    provenance: declared('the operating system', 'model'),
  }
}

/** The short name, without what brackets and sizes leave behind. */
function modelOf(name: string): string {
  return shortModel(name).replace(/[-\s/]+$/u, '')
}

function declared(from: string, ...what: string[]): Provenance[] {
  return what.map((one) => ({ what: one, source: 'declared', from }))
}

function live(from: string, what: string): Provenance {
  return { what, source: 'live', from }
}
