// A transaction as it is written down: what it does, its nonce, and every fee that it was signed with.

import { big, bytes, decodeAs, encodeAs, fields, fromHex, type Infer, type Limits, list, nullable, text, toHex, uint } from '@haggle/wire'
import type { Write } from '@haggle/store'
import type { Address, Hex } from 'viem'
import type { Fees } from './fees.ts'

/** One time that it was signed. Nonce and call never change, so the bytes can be made again. */
export interface Attempt extends Fees {
  readonly gas: bigint
  readonly hash: Hex
}

/** A transaction that was asked for and is not finished. */
export interface Intent {
  /** Order of asking, and its place in the store. */
  readonly order: number
  readonly key: string
  readonly to: Address
  readonly data: Hex
  readonly value: bigint
  readonly sinceS: number
  /** Null until it is sent for the first time. */
  readonly nonce: number | null
  /** Oldest first. Any of them may be the one that a block takes. */
  readonly attempts: readonly Attempt[]
}

/** Claims of 25 channels are 11 KB of calldata. */
const LIMITS: Limits = { maxBytes: 256 * 1024, maxDepth: 4, maxItems: 8192 }
const MAX_ATTEMPTS = 1024

const attempt = fields({ gas: big(), maxFee: big(), priority: big(), hash: bytes({ length: 32 }) })
const record = fields({
  key: text({ max: 256 }),
  to: bytes({ length: 20 }),
  data: bytes({ max: 128 * 1024 }),
  value: big({ maxBytes: 32 }),
  sinceS: uint(),
  nonce: nullable(uint()),
  attempts: list(attempt, { max: MAX_ATTEMPTS }),
})

const hex = (value: Uint8Array): Hex => `0x${toHex(value)}`
const unhex = (value: Hex): Uint8Array => fromHex(value.slice(2))

/** Where an intent is kept: in order of asking. */
export function intentKey(order: number): string {
  return `i${order.toString(16).padStart(12, '0')}`
}

/** The write that keeps `intent`. */
export function encodeIntent({ order, key, to, data, value, sinceS, nonce, attempts }: Intent): Write {
  const body: Infer<typeof record> = {
    key,
    to: unhex(to),
    data: unhex(data),
    value,
    sinceS,
    nonce,
    attempts: attempts.map((one) => ({ ...one, hash: unhex(one.hash) })),
  }
  return { key: intentKey(order), value: encodeAs(record, body, LIMITS) }
}

/** The intent that stands under `key`. */
export function decodeIntent(key: string, value: Uint8Array): Intent {
  const body = decodeAs(record, value, LIMITS)
  return {
    ...body,
    order: Number.parseInt(key.slice(1), 16),
    to: hex(body.to),
    data: hex(body.data),
    attempts: body.attempts.map((one) => ({ ...one, hash: hex(one.hash) })),
  }
}
