// Files in and out of jobs' folders on disk: staged by content, listed and opened safely while a hostile job runs.

import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, mkdir, open, opendir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type FileRef, type FoundFiles, isSafePath, type JobFiles, type JobSpec, matchesGlob, type OpenedFile } from '@haggle/job'
import { HaggleError, toHex } from '@haggle/wire'
import { openBeneath } from './beneath.ts'

/** Results of one listing at most. */
const MAX_LISTED = 4096
/** Entries and depth of a folder that is walked for results: beyond them nothing is listed. */
const MAX_WALKED = 65_536
const MAX_DEPTH = 32
/** Octets read at once to be sent: the next block is read while this one is on its way. */
const READ_BYTES = 512 * 1024
/** Octets read at once to be hashed: one block serves a whole file, and each read costs a turn of the thread pool. */
const HASH_BYTES = 1024 * 1024

/** Where the folders are. */
export interface FolderJobFilesInit {
  readonly folderOf: (id: string) => string
  /** Folder outside the job's for what has not come whole yet. */
  readonly partsOf: (id: string) => string
}

/** {@link JobFiles} over real folders. */
export function folderJobFiles({ folderOf, partsOf }: FolderJobFilesInit): JobFiles {
  return {
    async missing(id, files) {
      const found: { file: number; offset: number }[] = []
      for (const [file, ref] of files.entries()) {
        if (await isWhole(folderOf(id), ref)) continue
        const part = await stat(partPath(partsOf(id), ref)).catch(() => null)
        found.push({ file, offset: Math.min(part?.size ?? 0, ref.size) })
      }
      return found
    },
    stage: (id, file, options) => stageFile(folderOf(id), file, { ...options, parts: partsOf(id) }),
    list: (id, globs, { mostBytes }) => listOutputs(folderOf(id), globs, mostBytes),
    open: (id, path, options) => openOutput(folderOf(id), path, options),
  }
}

/**
 * Writes `content` from `offset` on, checks the whole against size and hash, and only then puts it below `folder`. What was cut stays in `parts`
 * and can be gone on with.
 *
 * @throws HaggleError `E_JOB_FILE` when size or hash do not agree (nothing is kept then), or less comes than `size`; `E_JOB_PATH` for a path out of the folder.
 */
export async function stageFile(
  folder: string,
  file: FileRef,
  options: { readonly offset: number; readonly content: AsyncIterable<Uint8Array>; readonly parts: string },
): Promise<void> {
  if (!isSafePath(file.path)) throw new HaggleError('E_JOB_PATH', `"${file.path}" is no plain relative path`)
  // Not with what is above it: a job that was removed meanwhile stays removed.
  await mkdir(options.parts, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw new HaggleError('E_JOB_FILE', `Cannot take "${file.path}": the job is gone`, { cause: error })
  })
  const part = partPath(options.parts, file)
  const handle = await open(part, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600)
  try {
    if ((await handle.stat()).size < options.offset)
      throw new HaggleError('E_JOB_FILE', `Cannot go on with "${file.path}" at ${options.offset}: less is there`)
    await handle.truncate(options.offset)
    let at = options.offset
    for await (const chunk of options.content) {
      if (at + chunk.length > file.size) {
        await rm(part)
        throw new HaggleError('E_JOB_FILE', `"${file.path}" is longer than the ${file.size} bytes that the spec says`)
      }
      for (let done = 0; done < chunk.length;) {
        const { bytesWritten } = await handle.write(chunk, done, chunk.length - done, at)
        done += bytesWritten
        at += bytesWritten
      }
    }
    if (at < file.size) throw new HaggleError('E_JOB_FILE', `"${file.path}" ended after ${at} of ${file.size} bytes`)
    if (!(await hashOf(handle, file.size)).sha256.equals(file.sha256)) {
      await rm(part)
      throw new HaggleError('E_JOB_FILE', `"${file.path}" does not have the hash that the spec says`)
    }
    await handle.chmod(modeOf(file))
    // It never takes its place twice on the disk. In the job's folder lies nothing as yet but what was sent.
    await place(folder, file, once(new Uint8Array()))
    await rename(part, join(folder, file.path))
  } finally {
    await handle.close()
  }
}

/** Writes the files that came inside the spec. Their hashes are checked too. */
export async function stageInline(folder: string, spec: JobSpec): Promise<void> {
  for (const { file, bytes } of spec.inline) {
    const ref = spec.files[file]
    if (ref === undefined) throw new HaggleError('E_JOB_SPEC', `Inline content is for file ${file}, which the spec does not have`)
    if (bytes.length !== ref.size || !createHash('sha256').update(bytes).digest().equals(ref.sha256)) {
      throw new HaggleError('E_JOB_FILE', `"${ref.path}" is not what the spec says: size or hash differ`)
    }
    await place(folder, ref, once(bytes))
  }
}

/**
 * The regular files below `folder` that match `globs`, with their hashes, sorted by path: together at most `mostBytes` long, larger ones are left out, as are those
 * behind the 4,096th. Links, special files and files with two names are no files of a job's.
 */
