// The two questions that discovery asks over a stream: /haggle/snapshot/1 and /haggle/offer/1, both sides of each.

import { HaggleError, equalBytes, open, readFrames, toHex, writeFrame } from '@haggle/wire'
import type { Clock, Message, Random, Suite } from '@haggle/wire'
import { offerMessage } from '@haggle/offer'
import type { Offer } from '@haggle/offer'
import type { ByteStream, Network, PeerTarget } from '@haggle/mesh'
import type { BookQuery, OfferBook } from './book.ts'
import {
  decodeSnapshotItem,
  decodeSnapshotRequest,
  drawSnapshot,
  encodeSnapshotRequest,
  MAX_ITEM_BYTES,
  MAX_REQUEST_BYTES,
  MAX_SNAPSHOT_ADVERTS,
  queryOf,
  requestOf,
  snapshotFrames,
  tooOften,
} from './snapshot.ts'
import type { SnapshotItem, SnapshotRefusal } from './snapshot.ts'
import { OFFER_PROTOCOL, SNAPSHOT_PROTOCOL } from './topics.ts'
import { TokenBucket, TokenBuckets } from './token_bucket.ts'
import type { Rate } from './token_bucket.ts'

/** Whole exchanges take at most this long: a round trip, and a book that is busy. */
const ASK_MS = 5_000
/** Octets of an offer's envelope. */
const MAX_OFFER_BYTES: number = 16 * 1024
/** What one peer may ask. */
export const SNAPSHOT_RATE: Rate = { perSecond: 0.5, burst: 6 }
export const OFFER_RATE: Rate = { perSecond: 5, burst: 50 }
/** What all peers together may ask, for keys cost nothing: a draw from 10,000 entries takes 8 ms, so this is a tenth of a core. */
export const SNAPSHOT_TOTAL_RATE: Rate = { perSecond: 10, burst: 100 }

/** What the protocols share. */
export interface ProtocolParts {
  readonly network: Network
  readonly networkId: Uint8Array
  readonly suite: Suite
  readonly clock: Clock
  readonly random: Random
}

/** A full offer, from the provider itself. */
export interface FetchedOffer {
  readonly peerId: string
  /** The provider's key: of the connection, and of the envelope. */
  readonly provider: Uint8Array
  readonly offer: Message<Offer>
  /** Milliseconds from the question to the answer, the stream's opening included. */
  readonly rttMs: number
}

/** Serves snapshots of `book` until the returned function is called. `refused` hears why a question got no answer. */
export function serveSnapshots(
  parts: ProtocolParts,
  book: OfferBook,
  refused: (reason: SnapshotRefusal) => void,
): Promise<() => Promise<void>> {
  const asked = new TokenBuckets(SNAPSHOT_RATE)
  const askedInAll = new TokenBucket(SNAPSHOT_TOTAL_RATE, parts.clock.monotonicMs())
  /** A peer's own measure comes first, so that a greedy one takes nothing from the others'. */
  const refusalOf = (peerId: string): SnapshotRefusal | undefined => {
    const now = parts.clock.monotonicMs()
    if (!asked.take(peerId, now)) return 'peer'
    return askedInAll.take(now) ? undefined : 'crowd'
  }
  return parts.network.handle(
    SNAPSHOT_PROTOCOL,
    async (stream) => {
      const refusal = refusalOf(stream.remotePeerId)
      if (refusal !== undefined) {
        refused(refusal)
        throw tooOften(refusal)
      }
      const done = limitTime(stream, parts.clock)
      try {
        const request = decodeSnapshotRequest(await oneFrame(stream, MAX_REQUEST_BYTES))
        const drawn = drawSnapshot(book.fitting(queryOf(request)), request, parts.suite)
        const frames = snapshotFrames(drawn, parts.clock.monotonicMs())
        if (frames.length > 0) await stream.send(frames)
        await stream.close()
      } finally {
        done()
      }
    },
    { maxInboundStreams: 4 },
  )
}

