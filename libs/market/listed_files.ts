// The files of jobs, with the listings of the latest ones that are over: RESULT signs their hashes, and a reader gets them without another reading.

import type { FileRef, FoundFiles, JobFiles, MissingFile, OpenedFile } from '@haggle/job'

/** Jobs whose listing is kept: whoever fetches results does it soon. An older one is read again. */
const MAX_LISTINGS = 64

/** {@link JobFiles} that list a job once when it is over. */
export class ListedFiles implements JobFiles {
  readonly #files: JobFiles
  readonly #listings = new Map<string, FoundFiles>()
  readonly #underWay = new Map<string, Promise<FoundFiles>>()

  constructor(files: JobFiles) {
    this.#files = files
  }

  missing(id: string, files: readonly FileRef[]): Promise<readonly MissingFile[]> {
    return this.#files.missing(id, files)
  }

  stage(id: string, file: FileRef, options: { offset: number; content: AsyncIterable<Uint8Array> }): Promise<void> {
    return this.#files.stage(id, file, options)
  }

  /** One reading of a job's folder serves all who ask while it goes on: whoever asks again and again makes the node hash no more than one reader does. */
  async list(id: string, globs: readonly string[], options: { mostBytes: number }): Promise<FoundFiles> {
    const known = this.#listings.get(id) ?? this.#underWay.get(id)
    if (known !== undefined) return await known
    const reading = this.#files.list(id, globs, options).finally(() => this.#underWay.delete(id))
    this.#underWay.set(id, reading)
    return await reading
  }

  /** The listing of a job that is over, kept for its readers: nothing writes to its folder any more. */
  async listLast(id: string, globs: readonly string[], options: { mostBytes: number }): Promise<FoundFiles> {
    const listing = await this.#files.list(id, globs, options)
    this.#listings.set(id, listing)
    const oldest = this.#listings.keys().next()
    if (this.#listings.size > MAX_LISTINGS && oldest.done !== true) this.#listings.delete(oldest.value)
    return listing
  }

  async open(id: string, path: string, options: { globs: readonly string[]; offset: number }): Promise<OpenedFile> {
    const opened = await this.#files.open(id, path, options)
    const listed = this.#listings.get(id)?.files.find((file) => file.path === path)
    return listed?.size === opened.size ? { ...opened, sha256: listed.sha256 } : opened
  }
}
