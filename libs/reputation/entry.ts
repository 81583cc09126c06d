// What the ledger remembers: one entry, its bytes in the dialect, and the salted leaf that commits to it (spec/ledger.md).

import { big, bytes, concat, DOCUMENT_LIMITS, decode, fields, list, nullable, oneOf, type Schema, uint } from '@haggle/wire'
import { Slab, writeEntry } from './_encode_entry.ts'
import { leafHash, type Sha256 } from './rfc9162.ts'

/** Version of the entry's layout: its first field. */
const ENTRY_VERSION = 1

/** Bytes of the random salt of a leaf: enough that nobody can guess an entry from its leaf. */
export const SALT_BYTES = 16

/** Bytes that the evidence of one entry may have in all, so that the entry stays a document of the dialect. */
const MAX_EVIDENCE_BYTES = 60 * 1024

/** Envelopes in one entry. */
const MAX_EVIDENCE = 64

/** A time in unix seconds, as far as the dialect's integers reach. */
const seconds: Schema<number> = uint({ min: 0, max: 0xffffffff })

/**
 * - `opened`: I entered contract `number`; the peer is the other party.
 * - `closed`: my closing of it: the receipt that both signed, or mine with the last voucher.
 * - `void`: `number` became no contract; `contract` is the id of its ACCEPT.
 * - `receipt`: a receipt outside my own closing, such as one that arrived later or that somebody showed.
 * - `witness`: a witness's report about the peer.
 * - `challenge`: the outcome of a capacity challenge of the peer.
 * - `succeeds`: the first entry of a successor: names the last known head of the log that could not be reached.
 */
export const ENTRY_KINDS = ['opened', 'closed', 'void', 'receipt', 'witness', 'challenge', 'succeeds'] as const

/** One of {@link ENTRY_KINDS}. */
export type EntryKind = (typeof ENTRY_KINDS)[number]

/** What a score needs to know of a contract's end, in integers. Evidence beside it backs it. */
export interface Facts {
  /** What the peer was: the one that provided or the one that rented. */
  readonly role: 'provider' | 'renter'
  /** `settled`, or why not: who `failed` stands in `liable`. */
  readonly outcome: 'settled' | 'failed' | 'cancelled' | 'disputed'
  /** Who broke the contract; null when nobody did. */
  readonly liable: 'provider' | 'renter' | 'network' | null
  /** The rail that paid. On `free` value counts in metered seconds and for much less. */
  readonly rail: 'free' | 'evm'
  /** What was owed and settled, in millionths of the rail's unit: of a finer token, rounded down. */
  readonly settled: bigint
  /** Seconds that the meter ran. */
  readonly meteredS: number
  /** Seconds of the metered time in which the provider was reachable, or null when nobody looked. */
  readonly upS: number | null
  /** Measured speed in thousandths of the advertised one, or null when it wasn't measured. */
  readonly speedPermille: number | null
}

/** One entry of the ledger. Absent things are null, so that every entry has every position. */
export interface Entry {
  /** What happened. */
  readonly kind: EntryKind
  /** When it was written, unix seconds. */
  readonly at: number
  /** My own running number of the contract, for `opened`, `closed` and `void`. */
  readonly number: number | null
  /** The 32-byte key of the peer it is about. */
  readonly peer: Uint8Array | null
  /** Contract id: 32 bytes, the id of the ACCEPT. */
  readonly contract: Uint8Array | null
  /** How the contract ended, for `closed` and `receipt`. */
  readonly facts: Facts | null
  /** Signed envelopes or other bytes, exactly as received: what the entry is worth to somebody else. */
  readonly evidence: readonly Uint8Array[]
}

const factsSchema: Schema<Facts> = fields({
  role: oneOf('provider', 'renter'),
  outcome: oneOf('settled', 'failed', 'cancelled', 'disputed'),
  liable: nullable(oneOf('provider', 'renter', 'network')),
  rail: oneOf('free', 'evm'),
  settled: big({ maxBytes: 16 }),
  meteredS: seconds,
  upS: nullable(seconds),
  speedPermille: nullable(uint({ min: 0, max: 1_000_000 })),
})

/** The layout by which entries are read; {@link encodeEntry} writes the same bytes. */
export const entrySchema: Schema<Entry & { readonly version: number }> = fields({
  version: uint({ min: ENTRY_VERSION, max: ENTRY_VERSION }),
  kind: oneOf(...ENTRY_KINDS),
  at: seconds,
  number: nullable(uint({ min: 0, max: 0xffffffff })),
  peer: nullable(bytes({ length: 32 })),
  contract: nullable(bytes({ length: 32 })),
  facts: nullable(factsSchema),
  evidence: list(bytes({ max: MAX_EVIDENCE_BYTES }), { min: 0, max: MAX_EVIDENCE }),
})

/** The bytes of `entry`. Throws `E_WIRE_SCHEMA` when a field is out of range, `E_WIRE_SIZE` when it is too long. */
export function encodeEntry(entry: Entry): Uint8Array {
  return writeEntry(entry, ENTRY_VERSION, { slab: new Slab(0) }).slice()
}

/** `salt ‖ entry` in `slab`: what the journal and the database keep and the leaf is made of. */
export function encodePayload(salt: Uint8Array, entry: Entry, slab: Slab = new Slab(0)): Uint8Array {
  return writeEntry(entry, ENTRY_VERSION, { before: salt, slab })
}

/** The entry in `encoded`. Throws `E_WIRE_*` when they are not an entry's bytes. */
export function decodeEntry(encoded: Uint8Array): Entry {
  const { version: _, ...entry } = entrySchema.parse(decode(encoded, DOCUMENT_LIMITS))
  return entry
}

/** The leaf's hash: `sha256(0x00 ‖ sha256(salt ‖ entry))`. Who has the leaf alone learns nothing of the entry. */
export function entryLeaf(salt: Uint8Array, encoded: Uint8Array, sha256: Sha256): Uint8Array {
  return leafHash(sha256(concat(salt, encoded)), sha256)
}
