// What the processes of a job hold in no folder: their memory, and files that have no name any more.

import { execFile } from 'node:child_process'
import { opendirSync, readdirSync, readFileSync, readlinkSync, type Stats, statSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { promisify } from 'node:util'
import { SLICE_ENTRIES } from './folder_bytes.ts'

/** Open files that a job's processes may have together: looking at more would take longer than a job needs to fill something. */
const MAX_DESCRIPTORS = 16_384

/** The sandbox itself closes its processes to others for a moment while it starts. */
const HIDDEN_MS = 1000

/** Finds jobs that keep from being seen what they have open: any process may, and only root sees it then. */
export class HiddenProcesses {
  #since: number | null = null

  /** True when at each look for {@link HIDDEN_MS} some process could not be looked into. Not the sandbox's own two: `first`, and its child that is 1 inside. */
  look(pids: readonly number[], first: number): boolean {
    const isHidden = pids.some((pid) => pid !== first && isClosed(pid))
    this.#since = isHidden ? (this.#since ?? performance.now()) : null
    return this.#since !== null && performance.now() - this.#since >= HIDDEN_MS
  }
}

function isClosed(pid: number): boolean {
  const way = wayTo(pid)
  try {
    opendirSync(`${way}/fd`).closeSync()
    return false
  } catch (error) {
    const status = read(`${way}/status`)
    return (error as NodeJS.ErrnoException).code === 'EACCES' && status !== '' && !/^State:\s+[ZX]|^NSpid:.*\t1$/m.test(status)
  }
}

/** Bytes of files that processes hold open or mapped after deleting them: they fill the disk and are in no folder. Infinite when nobody can say. */
export async function unlinkedBytes(pids: readonly number[], folder: string): Promise<number> {
  const found = new Map<string, number>()
  const device = await stat(folder).then(
    (info) => info.dev,
    () => -1,
  )
  const isAll = await eachDescriptor(pids, (target, info) => {
    if (!target.endsWith(' (deleted)')) return
    const file = info()
    if (file?.isFile() === true && file.dev === device) found.set(String(file.ino), file.blocks * 512)
  })
  if (!isAll) return Number.POSITIVE_INFINITY
  for (const pid of pids) {
    const maps = read(`${wayTo(pid)}/maps`)
    if (!maps.includes('(deleted)')) continue
    for (const line of maps.split('\n')) {
      if (!line.endsWith(' (deleted)') || line.includes(' /dev/zero') || line.includes(' /memfd:') || line.includes(' /SYSV')) continue
      const [range = '', , , , inode = '0'] = line.split(/\s+/)
      const [from = '0', to = '0'] = range.split('-')
      if (inode !== '0' && !found.has(inode)) found.set(inode, Number.parseInt(to, 16) - Number.parseInt(from, 16))
    }
  }
  return sum(found.values())
}

/**
 * Memory that processes hold for themselves: anonymous and shared pages, not the files of their programs, and files that are memory, mapped or not.
 * Above `limit` it is looked at more closely: a mapped page of such a file is no second one. Infinite when nobody can say.
 */
export async function memoryBytes(pids: readonly number[], limit: number): Promise<number> {
  const resident = await Promise.all(pids.map(async (pid) => ({ pid, ...(await residentBytes(pid)) })))
  const processes = sum(resident.map(({ own, shared }) => own + shared))
  const files = new Map<number, number>()
  const isAll = await eachDescriptor(pids, (target, info) => {
    if (!/^\/memfd:|^\/dev\/shm\/.* \(deleted\)$/.test(target)) return
    const file = info()
    if (file !== undefined) files.set(file.ino, file.blocks * 512)
  })
  if (!isAll) return Number.POSITIVE_INFINITY
  const held = sum(files.values())
  if (files.size === 0 || processes + held <= limit) return processes + held
  const apart = await Promise.all(resident.map(async (one) => await bytesApart(one, files)))
  return held + sum(apart)
}

/** What a process holds besides these files. */
async function bytesApart(
  process: { readonly pid: number; readonly own: number; readonly shared: number },
  files: ReadonlyMap<number, number>,
): Promise<number> {
  const { pid, own, shared } = process
  const mapped = mappedBytes(pid, files)
  if (mapped !== null) return own + Math.max(0, shared - mapped)
  // It ended since it was looked at, or nobody may look closer.
  const now = await residentBytes(pid)
  return now.own + now.shared
}

/** Pages of a process that are no file's, and those that it may share with others. */
async function residentBytes(pid: number): Promise<{ readonly own: number; readonly shared: number }> {
  const status = read(`${wayTo(pid)}/status`)
  if (status === '' && process.platform !== 'linux') return { own: (await residentKiB(pid)) * 1024, shared: 0 }
  const kib = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1] ?? 0)
  return { own: kib('RssAnon') * 1024, shared: kib('RssShmem') * 1024 }
}

