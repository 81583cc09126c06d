// The offer: what one provider sells, at what price, to whom, until when.

import { big, bytes, fields, HaggleError, list, type MessageType, nullable, oneOf, type Schema, text, uint, type Value } from '@haggle/wire'
import { type Device, deviceSchema, MAX_DEVICES } from './device.ts'
import { type Rail, railSchema } from './meter.ts'

/** The processor of the machine. */
export interface Cpu {
  /** As the machine tells it. */
  readonly model: string
  /** Physical cores. */
  readonly cores: number
  /** Hardware threads. */
  readonly threads: number
}

/** Network capacity of the machine, kilobits (10^3 bits) a second. Null: not measured. */
export interface NetSpeed {
  /** Towards the machine. */
  readonly downKbps: number | null
  /** Away from it. */
  readonly upKbps: number | null
}

/** A way to run jobs and how far it shuts them in. */
export interface OfferedRunner {
  /** `deno`, `exec`, `container` or `openai`; more may come. */
  readonly runner: string
  /** Isolation tier, such as `permissions`, `bubblewrap`, `container`, `gvisor`, `server`. */
  readonly isolation: string
}

/** The most that one job may have. */
export interface OfferLimits {
  /** Thousandths of a core. */
  readonly cpuMilli: number
  /** Memory. */
  readonly memMiB: number
  /** Disk. */
  readonly diskMiB: number
  /** stdout and stderr together. */
  readonly outMiB: number
  /** Processes and threads. */
  readonly pids: number
  /** Wall milliseconds of a job. */
  readonly maxMs: number
}

/** The rhythm of a contract with this provider, milliseconds. The bounds are those of terms: see `spec/terms.md`. */
export interface OfferTiming {
  /** Between two METERs, 100 .. 60,000. */
  readonly tickMs: number
  /** Wait for a late voucher before the job is stopped, 1,000 .. 600,000. */
  readonly graceMs: number
  /** Most time for staging files, unmetered, 1,000 .. 86,400,000. */
  readonly stagingMs: number
  /** Most that a job lives without its renter, 1,000 .. 86,400,000. */
  readonly idleMs: number
}

/** Stake that stands behind the offer. */
export interface OfferStake {
  /** Name of the rail, `evm:<chain id>:<token address>`. */
  readonly rail: string
  /** Base units of that rail's token that are not locked. */
  readonly amount: bigint
}

/** A service level that can be bought with a job that is paid on `rail`. Money is base units of that rail's token, which is the court's. */
export interface OfferSla {
  /** Name of the rail, `evm:<chain id>:<token address>`: one of the offer's. Its account is the one whose stake is locked. */
  readonly rail: string
  /** The court's address, 20 bytes. */
  readonly court: Uint8Array
  /** Which of the court's rules decides: 1 or 2. */
  readonly rule: number
  /** Seconds of a slot, 1 .. 3,600. */
  readonly slotS: number
  /** What a missed slot counts for, > 0. */
  readonly pricePerSlot: bigint
  /** How many times that the provider loses for it, 1 .. 10. */
  readonly factor: number
  /** What it costs: the provider's transactions for opening and closing the case. Owed once the court has drawn the witnesses. */
  readonly fee: bigint
}

/** Who may rent. `friends`: an allow-list that the provider keeps to itself; a stranger need not ask. */
export type Serves = 'anyone' | 'friends'

/** What one provider sells. The body of an `offer` envelope; the provider is its signer. */
export interface Offer {
  /** 1 .. 16, ids unique. */
  readonly devices: readonly Device[]
  /** The processor. */
  readonly cpu: Cpu
  /** Memory for jobs, in all. */
  readonly memMiB: number
  /** Disk for jobs, in all. */
  readonly diskMiB: number
  /** Network capacity. */
  readonly net: NetSpeed
  /** Lower case, such as `linux`, `darwin`, `windows`. */
  readonly os: string
  /** Lower case, such as `x64`, `arm64`. */
  readonly arch: string
  /** ISO 3166-1 country or 3166-2 subdivision in upper case, such as `DE` or `US-CA`. Null: not told. */
  readonly region: string | null
  /** 1 .. 8. */
  readonly runners: readonly OfferedRunner[]
  /** OCI images that are here already, at most 32. */
  readonly images: readonly string[]
  /** Models that are here or served, at most 32. */
  readonly models: readonly string[]
  /** 1 .. 4, names unique: how to pay, and the prices. */
  readonly rails: readonly Rail[]
  /** The most one job may have. */
  readonly limits: OfferLimits
  /** The rhythm of a contract. */
  readonly timing: OfferTiming
  /** Null: none. */
  readonly stake: OfferStake | null
  /** The service level that is on sale; null: none. */
  readonly sla: OfferSla | null
  /** Jobs at a time. */
  readonly slots: number
  /** Slots free now, 0 .. slots. */
  readonly freeSlots: number
  /** Who may rent at all. */
  readonly serves: Serves
  /** Constraint expression over renters, at most 1 KiB; empty: everyone that `serves` lets in. */
  readonly accept: string
}

/** Longest that an offer's price promise may last, seconds. */
export const MAX_OFFER_LIFETIME_S = 600

const DAY_MS = 86_400_000

