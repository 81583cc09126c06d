// The frames of /haggle/negotiate/1: envelopes, and what travels beside them and is never signed.

import { octetsSchema } from '@haggle/job'
import {
  bytes,
  concat,
  decodeAs,
  DOCUMENT_LIMITS,
  encodeAs,
  fields,
  HaggleError,
  MESSAGE_LIMITS,
  oneOf,
  type Schema,
  uint,
} from '@haggle/wire'

/** One stream between two peers carries the frames of all their threads. */
export const NEGOTIATE_PROTOCOL = '/haggle/negotiate/1'
/** Octets of one frame: a spec of 64 KiB with its salt and thread, or an envelope with terms. */
export const MAX_FRAME_BYTES: number = 72 * 1024
/** Output octets of one channel that ride on the control stream before a stream of its own is opened: a short job needs no other. */
export const MAX_RIDING_BYTES: number = 4 * 1024

/** How much of a thread each side holds: the next sequence number of either chain. */
export interface SyncFrame {
  /** 16 bytes. */
  readonly thread: Uint8Array
  /** Messages of the sender's own chain that the sender holds. */
  readonly mine: number
  /** Messages of the reader's chain that the sender holds. */
  readonly yours: number
}

/** The spec of a job and the salt under which ACCEPT signed its hash. */
export interface SpecFrame {
  /** 16 bytes. */
  readonly thread: Uint8Array
  /** 32 random bytes. */
  readonly salt: Uint8Array
  /** See `encodeSpec` of `@haggle/job`. */
  readonly spec: Uint8Array
}

/** The first octets of a channel's output. */
export interface OutputFrame {
  /** Contract id, 32 bytes. */
  readonly contract: Uint8Array
  /** Which output it is. */
  readonly channel: 'stdout' | 'stderr'
  /** Octet of the channel at which `bytes` start, below 2^48. */
  readonly offset: number
  /** <= 4,096 octets. */
  readonly bytes: Uint8Array
}

/** The end of a job's output: how long each channel was. Comes before RESULT on the same stream. */
export interface EndFrame {
  /** Contract id, 32 bytes. */
  readonly contract: Uint8Array
  /** Octets of stdout in all, below 2^48. */
  readonly stdoutBytes: number
  /** Octets of stderr in all, below 2^48. */
  readonly stderrBytes: number
}

/** Everything that a control stream carries. */
export type ControlFrame =
  | { readonly kind: 'envelope'; readonly bytes: Uint8Array }
  | ({ readonly kind: 'sync' } & SyncFrame)
  | ({ readonly kind: 'spec' } & SpecFrame)
  | ({ readonly kind: 'output' } & OutputFrame)
  | ({ readonly kind: 'end' } & EndFrame)

const SYNC: Schema<SyncFrame> = fields({ thread: bytes({ length: 16 }), mine: uint({}), yours: uint({}) })
const SPEC: Schema<SpecFrame> = fields({ thread: bytes({ length: 16 }), salt: bytes({ length: 32 }), spec: bytes({ max: 64 * 1024 }) })
const OUTPUT: Schema<OutputFrame> = fields({
  contract: bytes({ length: 32 }),
  channel: oneOf('stdout', 'stderr'),
  offset: octetsSchema(),
  bytes: bytes({ max: MAX_RIDING_BYTES }),
})
const END: Schema<EndFrame> = fields({ contract: bytes({ length: 32 }), stdoutBytes: octetsSchema(), stderrBytes: octetsSchema() })

/** The octet that says what a frame is. */
const TAG = { envelope: 0, sync: 1, spec: 2, output: 3, end: 4 } as const
/** A spec is an opaque string of up to 64 KiB inside its frame, so the frame needs a little more than a document. */
const SPEC_FRAME_LIMITS = { ...DOCUMENT_LIMITS, maxBytes: MAX_FRAME_BYTES }

/** The octets of one frame, its u32be length included. */
export function encodeFrame(frame: ControlFrame): Uint8Array {
  const payload = payloadOf(frame)
  const header = new Uint8Array(5)
  new DataView(header.buffer).setUint32(0, payload.length + 1)
  header[4] = TAG[frame.kind]
  return concat(header, payload)
}

function payloadOf(frame: ControlFrame): Uint8Array {
  switch (frame.kind) {
    case 'envelope':
      return frame.bytes
    case 'sync':
      return encodeAs(SYNC, frame, MESSAGE_LIMITS)
    case 'spec':
      return encodeAs(SPEC, frame, SPEC_FRAME_LIMITS)
    case 'output':
      return encodeAs(OUTPUT, frame, MESSAGE_LIMITS)
    case 'end':
      return encodeAs(END, frame, MESSAGE_LIMITS)
  }
}

/**
 * The frame in `data` (without its length). An envelope's bytes are not looked at.
 *
 * @throws HaggleError `E_CONTROL_FRAME` for an unknown tag, `E_WIRE_*` for a malformed payload.
 */
export function decodeFrame(data: Uint8Array): ControlFrame {
  const payload = data.subarray(1)
  switch (data[0]) {
    case TAG.envelope:
      return { kind: 'envelope', bytes: payload }
    case TAG.sync:
      return { kind: 'sync', ...decodeAs(SYNC, payload, MESSAGE_LIMITS) }
    case TAG.spec:
      return { kind: 'spec', ...decodeAs(SPEC, payload, SPEC_FRAME_LIMITS) }
    case TAG.output:
      return { kind: 'output', ...decodeAs(OUTPUT, payload, MESSAGE_LIMITS) }
    case TAG.end:
      return { kind: 'end', ...decodeAs(END, payload, MESSAGE_LIMITS) }
    default:
      throw new HaggleError('E_CONTROL_FRAME', `A control frame must have tag 0..4, has ${data[0] ?? 'none'}`)
  }
}
