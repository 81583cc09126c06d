// The renter's side of /haggle/job/1: opens one stream for each thing it wants of a job.

import type { ByteStream, Network, PeerTarget } from '@haggle/mesh'
import { type Clock, decodeAs, encodeAs, equalBytes, HaggleError, systemClock, toHex, writeFrame } from '@haggle/wire'
import { pipe } from 'it-pipe'
import { byteReader, type ByteReader } from './byte_reader.ts'
import type { Hashing } from './files.ts'
import { pathProblem } from './path.ts'
import { printable } from './printable.ts'
import {
  encodeHeader,
  GET,
  GOT,
  JOB_PROTOCOL,
  type JobChannel,
  LISTING,
  MAX_LISTED,
  MAX_REPLY_BYTES,
  MISSING,
  OPENING,
  OPENING_MS,
  TRAILER,
} from './protocol.ts'
import type { FileRef } from './spec.ts'
import { abortWith, paced, within } from './_deadline.ts'
import { exactly, hashed, sentOn } from './_transforms.ts'

/**
 * A provider may have to read all files of a job before it can answer: a listing must have come whole in this time, and each answer of `put`. Ms.
 * It is enough for 30 GB on a disk of 100 MB/s.
 */
export const HASHING_MS = 300_000
/** A provider answers `get`, and says the hash of what it sent, in this time: nothing has to be read for that. Ms. */
export const SILENT_MS = 60_000
/** Of a file, so many octets come in {@link SILENT_MS}, or its end: about 1 KB/s, which every connection that can carry results has. */
export const PACE_BYTES: number = 64 * 1024

/** Which job of which provider, and by what right. */
export interface JobRef {
  /** Who runs it. */
  readonly provider: PeerTarget
  /** Contract id, 32 bytes. */
  readonly contract: Uint8Array
  /** A GRANT envelope when this node is not the renter. */
  readonly capability?: Uint8Array
}

/** What every call needs besides the job. */
export interface JobClientInit {
  /** The network that reaches the provider. */
  readonly network: Network
  /** Hashes what is fetched. */
  readonly hashing: Hashing
  /** Time of the limits. Default: the host's. */
  readonly clock?: Clock
}

/** One open channel. */
interface OpenChannel {
  readonly stream: ByteStream
  readonly reader: ByteReader
  /** What `work` on the stream gives; the stream is dropped when that takes longer than `ms`. */
  within<T>(work: Promise<T>, ms: number, what: string): Promise<T>
}

async function openChannel(
  job: JobRef,
  channel: JobChannel,
  init: JobClientInit & { offset?: number; signal?: AbortSignal },
): Promise<OpenChannel> {
  const stream = await init.network.open(job.provider, JOB_PROTOCOL, {
    optimistic: true,
    ...(init.signal === undefined ? {} : { signal: init.signal }),
  })
  abortWith(stream, init.signal)
  const clock = init.clock ?? systemClock()
  try {
    const header = { contract: job.contract, channel, offset: init.offset ?? 0, capability: job.capability ?? null }
    await stream.send(writeFrame(encodeHeader(header)))
    const reader = byteReader(stream)
    const open: OpenChannel = { stream, reader, within: (work, ms, what) => within(work, stream, { clock, ms, what }) }
    const { error } = decodeAs(OPENING, await open.within(nextFrame(reader), OPENING_MS, 'An answer from the provider'))
    if (error !== null) throw refused(error, `does not serve ${channel} of contract ${toHex(job.contract).slice(0, 8)}`)
    return open
  } catch (error) {
    await stream.close()
    throw error
  }
}

/**
 * Output of a job from octet `offset` on, up to its end.
 *
 * @throws HaggleError `E_JOB_RIGHT`, `E_DIAL`, `E_JOB_SILENT`, `E_STREAM_RESET` when the connection breaks on the way.
 */
