// Renders tiles on a GPU through WebGPU, where the runtime has it and finds an adapter.

import { hash32 } from './sampler.ts'
import { PANEL_STRIDE, type Scene, SPHERE_STRIDE } from './scene.ts'
import { cameraFrame } from './camera.ts'
import { createTilePixels, type Rect, type TilePixels } from './tile.ts'

// Of WebGPU only what is used here: no runtime but a browser ships its types.
interface GpuBuffer {
  mapAsync(mode: number): Promise<void>
  getMappedRange(): ArrayBuffer
  unmap(): void
  destroy(): void
}
interface GpuPass {
  setPipeline(pipeline: unknown): void
  setBindGroup(index: number, group: unknown): void
  dispatchWorkgroups(x: number, y: number): void
  end(): void
}
interface GpuEncoder {
  beginComputePass(): GpuPass
  copyBufferToBuffer(from: GpuBuffer, fromOffset: number, to: GpuBuffer, toOffset: number, size: number): void
  finish(): unknown
}
interface GpuDevice {
  readonly queue: {
    writeBuffer(buffer: GpuBuffer, offset: number, data: ArrayBufferView): void
    submit(commands: readonly unknown[]): void
    onSubmittedWorkDone(): Promise<void>
  }
  createBuffer(options: { size: number; usage: number }): GpuBuffer
  createShaderModule(options: { code: string }): unknown
  createComputePipelineAsync(options: {
    layout: 'auto'
    compute: { module: unknown; entryPoint: string }
  }): Promise<{ getBindGroupLayout(index: number): unknown }>
  createBindGroup(options: { layout: unknown; entries: readonly { binding: number; resource: { buffer: GpuBuffer } }[] }): unknown
  createCommandEncoder(): GpuEncoder
}
interface GpuAdapter {
  readonly info?: { readonly vendor?: string; readonly device?: string; readonly description?: string }
  requestDevice(): Promise<GpuDevice>
}

/** Usage flags of the WebGPU standard, section 5.1.2. */
const MAP_READ = 0x01
const COPY_SRC = 0x04
const COPY_DST = 0x08
const UNIFORM = 0x40
const STORAGE = 0x80
const READ = 0x01

/** Numbers a pixel that the shader adds up. */
const SUMS = 12
/** Paths a pixel in one dispatch: a longer one may run into a driver's time limit. */
const PASS = 8

/** A GPU that renders tiles of one scene. */
export interface GpuTracer {
  /** What the adapter calls itself. */
  readonly device: string
  render(rect: Rect): Promise<TilePixels>
}

