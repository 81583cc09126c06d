// Terms: what two parties sign. Fixed bytes, one hash, never changed; an extension is new terms that name the old.

import { type DeviceKind, type Meter, meterSchema, type Visibility } from '@haggle/offer'
import {
  big,
  bytes,
  concat,
  decodeAs,
  encodeAs,
  equalBytes,
  fields,
  HaggleError,
  list,
  nullable,
  oneOf,
  type Schema,
  text,
  uint,
  utf8,
  type Value,
} from '@haggle/wire'
import { sha256 } from '@noble/hashes/sha2.js'
import { MAX_TERMS_BYTES, MIN_GRACE_MS } from './constants.ts'

/** One device of the terms: enough to say, years later, what was rented. */
export interface TermsDevice {
  /** The device's id in the offer, 1 .. 16 characters of `a-z 0-9 -`. */
  readonly id: string
  /** What the device really is. */
  readonly kind: DeviceKind
  /** Short model name, <= 64 octets of UTF-8. */
  readonly model: string
  /** Nominal memory in MiB; 0 for what has none of its own. */
  readonly vramMiB: number
}

/** Hard limits of the job. */
export interface TermsLimits {
  /** Thousandths of a core. */
  readonly cpuMilli: number
  /** Memory of the job. */
  readonly memMiB: number
  /** Disk of the job's folder. */
  readonly diskMiB: number
  /** stdout and stderr together. */
  readonly outMiB: number
  /** Processes and threads. */
  readonly pids: number
}

/** The terms of one contract. Amounts are base units of the rail's money, durations are ms. */
export interface Terms {
  /** 32-byte key of the renter. */
  readonly renter: Uint8Array
  /** 32-byte key of the provider. */
  readonly provider: Uint8Array
  /** Envelope id of the standing offer that was taken; null when there was none. */
  readonly offerDigest: Uint8Array | null
  /** 0 .. 16, in the order in which the job sees them. Empty: the job runs on the CPU alone. */
  readonly devices: readonly TermsDevice[]
  /** `deno`, `exec`, … : <= 32 octets. */
  readonly runner: string
  /** The isolation that the provider must give, such as `bubblewrap`: <= 32 octets. */
  readonly isolation: string
  /** `free`, or `evm:<chain id>:<token address>`. */
  readonly rail: string
  /** 1 .. 6, at most one per unit. `sla` is one of them when a service level is bought: what it costs. */
  readonly meters: readonly Meter[]
  /** Most that can ever be owed, base units. */
  readonly cap: bigint
  /** METER is due every `tickMs`, 100 .. 60,000. */
  readonly tickMs: number
  /** How long a silence is forgiven, 1,000 .. 600,000; also the least notice of RECLAIM_NOTICE. */
  readonly graceMs: number
  /** From CONFIRM to READY, 1,000 .. 86,400,000. */
  readonly stagingMs: number
  /** How long the job lives without its renter, 1,000 .. 86,400,000. */
  readonly idleMs: number
  /** Longest run from READY on, 1,000 .. 2,592,000,000 (30 days). */
  readonly maxMs: number
  /** Hard limits of the job. */
  readonly limits: TermsLimits
  /** Network policy of the job; null: no network. */
  readonly net: string | null
  /** Encoded service level; null: none bought. */
  readonly sla: Uint8Array | null
  /** Who may see the ledger entries of this contract. */
  readonly visibility: Visibility
  /** Hash of the terms that these extend; null for the first terms of a contract. */
  readonly extends: Uint8Array | null
}

const key: Schema<Uint8Array> = bytes({ length: 32 })

const devicesSchema: Schema<readonly TermsDevice[]> = list(
  fields({ id: text({ max: 16 }), kind: oneOf('gpu', 'software', 'cpu'), model: text({ max: 64 }), vramMiB: uint() }),
  { max: 16 },
)

const DAY_MS = 86_400_000

