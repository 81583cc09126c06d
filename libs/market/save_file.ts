// Writes a fetched result file in large blocks, one on its way to the disk while the next is gathered.

import { hash } from 'node:crypto'
import { type FileHandle, mkdir, open, rename, rm, stat } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import { HaggleError } from '@haggle/wire'

/** Octets that are gathered before they are written: each write costs a turn of the thread pool. */
const WRITE_BYTES = 1024 * 1024
/** Octets that may wait for the disk while more come: a disk that is slow for a moment does not stop the sender, whose window is shut for longer then. */
const AHEAD_BYTES: number = 8 * WRITE_BYTES

/**
 * Writes one fetched file below `folder`; never outside it. It has its name when it is whole: what `content` breaks off leaves nothing, and what was there before.
 *
 * @returns The file's path.
 * @throws HaggleError `E_JOB_PATH` for a path out of the folder, `E_FILE_WRITE` when the file system refuses; what `content` throws.
 */
export async function saveFile(folder: string, path: string, content: AsyncIterable<Uint8Array>): Promise<string> {
  const target = resolve(folder, path)
  if (relative(resolve(folder), target).startsWith('..')) throw new HaggleError('E_JOB_PATH', `"${path}" leads out of the folder`)
  const part = join(dirname(target), `.haggle-${hash('sha256', path).slice(0, 16)}.part`)
  try {
    await makeFolders(dirname(target))
    await writeWhole(part, content)
    await rename(part, target)
  } catch (error) {
    await rm(part, { force: true }).catch(() => undefined)
    const { code, syscall } = error as NodeJS.ErrnoException
    if (syscall === undefined) throw error
    throw new HaggleError('E_FILE_WRITE', `Cannot write ${target}: ${code ?? syscall}`, { cause: error })
  }
  return target
}

/** Node's own `recursive` goes round for ever where a file system answers that a folder in it is none, as /proc does. */
async function makeFolders(folder: string): Promise<void> {
  const made = await mkdir(folder).then(
    () => null,
    (error: NodeJS.ErrnoException) => error,
  )
  if (made === null || made.code === 'EEXIST') return
  const parent = dirname(folder)
  if (made.code !== 'ENOENT' || parent === folder || (await stat(parent).catch(() => null)) !== null) throw made
  await makeFolders(parent)
  await mkdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
  })
}

async function writeWhole(path: string, content: AsyncIterable<Uint8Array>): Promise<void> {
  const handle = await open(path, 'w')
  try {
    let held: Uint8Array[] = []
    let heldBytes = 0
    let aheadBytes = 0
    let writing = Promise.resolve()
    /** Writes that are not done, in their order. */
    const underWay: Promise<void>[] = []
    const flush = (): void => {
      const [chunks, bytes] = [held, heldBytes]
      held = []
      heldBytes = 0
      aheadBytes += bytes
      writing = writing.then(async () => {
        await writeAll(handle, chunks)
        aheadBytes -= bytes
        underWay.shift()
      })
      underWay.push(writing)
      writing.catch(() => undefined)
    }
    for await (const chunk of content) {
      held.push(chunk)
      heldBytes += chunk.length
      if (heldBytes >= WRITE_BYTES) flush()
      while (aheadBytes > AHEAD_BYTES) await underWay[0]
    }
    flush()
    await writing
  } finally {
    await handle.close()
  }
}

/** Writes chunks behind each other in one call, and what the system did not take of them in others. */
async function writeAll(handle: FileHandle, chunks: readonly Uint8Array[]): Promise<void> {
  if (chunks.length === 0) return
  let { bytesWritten: skipped } = await handle.writev(chunks)
  for (const chunk of chunks) {
    if (skipped < chunk.length) await handle.writeFile(chunk.subarray(skipped))
    skipped = Math.max(0, skipped - chunk.length)
  }
}
