// The render job, as it runs in Deno on the provider's machine with nothing but its own folder: tile numbers come in on stdin, one a
// line; each finished tile is a file in out/ and a JSON line on stdout. The end of stdin is the end of the job.

import { createGpuTracer } from './gpu.ts'
import { compileScene, type SceneFile } from './scene.ts'
import { encodeTile, tileCount, tileRect } from './tile.ts'
import { createTracer } from './tracer.ts'

/** Of Deno only what is used here, so that any checker can read this file. */
declare const Deno: {
  readonly args: readonly string[]
  readonly stdin: { readonly readable: AsyncIterable<Uint8Array> }
  readonly stdout: { writeSync(bytes: Uint8Array): number }
  readTextFile(path: string): Promise<string>
  writeFile(path: string, bytes: Uint8Array): Promise<void>
  mkdir(path: string, options: { recursive: boolean }): Promise<void>
  exit(code: number): never
}

/** One line of the worker's output. */
export type WorkerLine =
  | { readonly kind: 'ready'; readonly device: string; readonly engine: 'webgpu' | 'cpu'; readonly tiles: number }
  | {
      readonly kind: 'tile'
      readonly tile: number
      readonly path: string
      readonly bytes: number
      readonly sha256: string
      readonly ms: number
    }
  | { readonly kind: 'error'; readonly message: string }

const say = (line: WorkerLine): void => {
  const bytes = new TextEncoder().encode(`${JSON.stringify(line)}\n`)
  for (let sent = 0; sent < bytes.length;) sent += Deno.stdout.writeSync(bytes.subarray(sent))
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
  return [...digest].map((octet) => octet.toString(16).padStart(2, '0')).join('')
}

async function* lines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of chunks) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = parts.pop() ?? ''
    yield* parts
  }
  if (rest !== '') yield rest
}

async function main(): Promise<void> {
  const wantsGpu = Deno.args.includes('--gpu')
  const text = await Deno.readTextFile('scene.json')
  const total = tileCount(JSON.parse(text) as SceneFile)
  // Without a GPU to ask, the renter hears at once that its job runs; the scene takes some hundred milliseconds to prepare.
  if (!wantsGpu) say({ kind: 'ready', device: 'cpu', engine: 'cpu', tiles: total })
  const scene = compileScene(text)
  const gpu = wantsGpu ? await createGpuTracer(scene, await Deno.readTextFile('trace.wgsl')) : null
  if (wantsGpu) say({ kind: 'ready', device: gpu?.device ?? 'cpu', engine: gpu ? 'webgpu' : 'cpu', tiles: total })
  const cpu = createTracer(scene)
  await Deno.mkdir('out', { recursive: true })
  for await (const line of lines(Deno.stdin.readable)) {
    if (line.trim() === '') continue
    const tile = Number(line)
    if (!Number.isInteger(tile) || tile < 0 || tile >= total) throw new RangeError(`no tile "${line}": there are ${total}`)
    const started = performance.now()
    const rect = tileRect(tile, scene.file)
    const bytes = encodeTile(gpu ? await gpu.render(rect) : cpu.render(rect))
    const path = `out/tile-${tile}.bin`
    await Deno.writeFile(path, bytes)
    say({ kind: 'tile', tile, path, bytes: bytes.length, sha256: await sha256(bytes), ms: Math.round(performance.now() - started) })
  }
}

try {
  await main()
} catch (error) {
  say({ kind: 'error', message: error instanceof Error ? error.message : String(error) })
  Deno.exit(1)
}
