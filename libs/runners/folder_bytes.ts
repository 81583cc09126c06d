// Counts what a job's folder holds on the disk, while the job does what it likes there.

import { lstatSync, opendirSync } from 'node:fs'
import { letOwnerIn, MAY_LIST } from './owner_rights.ts'

/** Entries looked at in one go: under a millisecond. */
export const SLICE_ENTRIES = 256

/**
 * Allocated bytes below a folder, links not followed, as far as a hostile owner lets it be counted. Infinite are more than `maxEntries`, a path longer
 * than the system takes, and whatever else can't be looked at: what can't be counted is over any limit. Entries are looked at without the thread
 * pool, which takes ten times as long, and a few at a time, so that other jobs' output does not wait.
 */
export async function folderBytes(folder: string, maxEntries: number): Promise<number> {
  try {
    return await count(Buffer.from(folder).toString('latin1'), maxEntries)
  } catch {
    return Number.POSITIVE_INFINITY // Why it can't be counted makes no difference.
  }
}

/** `root` and every name are octets as latin1: a job may give files names that are no text. */
async function count(root: string, maxEntries: number): Promise<number> {
  let bytes = 0
  let entries = 0
  const seen = new Set<string>()
  /** Ways from `root`: empty, or `/` and a relative path. */
  const folders = ['']
  for (let way = folders.pop(); way !== undefined; way = folders.pop()) {
    const at = way
    const path = (name: string): Buffer => Buffer.from(`${root}${at}/${name}`, 'latin1')
    const look = <T>(run: () => T): T | undefined => lookAt(run, () => letOwnerIn(root, at.split('/').slice(1), MAY_LIST))
    const listing = look(() => opendirSync(path(''), { bufferSize: SLICE_ENTRIES, encoding: 'latin1' }))
    try {
      for (let entry = look(() => listing?.readSync()); entry !== undefined && entry !== null; entry = look(() => listing?.readSync())) {
        if (++entries > maxEntries) return Number.POSITIVE_INFINITY
        const { name } = entry
        const info = look(() => lstatSync(path(name)))
        if (info === undefined) continue
        const key = `${info.dev}:${info.ino}`
        if (info.isDirectory()) folders.push(`${at}/${name}`)
        else if (info.nlink > 1 && seen.has(key)) continue
        else if (info.nlink > 1) seen.add(key)
        bytes += info.blocks * 512
        if (entries % SLICE_ENTRIES === 0) await new Promise((resolve) => setImmediate(resolve))
      }
    } finally {
      listing?.closeSync()
    }
  }
  return bytes
}

/**
 * Undefined for what the job deleted, moved or swapped meanwhile: the next look counts what is there then. Where the folder is closed to its owner,
 * who is the provider's own user, it is opened to be counted: a job may close one for a moment and mean no harm, and waiting for it to be
 * opened again would let a job keep one closed but for the moments in which it writes.
 */
function lookAt<T>(run: () => T, letIn: () => void): T | undefined {
  try {
    return run()
  } catch (error) {
    if (isGone(error)) return undefined
    if ((error as NodeJS.ErrnoException).code !== 'EACCES') throw error
  }
  try {
    letIn()
    return run()
  } catch (error) {
    if (isGone(error)) return undefined
    throw error
  }
}

function isGone(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code === 'ENOENT' || code === 'ENOTDIR'
}
