// The journal as one file, opened so that a write returns when its bytes are on disk.

import { constants } from 'node:fs'
import { type FileHandle, mkdir, open } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { crc32 } from 'node:zlib'
import { HaggleError } from '@haggle/wire'
import type { Journal } from './journal.ts'

/**
 * Opens the journal file `path`, creating it (mode 0600) when there is none. The caller sees to it that one process has it open: the store
 * beside it, opened first, holds the lock. Throws `E_JOURNAL_OPEN`.
 */
export async function openJournal(path: string): Promise<Journal> {
  const file = await openFile(path)
  let { size: length } = await file.stat()
  return {
    get length(): number {
      return length
    },
    async read(from: number, count: number): Promise<Uint8Array> {
      return await readFully(file, from, Math.max(0, Math.min(count, length - from)))
    },
    async append(bytes: Uint8Array): Promise<void> {
      await writeFully(file, length, bytes)
      length += bytes.length
    },
    async overwrite(from: number, bytes: Uint8Array): Promise<void> {
      await writeFully(file, from, bytes)
      length = Math.max(length, from + bytes.length)
    },
    async truncate(shorter: number): Promise<void> {
      await file.truncate(shorter)
      await file.sync()
      length = Math.min(length, shorter)
    },
    checksum(bytes: Uint8Array): number {
      return crc32(bytes)
    },
    same(a: Uint8Array, b: Uint8Array): boolean {
      return Buffer.compare(a, b) === 0
    },
    async close(): Promise<void> {
      await file.close()
    },
  }
}

/** The journals of a home's logs, as `openMemory` asks for them: `ledger.journal`, and `ledger.1.journal` and so on for successors. */
export function ledgerJournals(folder: string): (log: number) => Promise<Journal> {
  return async (log) => await openJournal(join(folder, log === 0 ? 'ledger.journal' : `ledger.${log}.journal`))
}

/** Writes go where they are told to, and each is on disk when it returns: a call for the sync alone takes a third of it more. */
const WRITE = constants.O_RDWR | constants.O_DSYNC

async function openFile(path: string): Promise<FileHandle> {
  try {
    const folder = dirname(path)
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const file = await open(path, WRITE).catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error
      const created = await open(path, WRITE | constants.O_CREAT | constants.O_EXCL, 0o600)
      await syncFolder(folder)
      return created
    })
    return file
  } catch (cause) {
    throw new HaggleError('E_JOURNAL_OPEN', `Cannot open the journal ${path}`, {
      cause,
      details: { path },
      next: 'check the folder and its permissions',
    })
  }
}

/** Makes the new file's name last, not only its bytes. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function readFully(file: FileHandle, from: number, count: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(count)
  let done = 0
  while (done < count) {
    const { bytesRead } = await file.read(bytes, done, count - done, from + done)
    if (bytesRead === 0) break
    done += bytesRead
  }
  return done === count ? bytes : bytes.subarray(0, done)
}

async function writeFully(file: FileHandle, from: number, bytes: Uint8Array): Promise<void> {
  let done = 0
  while (done < bytes.length) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, from + done)
    done += bytesWritten
  }
}
