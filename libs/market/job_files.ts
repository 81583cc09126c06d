// From local paths to the files of a job: the entry module with what it imports, an input folder, and files in memory.

import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { lstat, readdir, readFile } from 'node:fs/promises'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { type FileRef, isSafePath, MAX_INLINE_BYTES } from '@haggle/job'
import { HaggleError } from '@haggle/wire'
import type { CollectedFiles } from './parts.ts'

/** Files of one job: more are sent as an archive by the renter's own means. */
const MAX_FILES = 128
/** A file this small rides in the spec: it costs less than a stream. */
const INLINE_FILE_BYTES = 16 * 1024
/** Relative imports of a module, static or dynamic with a literal. */
const RELATIVE_IMPORT = /(?:\bfrom\s*|\bimport\s*\(?\s*)["'](\.{1,2}\/[^"']+)["']/g

/**
 * Collects what a job needs from this machine.
 *
 * @param sources.entry Local path of a module; its relative imports come along.
 * @param sources.inputs Local folder whose regular files are copied, under their relative paths.
 * @param sources.files Files in memory, by relative path.
 * @throws HaggleError `E_RUN_FILE` for a missing, special or unsafe file, or more than 128.
 */
export async function collectFiles(sources: {
  readonly entry?: string
  readonly inputs?: string
  readonly files?: Readonly<Record<string, Uint8Array>>
}): Promise<CollectedFiles> {
  const local = new Map<string, string>()
  if (sources.inputs !== undefined) await addFolder(resolve(sources.inputs), local)
  const entry = sources.entry === undefined ? null : await addModule(resolve(sources.entry), local, sources.inputs)
  const memory = new Map(Object.entries(sources.files ?? {}))
  const refs: FileRef[] = []
  const inline: { file: number; bytes: Uint8Array }[] = []
  let inlineLeft = MAX_INLINE_BYTES
  for (const path of [...new Set([...local.keys(), ...memory.keys()])].sort()) {
    if (!isSafePath(path)) throw new HaggleError('E_RUN_FILE', `Cannot send "${path}": it is no plain relative path`)
    const held = memory.get(path)
    const ref = held === undefined ? await localRef(path, local.get(path) ?? path) : memoryRef(path, held)
    if (ref.size <= Math.min(INLINE_FILE_BYTES, inlineLeft)) {
      inlineLeft -= ref.size
      inline.push({ file: refs.length, bytes: held ?? (await readFile(local.get(path) ?? path)) })
    }
    refs.push(ref)
  }
  if (refs.length > MAX_FILES) {
    const next = 'pack them into one archive and unpack it in the job'
    throw new HaggleError('E_RUN_FILE', `Cannot send ${refs.length} files: a job takes at most ${MAX_FILES}`, { next })
  }
  return {
    files: refs,
    inline,
    entry,
    async *read(file, offset) {
      const held = memory.get(file.path)
      if (held !== undefined) yield held.subarray(offset)
      else yield* createReadStream(local.get(file.path) ?? file.path, { start: offset }) as AsyncIterable<Uint8Array>
    },
  }
}

async function addFolder(folder: string, into: Map<string, string>): Promise<void> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((cause: unknown) => {
    throw new HaggleError('E_RUN_FILE', `Cannot read the input folder ${folder}`, { cause, next: 'check the path given to --in' })
  })
  for (const entry of entries) {
    if (entry.isDirectory()) continue
    const path = join(entry.parentPath, entry.name)
    if (!entry.isFile()) throw new HaggleError('E_RUN_FILE', `Cannot send ${path}: only regular files travel`)
    into.set(relative(folder, path).split(sep).join('/'), path)
  }
}

/** Adds a module with its relative imports; the job's paths start at the deepest folder that holds them all. */
async function addModule(entry: string, into: Map<string, string>, inputs: string | undefined): Promise<string> {
  const found = new Set<string>()
  const waiting = [entry]
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (found.has(path)) continue
    found.add(path)
    const text = await readFile(path, 'utf8').catch((cause: unknown) => {
      throw new HaggleError('E_RUN_FILE', `Cannot read the module ${path}`, {
        cause,
        next: 'check the path given to --deno and its imports',
      })
    })
    if (!/\.[cm]?[jt]sx?$/.test(path)) continue
    for (const [, specifier = ''] of text.matchAll(RELATIVE_IMPORT)) waiting.push(resolve(dirname(path), specifier))
  }
  const within = inputs === undefined ? undefined : resolve(inputs)
  const root = within !== undefined && [...found].every((path) => path.startsWith(within + sep)) ? within : commonFolder([...found])
  for (const path of found) into.set(relative(root, path).split(sep).join('/'), path)
  return relative(root, entry).split(sep).join('/')
}

function commonFolder(paths: readonly string[]): string {
  let common = dirname(paths[0] ?? '.').split(sep)
  for (const path of paths) {
    const parts = dirname(path).split(sep)
    let same = 0
    while (same < common.length && common[same] === parts[same]) same++
    common = common.slice(0, same)
  }
  return common.join(sep) || sep
}

async function localRef(path: string, from: string): Promise<FileRef> {
  const stat = await lstat(from)
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(from) as AsyncIterable<Uint8Array>) hash.update(chunk)
  return { path, size: stat.size, sha256: new Uint8Array(hash.digest()), executable: (stat.mode & 0o100) !== 0 }
}

function memoryRef(path: string, content: Uint8Array): FileRef {
  return { path, size: content.length, sha256: new Uint8Array(createHash('sha256').update(content).digest()), executable: false }
}
