// Limits that nothing in the kernel keeps for us: bytes in a job's folder, and processes and resident memory where there is no cgroup.

import { execFile } from 'node:child_process'
import { lstatSync, opendirSync } from 'node:fs'
import { readdir, readFile, readlink, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** Processes and their memory are looked at this often: at 1 GB/s of new pages the overrun is 50 MB. */
const PROCESSES_EVERY_MS = 50
/** The shortest and longest time between two looks at a folder. */
const DISK_EVERY_MS = { min: 50, max: 1000 } as const
/** A disk takes no more than this: how long the space left can last decides when to look again. */
const DISK_BYTES_PER_MS = 2_000_000
/** Entries that a folder may have per MiB of its limit, and in any case: more are over the limit, whatever they hold, for counting them takes time. */
const ENTRIES = { perMiB: 64, min: 4096, max: 100_000 } as const

/** Entries looked at in one go: under a millisecond. */
const SLICE_ENTRIES = 256

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
  const later = (ms: number, run: () => Promise<void>): void => {
    if (over) return
    const timer = setTimeout(() => {
      timers.delete(timer)
      void run()
    }, ms)
    timers.add(timer)
  }
  const end = (limit: 'memory' | 'disk' | 'pids'): void => {
    if (over) return
    over = true
    watched.onOver(limit)
  }
  const { diskBytes, memBytes, pids } = watched
  const lookAtProcesses = async (): Promise<void> => {
    const processes = await processesOf(watched)
    if (pids !== null && processes.length > pids) return end('pids')
    if (memBytes !== null && (await residentBytes(processes)) > memBytes) return end('memory')
    later(PROCESSES_EVERY_MS, lookAtProcesses)
  }
  const lookAtDisk = async (): Promise<void> => {
    if (diskBytes === null) return
    const began = performance.now()
    const maxEntries = Math.min(ENTRIES.max, Math.max(ENTRIES.min, (diskBytes / 1048576) * ENTRIES.perMiB))
    const used = (await folderBytes(watched.folder, maxEntries)) + (await unlinkedBytes(await processesOf(watched), watched.folder))
    if (used > diskBytes) return end('disk')
    // A folder that takes long to count is not counted all the time.
    const took = performance.now() - began
    later(Math.max(took * 4, Math.min(DISK_EVERY_MS.max, Math.max(DISK_EVERY_MS.min, (diskBytes - used) / DISK_BYTES_PER_MS))), lookAtDisk)
  }
  if (memBytes !== null || pids !== null) later(PROCESSES_EVERY_MS, lookAtProcesses)
  if (diskBytes !== null) later(DISK_EVERY_MS.min, lookAtDisk)
  return () => {
    over = true
    for (const timer of timers) clearTimeout(timer)
  }
}

/**
 * Allocated bytes below a folder, links not followed, as far as a hostile owner lets it be counted: more than `maxEntries` are infinite. Entries are
 * looked at without the thread pool, which takes ten times as long, and a few at a time, so that other jobs' output does not wait.
 */
export async function folderBytes(folder: string, maxEntries: number): Promise<number> {
  let bytes = 0
  let entries = 0
  const seen = new Set<string>()
  const folders = [folder]
  for (let at = folders.pop(); at !== undefined; at = folders.pop()) {
    const listing = attempt(() => opendirSync(at, { bufferSize: SLICE_ENTRIES }))
    for (
      let entry = attempt(() => listing?.readSync());
      entry !== undefined && entry !== null;
      entry = attempt(() => listing?.readSync())
    ) {
      if (++entries > maxEntries) break
      const path = join(at, entry.name)
      const info = lstatSync(path, { throwIfNoEntry: false })
      if (info === undefined) continue
      const key = `${info.dev}:${info.ino}`
      if (info.isDirectory()) folders.push(path)
      else if (info.nlink > 1 && seen.has(key)) continue
      else if (info.nlink > 1) seen.add(key)
      bytes += info.blocks * 512
      if (entries % SLICE_ENTRIES === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    attempt(() => listing?.closeSync())
    if (entries > maxEntries) return Number.POSITIVE_INFINITY
  }
  return bytes
}

/** Undefined for what the job deleted or moved meanwhile: the next look counts what is there then. */
function attempt<T>(run: () => T): T | undefined {
  try {
    return run()
  } catch {
    return undefined
  }
}

/** Bytes of files that processes hold open or mapped after deleting them: they fill the disk and are in no folder. */
async function unlinkedBytes(pids: readonly number[], folder: string): Promise<number> {
  const found = new Map<string, number>()
  const device = await stat(folder).then(
    (info) => info.dev,
    () => -1,
  )
  for (const pid of pids) {
    for (const name of await readdir(`/proc/${pid}/fd`).catch(() => [])) {
      const path = `/proc/${pid}/fd/${name}`
      const target = await readlink(path).catch(() => '')
      if (!target.endsWith(' (deleted)')) continue
      const info = await stat(path).catch(() => null)
      if (info?.isFile() === true && info.dev === device) found.set(String(info.ino), info.blocks * 512)
    }
    const maps = await readFile(`/proc/${pid}/maps`, 'latin1').catch(() => '')
    if (!maps.includes('(deleted)')) continue
    for (const line of maps.split('\n')) {
      if (!line.endsWith(' (deleted)') || line.includes(' /dev/zero') || line.includes(' /memfd:') || line.includes(' /SYSV')) continue
      const [range = '', , , , inode = '0'] = line.split(/\s+/)
      const [from = '0', to = '0'] = range.split('-')
      if (inode !== '0' && !found.has(inode)) found.set(inode, Number.parseInt(to, 16) - Number.parseInt(from, 16))
    }
  }
  return [...found.values()].reduce((sum, bytes) => sum + bytes, 0)
}

/** Memory that processes hold for themselves: anonymous and shared pages, not the files of their programs. */
async function residentBytes(pids: readonly number[]): Promise<number> {
  let kib = 0
  for (const pid of pids) {
    const status = await readFile(`/proc/${pid}/status`, 'latin1').catch(() => '')
    for (const [, value] of status.matchAll(/^Rss(?:Anon|Shmem):\s+(\d+) kB$/gm)) kib += Number(value)
    if (status === '' && process.platform !== 'linux') kib += await residentKiB(pid)
  }
  return kib * 1024
}

/** Where there is no /proc. */
async function residentKiB(pid: number): Promise<number> {
  const { stdout } = await promisify(execFile)('ps', ['-o', 'rss=', '-p', String(pid)]).catch(() => ({ stdout: '0' }))
  return Number(stdout.trim()) || 0
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