/** Prepares the scene on the first adapter, or resolves with null when there is none. */
export async function createGpuTracer(scene: Scene, shader: string): Promise<GpuTracer | null> {
  const { gpu } = (globalThis as { navigator?: { gpu?: { requestAdapter(): Promise<GpuAdapter | null> } } }).navigator ?? {}
  const adapter = await gpu?.requestAdapter()
  if (!adapter) return null
  const device = await adapter.requestDevice()
  const buffer = (size: number, usage: number): GpuBuffer => device.createBuffer({ size, usage })
  const filled = (data: Float32Array | Uint32Array): GpuBuffer => {
    const made = buffer(Math.max(16, data.byteLength), STORAGE | COPY_DST)
    device.queue.writeBuffer(made, 0, data)
    return made
  }

  const { file, materials, spheres, positions, normals, panels, triangleMaterials, bvh } = scene
  const parts = [materials, spheres, positions, normals, panels, bvh.bounds]
  const whole = [bvh.first, bvh.count, bvh.order, triangleMaterials]
  const starts = (lengths: readonly number[]): number[] =>
    lengths.map((_, i) => lengths.slice(0, i).reduce((sum, length) => sum + length, 0))
  const floats = filled(Float32Array.from(parts.flatMap((part) => [...part])))
  const ints = filled(Uint32Array.from(whole.flatMap((part) => [...part])))
  const [, sphereStart = 0, positionStart = 0, normalStart = 0, panelStart = 0, boundsStart = 0] = starts(parts.map(({ length }) => length))
  const [, countStart = 0, orderStart = 0, materialStart = 0] = starts(whole.map(({ length }) => length))

  const eye = cameraFrame(file)
  const pad = (values: readonly number[]): number[] => [...values, 0, 0, 0, 0].slice(0, 4)
  const fixed = [
    [file.camera.aperture, file.camera.focus, file.floor.size],
    file.camera.at,
    [eye.fx, eye.fy, eye.fz],
    [eye.rx, eye.ry, eye.rz],
    [eye.ux, eye.uy, eye.uz],
    [eye.lrx, eye.lry, eye.lrz],
    [eye.lux, eye.luy, eye.luz],
    file.sky.zenith,
    file.sky.horizon,
    file.sky.glow,
  ].flatMap(pad)

  const pipeline = await device.createComputePipelineAsync({
    layout: 'auto',
    compute: { module: device.createShaderModule({ code: shader }), entryPoint: 'main' },
  })
  const uniform = buffer(16 * 16, UNIFORM | COPY_DST)
  return {
    device: adapter.info?.description || adapter.info?.device || adapter.info?.vendor || 'WebGPU adapter',
    async render(rect) {
      const bytes = rect.width * rect.height * SUMS * 4
      const sums = buffer(bytes, STORAGE | COPY_SRC)
      const read = buffer(bytes, MAP_READ | COPY_DST)
      const group = device.createBindGroup({
        layout: pipeline.getBindGroupLayout(0),
        entries: [uniform, floats, ints, sums].map((one, binding) => ({ binding, resource: { buffer: one } })),
      })
      for (let from = 0; from < file.samples; from += PASS) {
        const head = [
          [rect.x, rect.y, rect.width, rect.height],
          [file.width, file.height, file.samples, file.bounces],
          [from, Math.min(PASS, file.samples - from), hash32(file.seed), panels.length / PANEL_STRIDE],
          [sphereStart, positionStart, normalStart, panelStart],
          [countStart, orderStart, materialStart, boundsStart],
          [spheres.length / SPHERE_STRIDE, scene.floorMaterial, 0, 0],
        ].flat()
        device.queue.writeBuffer(uniform, 0, Uint32Array.from(head))
        device.queue.writeBuffer(uniform, head.length * 4, Float32Array.from(fixed))
        const encoder = device.createCommandEncoder()
        const pass = encoder.beginComputePass()
        pass.setPipeline(pipeline)
        pass.setBindGroup(0, group)
        pass.dispatchWorkgroups(Math.ceil(rect.width / 8), Math.ceil(rect.height / 8))
        pass.end()
        device.queue.submit([encoder.finish()])
        await device.queue.onSubmittedWorkDone()
      }
      const encoder = device.createCommandEncoder()
      encoder.copyBufferToBuffer(sums, 0, read, 0, bytes)
      device.queue.submit([encoder.finish()])
      await read.mapAsync(READ)
      const pixels = averages(rect, new Float32Array(read.getMappedRange().slice(0)), file.samples)
      read.unmap()
      read.destroy()
      sums.destroy()
      return pixels
    },
  }
}

function averages(rect: Rect, sums: Float32Array, count: number): TilePixels {
  const pixels = createTilePixels(rect)
  for (let i = 0; i < rect.width * rect.height; i++) {
    const at = i * SUMS
    const mean = (k: number): number => (sums[at + k] ?? 0) / count
    const light = 0.25 * mean(0) + 0.5 * mean(1) + 0.25 * mean(2)
    for (let c = 0; c < 3; c++) {
      pixels.colour[i * 3 + c] = mean(c)
      pixels.albedo[i * 3 + c] = mean(4 + c)
      pixels.normal[i * 3 + c] = mean(7 + c)
    }
    pixels.variance[i] = Math.max(0, mean(3) - light * light) / count
  }
  return pixels
}
