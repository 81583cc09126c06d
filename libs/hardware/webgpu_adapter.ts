// What WebGPU has on this machine, asked through the bundled Deno, and whether that is hardware or a program that plays one.

/** An adapter as Deno describes it. */
export interface WebGpuAdapter {
  /** `gpu`, or `software` for an adapter that the CPU pretends to be. */
  readonly kind: 'gpu' | 'software'
  /** Lower case; `mesa` and `google` for their software. */
  readonly vendor: string
  /** Such as `llvmpipe (LLVM 15.0.6, 256 bits)` or `NVIDIA GeForce RTX 4090`. */
  readonly name: string
  /** Largest buffer, bytes: what a job can hold at most in one piece. */
  readonly maxBufferBytes: number
}

/** The module that Deno runs: one line of JSON, `null` without an adapter. */
export const ADAPTER_MODULE: string = `const adapter = await navigator.gpu?.requestAdapter({ powerPreference: 'high-performance' })
const info = adapter?.info
console.log(JSON.stringify(adapter ? { vendor: String(info.vendor), device: String(info.device), description: info.description,
  fallback: Boolean(info.isFallbackAdapter), maxBufferBytes: Number(adapter.limits.maxBufferSize) } : null))
`

/** Adapters that are programs, whatever their driver says of itself. */
const SOFTWARE = /llvmpipe|lavapipe|swiftshader|softpipe|swrast|software rasterizer|basic render|\bwarp\b/i
/** PCI vendor numbers as WebGPU passes them on. */
const VENDORS: Readonly<Record<string, string>> = {
  [String(0x10de)]: 'nvidia',
  [String(0x1002)]: 'amd',
  [String(0x8086)]: 'intel',
  [String(0x106b)]: 'apple',
  [String(0x13b5)]: 'arm',
  [String(0x5143)]: 'qualcomm',
  [String(0x10005)]: 'mesa',
  [String(0x1ae0)]: 'google',
  [String(0x1414)]: 'microsoft',
}

/** Reads the line of {@link ADAPTER_MODULE}. Undefined when there is no adapter, or no such line. */
export function parseAdapter(stdout: string): WebGpuAdapter | undefined {
  const line = stdout.trim().split('\n').at(-1) ?? ''
  let said: unknown
  try {
    said = JSON.parse(line)
  } catch {
    return undefined // It did not get so far; whoever ran it has its stderr.
  }
  if (typeof said !== 'object' || said === null) return undefined
  const { vendor, description, fallback, maxBufferBytes } = said as {
    vendor?: string
    description?: string
    fallback?: boolean
    maxBufferBytes?: number
  }
  const name = description === undefined || description === '' ? `adapter of vendor ${vendor ?? 'unknown'}` : description
  return {
    kind: fallback === true || SOFTWARE.test(name) ? 'software' : 'gpu',
    vendor: VENDORS[vendor ?? ''] ?? vendorOf(name) ?? 'unknown',
    name,
    maxBufferBytes: maxBufferBytes ?? 0,
  }
}

function vendorOf(name: string): string | undefined {
  return /nvidia|amd|intel|apple|qualcomm/i.exec(name)?.[0]?.toLowerCase()
}