const body: Schema<Terms & { readonly version: number }> = fields({
  version: uint({ min: 1, max: 1 }),
  renter: key,
  provider: key,
  offerDigest: nullable(key),
  devices: devicesSchema,
  runner: text({ max: 32 }),
  isolation: text({ max: 32 }),
  rail: text({ max: 96 }),
  meters: list(meterSchema, { min: 1, max: 6 }),
  cap: big({ maxBytes: 16 }),
  tickMs: uint({ min: 100, max: 60_000 }),
  graceMs: uint({ min: MIN_GRACE_MS, max: 600_000 }),
  stagingMs: uint({ min: 1_000, max: DAY_MS }),
  idleMs: uint({ min: 1_000, max: DAY_MS }),
  maxMs: uint({ min: 1_000, max: 30 * DAY_MS }),
  limits: fields({ cpuMilli: uint(), memMiB: uint(), diskMiB: uint(), outMiB: uint(), pids: uint() }),
  net: nullable(text({ max: 64 })),
  sla: nullable(bytes({ max: 1_024 })),
  visibility: oneOf('private', 'public'),
  extends: nullable(key),
})

/**
 * Fails on what the shape alone does not show.
 *
 * @throws `E_TERMS` when one party is both, a device or a unit is named twice, or a meter counts per 0.
 */
export function checkTerms(terms: Terms): Terms {
  const wrong = (path: string, what: string): never => {
    throw new HaggleError('E_TERMS', `Cannot use terms: ${path} ${what}`, { details: { path } })
  }
  if (equalBytes(terms.renter, terms.provider)) wrong('provider', 'must not be the renter itself')
  if (new Set(terms.devices.map((d) => d.id)).size !== terms.devices.length) wrong('devices', 'name one device twice')
  for (const device of terms.devices)
    if (!/^[a-z0-9-]{1,16}$/.test(device.id)) wrong('devices', 'have an id other than 1 to 16 of a-z 0-9 -')
  if (new Set(terms.meters.map((m) => m.unit)).size !== terms.meters.length) wrong('meters', 'name one unit twice')
  for (const meter of terms.meters) if (meter.per === 0n) wrong('meters', 'count per 0')
  return terms
}

/** Dialect form of {@link Terms}: 20 positions, the first one the version, 1. */
export const termsSchema: Schema<Terms> = {
  parse: (value: Value): Terms => {
    const { version: _, ...terms } = body.parse(value)
    return checkTerms(terms)
  },
  build: (terms: Terms): Value => body.build({ ...checkTerms(terms), version: 1 }),
}

/**
 * The bytes of terms.
 *
 * @throws `E_TERMS` and `E_WIRE_*` when the terms are not well formed or longer than {@link MAX_TERMS_BYTES}.
 */
export function encodeTerms(terms: Terms): Uint8Array {
  const encoded = encodeAs(termsSchema, terms)
  if (encoded.length > MAX_TERMS_BYTES)
    throw new HaggleError('E_TERMS', `Cannot encode terms: ${encoded.length} bytes, at most ${MAX_TERMS_BYTES} are allowed`, {
      details: { bytes: encoded.length },
    })
  return encoded
}

/**
 * Terms from their bytes.
 *
 * @throws `E_TERMS` and `E_WIRE_*` when the bytes are not exactly the encoding of well-formed terms.
 */
export function decodeTerms(encoded: Uint8Array): Terms {
  if (encoded.length > MAX_TERMS_BYTES)
    throw new HaggleError('E_TERMS', `Cannot read terms: ${encoded.length} bytes, at most ${MAX_TERMS_BYTES} are allowed`, {
      details: { bytes: encoded.length },
    })
  return decodeAs(termsSchema, encoded)
}

const DOMAIN = /* @__PURE__ */ utf8('haggle-terms/1\0')

/** `sha256("haggle-terms/1\0" ‖ bytes)`: what every later message names instead of the bytes. 32 bytes. */
export function termsHash(encoded: Uint8Array): Uint8Array {
  return sha256(concat(DOMAIN, encoded))
}
