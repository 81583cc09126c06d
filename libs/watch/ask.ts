// Asking and serving: one question on one stream, with a limit on the time that it takes.

import type { ByteStream, Network } from '@haggle/mesh'
import { peerIdOf } from '@haggle/identity'
import { type Clock, HaggleError, readFrames, writeFrame } from '@haggle/wire'
import {
  decodeAnswer,
  decodeQuestion,
  encodeAnswer,
  encodeQuestion,
  MAX_FRAME_BYTES,
  refusedFor,
  type WatchAnswer,
  type WatchQuestion,
  WITNESS_PROTOCOL,
} from './protocol.ts'

/** Milliseconds that one question and its answer may take, dialling included. A short slot gives less. */
export const ASK_MS = 8_000

/** Questions that one peer may ask: as many at once, and as many again each second. Six a slot, for every case that two share. */
const BURST = 200
const PER_SECOND = 20
/** Peers whose rate is remembered. */
const MAX_RATES = 1_024

/** What asking and serving need. */
export interface AskParts {
  readonly network: Network
  readonly clock: Clock
}

/** How to ask. */
export interface AskOptions {
  /** Milliseconds; default {@link ASK_MS}. */
  readonly withinMs?: number
  /** Ends the wait. */
  readonly signal?: AbortSignal
}

/**
 * Asks the peer with this 32-byte key one question. Rejects with `E_DIAL` or `E_PROTOCOL_UNSUPPORTED`, with `E_WATCH_SILENT` when no answer comes in time,
 * and with `E_WIRE_*` when it can't be read.
 */
export async function ask(
  { network, clock }: AskParts,
  peerKey: Uint8Array,
  question: WatchQuestion,
  options: AskOptions = {},
): Promise<WatchAnswer> {
  const { withinMs = ASK_MS, signal } = options
  const late = new AbortController()
  const silent = new HaggleError('E_WATCH_SILENT', `No answer about a heartbeat within ${withinMs} ms`, {
    next: 'nothing: it is asked again',
  })
  let stream: ByteStream | undefined
  const giveUp = (): void => {
    late.abort(silent)
    stream?.abort(silent)
  }
  const stop = clock.after(withinMs, giveUp)
  signal?.addEventListener('abort', giveUp, { once: true })
  try {
    signal?.throwIfAborted()
    stream = await network.open({ peerId: peerIdOf(peerKey) }, WITNESS_PROTOCOL, { signal: late.signal })
    late.signal.throwIfAborted()
    await stream.send(writeFrame(encodeQuestion(question), MAX_FRAME_BYTES))
    await stream.closeWrite()
    for await (const frame of readFrames(stream, { maxBytes: MAX_FRAME_BYTES })) return decodeAnswer(frame)
    throw silent
  } finally {
    stop()
    signal?.removeEventListener('abort', giveUp)
    await stream?.close()
  }
}

/** Serves the protocol with `answer` until the returned function is called. `from`: the asker's 32-byte key. */
export async function serve(
  { network, clock }: AskParts,
  answer: (question: WatchQuestion, from: Uint8Array) => Promise<WatchAnswer>,
): Promise<() => Promise<void>> {
  const allow = rateLimit(clock)
  return await network.handle(
    WITNESS_PROTOCOL,
    async (stream) => {
      const stop = clock.after(ASK_MS, () => stream.abort(new HaggleError('E_WATCH_SILENT', `A question took longer than ${ASK_MS} ms`)))
      try {
        for await (const frame of readFrames(stream, { maxBytes: MAX_FRAME_BYTES })) {
          const question = decodeQuestion(frame)
          const said = allow(stream.remotePeerId) ? await answer(question, stream.remoteKey) : refusedFor('rate')
          await stream.send(writeFrame(encodeAnswer(said), MAX_FRAME_BYTES))
          break
        }
        await stream.close()
      } finally {
        stop()
      }
    },
    { maxInboundStreams: 16 },
  )
}

function rateLimit(clock: Clock): (peerId: string) => boolean {
  const buckets = new Map<string, { readonly left: number; readonly at: number }>()
  return (peerId) => {
    const at = clock.monotonicMs()
    const bucket = buckets.get(peerId) ?? { left: BURST, at }
    const left = Math.min(BURST, bucket.left + ((at - bucket.at) / 1_000) * PER_SECOND)
    buckets.delete(peerId)
    buckets.set(peerId, { left: Math.max(0, left - 1), at })
    // Who asked longest ago has a full bucket again: forgetting it changes nothing.
    if (buckets.size > MAX_RATES) buckets.delete(buckets.keys().next().value as string)
    return left >= 1
  }
}