export async function listOutputs(folder: string, globs: readonly string[], mostBytes: number): Promise<FoundFiles> {
  if (globs.length === 0) return { files: [], leftOut: 0 }
  const paths: string[] = []
  let walked = 0
  const walk = async (path: string, depth: number): Promise<void> => {
    if (depth > MAX_DEPTH || walked > MAX_WALKED) return
    const entries = await opendir(join(folder, path)).catch(() => null)
    if (entries === null) return // Gone, or no folder any more.
    for await (const entry of entries) {
      if (++walked > MAX_WALKED) return
      const child = path === '' ? entry.name : `${path}/${entry.name}`
      if (entry.isDirectory()) await walk(child, depth + 1)
      else if (entry.isFile() && isSafePath(child) && matchesGlob(child, globs)) paths.push(child)
    }
  }
  await walk('', 0)
  const files: FileRef[] = []
  let [left, leftOut] = [mostBytes, Math.max(0, paths.length - MAX_LISTED)]
  for (const path of paths.sort().slice(0, MAX_LISTED)) {
    const ref = await refOf(folder, path, left)
    if (ref === 'large') leftOut++
    else if (ref !== null) {
      files.push(ref)
      left -= ref.size
    }
  }
  return { files, leftOut }
}

/**
 * Opens a result for reading from `offset`.
 *
 * @throws HaggleError `E_JOB_FILE` when there is none; `E_JOB_PATH` when no glob names it, it leads over a link or is no regular file.
 */
export async function openOutput(
  folder: string,
  path: string,
  options: { readonly globs: readonly string[]; readonly offset: number },
): Promise<OpenedFile> {
  if (!isSafePath(path) || !matchesGlob(path, options.globs))
    throw new HaggleError('E_JOB_PATH', `"${path}" is not one of the job's results`)
  const handle = await openBeneath(folder, path, { flags: constants.O_RDONLY })
  const { size } = await handle.stat()
  return { size, content: contentOf(handle, Math.min(options.offset, size), size), close: () => handle.close() }
}

async function refOf(folder: string, path: string, mostBytes: number): Promise<FileRef | 'large' | null> {
  try {
    const handle = await openBeneath(folder, path, { flags: constants.O_RDONLY })
    try {
      const info = await handle.stat()
      if (info.size > mostBytes) return 'large'
      const { size, sha256 } = await hashOf(handle, info.size)
      return { path, size, sha256: new Uint8Array(sha256), executable: (info.mode & 0o100) !== 0 }
    } finally {
      await handle.close()
    }
  } catch (error) {
    if (error instanceof HaggleError) return null // A link or special file, or gone meanwhile: no result.
    throw error
  }
}

async function isWhole(folder: string, ref: FileRef): Promise<boolean> {
  const found = await refOf(folder, ref.path, ref.size)
  return found !== null && found !== 'large' && found.size === ref.size && Buffer.from(found.sha256).equals(ref.sha256)
}

/** Writes a file of the job's folder, whatever stood in its place before. */
async function place(folder: string, file: FileRef, content: AsyncIterable<Uint8Array>): Promise<void> {
  const handle = await openBeneath(folder, file.path, {
    flags: constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC,
    makeFolders: true,
  })
  try {
    for await (const chunk of content) await handle.writeFile(chunk)
    await handle.chmod(modeOf(file))
  } finally {
    await handle.close()
  }
}

const modeOf = ({ executable }: FileRef): number => (executable ? 0o755 : 0o644)

function partPath(parts: string, file: FileRef): string {
  return join(parts, toHex(file.sha256))
}

/** Hash and number of the first `size` octets of an open file, or of all when it is shorter. */
async function hashOf(handle: FileHandle, size: number): Promise<{ readonly sha256: Buffer; readonly size: number }> {
  const hash = createHash('sha256')
  const block = Buffer.allocUnsafe(Math.min(HASH_BYTES, size))
  let at = 0
  while (at < size) {
    const { bytesRead } = await handle.read(block, 0, Math.min(block.length, size - at), at)
    if (bytesRead === 0) break
    hash.update(block.subarray(0, bytesRead))
    at += bytesRead
  }
  return { sha256: hash.digest(), size: at }
}

/**
 * The octets from `offset` to `end`, read one block ahead. Two blocks take turns: whoever asks for the next chunk has done with the one before. With fresh memory
 * for each block the engine collects garbage twice as often, which was a third of the time that a provider works on a download.
 */
async function* contentOf(handle: FileHandle, offset: number, end: number): AsyncGenerator<Uint8Array, void> {
  const blocks: Buffer[] = []
  let turn = 0
  const read = async (at: number): Promise<Buffer> => {
    const block = (blocks[turn] ??= Buffer.allocUnsafeSlow(Math.min(READ_BYTES, end - offset)))
    turn = 1 - turn
    return block.subarray(0, (await handle.read(block, 0, Math.min(block.length, end - at), at)).bytesRead)
  }
  let at = offset
  let next = at < end ? read(at) : undefined
  while (next !== undefined) {
    const block = await next
    if (block.length === 0) return
    at += block.length
    next = at < end ? read(at) : undefined
    // Whoever takes no more leaves a read behind: its error is nobody's.
    next?.catch(() => undefined)
    yield block
  }
}

async function* once(content: Uint8Array): AsyncGenerator<Uint8Array, void> {
  yield content
}
