// The provider's side of /haggle/job/1: one handler that checks the right of each stream and serves its channel. The renter's side uses it too, to
// take the output that a provider pushes.

import type { ByteStream, Network, PeerTarget } from '@haggle/mesh'
import { type Clock, decodeAs, encodeAs, HaggleError, systemClock, writeFrame } from '@haggle/wire'
import { pipe } from 'it-pipe'
import { byteReader, type ByteReader } from './byte_reader.ts'
import type { Hashing, JobFiles, OpenedFile } from './files.ts'
import type { JobHost } from './host.ts'
import { isSafePath } from './path.ts'
import {
  type ChannelHeader,
  decodeHeader,
  encodeHeader,
  FILES_PER_FRAME,
  FIRST_FRAME_MS,
  GET,
  GOT,
  JOB_PROTOCOL,
  type JobRight,
  LISTING,
  MAX_HEADER_BYTES,
  MAX_LISTED,
  MAX_REPLY_BYTES,
  MISSING,
  OPENING,
  rightOf,
  TRAILER,
} from './protocol.ts'
import type { JobSpec } from './spec.ts'
import { within } from './_deadline.ts'
import { exactly, hashed, sentOn } from './_transforms.ts'

/** Streams that one peer may hold open at once: six channels of five jobs. */
const MAX_STREAMS_PER_PEER = 32

/** A job as its streams need it. */
export interface ServedJob {
  readonly id: string
  readonly spec: JobSpec
  /** Octets of results that are listed at most. */
  readonly mostBytes: number
}

/** Looks a job up for a stream; undefined when there is none or `remoteKey` has no such right (the two are not told apart). */
export type Authorise = (request: {
  readonly contract: Uint8Array
  readonly right: JobRight
  readonly remoteKey: Uint8Array
  readonly capability: Uint8Array | null
}) => Promise<ServedJob | undefined>

/** What {@link serveJobs} needs. */
export interface ServeJobsInit {
  /** The network on which streams come. */
  readonly network: Network
  /** Time of the limits. Default: the host's. */
  readonly clock?: Clock
  /** The jobs that this node runs; without it every reader is refused. */
  readonly provider?: ServedJobs
  /** Takes output that a provider pushes to this node as its renter; false when this node does not rent that contract from that key. */
  readonly receive?: (pushed: PushedOutput) => Promise<boolean>
}

/** The jobs of a provider, for whoever may use them. */
export interface ServedJobs {
  /** Whoever runs the jobs. */
  readonly host: JobHost
  /** The files of their folders. */
  readonly files: JobFiles
  /** Hashes what is sent. */
  readonly hashing: Hashing
  /** Says who may do what with which job. */
  readonly authorise: Authorise
  /** Called when all input files of a job are there. */
  readonly onStaged: (id: string) => void
}

/** Output that the provider sends by a stream that it opened itself. */
export interface PushedOutput {
  /** Contract id, 32 bytes. */
  readonly contract: Uint8Array
  /** Which output it is. */
  readonly channel: 'stdout' | 'stderr'
  /** Octet of the channel at which `content` starts. */
  readonly offset: number
  /** The key that the provider's connection proved. */
  readonly remoteKey: Uint8Array
  /** The octets as they come. */
  readonly content: AsyncIterable<Uint8Array>
}

/** Serves the streams of this node's jobs until the returned function is called. A stream that breaks a rule is dropped; nobody else notices. */
export function serveJobs(init: ServeJobsInit): Promise<() => Promise<void>> {
  const clock = init.clock ?? systemClock()
  return init.network.handle(JOB_PROTOCOL, (stream) => serveStream(stream, init, clock), { maxInboundStreams: MAX_STREAMS_PER_PEER })
}

async function serveStream(stream: ByteStream, init: ServeJobsInit, clock: Clock): Promise<void> {
  const reader = byteReader(stream)
  const first = await within(reader.frame(MAX_HEADER_BYTES), stream, { clock, ms: FIRST_FRAME_MS, what: 'The first frame of a job stream' })
  if (first === null) return stream.close()
  const header = decodeHeader(first)
  const { contract, channel, offset, capability } = header
  if (channel === 'stdout' || channel === 'stderr') {
    const pushed = { contract, channel, offset, remoteKey: stream.remoteKey, content: reader.rest() }
    if ((await init.receive?.(pushed)) === true) return stream.close()
  }
  const { provider } = init
  const job = await provider?.authorise({ contract, right: rightOf(channel), remoteKey: stream.remoteKey, capability })
  // Input is for a job that waits for it: nothing is written beside one that runs, or behind one that is over.
  const isLate = channel === 'put' && job !== undefined && (await provider?.host.state(job.id))?.phase !== 'staging'
  if (provider === undefined || job === undefined || isLate) {
    await answer(stream, encodeAs(OPENING, { error: 'E_JOB_RIGHT' }))
    return stream.close()
  }
  await answer(stream, encodeAs(OPENING, { error: null }))
  await serveChannel({ stream, reader, header, ...job }, provider)
  await stream.close()
}

interface Served extends ServedJob {
  readonly stream: ByteStream
  readonly reader: ByteReader
  readonly header: ChannelHeader
}

