// The demand: what a renter asks for, and who asks. The body of a quote request.

import { big, bytes, fields, HaggleError, list, nullable, oneOf, type Schema, text, uint, type Value } from '@haggle/wire'

/** What one job needs. */
export interface DemandLimits {
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
  /** Wall milliseconds at most, 1,000 .. 2,592,000,000 (30 days). */
  readonly maxMs: number
}

/** Who may see the contract's entries. */
export type Visibility = 'private' | 'public'

/** What a renter asks for. */
export interface Demand {
  /** Constraint expression over offers, at most 4 KiB; empty: everything. See `spec/constraints.md`. */
  readonly where: string
  /** `deno`, `exec`, `container` or `openai`; more may come. */
  readonly runner: string
  /** Acceptable isolation tiers; empty: any. At most 8. */
  readonly isolation: readonly string[]
  /** Fewest free GPUs, 0 .. 16. */
  readonly minGpus: number
  /** Most GPUs that the job takes when they are there, minGpus .. 16. */
  readonly maxGpus: number
  /** How it will be paid, such as `free`. */
  readonly rail: string
  /** Most it may cost in all, base units of the rail. */
  readonly cap: bigint
  /** What the job needs. */
  readonly limits: DemandLimits
  /** How long the job lives without its renter, ms, 1,000 .. 86,400,000. */
  readonly idleMs: number
  /** Who may see the ledger entries. */
  readonly visibility: Visibility
  /** The renter's account at the court, 20 bytes, when it buys a service level: what a missed slot counts for is paid there. Null: none is bought. */
  readonly sla: Uint8Array | null
}

const demandFields: Schema<Demand> = fields({
  where: text({ max: 4096 }),
  runner: text({ max: 16 }),
  isolation: list(text({ max: 16 }), { max: 8 }),
  minGpus: uint({ max: 16 }),
  maxGpus: uint({ max: 16 }),
  rail: text({ max: 96 }),
  cap: big({ maxBytes: 16 }),
  limits: fields({
    cpuMilli: uint(),
    memMiB: uint(),
    diskMiB: uint(),
    outMiB: uint(),
    pids: uint(),
    maxMs: uint({ min: 1_000, max: 2_592_000_000 }),
  }),
  idleMs: uint({ min: 1_000, max: 86_400_000 }),
  visibility: oneOf('private', 'public'),
  sla: nullable(bytes({ length: 20 })),
})

function checkDemand(demand: Demand): Demand {
  if (demand.minGpus > demand.maxGpus)
    throw new HaggleError('E_DEMAND_GPUS', `Cannot ask for at least ${demand.minGpus} and at most ${demand.maxGpus} GPUs`)
  return demand
}

/** Dialect form of a {@link Demand}: an array of its fields in the order of the interface. Throws `E_DEMAND_GPUS` when minGpus is above maxGpus. */
export const demandSchema: Schema<Demand> = {
  parse: (value: Value): Demand => checkDemand(demandFields.parse(value)),
  build: (demand: Demand): Value => demandFields.build(checkDemand(demand)),
}

/** A renter as a provider sees it: what `accept` is evaluated over, beside the demand. */
export interface Renter {
  /** 32-byte key. */
  readonly key: Uint8Array
  /** The provider's own score of the renter, millionths, 0 .. 1,000,000. */
  readonly scoreMicro?: number
  /** The parts that the score is made of, each as far as the provider knows it, millionths. */
  readonly axesMicro?: Readonly<Partial<Record<'pays' | 'disputes', number>>>
  /** Contracts settled with the renter. */
  readonly jobs?: number
  /** Renter's stake in millionths of the configured unit. */
  readonly stakeMicro?: number
  /** True when the renter is on the provider's allow-list. */
  readonly friend?: boolean
}
