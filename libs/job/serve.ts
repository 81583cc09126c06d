// The provider's side of /haggle/job/1: one handler that checks the right of each stream and serves its channel.

import type { ByteStream, Network, PeerTarget } from '@haggle/mesh'
import { bool, bytes, encodeAs, decodeAs, fields, HaggleError, list, nullable, type Schema, text, uint } from '@haggle/wire'
import { byteReader, type ByteReader, frameOf } from './byte_reader.ts'
import type { Hashing, JobFiles, MissingFile } from './files.ts'
import type { JobHost } from './host.ts'
import { type ChannelHeader, decodeHeader, encodeHeader, JOB_PROTOCOL, MAX_HEADER_BYTES, MAX_REPLY_BYTES } from './protocol.ts'
import type { FileRef, JobSpec } from './spec.ts'

/** Streams that one peer may hold open at once: six channels of five jobs. */
const MAX_STREAMS_PER_PEER = 32
/** Files in one listing frame: keeps a frame of the longest names below {@link MAX_REPLY_BYTES}. */
const FILES_PER_FRAME = 32

/** What a stream wants of a job. `control` is the renter's: stdin and put. `read` may be granted to others. */
export type JobRight = 'read' | 'control'

/** Looks a job up for a stream; undefined when there is none or `remoteKey` has no such right (the two are not told apart). */
export type Authorise = (request: {
  readonly contract: Uint8Array
  readonly right: JobRight
  readonly remoteKey: Uint8Array
  readonly capability: Uint8Array | null
}) => Promise<{ readonly id: string; readonly spec: JobSpec } | undefined>

/** What {@link serveJobs} needs. */
export interface ServeJobsInit {
  readonly network: Network
  /** The jobs that this node runs; without it every reader is refused. */
  readonly provider?: ServedJobs
  /** Takes output that a provider pushes to this node as its renter; false when this node does not rent that contract from that key. */
  readonly receive?: (pushed: PushedOutput) => Promise<boolean>
}

/** The jobs of a provider, for whoever may use them. */
export interface ServedJobs {
  readonly host: JobHost
  readonly files: JobFiles
  readonly hashing: Hashing
  readonly authorise: Authorise
  /** Called when all input files of a job are there. */
  readonly onStaged: (id: string) => void
}

/** Output that the provider sends by a stream that it opened itself. */
export interface PushedOutput {
  readonly contract: Uint8Array
  readonly channel: 'stdout' | 'stderr'
  readonly offset: number
  readonly remoteKey: Uint8Array
  readonly content: AsyncIterable<Uint8Array>
}

/** The first frame back on every stream: null when it is served, else a code such as `E_JOB_RIGHT`. */
export const OPENING: Schema<{ readonly error: string | null }> = fields({ error: nullable(text({ max: 64 })) })
/** Files that the provider lacks, as indexes into the spec with the octets it has of each. */
export const MISSING: Schema<{ readonly missing: readonly MissingFile[] }> = fields({
  missing: list(fields({ file: uint({}), offset: uint({}) }), { max: 128 }),
})
/** What one `get` asks for. */
export const GET: Schema<{ readonly path: string; readonly offset: number }> = fields({ path: text({ max: 255 }), offset: uint({}) })
/** The answer to `get`: an error, or the size of the file, whose octets from the offset on follow, and then a {@link TRAILER}. */
export const GOT: Schema<{ readonly error: string | null; readonly size: number }> = fields({ error: nullable(text({ max: 64 })), size: uint({}) })
/** SHA-256 of the octets that were sent, known only after them: a file is read once. */
export const TRAILER: Schema<{ readonly sha256: Uint8Array }> = fields({ sha256: bytes({ length: 32 }) })
/** One frame of a listing; `more` says that another follows. */
export const LISTING: Schema<{ readonly files: readonly FileRef[]; readonly more: boolean }> = fields({
  files: list(fields({ path: text({ max: 255 }), size: uint({}), sha256: bytes({ length: 32 }), executable: bool() }), { max: FILES_PER_FRAME }),
  more: bool(),
})

/** Serves the streams of this provider's jobs until the returned function is called. */
export function serveJobs(init: ServeJobsInit): Promise<() => Promise<void>> {
  return init.network.handle(JOB_PROTOCOL, (stream) => serveStream(stream, init), { maxInboundStreams: MAX_STREAMS_PER_PEER })
}

