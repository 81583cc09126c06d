// The bodies of the messages: what each one says, and its dialect form. Positions are in the order of the interface.

import { type Demand, demandSchema } from '@haggle/offer'
import { big, bytes, fields, list, nullable, oneOf, type Schema, text, uint } from '@haggle/wire'
import { MAX_HOLD_MS, MAX_QUOTE_MS, MAX_TERMS_BYTES } from './constants.ts'
import { CANCEL_REASONS, type CancelReason, type ReceiptReason, type RejectReason } from './reasons.ts'

const hash: Schema<Uint8Array> = bytes({ length: 32 })
const termsBytes: Schema<Uint8Array> = bytes({ max: MAX_TERMS_BYTES })
const amount: Schema<bigint> = big({ maxBytes: 16 })
const usage: Schema<readonly bigint[]> = list(big({ maxBytes: 8 }), { min: 1, max: 6 })

/** Renter: what would this cost me? Opens a thread, or an extension in one. */
export interface QuoteReqBody {
  /** What is wanted. */
  readonly demand: Demand
  /** Envelope id of the provider's offer that the demand was matched with; null when the renter has none. */
  readonly offer: Uint8Array | null
  /** Hash of the terms in force when this asks for an extension; else null. */
  readonly extends: Uint8Array | null
}
export const quoteReqSchema: Schema<QuoteReqBody> = fields({ demand: demandSchema, offer: nullable(hash), extends: nullable(hash) })

/** Provider: these terms, at this price. */
export interface QuoteBody {
  /** Encoded terms. */
  readonly terms: Uint8Array
  /** How long capacity is held, ms from sending, 0 .. 15,000. 0: firm in price, not in capacity. */
  readonly holdMs: number
  /** How long the price is firm, ms from arrival, 1 .. 600,000. */
  readonly validMs: number
}
export const quoteSchema: Schema<QuoteBody> = fields({
  terms: termsBytes,
  holdMs: uint({ max: MAX_HOLD_MS }),
  validMs: uint({ min: 1, max: MAX_QUOTE_MS }),
})

/** Renter: these terms instead. */
export interface CounterBody {
  /** Encoded terms. */
  readonly terms: Uint8Array
}
export const counterSchema: Schema<CounterBody> = fields({ terms: termsBytes })

/** Renter: I take it. */
export interface AcceptBody {
  /** Encoded terms when this message proposes them (take it, or an extension without a quote); null when they were quoted. */
  readonly terms: Uint8Array | null
  /** Hash of the terms, 32 bytes. */
  readonly termsHash: Uint8Array
  /** sha256(32 random bytes ‖ spec); null when START brings it later, and in an extension. */
  readonly specHash: Uint8Array | null
  /** The renter's own contract number. An extension repeats the contract's. */
  readonly number: number
  /** The rail's funding proof, <= 2,048 octets; null on the free rail. */
  readonly funding: Uint8Array | null
}
export const acceptSchema: Schema<AcceptBody> = fields({
  terms: nullable(termsBytes),
  termsHash: hash,
  specHash: nullable(hash),
  number: uint(),
  funding: nullable(bytes({ max: 2_048 })),
})

/** Provider: we have a contract. */
export interface ConfirmBody {
  /** Id of the ACCEPT: the contract's id, unless it extends. */
  readonly accept: Uint8Array
  /** Hash of the terms, 32 bytes. */
  readonly termsHash: Uint8Array
  /** The provider's own contract number. An extension repeats the contract's. */
  readonly number: number
}
export const confirmSchema: Schema<ConfirmBody> = fields({ accept: hash, termsHash: hash, number: uint() })

/** Provider: no. With `terms` it is a fresh quote at once. */
export interface RejectedBody {
  /** Why. */
  readonly reason: RejectReason
  /** The property that failed when `reason` is `constraint`, <= 64 octets; else null. */
  readonly path: string | null
  /** Id of the QUOTE_REQ, COUNTER or ACCEPT that this refuses. */
  readonly of: Uint8Array
  /** Encoded terms of a fresh quote without a hold; null: the walk is over. */
  readonly terms: Uint8Array | null
  /** How long the fresh quote is firm, ms from arrival; 0 without one. */
  readonly validMs: number
}
export const rejectedSchema: Schema<RejectedBody> = fields({
  reason: oneOf('capacity', 'price', 'constraint', 'trust', 'policy', 'funding', 'unsupported', 'expired'),
  path: nullable(text({ max: 64 })),
  of: hash,
  terms: nullable(termsBytes),
  validMs: uint({ max: MAX_QUOTE_MS }),
})

/** Either: it is over. */
export interface CancelBody {
  /** Why. */
  readonly reason: CancelReason
}
export const cancelSchema: Schema<CancelBody> = fields({
  reason: oneOf(...CANCEL_REASONS),
})