export async function* readOutput(
  job: JobRef,
  channel: 'stdout' | 'stderr',
  init: JobClientInit & { offset: number; signal?: AbortSignal },
): AsyncIterable<Uint8Array> {
  const { stream, reader } = await openChannel(job, channel, init)
  try {
    yield* reader.rest()
  } finally {
    await stream.close()
  }
}

/**
 * The stdin of a job, to be written and ended. A stream that breaks leaves the job's stdin open; how much of the last chunks came is not known.
 *
 * @throws HaggleError `E_JOB_RIGHT`, `E_DIAL`, `E_JOB_SILENT`; writing throws `E_STREAM_CLOSED` once the connection is gone.
 */
export async function openStdin(
  job: JobRef,
  init: JobClientInit & { signal?: AbortSignal },
): Promise<{ write(chunk: Uint8Array): Promise<void>; end(): Promise<void> }> {
  const { stream } = await openChannel(job, 'stdin', init)
  return { write: (chunk) => stream.send(chunk), end: () => stream.closeWrite() }
}

/**
 * Sends the input files that the provider lacks. Resolves when it has them all.
 *
 * @throws HaggleError `E_JOB_FILE` when the provider refuses a file or asks for one that the job does not have; `E_JOB_CHANGED` when `read` does not
 * give as many octets as the spec says; `E_JOB_CUT` when the provider breaks off, `E_JOB_SILENT` when it does not say what it lacks, or what it took.
 */
export async function putFiles(
  job: JobRef,
  files: readonly FileRef[],
  init: JobClientInit & {
    readonly read: (file: FileRef, offset: number) => AsyncIterable<Uint8Array>
    readonly onProgress?: (sentBytes: number, totalBytes: number) => void
    readonly signal?: AbortSignal
  },
): Promise<void> {
  const { stream, reader, within: inTime } = await openChannel(job, 'put', init)
  const answer = (): Promise<Uint8Array> => inTime(nextFrame(reader), HASHING_MS, 'An answer about the files')
  try {
    const { missing } = decodeAs(MISSING, await answer())
    const wanted = missing.map(({ file, offset }) => {
      const ref = files[file]
      if (ref === undefined || offset > ref.size)
        throw new HaggleError('E_JOB_FILE', `The provider asks for file ${file} at ${offset}, which is not there`)
      return { ref, offset }
    })
    const totalBytes = wanted.reduce((sum, { ref, offset }) => sum + ref.size - offset, 0)
    let sentBytes = 0
    const progress = (octets: number): void => {
      sentBytes += octets
      init.onProgress?.(sentBytes, totalBytes)
    }
    try {
      for (const { ref, offset } of wanted) {
        const changed = (): Error => new HaggleError('E_JOB_CHANGED', `"${ref.path}" changed while it was sent`, { next: 'run again' })
        await pipe(init.read(ref, offset), exactly(ref.size - offset, changed), sentOn(stream, progress))
      }
    } catch (error) {
      // A provider that refuses a file says so and closes: what it said is the reason.
      if (!(error instanceof HaggleError) || error.code !== 'E_STREAM_CLOSED') throw error
      const { error: code } = decodeAs(OPENING, await answer())
      throw code === null ? error : refused(code, 'refuses the files')
    }
    const { error } = decodeAs(OPENING, await answer())
    if (error !== null) throw refused(error, 'refuses the files')
  } finally {
    await stream.close()
  }
}

/**
 * The result files that exist now, with their hashes. `onLeftOut` is told how many the job left under names that may not travel (`E_JOB_PATH`).
 *
 * @throws HaggleError `E_JOB_RIGHT`, `E_DIAL`, `E_JOB_SILENT`, `E_JOB_CUT`; `E_JOB_PATH` or `E_JOB_LIST` when the provider's listing breaks the rules.
 */
export async function listFiles(
  job: JobRef,
  init: JobClientInit & { readonly onLeftOut?: (count: number) => void; readonly signal?: AbortSignal },
): Promise<readonly FileRef[]> {
  const { stream, reader, within: inTime } = await openChannel(job, 'list', init)
  try {
    const { files, leftOut } = await inTime(readListing(reader), HASHING_MS, 'The whole listing')
    if (leftOut > 0) init.onLeftOut?.(leftOut)
    return files
  } finally {
    await stream.close()
  }
}

