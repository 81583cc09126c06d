// Opens paths below a folder whose owner is hostile and busy: no link is followed on any part of the way, and only regular files come out.

import { constants } from 'node:fs'
import { type FileHandle, lstat, mkdir, open, realpath } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { isSafePath } from '@haggle/job'
import { HaggleError } from '@haggle/wire'

/** How a file is opened. */
export interface BeneathOptions {
  /** `fs.constants` flags; `O_NOFOLLOW` and `O_NONBLOCK` are added. */
  readonly flags: number
  /** Makes missing folders on the way. */
  readonly makeFolders?: boolean
  readonly mode?: number
}

/**
 * Opens the regular file `path` below `folder`.
 *
 * On Linux each part is opened from the folder before it (`/proc/self/fd`), so that nothing that is swapped meanwhile leads elsewhere. On other
 * systems the way is checked before and after instead.
 *
 * @throws HaggleError `E_JOB_PATH` for a path that is not plain, leads over a link, or is no regular file with one name; `E_JOB_FILE` when
 * there is none.
 */
export async function openBeneath(folder: string, path: string, options: BeneathOptions): Promise<FileHandle> {
  if (!isSafePath(path)) throw new HaggleError('E_JOB_PATH', `"${path}" is no plain relative path`)
  const parts = path.split('/')
  const name = parts.pop() ?? ''
  const flags = options.flags | constants.O_NOFOLLOW | constants.O_NONBLOCK
  let at = await openFolder(folder)
  try {
    for (const part of parts) {
      const next = below(at, folder, part)
      if (options.makeFolders === true) await mkdir(next.path, { mode: 0o755 }).catch(ignoreExisting)
      const handle = await openFolder(next.path, part)
      await at.handle.close()
      at = { handle: handle.handle, path: next.plain }
    }
    const { path: target } = below(at, folder, name)
    const file = await open(target, flags, options.mode ?? 0o644).catch((error: unknown) => failed(error, path))
    try {
      const info = await file.stat()
      if (!info.isFile()) throw new HaggleError('E_JOB_PATH', `"${path}" is no regular file`)
      if (info.nlink > 1) throw new HaggleError('E_JOB_PATH', `"${path}" has ${info.nlink} names; a result has one`)
      if (process.platform !== 'linux') await checkPlace(folder, path, info.ino)
      return file
    } catch (error) {
      await file.close()
      throw error
    }
  } finally {
    await at.handle.close()
  }
}

/** An open folder and, where descriptors are no paths, its name. */
interface OpenFolder {
  readonly handle: FileHandle
  readonly path: string
}

function below(at: OpenFolder, _folder: string, part: string): { path: string; plain: string } {
  const plain = join(at.path, part)
  return { path: process.platform === 'linux' ? `/proc/self/fd/${at.handle.fd}/${part}` : plain, plain }
}

async function openFolder(path: string, shown: string = path): Promise<OpenFolder> {
  const handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW).catch((error: unknown) =>
    failed(error, shown),
  )
  return { handle, path }
}

/** Without descriptors as paths: what was opened must be what stands there now, and stand below the folder. */
async function checkPlace(folder: string, path: string, ino: number): Promise<void> {
  const real = await realpath(join(folder, path))
  const root = await realpath(folder)
  const now = await lstat(real)
  if (real !== join(root, path.split('/').join(sep)) || now.ino !== ino) throw new HaggleError('E_JOB_PATH', `"${path}" leads elsewhere`)
}

function ignoreExisting(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
}

function failed(error: unknown, path: string): never {
  const { code } = error as NodeJS.ErrnoException
  if (code === 'ENOENT') throw new HaggleError('E_JOB_FILE', `The job has no file "${path}"`, { cause: error })
  // ELOOP: a link. ENOTDIR: a link or a file where a folder should be. ENXIO: a pipe or socket.
  if (code === 'ELOOP' || code === 'ENOTDIR' || code === 'ENXIO' || code === 'EISDIR' || code === 'EACCES') {
    throw new HaggleError('E_JOB_PATH', `"${path}" is no regular file of the job's folder`, { cause: error })
  }
  throw error
}
