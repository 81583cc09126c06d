// Looks at this machine: runs the vendors' tools side by side and puts together what they say.

import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Device, Offer } from '@haggle/offer'
import type { DeviceAccess } from './access.ts'
import { accessTo, softwareVulkan } from './device_paths.ts'
import { devicesFrom, type Provenance } from './devices.ts'
import { readMachine } from './machine.ts'
import { CAPABILITY_QUERY, explainNvidia, parseNvidia, type NvidiaReport } from './nvidia_smi.ts'
import { type AmdGpu, parseRocm, ROCM_QUERY } from './rocm_smi.ts'
import { type AppleGpu, parseSystemProfiler, unifiedShareMiB } from './system_profiler.ts'
import { ADAPTER_MODULE, parseAdapter, type WebGpuAdapter } from './webgpu_adapter.ts'

const run = promisify(execFile)
/** nvidia-smi takes seconds on a machine whose driver wakes up; longer than this it hangs. */
const TOOL_TIMEOUT_MS = 15_000
const MAX_OUTPUT_BYTES = 16 * 1024 * 1024

/** Something that is wrong or missing, for the owner. */
export interface HardwareNote {
  readonly problem: string
  /** The next step; null when there is none. */
  readonly next: string | null
}

/** What a machine has, ready for an offer. */
export interface Hardware extends Pick<Offer, 'cpu' | 'memMiB' | 'diskMiB' | 'net' | 'os' | 'arch'> {
  /** Never empty: GPUs, else a software adapter, else the processor. */
  readonly devices: readonly Device[]
  /** The way to each device that needs one. */
  readonly access: readonly DeviceAccess[]
  /** Where every figure was read. */
  readonly provenance: readonly Provenance[]
  readonly notes: readonly HardwareNote[]
}

/** Runs a program to its end. Tests pass one that plays recorded output. */
export type RunTool = (
  file: string,
  args: readonly string[],
  options: { readonly env?: Readonly<Record<string, string>>; readonly signal?: AbortSignal },
) => Promise<ToolResult>

/** What a program said. `found` is false when there is no such program. */
export interface ToolResult {
  readonly found: boolean
  readonly ok: boolean
  readonly stdout: string
  readonly stderr: string
}

/** How {@link findHardware} looks. */
export interface FindHardwareOptions {
  /** The Deno binary, which is asked for a WebGPU adapter; without it only the vendors' tools are. */
  readonly deno?: string
  /** Where jobs will be kept: its file system's free space counts. Default: the home directory. */
  readonly diskPath?: string
  /** `process.platform` of the machine. */
  readonly platform?: NodeJS.Platform
  readonly runTool?: RunTool
  readonly signal?: AbortSignal
}

/**
 * Finds the devices, processor, memory and disk of this machine. Nothing is invented: what no tool says is null, and a software adapter says so.
 *
 * @throws An `AbortError` when `signal` is aborted.
 * @example
 * ```ts
 * import { findHardware } from "@haggle/hardware";
 * import { expect } from "vitest";
 *
 * const { devices, memMiB } = await findHardware();
 * expect(devices.length).toBeGreaterThan(0);
 * expect(memMiB).toBeGreaterThan(0);
 * ```
 */
