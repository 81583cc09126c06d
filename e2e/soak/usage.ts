// What a process and a folder take of this machine, read from outside: resident memory, open handles, octets on disk.

import { lstatSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** What a process takes at one moment. */
export interface Usage {
  readonly residentMiB: number
  readonly handles: number
}

/** Null when the process is gone. */
export function usageOf(pid: number): Usage | null {
  try {
    const resident = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]
    return resident === undefined ? null : { residentMiB: Number(resident) / 1024, handles: readdirSync(`/proc/${pid}/fd`).length }
  } catch {
    // It ended.
    return null
  }
}

/** Allocated octets below a folder, links not followed. */
export function diskBytes(folder: string): number {
  let bytes = 0
  for (const entry of names(folder)) {
    const path = join(folder, entry)
    // What is deleted while it is counted is not there.
    const info = lstatSync(path, { throwIfNoEntry: false })
    if (info === undefined) continue
    bytes += info.blocks * 512
    if (info.isDirectory()) bytes += diskBytes(path)
  }
  return bytes
}

function names(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    // It went meanwhile.
    return []
  }
}
