// JobFiles over maps of path to content: what memory hosts keep instead of folders.

import { concat, equalBytes, HaggleError } from '@haggle/wire'
import { type JobFiles, matchesGlob } from './files.ts'
import { isSafePath } from './path.ts'
import { printable } from './printable.ts'
import type { FileRef } from './spec.ts'

/** {@link JobFiles} over the maps that `folderOf` gives. */
export function memoryJobFiles(folderOf: (id: string) => Map<string, Uint8Array>, hash: (content: Uint8Array) => Uint8Array): JobFiles {
  const whole = (folder: Map<string, Uint8Array>, file: FileRef): boolean => {
    const content = folder.get(file.path)
    return content !== undefined && content.length === file.size && equalBytes(hash(content), file.sha256)
  }
  return {
    async missing(id, files) {
      const folder = folderOf(id)
      return files.flatMap((file, index) => (whole(folder, file) ? [] : [{ file: index, offset: 0 }]))
    },

    async stage(id, file, { offset, content }) {
      if (!isSafePath(file.path)) throw new HaggleError('E_JOB_PATH', `"${printable(file.path)}" is no plain relative path`)
      if (offset !== 0) throw new HaggleError('E_JOB_FILE', `Cannot go on with "${file.path}" at ${offset}: nothing of it is kept`)
      const parts: Uint8Array[] = []
      for await (const part of content) parts.push(part.slice())
      const bytes = concat(...parts)
      if (bytes.length !== file.size || !equalBytes(hash(bytes), file.sha256)) {
        throw new HaggleError('E_JOB_FILE', `"${file.path}" is not what the spec says: size or hash differ`)
      }
      folderOf(id).set(file.path, bytes)
    },

    async list(id, globs, { mostBytes }) {
      const all = [...folderOf(id)].filter(([path]) => matchesGlob(path, globs))
      let left = mostBytes
      const fit = all.filter(([, { length }]) => length <= left && ((left -= length), true)).slice(0, 4096)
      const files = fit.map(([path, content]) => ({ path, size: content.length, sha256: hash(content), executable: false }))
      return { files, leftOut: all.length - files.length }
    },

    async open(id, path, { globs, offset }) {
      if (!isSafePath(path) || !matchesGlob(path, globs))
        throw new HaggleError('E_JOB_PATH', `"${printable(path)}" is not one of the job's results`)
      const content = folderOf(id).get(path)
      if (content === undefined) throw new HaggleError('E_JOB_FILE', `The job has left no file "${printable(path)}"`)
      return { size: content.length, content: once(content.slice(offset)), close: async () => undefined }
    },
  }
}

async function* once(content: Uint8Array): AsyncGenerator<Uint8Array, void> {
  if (content.length > 0) yield content
}
