// A snapshot: a sample of a node's book for one that has none, half of it the cheapest and half drawn by lot (spec/snapshot.md).

import { bytes, compareBytes, concat, decodeAs, encodeAs, fields, HaggleError, list, uint, writeFrame } from '@haggle/wire'
import type { Schema, Suite } from '@haggle/wire'
import { CLASSES } from '@haggle/offer'
import type { BookEntry, BookQuery } from './book.ts'
import { byPrice } from './book.ts'
import { Lowest } from './lowest.ts'
import { MAX_ADVERT_BYTES, MAX_TTL_S } from './advert.ts'

/** Adverts in a snapshot, and octets of all of them with their frames. */
export const MAX_SNAPSHOT_ADVERTS = 64
export const MAX_SNAPSHOT_BYTES: number = 32 * 1024

/** What a renter asks for. */
export interface SnapshotRequest {
  /** Class numbers; empty: all. */
  readonly classes: readonly number[]
  /** Highest price bucket; 255: any, also no price. */
  readonly maxPriceBucket: number
  /** Bits that must all be set. */
  readonly runnerBits: number
  /** Least free count. */
  readonly minFree: number
  /** 16 random bytes: they draw the lot, so that a source can't choose whom to show. */
  readonly nonce: Uint8Array
  readonly max: number
}

/** One advert of a snapshot. */
export interface SnapshotItem {
  /** Seconds that the source still believes it. The reader takes the least of this, the advert's TTL and its own reckoning. */
  readonly remainingS: number
  /** The advert's envelope as it was sent. */
  readonly advert: Uint8Array
}

const requestSchema: Schema<SnapshotRequest> = fields({
  classes: list(uint({ max: CLASSES.length - 1 }), { max: CLASSES.length }),
  maxPriceBucket: uint({ max: 255 }),
  runnerBits: uint({ max: 255 }),
  minFree: uint({ max: 255 }),
  nonce: bytes({ length: 16 }),
  max: uint({ min: 1, max: MAX_SNAPSHOT_ADVERTS }),
})

const itemSchema: Schema<SnapshotItem> = fields({ remainingS: uint({ max: MAX_TTL_S }), advert: bytes({ max: MAX_ADVERT_BYTES }) })

const KEY_BYTES = 32

/** Octets of a request at most. */
export const MAX_REQUEST_BYTES = 128
/** Octets of one item at most. */
export const MAX_ITEM_BYTES: number = MAX_ADVERT_BYTES + 16

export function encodeSnapshotRequest(request: SnapshotRequest): Uint8Array {
  return encodeAs(requestSchema, request)
}

/** Throws `E_WIRE_*`. */
export function decodeSnapshotRequest(data: Uint8Array): SnapshotRequest {
  return decodeAs(requestSchema, data)
}

export function encodeSnapshotItem(item: SnapshotItem): Uint8Array {
  return encodeAs(itemSchema, item)
}

/** Throws `E_WIRE_*`. The advert inside is not checked. */
export function decodeSnapshotItem(data: Uint8Array): SnapshotItem {
  return decodeAs(itemSchema, data)
}

/** The book query that a request means. */
export function queryOf(request: SnapshotRequest): BookQuery {
  return {
    ...(request.classes.length === 0 ? {} : { classes: request.classes.flatMap((i) => CLASSES[i]?.name ?? []) }),
    ...(request.maxPriceBucket === 255 ? {} : { maxPriceBucket: request.maxPriceBucket }),
    runnerBits: request.runnerBits,
    minFree: request.minFree,
  }
}

/** The request that a book query means. */
export function requestOf(query: BookQuery, nonce: Uint8Array, max: number = MAX_SNAPSHOT_ADVERTS): SnapshotRequest {
  return {
    classes: (query.classes ?? []).map((name) => CLASSES.findIndex((c) => c.name === name)),
    maxPriceBucket: query.maxPriceBucket ?? 255,
    runnerBits: query.runnerBits ?? 0,
    minFree: query.minFree ?? 0,
    nonce,
    max,
  }
}

/**
 * Draws a snapshot from entries that fit: half are the cheapest, half those with the smallest sha256(nonce ‖ signer) among the rest; the two halves alternate,
 * cheapest first, so that whoever stops reading early has some of both.
 */
export function drawSnapshot(
  fitting: readonly BookEntry[],
  request: Pick<SnapshotRequest, 'nonce' | 'max'>,
  suite: Pick<Suite, 'sha256'>,
): BookEntry[] {
  const cheapest = new Lowest<BookEntry>(Math.ceil(request.max / 2), byPrice)
  for (const entry of fitting) cheapest.offer(entry)
  const taken = new Set(cheapest.items)
  const lots = new Lowest<{ readonly entry: BookEntry; readonly lot: Uint8Array }>(Math.floor(request.max / 2), (a, b) =>
    compareBytes(a.lot, b.lot),
  )
  const input = new Uint8Array(request.nonce.length + KEY_BYTES)
  input.set(request.nonce)
  for (const entry of fitting) {
    if (taken.has(entry)) continue
    input.set(entry.provider, request.nonce.length)
    lots.offer({ entry, lot: suite.sha256(input) })
  }
  return cheapest.items.flatMap((entry, i) => {
    const lot = lots.items[i]
    return lot === undefined ? [entry] : [entry, lot.entry]
  })
}

/** The answer's frames, within {@link MAX_SNAPSHOT_BYTES}. */
export function snapshotFrames(entries: readonly BookEntry[], nowMs: number): Uint8Array {
  const frames: Uint8Array[] = []
  let size = 0
  for (const entry of entries) {
    const remainingS = Math.min(MAX_TTL_S, Math.floor((entry.endsAtMs - nowMs) / 1_000))
    if (remainingS <= 0) continue
    const frame = writeFrame(encodeSnapshotItem({ remainingS, advert: entry.bytes }))
    if (size + frame.length > MAX_SNAPSHOT_BYTES) break
    size += frame.length
    frames.push(frame)
  }
  return concat(...frames)
}

/**
 * Why a question for a snapshot was refused.
 *
 * - `peer`: this peer asks too often
 * - `crowd`: all peers together ask too often; another source may have time
 */
export type SnapshotRefusal = 'peer' | 'crowd'

/** The error of a refusal: `E_SNAPSHOT_RATE`, with its reason in the details. */
export function tooOften(reason: SnapshotRefusal): HaggleError {
  const who = reason === 'peer' ? 'This peer asks' : 'All peers together ask'
  return new HaggleError('E_SNAPSHOT_RATE', `${who} for snapshots too often`, { details: { reason } })
}
