// Writes a fetched result file in large blocks, one on its way to the disk while the next is gathered.

import { type FileHandle, mkdir, open } from 'node:fs/promises'
import { dirname, relative, resolve } from 'node:path'
import { HaggleError } from '@haggle/wire'

/** Octets that are gathered before they are written: each write costs a turn of the thread pool. */
const WRITE_BYTES = 1024 * 1024
/** Octets that may wait for the disk while more come: a disk that is slow for a moment does not stop the sender, whose window is shut for longer then. */
const AHEAD_BYTES: number = 8 * WRITE_BYTES

/**
 * Writes one fetched file below `folder`; never outside it.
 *
 * @returns The file's path.
 * @throws HaggleError `E_JOB_PATH` for a path out of the folder; what `content` and the file system throw.
 */
export async function saveFile(folder: string, path: string, content: AsyncIterable<Uint8Array>): Promise<string> {
  const target = resolve(folder, path)
  if (relative(resolve(folder), target).startsWith('..')) throw new HaggleError('E_JOB_PATH', `"${path}" leads out of the folder`)
  await mkdir(dirname(target), { recursive: true })
  const handle = await open(target, 'w')
  try {
    let held: Uint8Array[] = []
    let heldBytes = 0
    let aheadBytes = 0
    let writing = Promise.resolve()
    const flush = (): void => {
      const [chunks, bytes] = [held, heldBytes]
      held = []
      heldBytes = 0
      aheadBytes += bytes
      writing = writing.then(async () => {
        await writeAll(handle, chunks)
        aheadBytes -= bytes
      })
      writing.catch(() => undefined)
    }
    for await (const chunk of content) {
      held.push(chunk)
      heldBytes += chunk.length
      if (heldBytes >= WRITE_BYTES) flush()
      if (aheadBytes > AHEAD_BYTES) await writing
    }
    flush()
    await writing
  } finally {
    await handle.close()
  }
  return target
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
