// One kept output channel: a file that grows, and readers that get what is new at once and the rest from the file.

import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs'

/** Octets read from the file at once for a reader that is behind. */
const READ_BYTES = 128 * 1024

/** Where a reader's octets go. */
export interface LogSink {
  /** Takes octets; false when it wants no more for now: `OutputLog.resume` goes on. */
  send(chunk: Uint8Array): boolean
  end(): void
}

/** One reader. */
export interface LogReader {
  readonly sink: LogSink
  readonly follow: boolean
  /** Next octet to send. */
  at: number
  /** Octets that it may still be sent. */
  credit: number
  blocked: boolean
  over: boolean
}

/** An append-only file with live readers. Writing is synchronous: a reader that turns from file to live octets can miss none. */
export class OutputLog {
  readonly #path: string
  #fd: number | null = null
  #length: number
  #ended: boolean
  readonly #readers = new Set<LogReader>()

  /** `ended`: nothing will be written any more. */
  constructor(path: string, { ended }: { ended: boolean }) {
    this.#path = path
    this.#ended = ended
    this.#length = fstatSync(this.#open()).size
    this.#closeWhenIdle()
  }

  get length(): number {
    return this.#length
  }

  /** Appends: first to the file, then to the readers that are up to date. What a reader has seen is there again after a kill. */
  append(chunk: Uint8Array): void {
    const start = this.#length
    const fd = this.#open()
    for (let at = 0; at < chunk.length; at = this.#length - start) this.#length += writeSync(fd, chunk, at)
    for (const reader of this.#readers) {
      if (reader.at !== start || reader.blocked || reader.credit <= 0) continue
      const part = chunk.subarray(0, Math.min(chunk.length, reader.credit))
      this.#send(reader, part)
    }
  }

  /** The last octets, as Latin-1 text. */
  tail(count: number): string {
    const part = Buffer.alloc(Math.min(count, this.#length))
    const read = readSync(this.#open(), part, 0, part.length, this.#length - part.length)
    return part.toString('latin1', 0, read)
  }

  end(): void {
    this.#ended = true
    for (const reader of this.#readers) this.#pump(reader)
    this.#closeWhenIdle()
  }

  subscribe(sink: LogSink, options: { offset: number; follow: boolean; credit: number }): LogReader {
    const reader: LogReader = { sink, follow: options.follow, at: options.offset, credit: options.credit, blocked: false, over: false }
    this.#readers.add(reader)
    this.#pump(reader)
    return reader
  }

  /** Goes on with a reader that took some or can take more. */
  resume(reader: LogReader, moreCredit: number): void {
    reader.credit += moreCredit
    reader.blocked = false
    this.#pump(reader)
  }

  unsubscribe(reader: LogReader): void {
    reader.over = true
    this.#readers.delete(reader)
    this.#closeWhenIdle()
  }

  #send(reader: LogReader, part: Uint8Array): void {
    reader.at += part.length
    reader.credit -= part.length
    if (!reader.sink.send(part)) reader.blocked = true
  }

  #pump(reader: LogReader): void {
    while (!reader.over && !reader.blocked && reader.credit > 0 && reader.at < this.#length) {
      const part = Buffer.allocUnsafe(Math.min(READ_BYTES, reader.credit, this.#length - reader.at))
      const count = readSync(this.#open(), part, 0, part.length, reader.at)
      if (count === 0) break
      this.#send(reader, part.subarray(0, count))
    }
    if (reader.over || reader.at < this.#length || (reader.follow && !this.#ended)) return
    this.unsubscribe(reader)
    reader.sink.end()
  }

  #open(): number {
    this.#fd ??= openSync(this.#path, 'a+', 0o600)
    return this.#fd
  }

  #closeWhenIdle(): void {
    if (!this.#ended || this.#readers.size > 0 || this.#fd === null) return
    closeSync(this.#fd)
    this.#fd = null
  }
}
