// The JobFiles seam: the regular files of a job's folder, by content, whoever keeps the folder.

import type { FileRef } from './spec.ts'

/** A file that a job left, opened for reading. */
export interface OpenedFile {
  /** Octets of the whole file. */
  readonly size: number
  /** The octets from the offset that was asked for. A chunk holds them until the next is asked for, and may be written to then: copy what must last longer. */
  readonly content: AsyncIterable<Uint8Array>
  /** Lets go of the file. To be called in any case, also when nothing of it was read, and once `content` is not read any more. */
  close(): Promise<void>
  /** Hash of the whole file, 32 bytes, where it is known and nothing writes to the file any more: it is not hashed again while it is sent. */
  readonly sha256?: Uint8Array
}

/** A file that is still to come, and how much of it is there. */
export interface MissingFile {
  /** Index into the spec's files. */
  readonly file: number
  /** Octets that are there already and need not be sent again. */
  readonly offset: number
}

/** The files that a job left. */
export interface FoundFiles {
  /** By path, with their hashes: 4,096 at most, and together no more octets than were asked for. */
  readonly files: readonly FileRef[]
  /** Files that match as well and are not among them: too many, or too large. */
  readonly leftOut: number
}

/** Files in and out of jobs. Regular files only; links and special files are refused, whatever a job does meanwhile. */
export interface JobFiles {
  /** Which of `files` are not in the job's folder, complete and with their hash. What this host has elsewhere by content is put there at once. */
  missing(id: string, files: readonly FileRef[]): Promise<readonly MissingFile[]>
  /**
   * Writes one input file from `offset` on.
   *
   * @throws HaggleError `E_JOB_FILE` when size or hash do not agree, `E_JOB_PATH` for a path outside the folder.
   */
  stage(id: string, file: FileRef, options: { offset: number; content: AsyncIterable<Uint8Array> }): Promise<void>
  /**
   * The files that match `globs` now. `mostBytes`: how many octets are hashed at most. What a job may keep on the disk says nothing of that: a file with holes is as
   * long as its job likes.
   */
  list(id: string, globs: readonly string[], options: { mostBytes: number }): Promise<FoundFiles>
  /**
   * Opens a file that matches `globs` for reading from `offset`. Who opens it closes it.
   *
   * @throws HaggleError `E_JOB_FILE` when there is none, `E_JOB_PATH` when it may not be read.
   */
  open(id: string, path: string, options: { globs: readonly string[]; offset: number }): Promise<OpenedFile>
}

/** True when `path` matches one of `globs`: `*` within a part of the path, `**` over parts. */
export function matchesGlob(path: string, globs: readonly string[]): boolean {
  return globs.some((glob) => matchParts(path.split('/'), glob.split('/')))
}

/** Parts against parts, with a table, so that many `**` cost no more than parts times globs. */
function matchParts(parts: readonly string[], globs: readonly string[]): boolean {
  let reached = new Set([0])
  for (const glob of globs) {
    const next = new Set<number>()
    for (const at of reached) {
      if (glob === '**') for (let to = at; to <= parts.length; to++) next.add(to)
      else if (at < parts.length && matchPart(parts[at] ?? '', glob)) next.add(at + 1)
    }
    reached = next
  }
  return reached.has(parts.length)
}

/** One part against one glob, left to right with the last `*` as the only point of return: linear in time for any input. */
function matchPart(part: string, glob: string): boolean {
  let at = 0
  let globAt = 0
  let star = -1
  let resume = 0
  while (at < part.length) {
    if (glob[globAt] === '*') {
      star = globAt++
      resume = at
    } else if (glob[globAt] === part[at]) {
      at++
      globAt++
    } else if (star >= 0) {
      globAt = star + 1
      at = ++resume
    } else return false
  }
  while (glob[globAt] === '*') globAt++
  return globAt === glob.length
}

/** A SHA-256 that is fed in pieces. */
export interface Hasher {
  /** Takes the next piece. */
  update(chunk: Uint8Array): void
  /** The 32 bytes; call it once, last. */
  digest(): Uint8Array
}

/** Makes a {@link Hasher}: noble's by default, a native one where there is one. */
export type Hashing = () => Hasher
