// Processor, memory and disk of this machine, each with where it was read.

import { existsSync, readFileSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { arch, availableParallelism, cpus, platform, totalmem } from 'node:os'
import type { Provenance } from './devices.ts'

/** The machine without its GPUs. */
export interface Machine {
  readonly cpu: { readonly vendor: string; readonly model: string; readonly cores: number; readonly threads: number }
  readonly memMiB: number
  readonly diskMiB: number
  readonly os: string
  readonly arch: string
  readonly provenance: readonly Provenance[]
}

/** Reads the machine. `diskPath` is where jobs will be kept: its file system's free space counts. */
export async function readMachine(diskPath: string): Promise<Machine> {
  const info = readOptional('/proc/cpuinfo')
  const model = cpus()[0]?.model.trim() ?? 'unknown processor'
  const threads = availableParallelism()
  const physical = physicalCores(info)
  const limit = process.constrainedMemory()
  const total = totalmem()
  // 0 or an absurd figure: no limit of the container.
  const constrained = limit > 0 && limit < total
  return {
    cpu: { vendor: cpuVendor(`${model} ${info}`), model: cpuModel(model), cores: Math.min(physical ?? threads, threads), threads },
    memMiB: Math.floor((constrained ? limit : total) / 1048576),
    diskMiB: await freeDiskMiB(diskPath),
    os: platform() === 'win32' ? 'windows' : platform(),
    arch: arch(),
    provenance: [
      { what: 'cpu', source: 'declared', from: physical === null ? 'the operating system' : '/proc/cpuinfo' },
      { what: 'memory', source: 'declared', from: constrained ? 'the limit of this container' : 'the operating system' },
      { what: 'disk', source: 'live', from: `free space of ${diskPath}` },
    ],
  }
}

/** MiB that are free on the file system of `path`, or of the nearest folder above it that is there. Rejects as `statfs` does. */
export async function freeDiskMiB(path: string): Promise<number> {
  const { bavail, bsize } = await statfs(existingPath(path))
  return Math.floor((bavail * bsize) / 1048576)
}

/** Distinct cores in the text of /proc/cpuinfo; null where it does not tell them apart from threads (arm64, containers). */
export function physicalCores(cpuinfo: string): number | null {
  const cores = new Set<string>()
  for (const block of cpuinfo.split(/\n\n+/)) {
    const core = /^core id\s*: (\d+)$/m.exec(block)?.[1]
    if (core !== undefined) cores.add(`${/^physical id\s*: (\d+)$/m.exec(block)?.[1] ?? '0'}/${core}`)
  }
  return cores.size === 0 ? null : cores.size
}

/** The maker of a processor from its name and /proc/cpuinfo: lower case. */
export function cpuVendor(text: string): string {
  return /\bAMD\b|AuthenticAMD/.test(text)
    ? 'amd'
    : /Intel/i.test(text)
      ? 'intel'
      : /Apple/.test(text)
        ? 'apple'
        : /ARM|CPU implementer/i.test(text)
          ? 'arm'
          : 'unknown'
}

/** `AMD Ryzen 9 5950X 16-Core Processor` is a Ryzen 9 5950X. */
export function cpuModel(name: string): string {
  const short = name
    .replace(/\((?:r|tm)\)/gi, '')
    .replace(/\b(?:AMD|Intel|Apple|CPU|Processor)\b/gi, ' ')
    .replace(/\b\d+-Core\b/gi, ' ')
    .replace(/@.*$/, ' ')
    .replace(/\s+/g, ' ')
    .trim()
  return (short === '' ? name.trim() : short).slice(0, 64)
}

function readOptional(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return '' // Not a Linux machine.
  }
}

/** The path, or the nearest folder above it that is there already: a home may still have to be made. */
function existingPath(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : existingPath(dirname(path))
}
