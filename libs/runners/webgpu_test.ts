// WebGPU inside the sandbox, on whatever adapter this machine has: really computed, and not there without the device.

import { findHardware } from '@haggle/hardware'
import { describe, expect, it } from 'vitest'
import { withBench } from './_test_bench.ts'
import { noSandbox, testDeno, titleOf } from './_test_machine.ts'

const deno = testDeno()
const hardware = await findHardware(deno === undefined ? {} : { deno })
const [device] = hardware.devices
const [access] = hardware.access
const why =
  noSandbox() ??
  (deno === undefined
    ? 'deno is not installed'
    : access === undefined || device === undefined
      ? 'this machine has no WebGPU adapter: apt-get install mesa-vulkan-drivers'
      : null)

/** Squares eight numbers on the adapter and says what it was. */
const SQUARES = `const adapter = await navigator.gpu.requestAdapter()
if (adapter === null) { console.log('no adapter'); Deno.exit(0) }
const device = await adapter.requestDevice()
const module = device.createShaderModule({ code: '@group(0) @binding(0) var<storage, read_write> x: array<u32>; @compute @workgroup_size(8) fn main(@builtin(global_invocation_id) id: vec3u) { x[id.x] = x[id.x] * x[id.x]; }' })
const pipeline = device.createComputePipeline({ layout: 'auto', compute: { module, entryPoint: 'main' } })
const buffer = device.createBuffer({ size: 32, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST })
const back = device.createBuffer({ size: 32, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST })
device.queue.writeBuffer(buffer, 0, Uint32Array.from([1, 2, 3, 4, 5, 6, 7, 8]))
const encoder = device.createCommandEncoder()
const pass = encoder.beginComputePass()
pass.setPipeline(pipeline)
pass.setBindGroup(0, device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries: [{ binding: 0, resource: { buffer } }] }))
pass.dispatchWorkgroups(1)
pass.end()
encoder.copyBufferToBuffer(buffer, 0, back, 0, 32)
device.queue.submit([encoder.finish()])
await back.mapAsync(GPUMapMode.READ)
console.log(adapter.info.description, '|', [...new Uint32Array(back.getMappedRange())].join(' '))`

const limits = { memMiB: 1024, maxMs: 60_000 }

describe.skipIf(why !== null)(titleOf('WebGPU in the sandbox', why), { timeout: 60_000 }, () => {
  for (const isolation of ['bubblewrap', 'permissions'] as const) {
    it(`a deno job with the device computes on it with isolation ${isolation}`, async () => {
      const { stdout, stderr } = await withBench({ devices: hardware.access }, (bench) =>
        bench.deno(SQUARES, { isolation, limits, devices: [access?.id ?? ''] }),
      )
      expect(stdout, stderr).toMatch(/ \| 1 4 9 16 25 36 49 64\n$/)
      expect(stdout.toLowerCase()).toContain((device?.model ?? '').toLowerCase())
    })

    it(`a deno job without the device finds no adapter with isolation ${isolation}`, async () => {
      const { stdout } = await withBench({ devices: hardware.access }, (bench) => bench.deno(SQUARES, { isolation, limits }))
      expect(stdout).toBe('no adapter\n')
    })
  }

  it('an exec job without a device sees no device node and no driver manifest', async () => {
    const { stdout } = await withBench({ devices: hardware.access }, (bench) =>
      bench.sh('ls /dev /usr/share/vulkan /etc/OpenCL 2>/dev/null'),
    )
    expect(stdout).not.toMatch(/nvidia|dri|kfd|icd/)
  })

  it('a job that asks for a device that is not here is refused', async () => {
    await withBench({ devices: hardware.access }, async (bench) => {
      await expect(bench.sh('true', { devices: ['gpu7'] })).rejects.toMatchObject({ code: 'E_JOB_DEVICE' })
    })
  })
})
