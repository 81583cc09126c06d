// Limits that nothing in the kernel keeps for us: bytes in a job's folder, and processes and resident memory where there is no cgroup.

import { readdir, readFile } from 'node:fs/promises'
import { folderBytes } from './folder_bytes.ts'
import { HiddenProcesses, memoryBytes, unlinkedBytes } from './held_bytes.ts'

/** Processes and their memory are looked at this often: at 1 GB/s of new pages the overrun is 50 MB. */
const PROCESSES_EVERY_MS = 50
/** The shortest and longest time between two looks at a folder. */
const DISK_EVERY_MS = { min: 50, max: 1000 } as const
/** A disk takes no more than this: how long the space left can last decides when to look again. */
const DISK_BYTES_PER_MS = 2_000_000
/** Entries that a folder may have per MiB of its limit, and in any case: more are over the limit, whatever they hold, for counting them takes time. */
const ENTRIES = { perMiB: 64, min: 4096, max: 100_000 } as const

/** What is watched. */
export interface Watched {
  /** The process that all others of the job descend from. */
  readonly pid: number
  readonly folder: string
  /** Every process of the job, when a cgroup knows; null: the descendants of `pid` are looked for. */
  readonly processes: () => number[] | null
  readonly diskBytes: number | null
  readonly memBytes: number | null
  /** Processes at a time, bubblewrap's own two included. */
  readonly pids: number | null
  /** Called once. */
  readonly onOver: (limit: 'memory' | 'disk' | 'pids') => void
}

/** Watches until a limit is passed or the returned function is called. */
export function watchJob(watched: Watched): () => void {
  let over = false
  const timers = new Set<NodeJS.Timeout>()
  const end = (limit: 'memory' | 'disk' | 'pids'): void => {
    if (over) return
    over = true
    watched.onOver(limit)
  }
  /** A look that fails is over the limit: nothing else would ever look again. */
  const later = (ms: number, look: () => Promise<void>, limit: 'memory' | 'disk' | 'pids'): void => {
    if (over) return
    const timer = setTimeout(() => {
      timers.delete(timer)
      void look().catch(() => end(limit))
    }, ms)
    timers.add(timer)
  }
  const { diskBytes, memBytes, pids } = watched
  const processLimit = memBytes === null ? 'pids' : 'memory'
  const [hiddenMemory, hiddenFiles] = [new HiddenProcesses(), new HiddenProcesses()]
  const lookAtProcesses = async (): Promise<void> => {
    const processes = await processesOf(watched)
    if (pids !== null && processes.length > pids) return end('pids')
    if (memBytes !== null && hiddenMemory.look(processes, watched.pid)) return end('memory')
    if (memBytes !== null && (await memoryBytes(processes, memBytes)) > memBytes) return end('memory')
    later(PROCESSES_EVERY_MS, lookAtProcesses, processLimit)
  }
  const lookAtDisk = async (): Promise<void> => {
    if (diskBytes === null) return
    const began = performance.now()
    const maxEntries = Math.min(ENTRIES.max, Math.max(ENTRIES.min, (diskBytes / 1048576) * ENTRIES.perMiB))
    const processes = await processesOf(watched)
    if (hiddenFiles.look(processes, watched.pid)) return end('disk')
    const used = (await folderBytes(watched.folder, maxEntries)) + (await unlinkedBytes(processes, watched.folder))
    if (used > diskBytes) return end('disk')
    // A folder that takes long to count is not counted all the time.
    const took = performance.now() - began
    later(
      Math.max(took * 4, Math.min(DISK_EVERY_MS.max, Math.max(DISK_EVERY_MS.min, (diskBytes - used) / DISK_BYTES_PER_MS))),
      lookAtDisk,
      'disk',
    )
  }
  if (memBytes !== null || pids !== null) later(PROCESSES_EVERY_MS, lookAtProcesses, processLimit)
  if (diskBytes !== null) later(DISK_EVERY_MS.min, lookAtDisk, 'disk')
  return () => {
    over = true
    for (const timer of timers) clearTimeout(timer)
  }
}

async function processesOf({ pid, processes }: Watched): Promise<number[]> {
  const known = processes()
  if (known !== null) return known
  const all = [pid]
  for (let index = 0; index < all.length; index++) {
    const parent = all[index] ?? 0
    for (const task of await readdir(`/proc/${parent}/task`).catch(() => [])) {
      const children = await readFile(`/proc/${parent}/task/${task}/children`, 'latin1').catch(() => '')
      all.push(...children.split(' ').filter(Boolean).map(Number))
    }
  }
  return all
}