/** Where there is no /proc. */
async function residentKiB(pid: number): Promise<number> {
  const { stdout } = await promisify(execFile)('ps', ['-o', 'rss=', '-p', String(pid)]).catch(() => ({ stdout: '0' }))
  return Number(stdout.trim()) || 0
}

/** Shared pages of these files, by inode, that are mapped into a process; null when it can't be told. */
function mappedBytes(pid: number, files: ReadonlyMap<number, number>): number | null {
  const smaps = read(`${wayTo(pid)}/smaps`)
  if (smaps === '') return null
  let isOurs = false
  let kib = 0
  for (const line of smaps.split('\n')) {
    const [, inode] = /^[\da-f]+-[\da-f]+ \S+ \S+ \S+ (\d+)/.exec(line) ?? []
    if (inode !== undefined) isOurs = / (?:\/memfd:|\/dev\/shm\/)/.test(line) && files.has(Number(inode))
    if (!isOurs) continue
    const [, name, value] = /^(Rss|Anonymous):\s+(\d+) kB$/.exec(line) ?? []
    if (name !== undefined) kib += name === 'Rss' ? Number(value) : -Number(value)
  }
  return kib * 1024
}

/**
 * Calls `take` for each open file of processes with what it is named and a way to look at it. False when there are more than
 * {@link MAX_DESCRIPTORS}. A few at a time, and without the thread pool, as {@link folderBytes} does.
 */
async function eachDescriptor(pids: readonly number[], take: (target: string, info: () => Stats | undefined) => void): Promise<boolean> {
  let looked = 0
  for (const pid of pids) {
    const way = `${wayTo(pid)}/fd`
    const listing = attempt(() => opendirSync(way, { bufferSize: SLICE_ENTRIES }))
    try {
      const next = () => attempt(() => listing?.readSync()) ?? null
      for (let entry = next(); entry !== null; entry = next()) {
        if (++looked > MAX_DESCRIPTORS) return false
        const path = `${way}/${entry.name}`
        const target = attempt(() => readlinkSync(path))
        if (target !== undefined) take(target, () => attempt(() => statSync(path)))
        if (looked % SLICE_ENTRIES === 0) await new Promise((resolve) => setImmediate(resolve))
      }
    } finally {
      listing?.closeSync()
    }
  }
  return true
}

/** Where the kernel tells of a process: of its first thread, or when that one has ended, of one that has not. All have the same memory and open files. */
function wayTo(pid: number): string {
  const way = `/proc/${pid}`
  if (!hasEnded(way)) return way
  const tasks = attempt(() => readdirSync(`${way}/task`)) ?? []
  const living = tasks.find((task) => !hasEnded(`${way}/task/${task}`))
  return living === undefined ? way : `${way}/task/${living}`
}

function hasEnded(way: string): boolean {
  return /^State:\s+[ZX]/m.test(read(`${way}/status`))
}

/** Empty where a process ended. */
function read(path: string): string {
  return attempt(() => readFileSync(path, 'latin1')) ?? ''
}

/** Undefined where a process ended, or closed what it had open. */
function attempt<T>(run: () => T): T | undefined {
  try {
    return run()
  } catch {
    return undefined
  }
}

function sum(numbers: Iterable<number>): number {
  let all = 0
  for (const one of numbers) all += one
  return all
}
