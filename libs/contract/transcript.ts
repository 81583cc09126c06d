// The transcript file: both chains of a thread, byte for byte, each message after what it acknowledges.

import { concatAll, HaggleError, peekEnvelope, type Suite, toHex, utf8 } from '@haggle/wire'
import { MAX_TERMS_BYTES } from './constants.ts'

/** First line of the file. */
export const TRANSCRIPT_HEADER = 'haggle-transcript/1\n'
/** Octets of one envelope in a transcript: terms and what is around them. */
export const MAX_TRANSCRIPT_MESSAGE_BYTES: number = MAX_TERMS_BYTES + 4 * 1024
/** Messages of one transcript: a month of METERs and VOUCHERs at their usual tick. */
export const MAX_TRANSCRIPT_MESSAGES = 1_100_000

/** The two chains of a thread, each in the order of seq. */
export interface Chains {
  /** Envelopes of the renter's chain. */
  readonly renter: readonly Uint8Array[]
  /** Envelopes of the provider's chain. */
  readonly provider: readonly Uint8Array[]
}

/**
 * The transcript of two chains: every message follows the one before it in its chain and the one that it acknowledges; where both sides could go on,
 * the renter does. So the same chains give the same bytes, and any head of a file is the transcript of an earlier moment. See spec/transcript.md.
 */
export function encodeTranscript(chains: Chains, suite: Pick<Suite, 'sha256'>): Uint8Array {
  const renter = chains.renter.map((bytes) => placed(bytes, suite))
  const provider = chains.provider.map((bytes) => placed(bytes, suite))
  const parts: Uint8Array[] = [utf8(TRANSCRIPT_HEADER)]
  const written = new Set<string>()
  const at = { renter: 0, provider: 0 }
  const take = (side: keyof Chains, chain: readonly Placed[]): boolean => {
    const next = chain[at[side]]
    if (next === undefined || (next.ack !== null && !written.has(next.ack))) return false
    at[side]++
    written.add(next.id)
    parts.push(lengthOf(next.bytes), next.bytes)
    return true
  }
  // What acknowledges a message that this side does not hold can't be placed: the file ends before it.
  while (take('renter', renter) || take('provider', provider));
  return concatAll(parts)
}

interface Placed {
  readonly bytes: Uint8Array
  readonly id: string
  readonly ack: string | null
}

function placed(bytes: Uint8Array, suite: Pick<Suite, 'sha256'>): Placed {
  const { id, ack } = peekEnvelope(bytes, suite)
  return { bytes, id: toHex(id), ack: ack === null ? null : toHex(ack) }
}

function lengthOf(bytes: Uint8Array): Uint8Array {
  const length = new Uint8Array(4)
  new DataView(length.buffer).setUint32(0, bytes.length)
  return length
}

/** The messages of a transcript file, in its order, and whether the file ends inside one. */
export interface TranscriptFrames {
  /** The envelopes, whole ones only. */
  readonly messages: readonly Uint8Array[]
  /** True when the file's tail is cut: what came before is good. */
  readonly cut: boolean
}

/**
 * Takes a transcript file apart. Nothing in it is checked yet.
 *
 * @throws `E_TRANSCRIPT_HEADER` when it is none, `E_TRANSCRIPT_FRAME` (details `at`) for a message longer than any may be, `E_TRANSCRIPT_LONG` for too many.
 */
export function readTranscript(file: Uint8Array): TranscriptFrames {
  const header = utf8(TRANSCRIPT_HEADER)
  if (file.length < header.length || header.some((octet, at) => file[at] !== octet)) {
    throw new HaggleError('E_TRANSCRIPT_HEADER', 'Cannot read the transcript: its first line is not haggle-transcript/1')
  }
  const view = new DataView(file.buffer, file.byteOffset, file.length)
  const messages: Uint8Array[] = []
  let at = header.length
  while (at + 4 <= file.length) {
    const length = view.getUint32(at)
    if (length > MAX_TRANSCRIPT_MESSAGE_BYTES || length === 0) {
      throw new HaggleError('E_TRANSCRIPT_FRAME', `Cannot read message ${messages.length} of the transcript: its length is ${length}`, {
        details: { at: messages.length },
      })
    }
    if (at + 4 + length > file.length) break
    if (messages.length >= MAX_TRANSCRIPT_MESSAGES)
      throw new HaggleError('E_TRANSCRIPT_LONG', 'Cannot read the transcript: it has too many messages')
    messages.push(file.subarray(at + 4, at + 4 + length))
    at += 4 + length
  }
  return { messages, cut: at < file.length }
}