async function serveChannel(served: Served, init: ServedJobs): Promise<void> {
  const { channel } = served.header
  switch (channel) {
    case 'stdout':
    case 'stderr':
      return serveOutput(served, channel, init)
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
  await pipe(host.output(id, channel, header.offset, { follow: true, signal: gone.signal }), sentOn(stream))
  await stream.closeWrite()
}

/**
 * Opens a stream to the renter and writes a channel's output on it from `offset` to its end.
 *
 * @throws HaggleError `E_DIAL` or `E_STREAM_CLOSED` when the renter is not there (any more): it fetches the rest itself.
 */
export async function pushOutput(
  renter: PeerTarget,
  output: {
    readonly contract: Uint8Array
    /** Which output it is. */
    readonly channel: 'stdout' | 'stderr'
    readonly offset: number
    /** The octets as they come. */
    readonly content: AsyncIterable<Uint8Array>
  },
  init: { readonly network: Network; readonly signal?: AbortSignal },
): Promise<void> {
  const { contract, channel, offset, content } = output
  const stream = await init.network.open(renter, JOB_PROTOCOL, {
    optimistic: true,
    ...(init.signal === undefined ? {} : { signal: init.signal }),
  })
  try {
    await stream.send(writeFrame(encodeHeader({ contract, channel, offset, capability: null })))
    await pipe(content, sentOn(stream))
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
  await answer(stream, encodeAs(MISSING, { missing }))
  try {
    for (const { file, offset } of missing) {
      const ref = spec.files[file]
      if (ref === undefined) throw new HaggleError('E_JOB_FILE', `The job has no file ${file}`)
      await files.stage(id, ref, { offset, content: reader.take(ref.size - offset) })
    }
  } catch (error) {
    // The renter learns why, and stops sending; a stream that broke says it by itself.
    return answer(stream, encodeAs(OPENING, { error: codeOf(error) }))
  }
  onStaged(id)
  await answer(stream, encodeAs(OPENING, { error: null }))
}

async function serveGet({ stream, reader, id, spec }: Served, { files, hashing }: ServedJobs): Promise<void> {
  for (;;) {
    const frame = await reader.frame(MAX_REPLY_BYTES)
    if (frame === null) return
    const { path, offset } = decodeAs(GET, frame)
    const opened = await files.open(id, path, { globs: spec.outputs, offset }).catch(codeOf)
    if (typeof opened === 'string') await answer(stream, encodeAs(GOT, { error: opened, size: 0 }))
    else await sendFile(opened, { stream, path, offset, hashing }).finally(() => opened.close())
  }
}

/** Answers one `get`. */
async function sendFile(
  opened: OpenedFile,
  {
    stream,
    path,
    offset,
    hashing,
  }: { readonly stream: ByteStream; readonly path: string; readonly offset: number; readonly hashing: Hashing },
): Promise<void> {
  if (offset > opened.size) return answer(stream, encodeAs(GOT, { error: 'E_JOB_FILE', size: 0 }))
  await answer(stream, encodeAs(GOT, { error: null, size: opened.size }))
  // A file that grows while it is sent ends where it was said to end.
  const cut = (octets: 'missing' | 'too many'): Error | null =>
    octets === 'missing' ? new HaggleError('E_JOB_CUT', `"${path}" became shorter while it was sent`) : null
  const content = exactly(opened.size - offset, cut)(opened.content)
  const sha256 = await sendHashed(content, { stream, hashing, known: offset === 0 ? opened.sha256 : undefined })
  await answer(stream, encodeAs(TRAILER, { sha256 }))
}

/** Sends `content`. Resolves with its hash: the one that is known, or what is reckoned of it as it passes. The reader reckons it in any case. */
async function sendHashed(
  content: AsyncIterable<Uint8Array>,
  { stream, hashing, known }: { readonly stream: ByteStream; readonly hashing: Hashing; readonly known: Uint8Array | undefined },
): Promise<Uint8Array> {
  if (known !== undefined) {
    await pipe(content, sentOn(stream))
    return known
  }
  const hasher = hashing()
  await pipe(content, hashed(hasher), sentOn(stream))
  return hasher.digest()
}

async function serveList({ stream, id, spec, mostBytes }: Served, { files }: ServedJobs): Promise<void> {
  const found = await files.list(id, spec.outputs, { mostBytes })
  const fit = found.files.filter(({ path }) => isSafePath(path)).slice(0, MAX_LISTED)
  const leftOut = found.leftOut + found.files.length - fit.length
  let from = 0
  do {
    const part = fit.slice(from, from + FILES_PER_FRAME)
    from += FILES_PER_FRAME
    await answer(stream, encodeAs(LISTING, { files: part, more: from < fit.length, leftOut }))
  } while (from < fit.length)
}

function answer(stream: ByteStream, data: Uint8Array): Promise<void> {
  return stream.send(writeFrame(data))
}

/** The code of an error that a host or its files may have; anything else is a fault of this node and drops the stream. */
function codeOf(error: unknown): string {
  if (error instanceof HaggleError) return error.code
  throw error
}