/** Asks a peer for a snapshot and yields its items as they come. Nothing in them is checked yet. */
export async function* askSnapshot(
  parts: ProtocolParts,
  target: PeerTarget,
  query: BookQuery,
  options: { signal?: AbortSignal } = {},
): AsyncGenerator<SnapshotItem, void, undefined> {
  const stream = await parts.network.open(target, SNAPSHOT_PROTOCOL, { ...options, optimistic: true })
  const done = limitTime(stream, parts.clock, options.signal)
  try {
    await stream.send(writeFrame(encodeSnapshotRequest(requestOf(query, parts.random(16)))))
    await stream.closeWrite()
    let count = 0
    for await (const frame of readFrames(stream, { maxBytes: MAX_ITEM_BYTES })) {
      if (++count > MAX_SNAPSHOT_ADVERTS) return
      yield decodeSnapshotItem(frame)
    }
  } finally {
    done()
    await stream.close()
  }
}

/** Serves the offer that `current` gives at that moment. Null (nothing on sale) answers with an empty stream. */
export function serveOffers(
  parts: ProtocolParts,
  current: () => Message<Offer> | null | Promise<Message<Offer> | null>,
  rate: Rate = OFFER_RATE,
): Promise<() => Promise<void>> {
  const asked = new TokenBuckets(rate)
  return parts.network.handle(
    OFFER_PROTOCOL,
    async (stream) => {
      if (!asked.take(stream.remotePeerId, parts.clock.monotonicMs()))
        throw new HaggleError('E_OFFER_RATE', 'This peer asks for offers too often')
      const done = limitTime(stream, parts.clock)
      try {
        const offer = await current()
        if (offer !== null) await stream.send(writeFrame(offer.bytes))
        await stream.close()
      } finally {
        done()
      }
    },
    { maxInboundStreams: 4 },
  )
}

/**
 * Asks a provider for its offer. The answer counts only when the key that proved the connection signed it.
 *
 * Rejects with `E_DIAL`, `E_PROTOCOL_UNSUPPORTED`, `E_OFFER_NONE` (nothing on sale), `E_OFFER_FOREIGN` (another key signed it), `E_ENVELOPE_*`, `E_WIRE_*`.
 */
export async function fetchOffer(parts: ProtocolParts, target: PeerTarget, options: { signal?: AbortSignal } = {}): Promise<FetchedOffer> {
  const { clock, suite } = parts
  const askedAt = clock.monotonicMs()
  const stream = await parts.network.open(target, OFFER_PROTOCOL, { ...options, optimistic: true })
  const done = limitTime(stream, clock, options.signal)
  try {
    await stream.closeWrite()
    const frame = await oneFrame(stream, MAX_OFFER_BYTES)
    const rttMs = clock.monotonicMs() - askedAt
    const offer = open(frame, offerMessage, { network: parts.networkId, nowS: Math.floor(clock.now() / 1_000), suite })
    if (!equalBytes(offer.signer, stream.remoteKey)) {
      throw new HaggleError('E_OFFER_FOREIGN', `${stream.remotePeerId} showed an offer that it did not sign`, {
        details: { signer: toHex(offer.signer) },
      })
    }
    return { peerId: stream.remotePeerId, provider: offer.signer, offer, rttMs }
  } finally {
    done()
    await stream.close()
  }
}

async function oneFrame(stream: ByteStream, maxBytes: number): Promise<Uint8Array> {
  for await (const frame of readFrames(stream, { maxBytes })) return frame
  throw new HaggleError('E_OFFER_NONE', `${stream.remotePeerId} answered with nothing`)
}

/** Aborts the stream when it takes too long or the signal says so. The returned function ends the watch. */
function limitTime(stream: ByteStream, clock: Clock, signal?: AbortSignal): () => void {
  const cancel = clock.after(ASK_MS, () =>
    stream.abort(new HaggleError('E_ASK_TIME', `${stream.remotePeerId} did not answer within ${ASK_MS} ms`)),
  )
  const onAbort = (): void => stream.abort(signal?.reason instanceof Error ? signal.reason : new Error('aborted'))
  signal?.addEventListener('abort', onAbort, { once: true })
  return () => {
    cancel()
    signal?.removeEventListener('abort', onAbort)
  }
}
