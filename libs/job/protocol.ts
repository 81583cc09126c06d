// /haggle/job/1: what each stream of a running job carries, and the first frame that says so.

import { bytes, decodeAs, encodeAs, fields, nullable, oneOf, type Schema, uint } from '@haggle/wire'

/** One libp2p stream for each channel: framing and flow control are the muxer's. */
export const JOB_PROTOCOL: string = '/haggle/job/1'

/** Octets of a header frame: contract, channel, offset and a capability of at most 1 KiB. */
export const MAX_HEADER_BYTES = 2048
/** Octets of a reply or listing frame. */
export const MAX_REPLY_BYTES: number = 16 * 1024
/** A stream whose first frame does not come in this time is dropped: nobody holds a slot with silence. */
export const FIRST_FRAME_MS = 5_000

/**
 * The channels of a job.
 * - `stdout`, `stderr`: the provider writes. It opens the stream itself for the renter who is there; a reader who comes later opens it.
 * - `stdin`: the renter writes raw bytes; ending its side closes stdin.
 * - `put`: the provider answers which files it lacks, the renter sends them.
 * - `get`: the reader asks for files one after the other on one stream.
 * - `list`: the provider answers with the result files that exist now.
 */
export type JobChannel = 'stdout' | 'stderr' | 'stdin' | 'put' | 'get' | 'list'

/** The first frame of every stream. */
export interface ChannelHeader {
  /** Contract id, 32 bytes. */
  readonly contract: Uint8Array
  readonly channel: JobChannel
  /** Octet of the channel at which this stream starts. 0 for `put`, `get` and `list`. */
  readonly offset: number
  /** A GRANT envelope, or null when the connection's key is the renter's. */
  readonly capability: Uint8Array | null
}

const HEADER: Schema<ChannelHeader> = fields({
  contract: bytes({ length: 32 }),
  channel: oneOf('stdout', 'stderr', 'stdin', 'put', 'get', 'list'),
  offset: uint({}),
  capability: nullable(bytes({ max: 1024 })),
})

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
