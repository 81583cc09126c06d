// /haggle/job/1: what each stream of a running job carries, frame by frame (spec/job.md, Streams).

import { bool, bytes, decodeAs, encodeAs, fields, list, nullable, oneOf, type Schema, text, uint } from '@haggle/wire'
import type { MissingFile } from './files.ts'
import { octetsSchema } from './octets.ts'
import { type FileRef, fileSchema, pathSchema } from './spec.ts'

/** One libp2p stream for each channel: framing and flow control are the muxer's. */
export const JOB_PROTOCOL: string = '/haggle/job/1'

/** Octets of a header frame: contract, channel, offset and a capability of at most 1 KiB. */
export const MAX_HEADER_BYTES = 2048
/** Octets of any other frame. */
export const MAX_REPLY_BYTES: number = 16 * 1024
/** Octets of a capability: a GRANT envelope is about 350. */
export const MAX_CAPABILITY_BYTES = 1024
/** A stream whose first frame does not come whole in this time is dropped: nobody holds a slot with silence. Ms. */
export const FIRST_FRAME_MS = 5_000
/** A provider that does not answer a header in this time is not there. Ms. */
export const OPENING_MS = 15_000
/** Files in one frame of a listing: keeps a frame of the longest names below {@link MAX_REPLY_BYTES}. */
export const FILES_PER_FRAME = 32
/** Files in one listing; a job that leaves more packs them. */
export const MAX_LISTED = 4096

/**
 * The channels of a job.
 * - `stdout`, `stderr`: the provider writes. It opens the stream itself for the renter who is there; a reader who comes later opens it.
 * - `stdin`: the renter writes raw bytes; ending its side closes stdin.
 * - `put`: the provider answers which files it lacks, the renter sends them.
 * - `get`: the reader asks for files one after the other on one stream.
 * - `list`: the provider answers with the result files that exist now.
 */
export type JobChannel = 'stdout' | 'stderr' | 'stdin' | 'put' | 'get' | 'list'

/** What a stream wants of a job. `control` is the renter's: stdin and put. `read` may be granted to others. */
export type JobRight = 'read' | 'control'

/** The right that a channel takes. */
export function rightOf(channel: JobChannel): JobRight {
  return channel === 'stdin' || channel === 'put' ? 'control' : 'read'
}

/** The first frame of every stream. */
export interface ChannelHeader {
  /** Contract id, 32 bytes. */
  readonly contract: Uint8Array
  /** What the stream carries. */
  readonly channel: JobChannel
  /** Octet of the channel at which this stream starts. 0 for `stdin`, `put`, `get` and `list`. */
  readonly offset: number
  /** A GRANT envelope, or null when the connection's key is the renter's. */
  readonly capability: Uint8Array | null
}

const HEADER: Schema<ChannelHeader> = fields({
  contract: bytes({ length: 32 }),
  channel: oneOf('stdout', 'stderr', 'stdin', 'put', 'get', 'list'),
  offset: octetsSchema(),
  capability: nullable(bytes({ max: MAX_CAPABILITY_BYTES })),
})

/** A code such as `E_JOB_RIGHT`, and nothing that a person could be fooled with. */
const code: Schema<string | null> = nullable(text({ max: 64, pattern: /^E_[A-Z][A-Z0-9_]*$/ }))

/** The bytes of a header frame. */
export function encodeHeader(header: ChannelHeader): Uint8Array {
  return encodeAs(HEADER, header)
}

/**
 * The header in a frame.
 *
 * @throws HaggleError `E_WIRE_*`.
 */
export function decodeHeader(frame: Uint8Array): ChannelHeader {
  return decodeAs(HEADER, frame)
}

/** `[error]`, the first frame back on every stream, and the last one of `put`: null when all is well, else a code such as `E_JOB_RIGHT`. */
export const OPENING: Schema<{ readonly error: string | null }> = fields({ error: code })

/** `[[[file, offset], …]]`: files that the provider lacks, as indexes into the spec with the octets it has of each. */
export const MISSING: Schema<{ readonly missing: readonly MissingFile[] }> = fields({
  missing: list(fields({ file: uint({}), offset: octetsSchema() }), { max: 128 }),
})

/** `[path, offset]`: what one `get` asks for. */
export const GET: Schema<{ readonly path: string; readonly offset: number }> = fields({ path: pathSchema, offset: octetsSchema() })

/** `[error, size]`: the answer to `get`: an error, or the size of the file, whose octets from the offset on follow, and then a {@link TRAILER}. */
export const GOT: Schema<{ readonly error: string | null; readonly size: number }> = fields({ error: code, size: octetsSchema() })

/** `[sha256]` of the octets that were sent, known only after them: a file is read once. */
export const TRAILER: Schema<{ readonly sha256: Uint8Array }> = fields({ sha256: bytes({ length: 32 }) })

/** One frame of a listing. */
export interface Listing {
  /** 1..32 of them, 0 when there are none at all. */
  readonly files: readonly FileRef[]
  /** Another frame follows. */
  readonly more: boolean
  /** Files that match and are left out of the whole listing, because their names may not travel (`E_JOB_PATH`) or there are too many. */
  readonly leftOut: number
}

/** `[[[path, size, sha256, executable], …], more, leftOut]`. */
export const LISTING: Schema<Listing> = fields({ files: list(fileSchema, { max: FILES_PER_FRAME }), more: bool(), leftOut: uint({}) })
