// What is said over /haggle/witness/1: one question and its answer on each stream, as frames of the dialect (spec/court.md, Protocol).

import {
  big,
  bytes,
  decode,
  encode,
  fields,
  HaggleError,
  type Limits,
  MESSAGE_LIMITS,
  nullable,
  oneOf,
  type Schema,
  uint,
  type Value,
} from '@haggle/wire'

/** Heartbeats, receipts and bitmaps. */
export const WITNESS_PROTOCOL = '/haggle/witness/1'

/** Longest frame: a bitmap with its signature, and room. */
export const MAX_FRAME_BYTES = 1_024

const LIMITS: Limits = { ...MESSAGE_LIMITS, maxBytes: MAX_FRAME_BYTES }

const id: Schema<Uint8Array> = bytes({ length: 32 })
const sig: Schema<Uint8Array> = bytes({ length: 65 })
/** Height of a block: chains have fewer than 2^32. */
const height: Schema<number> = uint()
const mask: Schema<bigint> = big({ maxBytes: 8 })

/** Why a question is not answered. `unknown`: no such case here, or not my part in it; the rest are verdicts on a heartbeat. */
export type WatchRefusal = 'unknown' | 'rate' | 'early' | 'late' | 'stale' | 'blind' | 'none'

/** Questions, by name. */
export interface WatchQuestions {
  /** The provider to a witness: I am up. */
  beat: { readonly id: Uint8Array; readonly slot: number; readonly block: number; readonly blockHash: Uint8Array; readonly sig: Uint8Array }
  /** A witness to the provider: are you? */
  alive: { readonly id: Uint8Array; readonly slot: number }
  /** A witness to another: do you hear me? */
  here: { readonly id: Uint8Array }
  /** A party to a witness: your bitmap of this window. */
  bitmap: { readonly id: Uint8Array; readonly window: number }
  /** A witness to a party: here is mine. */
  said: { readonly id: Uint8Array; readonly window: number; readonly down: bigint; readonly sig: Uint8Array }
  /** The provider to the renter: agree that the case ends after so many slots. */
  end: { readonly id: Uint8Array; readonly slots: number }
  /** The provider to the renter, before it opens a case at a court of secrets: what do you commit to? */
  commit: { readonly id: Uint8Array }
  /** A party to the other, once the block is there that draws: your secret. */
  reveal: { readonly id: Uint8Array }
}

/** Answers, by name. */
export interface WatchAnswers {
  /** An up-receipt. */
  receipt: { readonly sig: Uint8Array }
  /** The provider's heartbeat of the slot. */
  beat: { readonly block: number; readonly blockHash: Uint8Array; readonly sig: Uint8Array }
  /** Yes. With the signature where one was asked for. */
  yes: { readonly sig: Uint8Array | null }
  bitmap: { readonly down: bigint; readonly sig: Uint8Array }
  /** What is committed to, 32 bytes. */
  commit: { readonly commit: Uint8Array }
  /** The secret behind it, 32 bytes. */
  secret: { readonly secret: Uint8Array }
  refused: { readonly reason: WatchRefusal }
}

const QUESTIONS: { readonly [N in keyof WatchQuestions]: Schema<WatchQuestions[N]> } = {
  beat: fields({ id, slot: uint(), block: height, blockHash: id, sig }),
  alive: fields({ id, slot: uint() }),
  here: fields({ id }),
  bitmap: fields({ id, window: uint() }),
  said: fields({ id, window: uint(), down: mask, sig }),
  end: fields({ id, slots: uint() }),
  commit: fields({ id }),
  reveal: fields({ id }),
}

const ANSWERS: { readonly [N in keyof WatchAnswers]: Schema<WatchAnswers[N]> } = {
  receipt: fields({ sig }),
  beat: fields({ block: height, blockHash: id, sig }),
  yes: fields({ sig: nullable(sig) }),
  bitmap: fields({ down: mask, sig }),
  commit: fields({ commit: id }),
  secret: fields({ secret: id }),
  refused: fields({ reason: oneOf('unknown', 'rate', 'early', 'late', 'stale', 'blind', 'none') }),
}

/** A question or an answer with its name. */
export type Named<T> = { [N in keyof T]: { readonly name: N; readonly body: T[N] } }[keyof T]

/** One question with its name. */
export type WatchQuestion = Named<WatchQuestions>

/** One answer with its name. */
export type WatchAnswer = Named<WatchAnswers>

/** The bytes of a question: `[name, body]`. Throws `E_WIRE_*`. */
export function encodeQuestion(question: WatchQuestion): Uint8Array {
  return encode([question.name, (QUESTIONS[question.name] as Schema<unknown>).build(question.body)], LIMITS)
}

/**
 * Reads a question. Throws `E_WIRE_*`, and `E_WATCH_QUESTION` for a name that isn't known.
 *
 * @example
 * ```ts
 * import { decodeQuestion, encodeQuestion } from "@haggle/watch";
 * import { expect } from "vitest";
 *
 * const question = { name: "alive", body: { id: new Uint8Array(32), slot: 7 } } as const;
 * expect(decodeQuestion(encodeQuestion(question))).toEqual(question);
 * ```
 */
export function decodeQuestion(frame: Uint8Array): WatchQuestion {
  return decodeNamed<WatchQuestions>(frame, QUESTIONS)
}

/** The bytes of an answer: `[name, body]`. Throws `E_WIRE_*`. */
export function encodeAnswer(answer: WatchAnswer): Uint8Array {
  return encode([answer.name, (ANSWERS[answer.name] as Schema<unknown>).build(answer.body)], LIMITS)
}

/** Reads an answer. Throws `E_WIRE_*`, and `E_WATCH_QUESTION` for a name that isn't known. */
export function decodeAnswer(frame: Uint8Array): WatchAnswer {
  return decodeNamed<WatchAnswers>(frame, ANSWERS)
}

/** The answer of who does not answer. */
export function refusedFor(reason: WatchRefusal): WatchAnswer {
  return { name: 'refused', body: { reason } }
}

function decodeNamed<T>(frame: Uint8Array, schemas: { readonly [N in keyof T]: Schema<T[N]> }): Named<T> {
  const value = decode(frame, LIMITS)
  const [name, body] = Array.isArray(value) && value.length === 2 ? (value as readonly Value[]) : []
  if (typeof name !== 'string' || body === undefined || !Object.hasOwn(schemas, name)) {
    throw new HaggleError('E_WATCH_QUESTION', 'Cannot read the frame: it is neither a question nor an answer about heartbeats')
  }
  const known = name as keyof T
  return { name: known, body: schemas[known].parse(body) } as Named<T>
}
