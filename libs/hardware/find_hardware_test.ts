import { deviceSchema } from '@haggle/offer'
import { describe, expect, it } from 'vitest'
import { devicesFrom } from './devices.ts'
import { findHardware, type RunTool, type ToolResult } from './find_hardware.ts'
import { suggestPrice } from './suggest_price.ts'

const MISSING: ToolResult = { found: false, ok: false, stdout: '', stderr: '' }
const said = (stdout: string, ok = true): ToolResult => ({ found: true, ok, stdout, stderr: '' })
const LLVMPIPE = said(
  '{"vendor":"65541","device":"0","description":"llvmpipe (LLVM 15.0.6, 256 bits)","fallback":true,"maxBufferBytes":2147483647}\n',
)

function gpuXml(name: string, total: number): string {
  return `<nvidia_smi_log><driver_version>570.86.10</driver_version><cuda_version>12.8</cuda_version>${[0, 1]
    .map(
      (n) => `<gpu id="0000000${n}:01:00.0"><product_name>${name}</product_name><mig_mode><current_mig>N/A</current_mig></mig_mode>
<minor_number>${n}</minor_number><fb_memory_usage><total>${total} MiB</total><free>${total - 100} MiB</free></fb_memory_usage></gpu>`,
    )
    .join('')}</nvidia_smi_log>`
}

/** A machine whose tools say what is recorded; all others are missing. */
function machine(tools: Readonly<Record<string, ToolResult>>): { runTool: RunTool; platform: NodeJS.Platform; diskPath: string } {
  return { runTool: async (file, args) => tools[`${file} ${args[0]}`] ?? tools[file] ?? MISSING, platform: 'linux', diskPath: '/' }
}

describe('findHardware()', () => {
  it('findHardware() gives GPUs with nominal memory, and no software adapter beside them', async () => {
    const tools = {
      'nvidia-smi -q': said(gpuXml('NVIDIA GeForce RTX 4090', 24564)),
      'nvidia-smi --query-gpu=index,compute_cap': said('0, 8.9\n1, 8.9\n'),
      '/deno': LLVMPIPE,
    }
    const { devices, access, provenance, notes } = await findHardware({ ...machine(tools), deno: '/deno' })
    expect(devices.map((d) => [d.id, d.kind, d.model, d.vramMiB, d.vramUsableMiB, d.vramFreeMiB, d.cc, d.cuda])).toEqual([
      ['gpu0', 'gpu', 'RTX 4090', 24576, 24564, 24464, '8.9', '12.8'],
      ['gpu1', 'gpu', 'RTX 4090', 24576, 24564, 24464, '8.9', '12.8'],
    ])
    expect(access.map(({ id }) => id)).toEqual(['gpu0', 'gpu1'])
    expect(provenance).toContainEqual({ what: 'gpu1.vram.free', source: 'live', from: 'nvidia-smi' })
    expect(notes).toEqual([])
    for (const device of devices) expect(deviceSchema.parse(deviceSchema.build(device))).toEqual(device)
  })

  it('findHardware() gives an H100 its nominal 80 GiB', async () => {
    const { devices } = await findHardware(machine({ 'nvidia-smi -q': said(gpuXml('NVIDIA H100 80GB HBM3', 81559)) }))
    expect([devices[0]?.model, devices[0]?.vramMiB, devices[0]?.vramUsableMiB]).toEqual(['H100', 80 * 1024, 81559])
  })

  it('findHardware() calls an adapter software when it is, and gives it no memory', async () => {
    const { devices } = await findHardware({ ...machine({ '/deno': LLVMPIPE }), deno: '/deno' })
    expect(devices.map((d) => [d.id, d.kind, d.vendor, d.model, d.vramMiB])).toEqual([['software0', 'software', 'mesa', 'llvmpipe', 0]])
    for (const device of devices) expect(deviceSchema.parse(deviceSchema.build(device))).toEqual(device)
  })

  it('findHardware() gives the processor when there is neither', async () => {
    const { devices, access } = await findHardware({ ...machine({ '/deno': said('null\n') }), deno: '/deno' })
    expect([devices.length, devices[0]?.kind, devices[0]?.id, access]).toEqual([1, 'cpu', 'cpu0', []])
  })

  it('findHardware() says why a GPU can not be used', async () => {
    const broken = said('Failed to initialize NVML: Driver/library version mismatch\n', false)
    const { devices, notes } = await findHardware(machine({ 'nvidia-smi -q': broken }))
    expect([devices[0]?.kind, notes[0]?.next]).toEqual(['cpu', 'restart the machine'])
  })

  it('findHardware() reads AMD cards and Macs', async () => {
    const rocm = said(
      '{"card0": {"Card series": "Arcturus GL-XL [Instinct MI100]", "PCI Bus": "0000:83:00.0", "VRAM Total Memory (B)": "34342961152"}}',
    )
    const amd = await findHardware(machine({ 'rocm-smi': rocm }))
    expect(amd.devices.map((d) => [d.vendor, d.model, d.vramMiB])).toEqual([['amd', 'Instinct MI100', 32768]])
    const apple = said(
      '{"SPDisplaysDataType": [{"sppci_model": "Apple M4", "spdisplays_vendor": "sppci_vendor_Apple", "spdisplays_mtlgpufamilysupport": "spdisplays_metal4"}]}',
    )
    const mac = await findHardware({ ...machine({ system_profiler: apple }), platform: 'darwin' })
    expect(mac.devices.map((d) => [d.vendor, d.model, d.metal])).toEqual([['apple', 'M4', '4']])
    for (const device of [...amd.devices, ...mac.devices]) expect(deviceSchema.parse(deviceSchema.build(device))).toEqual(device)
  })

  it('findHardware() stops when its signal is aborted', async () => {
    await expect(findHardware({ ...machine({}), signal: AbortSignal.abort() })).rejects.toThrow(/abort/i)
  })
})

describe('devicesFrom()', () => {
  it('devicesFrom() gives at most 16 devices, each with an id of its own', () => {
    const card = { index: 0, name: 'Radeon RX 6700 XT', bus: null, memMiB: 12272, freeMiB: null, driver: null }
    const cpu = { vendor: 'amd', model: 'EPYC' }
    const found = devicesFrom({
      nvidia: [],
      amd: Array.from({ length: 20 }, () => card),
      apple: [],
      webgpu: undefined,
      vulkan: null,
      unifiedMiB: 0,
      cpu,
      atS: 0,
    })
    expect(new Set(found.map(({ device }) => device.id)).size).toBe(16)
  })
})

describe('suggestPrice()', () => {
  it('suggestPrice() knows a model, sums several, and falls back to memory', async () => {
    const priceOf = async (name: string, total: number): Promise<string> =>
      suggestPrice((await findHardware(machine({ 'nvidia-smi -q': said(gpuXml(name, total)) }))).devices).pricePerHour
    expect(await priceOf('NVIDIA GeForce RTX 4090', 24564)).toBe('0.62')
    expect(await priceOf('NVIDIA Unheard Of 9000', 24564)).toBe('0.50')
  })

  it('suggestPrice() never charges a software adapter as a GPU', async () => {
    const { devices } = await findHardware({ ...machine({ '/deno': LLVMPIPE }), deno: '/deno' })
    expect(suggestPrice(devices)).toEqual({
      pricePerHour: '0.0040',
      reason: 'the price of a processor: a software adapter computes on the processor',
    })
  })
})
