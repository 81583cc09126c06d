import { describe, expect, it } from 'vitest'
import { cpuModel, cpuVendor, physicalCores } from './machine.ts'
import { parseRocm } from './rocm_smi.ts'
import { parseSystemProfiler, unifiedShareMiB } from './system_profiler.ts'
import { parseAdapter } from './webgpu_adapter.ts'

/** Recorded with ROCm 6.1.2, cut to the keys of our query. */
const RX6700XT = `{"card0": {"Device Name": "Navi 22 [Radeon RX 6700/6700 XT / 6800M]", "PCI Bus": "0000:07:00.0",
  "VRAM Total Memory (B)": "12868124672", "VRAM Total Used Memory (B)": "1572745216",
  "Card Series": "Navi 22 [Radeon RX 6700/6700 XT / 6800M]", "Card Model": "0x73df", "Card Vendor": "Advanced Micro Devices, Inc. [AMD/ATI]"},
  "system": {"Driver version": "6.3.6"}}`
/** Recorded with ROCm 6.0.2 on a machine with four MI100, cut to two; the keys have other capitals there. */
const MI100 = `{"card0": {"PCI Bus": "0000:83:00.0", "VRAM Total Memory (B)": "34342961152", "VRAM Total Used Memory (B)": "6750208",
  "Card series": "Arcturus GL-XL [Instinct MI100]", "Card model": "0x0c34"},
  "card1": {"PCI Bus": "0000:A3:00.0", "VRAM Total Memory (B)": "34342961152", "VRAM Total Used Memory (B)": "6750208",
  "Card series": "Arcturus GL-XL [Instinct MI100]", "Card model": "0x0c34"}, "system": {"Driver version": "6.3.6"}}`
/** Recorded on an Apple M2 Max. */
const M2_MAX = `{
  "SPDisplaysDataType" : [
    {
      "_name" : "Apple M2 Max",
      "spdisplays_mtlgpufamilysupport" : "spdisplays_metal4",
      "spdisplays_ndrvs" : [ { "_name" : "Color LCD", "spdisplays_connection_type" : "spdisplays_internal", "spdisplays_online" : "spdisplays_yes" } ],
      "spdisplays_vendor" : "sppci_vendor_Apple",
      "sppci_bus" : "spdisplays_builtin",
      "sppci_cores" : "30",
      "sppci_device_type" : "spdisplays_gpu",
      "sppci_model" : "Apple M2 Max"
    }
  ]
}`

describe('parseRocm()', () => {
  it('parseRocm() reads a card by the name that it is sold under', () => {
    expect(parseRocm(RX6700XT)).toEqual([
      { index: 0, name: 'Radeon RX 6700/6700 XT / 6800M', bus: '0000:07:00.0', memMiB: 12272, freeMiB: 10772, driver: '6.3.6' },
    ])
  })

  it('parseRocm() reads several cards, whatever the capitals of the keys', () => {
    expect(parseRocm(MI100).map(({ index, name, bus, memMiB }) => [index, name, bus, memMiB])).toEqual([
      [0, 'Instinct MI100', '0000:83:00.0', 32752],
      [1, 'Instinct MI100', '0000:a3:00.0', 32752],
    ])
  })

  it('parseRocm() skips the warnings that come before the JSON, and gives none when there is no JSON', () => {
    expect(parseRocm(`WARNING: AMD GPU device(s) is/are in a low-power state\n${RX6700XT}`)).toHaveLength(1)
    expect(parseRocm('ERROR:root:Driver not initialized (amdgpu not found in modules)')).toEqual([])
    expect(parseRocm('')).toEqual([])
  })
})

describe('parseSystemProfiler()', () => {
  it('parseSystemProfiler() reads a GPU with unified memory, and no display', () => {
    expect(parseSystemProfiler(M2_MAX)).toEqual([{ name: 'Apple M2 Max', vendor: 'apple', memMiB: null, metal: 'metal4' }])
  })

  it('parseSystemProfiler() reads the memory of a card that has its own', () => {
    const json = `{"SPDisplaysDataType": [{"_name": "AMD Radeon Pro 5500M", "spdisplays_vendor": "sppci_vendor_amd", "spdisplays_vram": "8 GB", "sppci_model": "AMD Radeon Pro 5500M"}]}`
    expect(parseSystemProfiler(json)).toEqual([{ name: 'AMD Radeon Pro 5500M', vendor: 'amd', memMiB: 8192, metal: null }])
    expect(parseSystemProfiler('{')).toEqual([])
  })

  it('unifiedShareMiB() is what macOS lets a GPU have', () => {
    expect([unifiedShareMiB(16 * 1024), unifiedShareMiB(64 * 1024)]).toEqual([10922, 49152])
  })
})

describe('parseAdapter()', () => {
  it('parseAdapter() calls llvmpipe software, as recorded with Mesa 22.3.6', () => {
    const line =
      '{"vendor":"65541","device":"0","description":"llvmpipe (LLVM 15.0.6, 256 bits)","fallback":true,"maxBufferBytes":2147483647}\n'
    expect(parseAdapter(line)).toEqual({
      kind: 'software',
      vendor: 'mesa',
      name: 'llvmpipe (LLVM 15.0.6, 256 bits)',
      maxBufferBytes: 2147483647,
    })
  })

  it.each(['llvmpipe (LLVM 19, 256 bits)', 'SwiftShader Device (LLVM 10.0.0)', 'Microsoft Basic Render Driver', 'softpipe'])(
    'parseAdapter() never calls %s a GPU, even when it does not say that it falls back',
    (description) => {
      expect(parseAdapter(JSON.stringify({ vendor: '0', description, fallback: false }))?.kind).toBe('software')
    },
  )

  it('parseAdapter() reads hardware, and nothing where there is none', () => {
    expect(parseAdapter('{"vendor":"4318","description":"NVIDIA GeForce RTX 4090","fallback":false,"maxBufferBytes":1}')).toMatchObject({
      kind: 'gpu',
      vendor: 'nvidia',
    })
    expect([parseAdapter('null\n'), parseAdapter(''), parseAdapter('error: no')]).toEqual([undefined, undefined, undefined])
  })
})

describe('machine', () => {
  it('physicalCores() counts cores and not their threads', () => {
    const cpu = (id: number, package_: number, core: number): string =>
      `processor\t: ${id}\nphysical id\t: ${package_}\ncore id\t\t: ${core}\n`
    expect(physicalCores([cpu(0, 0, 0), cpu(1, 0, 0), cpu(2, 0, 1), cpu(3, 1, 0)].join('\n'))).toBe(3)
    expect(physicalCores('processor\t: 0\nBogoMIPS\t: 243.75\nCPU implementer\t: 0x41\n')).toBeNull()
  })

  it('cpuModel() and cpuVendor() give names as people say them', () => {
    expect(cpuModel('AMD Ryzen 9 5950X 16-Core Processor')).toBe('Ryzen 9 5950X')
    expect(cpuModel('Intel(R) Xeon(R) Platinum 8480C CPU @ 2.00GHz')).toBe('Xeon Platinum 8480C')
    expect(cpuModel('AMD EPYC')).toBe('EPYC')
    expect([cpuVendor('AMD EPYC'), cpuVendor('GenuineIntel'), cpuVendor('Apple M2'), cpuVendor('CPU implementer\t: 0x41')]).toEqual([
      'amd',
      'intel',
      'apple',
      'arm',
    ])
  })
})
