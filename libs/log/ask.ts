// Asking: one question on one stream, its answer checked against what was asked.

import type { ByteStream, Network, PeerTarget } from '@haggle/mesh'
import { type Clock, HaggleError, readFrames, writeFrame } from '@haggle/wire'
import { type Answers, decodeAnswer, encodeQuestion, LOG_PROTOCOL, MAX_FRAME_BYTES, type Named, type Questions } from './protocol.ts'

/** Milliseconds that reaching a peer may take, and as many again one question and its answer, a busy disk on the other side included. */
export const ASK_MS = 10_000

/** What asking needs. */
export interface AskParts {
  readonly network: Network
  readonly clock: Clock
}

/** How to ask. */
export interface AskOptions {
  readonly signal?: AbortSignal
}

/**
 * Asks `target` one question. Rejects with `E_DIAL` or `E_PROTOCOL_UNSUPPORTED`, with `E_LOG_SILENT` when no answer comes, and with `E_WIRE_*`
 * when it can't be read.
 */
export async function ask<N extends keyof Questions>(
  { network, clock }: AskParts,
  target: PeerTarget,
  question: { readonly name: N; readonly body: Questions[N] } & AskOptions,
): Promise<Named<Answers>> {
  const { name, body, signal } = question
  const stream = await openInTime({ network, clock }, target, signal)
  const done = limitTime(stream, clock, signal)
  try {
    await stream.send(writeFrame(encodeQuestion(name, body), MAX_FRAME_BYTES))
    await stream.closeWrite()
    for await (const frame of readFrames(stream, { maxBytes: MAX_FRAME_BYTES })) return decodeAnswer(frame)
    throw new HaggleError('E_LOG_SILENT', `Cannot read the answer of ${target.peerId}: it gave none`, {
      details: { peerId: target.peerId },
    })
  } finally {
    done()
    await stream.close()
  }
}

/** Opens the stream, connecting first when needed. A peer that is gone is looked for by name for minutes, and whoever asks many would wait for each. */
async function openInTime({ network, clock }: AskParts, target: PeerTarget, signal: AbortSignal | undefined): Promise<ByteStream> {
  const late = new AbortController()
  const slow = clock.after(ASK_MS, () =>
    late.abort(
      new HaggleError('E_LOG_SILENT', `${target.peerId} could not be reached in ${ASK_MS} ms`, { details: { peerId: target.peerId } }),
    ),
  )
  try {
    return await network.open(target, LOG_PROTOCOL, { signal: signal ? AbortSignal.any([signal, late.signal]) : late.signal })
  } finally {
    slow()
  }
}

/** Aborts the stream when it takes too long or `signal` does. Returns what stops the watch. */
export function limitTime(stream: ByteStream, clock: Clock, signal?: AbortSignal): () => void {
  const slow = clock.after(ASK_MS, () =>
    stream.abort(new HaggleError('E_LOG_SILENT', `${stream.remotePeerId} took longer than ${ASK_MS} ms over its log`)),
  )
  const stop = (): void =>
    stream.abort(signal?.reason instanceof Error ? signal.reason : new HaggleError('E_ABORTED', 'The question was given up'))
  signal?.addEventListener('abort', stop, { once: true })
  return () => {
    slow()
    signal?.removeEventListener('abort', stop)
  }
}