async function serveStream(stream: ByteStream, init: ServeJobsInit): Promise<void> {
  const reader = byteReader(stream)
  const first = await reader.frame(MAX_HEADER_BYTES)
  if (first === null) return
  const header = decodeHeader(first)
  const { contract, channel, offset } = header
  if (channel === 'stdout' || channel === 'stderr') {
    const pushed = { contract, channel, offset, remoteKey: stream.remoteKey, content: reader.rest() }
    if ((await init.receive?.(pushed)) === true) return stream.close()
  }
  const right: JobRight = header.channel === 'stdin' || header.channel === 'put' ? 'control' : 'read'
  const { provider } = init
  const job = await provider?.authorise({ contract: header.contract, right, remoteKey: stream.remoteKey, capability: header.capability })
  if (provider === undefined || job === undefined) {
    await reply(stream, encodeAs(OPENING, { error: 'E_JOB_RIGHT' }))
    return stream.close()
  }
  await reply(stream, encodeAs(OPENING, { error: null }))
  await serveChannel({ stream, reader, header, ...job }, provider)
  await stream.close()
}

interface Served {
  readonly stream: ByteStream
  readonly reader: ByteReader
  readonly header: ChannelHeader
  readonly id: string
  readonly spec: JobSpec
}

async function serveChannel(served: Served, init: ServedJobs): Promise<void> {
  switch (served.header.channel) {
    case 'stdout':
    case 'stderr':
      return serveOutput(served, served.header.channel, init)
    case 'stdin':
      return serveStdin(served, init)
    case 'put':
      return servePut(served, init)
    case 'get':
      return serveGet(served, init)
    case 'list':
      return serveList(served, init)
  }
}

async function serveOutput({ stream, header, id }: Served, channel: 'stdout' | 'stderr', { host }: ServedJobs): Promise<void> {
  const gone = new AbortController()
  void stream.closed.then(() => gone.abort())
  for await (const chunk of host.output(id, channel, header.offset, { follow: true, signal: gone.signal })) await stream.send(chunk)
  await stream.closeWrite()
}

/**
 * Opens a stream to the renter and writes a channel's output on it from `offset` to its end.
 *
 * @throws HaggleError `E_DIAL` or `E_STREAM_CLOSED` when the renter is not there (any more): it fetches the rest itself.
 */
export async function pushOutput(
  renter: PeerTarget,
  output: { readonly contract: Uint8Array; readonly channel: 'stdout' | 'stderr'; readonly offset: number; readonly content: AsyncIterable<Uint8Array> },
  init: { readonly network: Network; readonly signal?: AbortSignal },
): Promise<void> {
  const { contract, channel, offset, content } = output
  const stream = await init.network.open(renter, JOB_PROTOCOL, init.signal === undefined ? {} : { signal: init.signal })
  try {
    await stream.send(frameOf(encodeHeader({ contract, channel, offset, capability: null })))
    for await (const chunk of content) await stream.send(chunk)
    await stream.closeWrite()
    await stream.closed
  } finally {
    await stream.close()
  }
}

async function serveStdin({ reader, id }: Served, { host }: ServedJobs): Promise<void> {
  for await (const chunk of reader.rest()) await host.writeStdin(id, chunk)
  await host.writeStdin(id, null)
}

async function servePut({ stream, reader, id, spec }: Served, { files, onStaged }: ServedJobs): Promise<void> {
  const missing = await files.missing(id, spec.files)
  await reply(stream, encodeAs(MISSING, { missing }))
  for (const { file, offset } of missing) {
    const ref = spec.files[file]
    if (ref === undefined) throw new HaggleError('E_JOB_FILE', `The job has no file ${file}`)
    await files.stage(id, ref, { offset, content: reader.take(ref.size - offset) })
  }
  onStaged(id)
  await reply(stream, encodeAs(OPENING, { error: null }))
}

async function serveGet({ stream, reader, id, spec }: Served, { files, hashing }: ServedJobs): Promise<void> {
  for (;;) {
    const frame = await reader.frame(MAX_REPLY_BYTES)
    if (frame === null) return
    const { path, offset } = decodeAs(GET, frame)
    const opened = await files.open(id, path, { globs: spec.outputs, offset }).catch(fileError)
    if (typeof opened === 'string') {
      await reply(stream, encodeAs(GOT, { error: opened, size: 0 }))
      continue
    }
    await reply(stream, encodeAs(GOT, { error: null, size: opened.size }))
    const hasher = hashing()
    for await (const chunk of opened.content) {
      hasher.update(chunk)
      await stream.send(chunk)
    }
    await reply(stream, encodeAs(TRAILER, { sha256: hasher.digest() }))
  }
}

async function serveList({ stream, id, spec }: Served, { files }: ServedJobs): Promise<void> {
  const all = await files.list(id, spec.outputs)
  let from = 0
  do {
    const part = all.slice(from, from + FILES_PER_FRAME)
    from += FILES_PER_FRAME
    await reply(stream, encodeAs(LISTING, { files: part, more: from < all.length }))
  } while (from < all.length)
}

function reply(stream: ByteStream, data: Uint8Array): Promise<void> {
  return stream.send(frameOf(data))
}

function fileError(error: unknown): string {
  if (error instanceof HaggleError) return error.code
  throw error
}
