// The renter's side of /haggle/job/1: opens one stream for each thing it wants of a job.

import type { ByteStream, Network, PeerTarget } from '@haggle/mesh'
import { decodeAs, encodeAs, equalBytes, HaggleError, toHex } from '@haggle/wire'
import { byteReader, type ByteReader, frameOf } from './byte_reader.ts'
import type { Hashing } from './files.ts'
import { encodeHeader, JOB_PROTOCOL, type JobChannel, MAX_REPLY_BYTES } from './protocol.ts'
import { GET, GOT, LISTING, MISSING, OPENING, TRAILER } from './serve.ts'
import type { FileRef } from './spec.ts'

/** Which job of which provider, and by what right. */
export interface JobRef {
  readonly provider: PeerTarget
  /** Contract id, 32 bytes. */
  readonly contract: Uint8Array
  /** A GRANT envelope when this node is not the renter. */
  readonly capability?: Uint8Array
}

/** What every call needs besides the job. */
export interface JobClientInit {
  readonly network: Network
  readonly hashing: Hashing
}

/** One open channel. */
interface OpenChannel {
  readonly stream: ByteStream
  readonly reader: ByteReader
}

async function openChannel(job: JobRef, channel: JobChannel, init: JobClientInit & { offset?: number; signal?: AbortSignal }): Promise<OpenChannel> {
  const stream = await init.network.open(job.provider, JOB_PROTOCOL, init.signal === undefined ? {} : { signal: init.signal })
  try {
    const header = { contract: job.contract, channel, offset: init.offset ?? 0, capability: job.capability ?? null }
    await stream.send(frameOf(encodeHeader(header)))
    const reader = byteReader(stream)
    const { error } = decodeAs(OPENING, await nextFrame(reader))
    if (error !== null) throw new HaggleError(error, `The provider does not serve ${channel} of contract ${toHex(job.contract).slice(0, 8)}`)
    return { stream, reader }
  } catch (error) {
    await stream.close()
    throw error
  }
}

/**
 * Output of a job from octet `offset` on, up to its end.
 *
 * @throws HaggleError `E_JOB_RIGHT`, `E_DIAL`, `E_STREAM_CLOSED` when the connection breaks on the way.
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

/** The stdin of a job, to be written and ended. */
export async function openStdin(job: JobRef, init: JobClientInit): Promise<{ write(chunk: Uint8Array): Promise<void>; end(): Promise<void> }> {
  const { stream } = await openChannel(job, 'stdin', init)
  return { write: (chunk) => stream.send(chunk), end: () => stream.closeWrite() }
}

/**
 * Sends the input files that the provider lacks. Resolves when it has them all.
 *
 * @throws HaggleError `E_JOB_FILE` when the provider asks for a file that the job does not have; `E_JOB_CUT` when it breaks off.
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
  const { stream, reader } = await openChannel(job, 'put', init)
  try {
    const { missing } = decodeAs(MISSING, await nextFrame(reader))
    const wanted = missing.map(({ file, offset }) => {
      const ref = files[file]
      if (ref === undefined || offset > ref.size) throw new HaggleError('E_JOB_FILE', `The provider asks for file ${file} at ${offset}, which is not there`)
      return { ref, offset }
    })
    const totalBytes = wanted.reduce((sum, { ref, offset }) => sum + ref.size - offset, 0)
    let sentBytes = 0
    for (const { ref, offset } of wanted) {
      for await (const chunk of init.read(ref, offset)) {
        await stream.send(chunk)
        sentBytes += chunk.length
        init.onProgress?.(sentBytes, totalBytes)
      }
    }
    decodeAs(OPENING, await nextFrame(reader))
  } finally {
    await stream.close()
  }
}

/** The result files that exist now, with their hashes. */
export async function listFiles(job: JobRef, init: JobClientInit & { signal?: AbortSignal }): Promise<readonly FileRef[]> {
  const { stream, reader } = await openChannel(job, 'list', init)
  try {
    const files: FileRef[] = []
    for (;;) {
      const part = decodeAs(LISTING, await nextFrame(reader))
      files.push(...part.files)
      if (!part.more) return files
    }
  } finally {
    await stream.close()
  }
}

/** One file on its way: its size, and its octets, whose hash is checked when they end. */
export interface FetchedFile {
  readonly size: number
  readonly content: AsyncIterable<Uint8Array>
}

/** Fetches files of a job one after the other over one stream. */
export interface FileFetcher {
  /**
   * The next file. Read its content to the end before asking for another.
   *
   * @throws HaggleError `E_JOB_FILE` when there is none; reading the content throws `E_JOB_HASH` when it is not what the provider hashed.
   */
  fetch(path: string, offset?: number): Promise<FetchedFile>
  close(): Promise<void>
}

/** Opens a `get` stream of a job. */
export async function openFetcher(job: JobRef, init: JobClientInit & { signal?: AbortSignal }): Promise<FileFetcher> {
  const { stream, reader } = await openChannel(job, 'get', init)
  return {
    async fetch(path, offset = 0) {
      await stream.send(frameOf(encodeAs(GET, { path, offset })))
      const { error, size } = decodeAs(GOT, await nextFrame(reader))
      if (error !== null) throw new HaggleError(error, `The provider has no result file "${path}"`)
      return { size, content: checked(reader, { path, count: size - offset, hashing: init.hashing }) }
    },
    close: () => stream.close(),
  }
}

async function* checked(reader: ByteReader, options: { path: string; count: number; hashing: Hashing }): AsyncIterable<Uint8Array> {
  const hasher = options.hashing()
  for await (const chunk of reader.take(options.count)) {
    hasher.update(chunk)
    yield chunk
  }
  const { sha256 } = decodeAs(TRAILER, await nextFrame(reader))
  if (!equalBytes(hasher.digest(), sha256)) throw new HaggleError('E_JOB_HASH', `"${options.path}" does not have the hash its provider gave`)
}

async function nextFrame(reader: ByteReader): Promise<Uint8Array> {
  const frame = await reader.frame(MAX_REPLY_BYTES)
  if (frame === null) throw new HaggleError('E_JOB_CUT', 'The provider closed the stream before it answered')
  return frame
}
