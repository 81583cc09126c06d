// Turns a machine and its owner's decisions into the offer of this moment.

import { type Offer, type OfferedRunner, type OfferSla, parse } from '@haggle/offer'
import { HaggleError, parseAmount } from '@haggle/wire'
import { ruleOf } from '@haggle/witness'
import type { CourtAccount, Machine } from './parts.ts'
import { type Rails, rateOf } from './rails.ts'
import type { ProvideRequest } from './types.ts'

/** METER is due this often. Short enough that a stranger risks little, long enough that metering costs nothing. Ms. */
const TICK_MS = 5_000
/** A silence that is forgiven: a lost connection comes back within it. Ms. */
const GRACE_MS = 30_000
/** Files of a job travel at most so long. Ms. */
const STAGING_MS = 30 * 60_000
/** A job lives at most so long without its renter. Ms. */
const MAX_IDLE_MS = 60 * 60_000
/** Longest job of a stranger unless the owner says otherwise. Ms. */
export const STRANGER_MAX_MS: number = 10 * 60_000
/** Processes and threads of one job. */
const JOB_PIDS = 256
/** Kept output of one job, MiB. */
const JOB_OUT_MIB = 64

/** What a provider has decided, checked. */
export interface Policy {
  /** The ways to be paid with their prices, as offers carry them. */
  readonly rates: Offer['rails']
  readonly slots: number
  readonly serves: 'anyone' | 'friends'
  /** PeerIds. */
  readonly allow: ReadonlySet<string>
  readonly maxJobMs: number
  readonly accept: string
  readonly region: string | null
  readonly runners: readonly OfferedRunner[]
  readonly acceptWeakIsolation: boolean
  /** The service level that is sold; null: none. */
  readonly sla: OfferSla | null
}

/**
 * Checks what an owner asks for against what works here.
 *
 * @throws HaggleError `E_AMOUNT`, `E_RAIL_UNKNOWN`, `E_PROVIDE_SLOTS`, `E_PROVIDE_RUNNERS`, `E_EXPR_*`, `E_SLA`.
 */
export function policyOf(
  request: ProvideRequest,
  runners: readonly OfferedRunner[],
  { machine, rails, court }: { readonly machine: Machine; readonly rails: Rails; readonly court?: CourtAccount },
): Policy {
  const rates = ratesOf(request, rails)
  const gpus = machine.devices.filter(({ kind }) => kind === 'gpu').length
  const slots = request.slots ?? Math.max(1, gpus)
  if (!Number.isInteger(slots) || slots < 1 || slots > 64) {
    throw new HaggleError('E_PROVIDE_SLOTS', `Cannot offer ${slots} slots: 1 to 64 jobs may run at a time`, {
      next: 'give --slots a whole number',
    })
  }
  const wanted = request.runners === undefined ? runners : runners.filter(({ runner }) => request.runners?.includes(runner))
  if (wanted.length === 0) {
    const names = request.runners?.join(', ') ?? 'any job'
    throw new HaggleError('E_PROVIDE_RUNNERS', `Cannot run ${names} on this machine`, { next: 'haggle doctor says what is missing' })
  }
  parse(request.accept ?? '', { over: 'renter' })
  return {
    rates,
    slots,
    serves: request.for ?? 'anyone',
    allow: new Set(request.allow ?? []),
    maxJobMs: request.maxJobMs ?? STRANGER_MAX_MS,
    accept: request.accept ?? '',
    region: request.region ?? null,
    runners: wanted,
    acceptWeakIsolation: request.acceptWeakIsolation ?? false,
    sla: request.sla === undefined ? null : levelOf(request.sla, { rates, rails, court }),
  }
}

/** Seconds of a slot, times that a missed one costs, and the court's rule, unless the owner says otherwise. */
const LEVEL = { slotS: 60, factor: 10, rule: 1 } as const

function levelOf(
  { price, fee, slotS = LEVEL.slotS, factor = LEVEL.factor, rule = LEVEL.rule }: NonNullable<ProvideRequest['sla']>,
  { rates, rails, court }: { readonly rates: Offer['rails']; readonly rails: Rails; readonly court: CourtAccount | undefined },
): OfferSla {
  const wrong = (what: string, next: string): never => {
    throw new HaggleError('E_SLA', `Cannot sell a service level: ${what}`, { next })
  }
  if (court === undefined) return wrong('this node has no court', 'haggle help court')
  if (!rates.some(({ rail }) => rail === court.rail)) wrong('it is paid on a rail that this offer lacks', 'haggle up --rail TOKEN')
  const { name, decimals } = rails.pick(court.rail)
  const pricePerSlot = parseAmount(price, decimals)
  if (pricePerSlot === 0n) wrong('a missed slot must count for more than 0', 'haggle up --sla PRICE')
  if (!Number.isInteger(slotS) || slotS < 1 || slotS > 3_600) wrong('a slot has 1 to 3,600 seconds', 'haggle up --sla-slot 60s')
  if (!Number.isInteger(factor) || factor < 1 || factor > 10)
    wrong('a missed slot costs 1 to 10 times its price', 'haggle up --sla-times 10')
  ruleOf(rule)
  return { rail: name, court: court.court.parameters.court, rule, slotS, pricePerSlot, factor, fee: parseAmount(fee, decimals) }
}

function ratesOf(request: ProvideRequest, rails: Rails): Offer['rails'] {
  const wanted = [{ rail: request.rail, price: request.price }, ...(request.also ?? [])]
  const rates = wanted.map(({ rail, price }) => rateOf(rails.pick(rail), price))
  // The last price of a rail that is named twice is what counts.
  return [...new Map(rates.map((rate) => [rate.rail, rate])).values()]
}

/** What of a machine is taken now. */
export interface Taken {
  /** Device ids under contract. */
  readonly busy: ReadonlySet<string>
  /** Slots under contract. */
  readonly used: number
  /** MiB of the disk that jobs may have, see `DiskRoom`; left out: all that the machine has. */
  readonly roomMiB?: number
}

/** The offer of now. Without room on the disk nothing is free. */
export function makeOffer(machine: Machine, policy: Policy, { busy, used, roomMiB = Infinity }: Taken): Offer {
  const share = (total: number): number => Math.max(1, Math.floor(total / policy.slots))
  const freeSlots = roomMiB === 0 ? 0 : Math.max(0, policy.slots - used)
  return {
    ...machine,
    diskMiB: Math.min(machine.diskMiB, roomMiB),
    devices: machine.devices.map((device) => ({ ...device, free: !busy.has(device.id) })),
    region: policy.region,
    runners: policy.runners,
    images: [],
    models: [],
    rails: policy.rates,
    limits: {
      cpuMilli: machine.cpu.threads * 1000,
      memMiB: share(machine.memMiB),
      diskMiB: Math.min(share(machine.diskMiB), Math.floor(roomMiB / Math.max(1, freeSlots))),
      outMiB: JOB_OUT_MIB,
      pids: JOB_PIDS,
      maxMs: policy.maxJobMs,
    },
    timing: { tickMs: TICK_MS, graceMs: GRACE_MS, stagingMs: STAGING_MS, idleMs: MAX_IDLE_MS },
    stake: null,
    sla: policy.sla,
    slots: policy.slots,
    freeSlots,
    serves: policy.serves,
    accept: policy.accept,
  }
}
