// A checkpoint: the signed word of a log's owner that at this size its tree has this root (spec/checkpoint.md).

import { bytes, fields, type Message, type MessageType, nullable, oneOf, refine, uint } from '@haggle/wire'
import { HASH_BYTES } from './rfc9162.ts'

/** Why a checkpoint was signed: 256 new entries, 10 minutes with changes, asked for, or the last one before a shutdown. */
export type CheckpointReason = 'entries' | 'time' | 'asked' | 'closing'

/** A size of one log and the root of its tree then. */
export interface Head {
  /** Which of the signer's logs: 0, and one more for each successor. */
  readonly log: number
  /** Number of entries. */
  readonly size: number
  /** Root of the tree over them, 32 bytes. */
  readonly root: Uint8Array
}

/** What a checkpoint says. */
export interface Checkpoint extends Head {
  /** The size of the signer's checkpoint before this one, 0 for the first. */
  readonly prevSize: number
  /** Its root; the empty tree's for the first. */
  readonly prevRoot: Uint8Array
  /** The chain block that the head is anchored in, or null. */
  readonly block: number | null
  /** Why it was signed. */
  readonly reason: CheckpointReason
}

/** Seconds that a checkpoint stands in its envelope as fresh; as a stored message it never expires. */
const LIFETIME_S = 600

/** The envelope of a checkpoint: type `head`, no thread, readable by anyone. */
export const checkpointMessage: MessageType<Checkpoint> = {
  type: 'head',
  schema: refine(
    fields({
      log: uint(),
      size: uint(),
      root: bytes({ length: HASH_BYTES }),
      prevSize: uint(),
      prevRoot: bytes({ length: HASH_BYTES }),
      block: nullable(uint()),
      reason: oneOf('entries', 'time', 'asked', 'closing'),
    }),
    ({ size, prevSize }) => (prevSize > 0 && prevSize >= size ? `its prevSize must be below its size ${size}, is ${prevSize}` : undefined),
  ),
  maxLifetimeS: LIFETIME_S,
  thread: false,
  audience: false,
}

/** A checkpoint in its signed envelope. */
export type SignedHead = Message<Checkpoint>