async function readListing(reader: ByteReader): Promise<{ readonly files: readonly FileRef[]; readonly leftOut: number }> {
  const files = new Map<string, FileRef>()
  for (;;) {
    const part = decodeAs(LISTING, await nextFrame(reader))
    for (const file of part.files) {
      if (files.has(file.path)) throw new HaggleError('E_JOB_LIST', `The provider lists "${file.path}" twice`)
      files.set(file.path, file)
    }
    if (files.size > MAX_LISTED || (part.more && part.files.length === 0))
      throw new HaggleError('E_JOB_LIST', `The provider's listing must be of <= ${MAX_LISTED} files, none of its frames empty`)
    if (!part.more) return { files: [...files.values()], leftOut: part.leftOut }
  }
}

/** One file on its way: its size, and its octets, whose hash is checked when they end. */
export interface FetchedFile {
  /** Octets of the whole file, as the provider says. */
  readonly size: number
  /** Its octets from the offset on; throws at the end when they are not what was hashed. */
  readonly content: AsyncIterable<Uint8Array>
}

/** Fetches files of a job one after the other over one stream. */
export interface FileFetcher {
  /**
   * The next file. Read its content to the end before asking for another.
   *
   * @throws HaggleError `E_JOB_FILE` when there is none; `E_JOB_PATH` when it may not be read; reading the content throws `E_JOB_HASH` when it is not
   * what the provider hashed, `E_JOB_CUT` when it breaks off; both throw `E_JOB_SILENT` when the provider keeps this side waiting.
   */
  fetch(path: string, offset?: number): Promise<FetchedFile>
  /** Ends the stream. */
  close(): Promise<void>
}

/**
 * Opens a `get` stream of a job.
 *
 * @throws HaggleError `E_JOB_RIGHT`, `E_DIAL`, `E_JOB_SILENT`.
 */
export async function openFetcher(job: JobRef, init: JobClientInit & { signal?: AbortSignal }): Promise<FileFetcher> {
  const { stream, reader, within: inTime } = await openChannel(job, 'get', init)
  const clock = init.clock ?? systemClock()
  async function* content(path: string, count: number): AsyncIterable<Uint8Array> {
    const hasher = init.hashing()
    yield* pipe(reader.take(count), paced(stream, { clock, ms: SILENT_MS, what: `"${path}"`, bytes: PACE_BYTES }), hashed(hasher))
    const { sha256 } = decodeAs(TRAILER, await inTime(nextFrame(reader), SILENT_MS, `The hash of "${path}"`))
    if (!equalBytes(hasher.digest(), sha256)) throw new HaggleError('E_JOB_HASH', `"${path}" does not have the hash its provider gave`)
  }
  return {
    async fetch(path, offset = 0) {
      const problem = pathProblem(path)
      if (problem !== undefined) throw new HaggleError('E_JOB_PATH', `Cannot fetch "${printable(path)}": it ${problem}`)
      await stream.send(writeFrame(encodeAs(GET, { path, offset })))
      const { error, size } = decodeAs(GOT, await inTime(nextFrame(reader), SILENT_MS, `An answer about "${path}"`))
      if (error !== null) throw refused(error, `has no result file "${path}"`)
      if (offset > size) throw new HaggleError('E_JOB_FILE', `"${path}" has ${size} bytes, there is nothing at ${offset}`)
      return { size, content: content(path, size - offset) }
    },
    close: () => stream.close(),
  }
}

async function nextFrame(reader: ByteReader): Promise<Uint8Array> {
  const frame = await reader.frame(MAX_REPLY_BYTES)
  if (frame === null) throw new HaggleError('E_JOB_CUT', 'The provider closed the stream before it answered')
  return frame
}

function refused(code: string, what: string): HaggleError {
  return new HaggleError(code, `The provider ${what}`)
}