const word = (max: number): Schema<string> => text({ max })

const slaFields: Schema<OfferSla> = fields({
  rail: word(96),
  court: bytes({ length: 20 }),
  rule: uint({ min: 1, max: 2 }),
  slotS: uint({ min: 1, max: 3_600 }),
  pricePerSlot: big({ maxBytes: 16 }),
  factor: uint({ min: 1, max: 10 }),
  fee: big({ maxBytes: 8 }),
})

const offerFields: Schema<Offer> = fields({
  devices: list(deviceSchema, { min: 1, max: MAX_DEVICES }),
  cpu: fields({ model: word(64), cores: uint(), threads: uint() }),
  memMiB: uint(),
  diskMiB: uint(),
  net: fields({ downKbps: nullable(uint()), upKbps: nullable(uint()) }),
  os: word(16),
  arch: word(16),
  region: nullable(word(6)),
  runners: list(fields({ runner: word(16), isolation: word(16) }), { min: 1, max: 8 }),
  images: list(word(128), { max: 32 }),
  models: list(word(128), { max: 32 }),
  rails: list(railSchema, { min: 1, max: 4 }),
  limits: fields({ cpuMilli: uint(), memMiB: uint(), diskMiB: uint(), outMiB: uint(), pids: uint(), maxMs: uint() }),
  timing: fields({
    tickMs: uint({ min: 100, max: 60_000 }),
    graceMs: uint({ min: 1_000, max: 600_000 }),
    stagingMs: uint({ min: 1_000, max: DAY_MS }),
    idleMs: uint({ min: 1_000, max: DAY_MS }),
  }),
  stake: nullable(fields({ rail: word(96), amount: big({ maxBytes: 16 }) })),
  sla: nullable(slaFields),
  slots: uint({ min: 1 }),
  freeSlots: uint(),
  serves: oneOf('anyone', 'friends'),
  accept: text({ max: 1024 }),
})

/**
 * Fails on what the shape alone does not show.
 *
 * @throws `E_OFFER_DEVICE` for two devices of one id, `E_OFFER_RAIL` for two rails of one name and for one without its account, `E_OFFER_REGION`, `E_OFFER_SLOTS`,
 * `E_OFFER_SLA` for a service level on a rail that the offer lacks, or one that counts for nothing.
 */
export function checkOffer(offer: Offer): Offer {
  const twice = (names: readonly string[]): string | undefined => names.find((name, at) => names.indexOf(name) !== at)
  const device = twice(offer.devices.map((d) => d.id))
  if (device !== undefined) throw new HaggleError('E_OFFER_DEVICE', `Cannot make an offer: device id "${device}" is there twice`)
  const rail = twice(offer.rails.map((r) => r.rail))
  if (rail !== undefined) throw new HaggleError('E_OFFER_RAIL', `Cannot make an offer: rail "${rail}" is there twice`)
  if (offer.region !== null && !/^[A-Z]{2}(-[A-Z0-9]{1,3})?$/.test(offer.region))
    throw new HaggleError('E_OFFER_REGION', `Cannot make an offer: region must be like DE or US-CA, is "${offer.region}"`, {
      next: 'give an ISO 3166 code, or leave the region out',
    })
  const { sla } = offer
  const payee = offer.rails.find((r) => r.rail === sla?.rail)?.account ?? null
  if (sla !== null && (sla.pricePerSlot < 1n || payee === null))
    throw new HaggleError(
      'E_OFFER_SLA',
      `Cannot make an offer: a service level needs a rail of the offer that pays an account, and a price above 0`,
    )
  if (offer.freeSlots > offer.slots)
    throw new HaggleError('E_OFFER_SLOTS', `Cannot make an offer: ${offer.freeSlots} free slots of ${offer.slots}`)
  return offer
}

/** Dialect form of an {@link Offer}: an array of its fields in the order of the interface. See `spec/offer.md`. */
export const offerSchema: Schema<Offer> = {
  parse: (value: Value): Offer => checkOffer(offerFields.parse(value)),
  build: (offer: Offer): Value => offerFields.build(checkOffer(offer)),
}

/** The `offer` envelope: no thread, no audience, and a price promise of at most ten minutes. */
export const offerMessage: MessageType<Offer> = {
  type: 'offer',
  schema: offerSchema,
  maxLifetimeS: MAX_OFFER_LIFETIME_S,
  thread: false,
  audience: false,
}

/** What a provider's score is made of. */
export type ProviderAxis = 'completes' | 'uptime' | 'speed' | 'disputes'

/** An offer with its provider, and what the reader itself knows of that provider. What the language evaluates. */
export interface Listing {
  /** The provider's 32-byte key: the signer of the offer. */
  readonly provider: Uint8Array
  /** What it sells. */
  readonly offer: Offer
  /** The reader's own score of the provider, millionths, 0 .. 1,000,000. */
  readonly scoreMicro?: number
  /** The parts that the score is made of, each as far as the reader knows it, millionths. */
  readonly axesMicro?: Readonly<Partial<Record<ProviderAxis, number>>>
  /** Contracts settled with the provider, as far as the reader knows. */
  readonly jobs?: number
  /** Round trip, milliseconds. */
  readonly rttMs?: number
}