export async function findHardware(options: FindHardwareOptions = {}): Promise<Hardware> {
  const { signal } = options
  signal?.throwIfAborted()
  const runTool = options.runTool ?? runProgram
  const call: RunTool = (file, args, extra) => runTool(file, args, signal === undefined ? extra : { ...extra, signal })
  const mac = (options.platform ?? process.platform) === 'darwin'
  const notes: HardwareNote[] = []
  const [machine, nvidia, amd, apple, webgpu] = await Promise.all([
    readMachine(options.diskPath ?? homedir()),
    mac ? NO_NVIDIA : askNvidia(call, notes),
    mac ? [] : askRocm(call),
    mac ? askApple(call) : [],
    options.deno === undefined ? undefined : askDeno(options.deno, { call, mac, notes }),
  ])
  signal?.throwIfAborted()
  const { cpu, provenance, ...rest } = machine
  const found = devicesFrom({
    nvidia: nvidia.gpus,
    amd,
    apple,
    webgpu,
    vulkan: mac ? null : softwareVulkan(),
    unifiedMiB: unifiedShareMiB(machine.memMiB),
    cpu,
    atS: Math.floor(Date.now() / 1000),
  })
  return {
    ...rest,
    cpu: { model: cpu.model, cores: cpu.cores, threads: cpu.threads },
    net: { downKbps: null, upKbps: null },
    devices: found.map(({ device }) => device),
    access: found.flatMap((one) => accessTo(one) ?? []),
    provenance: [...provenance, ...found.flatMap((one) => one.provenance)],
    notes,
  }
}

const NO_NVIDIA: NvidiaReport = { gpus: [], unsliced: [] }

async function askNvidia(call: RunTool, notes: HardwareNote[]): Promise<NvidiaReport> {
  const report = await call('nvidia-smi', ['-q', '-x'], {})
  if (!report.ok || !report.stdout.includes('<nvidia_smi_log>')) {
    const problem = explainNvidia(`${report.stdout}\n${report.stderr}`, !report.found)
    if (problem !== null) notes.push(problem)
    return NO_NVIDIA
  }
  const [capabilities, list] = await Promise.all([call('nvidia-smi', CAPABILITY_QUERY, {}), call('nvidia-smi', ['-L'], {})])
  const parsed = parseNvidia(report.stdout, { capabilities: capabilities.stdout, list: list.stdout })
  for (const name of parsed.unsliced)
    notes.push({ problem: `${name} is in MIG mode and has no slice`, next: 'sudo nvidia-smi mig -cgi … -C, or switch MIG off' })
  return parsed
}

async function askRocm(call: RunTool): Promise<readonly AmdGpu[]> {
  const { ok, stdout } = await call('rocm-smi', ROCM_QUERY, {})
  return ok ? parseRocm(stdout) : []
}

async function askApple(call: RunTool): Promise<readonly AppleGpu[]> {
  const { ok, stdout } = await call('system_profiler', ['SPDisplaysDataType', '-json'], {})
  return ok ? parseSystemProfiler(stdout) : []
}

async function askDeno(
  deno: string,
  { call, mac, notes }: { call: RunTool; mac: boolean; notes: HardwareNote[] },
): Promise<WebGpuAdapter | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'haggle-adapter-'))
  try {
    const module = join(folder, 'adapter.ts')
    await writeFile(module, ADAPTER_MODULE)
    const env = {
      DENO_DIR: folder,
      DENO_NO_UPDATE_CHECK: '1',
      HOME: folder,
      XDG_RUNTIME_DIR: folder,
      PATH: '/usr/bin:/bin',
      ...(mac ? {} : { DENO_WEBGPU_BACKEND: 'vulkan' }),
    }
    const said = await call(deno, ['run', '--no-prompt', '--no-config', '--no-lock', '--no-remote', '--no-npm', module], { env })
    if (!said.ok)
      notes.push({ problem: `Deno could not look for a WebGPU adapter: ${said.stderr.trim().split('\n')[0] ?? ''}`, next: null })
    return parseAdapter(said.stdout)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function runProgram(file: string, args: readonly string[], { env, signal }: Parameters<RunTool>[2]): Promise<ToolResult> {
  try {
    const options = {
      timeout: TOOL_TIMEOUT_MS,
      maxBuffer: MAX_OUTPUT_BYTES,
      ...(env === undefined ? {} : { env }),
      ...(signal === undefined ? {} : { signal }),
    }
    const { stdout, stderr } = await run(file, [...args], options)
    return { found: true, ok: true, stdout, stderr }
  } catch (error) {
    const { code, stdout = '', stderr = '' } = error as { code?: unknown; stdout?: string; stderr?: string }
    return { found: code !== 'ENOENT', ok: false, stdout, stderr }
  }
}