/** Renter: this is what to run, when ACCEPT did not say it. */
export interface StartBody {
  /** sha256(32 random bytes ‖ spec), 32 bytes. */
  readonly specHash: Uint8Array
}
export const startSchema: Schema<StartBody> = fields({ specHash: hash })

/** Provider: the job runs and the meter with it. No positions. */
export type ReadyBody = Readonly<Record<never, never>>
export const readySchema: Schema<ReadyBody> = fields({})

/** Provider: METER number `n`. */
export interface MeterBody {
  /** 1, 2, 3 … */
  readonly n: number
  /** Cumulative usage, one amount for each of the terms' meters, in their order. */
  readonly usage: readonly bigint[]
  /** What it comes to: `owedFor(terms, usage)`. */
  readonly owed: bigint
}
export const meterBodySchema: Schema<MeterBody> = fields({ n: uint({ min: 1 }), usage, owed: amount })

/** Renter: I owe this much by now. */
export interface VoucherBody {
  /** Contract id, 32 bytes. */
  readonly contract: Uint8Array
  /** `owed` of the last METER that this message acknowledges; 0 before the first. */
  readonly contractOwed: bigint
  /** The rail's channel, 32 octets; null on the free rail. */
  readonly channel: Uint8Array | null
  /** What the channel has promised in all, base units; null on the free rail. */
  readonly channelCumulative: bigint | null
  /** The rail's own signature, <= 65 octets; null on the free rail. */
  readonly evmSig: Uint8Array | null
}
export const voucherSchema: Schema<VoucherBody> = fields({
  contract: hash,
  contractOwed: amount,
  channel: nullable(bytes({ length: 32 })),
  channelCumulative: nullable(amount),
  evmSig: nullable(bytes({ max: 65 })),
})

/** How a job ended. */
export interface Exit {
  /** `exit`: by itself. `signal`: by a signal. `limit`: at a limit of the terms. `killed`: by a party's wish. `lost`: the host lost it. */
  readonly kind: 'exit' | 'signal' | 'limit' | 'killed' | 'lost'
  /** Exit code 0 .. 255 when `kind` is `exit`; else null. */
  readonly code: number | null
  /** The signal's name, the limit (`memory` `output` `time` `disk` `pids` `cap`) or the reason, <= 64 octets; null when `kind` is `exit` or `lost`. */
  readonly word: string | null
}

/** Provider: it ended like this. */
export interface ResultBody {
  /** How the job ended. */
  readonly exit: Exit
  /** Cumulative usage, one amount for each of the terms' meters, in their order. */
  readonly usage: readonly bigint[]
  /** What it comes to, base units. */
  readonly owed: bigint
  /** Digest of the kept output, as the job protocol defines it; null when nothing is kept. */
  readonly output: Uint8Array | null
}
export const resultSchema: Schema<ResultBody> = fields({
  exit: fields({
    kind: oneOf('exit', 'signal', 'limit', 'killed', 'lost'),
    code: nullable(uint({ max: 255 })),
    word: nullable(text({ max: 64 })),
  }),
  usage,
  owed: amount,
  output: nullable(hash),
})

/** Either: closed, with these figures. */
export interface ReceiptBody {
  /** Contract id, 32 bytes. */
  readonly contract: Uint8Array
  /** Hash of the terms in force at the end. */
  readonly termsHash: Uint8Array
  /** Cumulative usage, one amount for each of the terms' meters, in their order. */
  readonly usage: readonly bigint[]
  /** What it comes to, base units. */
  readonly owed: bigint
  /** Null when it simply agrees with RESULT. */
  readonly reason: ReceiptReason | null
}
export const receiptSchema: Schema<ReceiptBody> = fields({
  contract: hash,
  termsHash: hash,
  usage,
  owed: amount,
  reason: nullable(oneOf('silent', 'meter', 'output')),
})

/** Provider: I will need the machine. */
export interface ReclaimBody {
  /** Ms from arrival, at least the terms' `graceMs`. */
  readonly inMs: number
}
export const reclaimSchema: Schema<ReclaimBody> = fields({ inMs: uint() })

/** Renter: someone else may use this contract's streams. */
export interface GrantBody {
  /** Contract id, 32 bytes. */
  readonly contract: Uint8Array
  /** 32-byte key. */
  readonly grantee: Uint8Array
  /** `read`: output and results. `control`: stdin, files in and cancel too. */
  readonly right: 'read' | 'control'
  /** Unix seconds. */
  readonly until: number
}
export const grantSchema: Schema<GrantBody> = fields({ contract: hash, grantee: hash, right: oneOf('read', 'control'), until: uint() })
