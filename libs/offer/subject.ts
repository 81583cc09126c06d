// What an expression is evaluated over: an offer, a device, a runner or a renter, each as a set of named values.

import { toHex } from '@haggle/wire'
import type { Collection } from './ast.ts'
import type { Demand, Renter } from './demand.ts'
import type { Device, FigureName } from './device.ts'
import { CREDITS, HOUR_MS, type MeterUnit, microPrice, type Rail } from './meter.ts'
import type { Listing, Offer } from './offer.ts'
import { versionNumber } from './units.ts'

/** A value of a property: an integer in the base unit of its type, a string, a truth, or several strings. */
export type PropertyValue = number | string | boolean | readonly string[]

/** Something that has properties. */
export interface Subject {
  /** The value, or undefined when it is not known. `unit` is the money that is meant; other properties ignore it. */
  value(property: string, unit?: string): PropertyValue | undefined
  /** The parts of a collection; empty when there are none. */
  parts(collection: Collection): readonly Subject[]
}

/** How an offer or a renter is read. */
export interface SubjectOptions {
  /** Unit of money amounts that name none. Default `credits`. */
  readonly unit?: string
}

const MIB = 1024 * 1024
const NONE: readonly Subject[] = []

const FIGURE_FACTOR: Readonly<Record<FigureName, number>> = {
  vram: MIB,
  'bench.f32': 1000,
  'bench.f16': 1000,
  'bench.i8': 1000,
  'bench.mem': 1e6,
  power: 1,
}

/** A measured figure of a device in the base unit of its property, or undefined. */
export function figureValue(device: Device, name: string): number | undefined {
  const figure = device.figures.find((f) => f.name === name)
  return figure === undefined ? undefined : figure.value * FIGURE_FACTOR[figure.name]
}

/** Who vouches for a figure of a device. The owner declares the memory of a device that has no figure of it. */
export function figureSource(device: Device, name: string): string | undefined {
  return device.figures.find((f) => f.name === name)?.source ?? (name === 'vram' ? 'declared' : undefined)
}

const orUnknown = (value: number | null, factor = 1): number | undefined => (value === null ? undefined : value * factor)
const version = (text: string | null): number | undefined => (text === null ? undefined : versionNumber(text))

/** The value of a device's property, by its name under `any(gpu, …)`. */
export function deviceValue(device: Device, property: string): PropertyValue | undefined {
  switch (property) {
    case 'kind':
      return device.kind
    case 'vendor':
      return device.vendor
    case 'model':
      return device.model
    case 'vram':
      return device.vramMiB * MIB
    case 'vram.usable':
      return orUnknown(device.vramUsableMiB, MIB)
    case 'vram.free':
      return orUnknown(device.vramFreeMiB, MIB)
    case 'cc':
    case 'driver':
    case 'cuda':
    case 'rocm':
    case 'metal':
    case 'vulkan':
      return version(device[property])
    case 'free':
      return device.free
    default:
      return property.endsWith('.source') ? figureSource(device, property.slice(0, -'.source'.length)) : figureValue(device, property)
  }
}

/** A device as a subject. */
export function deviceSubject(device: Device): Subject {
  return { value: (property) => deviceValue(device, property), parts: () => NONE }
}

/** Lowest price of `amount` of `unit` among the rails whose money is called `money`, millionths. */
export function lowestPrice(
  rails: readonly Rail[],
  money: string,
  of: { readonly unit: MeterUnit; readonly amount: bigint },
): number | undefined {
  let lowest: number | undefined
  for (const rail of rails) {
    const price = rail.unit === money ? microPrice(rail, of.unit, of.amount) : undefined
    if (price !== undefined && (lowest === undefined || price < lowest)) lowest = price
  }
  return lowest
}

/** What each price property counts, and how much of it. */
export const PRICED: Readonly<Record<string, { readonly unit: MeterUnit; readonly amount: bigint }>> = {
  'price.hour': { unit: 'ms', amount: HOUR_MS },
  'price.request': { unit: 'request', amount: 1n },
  'price.input': { unit: 'tokenIn', amount: 1_000_000n },
  'price.output': { unit: 'tokenOut', amount: 1_000_000n },
  'price.egress': { unit: 'byteOut', amount: 1_000_000_000n },
}

/** The unlocked stake in millionths of `money`: 0 without stake, undefined when it is in other money. */
export function stakeMicros(offer: Pick<Offer, 'stake' | 'rails'>, money: string): number | undefined {
  const { stake } = offer
  if (stake === null || stake.amount === 0n) return 0
  const rail = offer.rails.find((r) => r.rail === stake.rail && r.unit === money)
  if (rail === undefined) return undefined
  const micros = stake.amount / 10n ** BigInt(rail.decimals - 6)
  return micros > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(micros)
}

/** The value of an offer's property at the top of an expression; those of a GPU are not the offer's, and undefined here. */
export function listingValue(listing: Listing, property: string, money: string): PropertyValue | undefined {
  const { offer } = listing
  switch (property) {
    case 'gpu.count':
      return offer.devices.reduce((sum, d) => sum + (d.kind === 'gpu' ? 1 : 0), 0)
    case 'cpu.model':
      return offer.cpu.model
    case 'cpu.cores':
      return offer.cpu.cores
    case 'cpu.threads':
      return offer.cpu.threads
    case 'memory':
      return offer.memMiB * MIB
    case 'disk':
      return offer.diskMiB * MIB
    case 'net.down':
      return orUnknown(offer.net.downKbps, 1000)
    case 'net.up':
      return orUnknown(offer.net.upKbps, 1000)
    case 'os':
      return offer.os
    case 'arch':
      return offer.arch
    case 'region':
      return offer.region ?? undefined
    case 'runner':
      return offer.runners.map((r) => r.runner)
    case 'isolation':
      return offer.runners.map((r) => r.isolation)
    case 'cached.image':
      return offer.images
    case 'cached.model':
      return offer.models
    case 'rail':
      return offer.rails.map((r) => r.rail)
    case 'sla':
      return offer.sla === null ? [] : [offer.sla.rail]
    case 'limit.cpu':
      return offer.limits.cpuMilli
    case 'limit.memory':
      return offer.limits.memMiB * MIB
    case 'limit.disk':
      return offer.limits.diskMiB * MIB
    case 'limit.output':
      return offer.limits.outMiB * MIB
    case 'limit.pids':
      return offer.limits.pids
    case 'limit.duration':
      return offer.limits.maxMs
    case 'limit.idle':
      return offer.timing.idleMs
    case 'tick':
      return offer.timing.tickMs
    case 'slots':
      return offer.slots
    case 'slots.free':
      return offer.freeSlots
    case 'serves':
      return offer.serves
    case 'stake':
      return stakeMicros(offer, money)
    case 'provider.key':
      return toHex(listing.provider)
    case 'provider.score':
      return listing.scoreMicro
    case 'provider.completes':
      return listing.axesMicro?.completes
    case 'provider.uptime':
      return listing.axesMicro?.uptime
    case 'provider.speed':
      return listing.axesMicro?.speed
    case 'provider.disputes':
      return listing.axesMicro?.disputes
    case 'provider.jobs':
      return listing.jobs
    case 'provider.rtt':
      return listing.rttMs
    default: {
      const priced = PRICED[property]
      return priced === undefined ? undefined : lowestPrice(offer.rails, money, priced)
    }
  }
}

/** True when a device belongs to a collection. */
export function belongs(device: Device, collection: Collection): boolean {
  return collection === 'device' || device.kind === collection
}

/** An offer with its provider as a subject. */
export function offerSubject(listing: Listing, options: SubjectOptions = {}): Subject {
  const money = options.unit ?? CREDITS
  const { offer } = listing
  return {
    value: (property, unit) => listingValue(listing, property, unit ?? money),
    parts: (collection) =>
      collection === 'runner'
        ? offer.runners.map((r) => ({ value: (property: string) => (property === 'name' ? r.runner : r.isolation), parts: () => NONE }))
        : offer.devices.filter((d) => belongs(d, collection)).map(deviceSubject),
  }
}

/** A renter with its demand as a subject: what an offer's `accept` speaks of. */
export function renterSubject(renter: Renter, demand: Demand, options: SubjectOptions = {}): Subject {
  const money = options.unit ?? CREDITS
  const capMicros = demand.cap > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(demand.cap)
  const values: Readonly<Record<string, PropertyValue | undefined>> = {
    'renter.key': toHex(renter.key),
    'renter.score': renter.scoreMicro,
    'renter.pays': renter.axesMicro?.pays,
    'renter.disputes': renter.axesMicro?.disputes,
    'renter.jobs': renter.jobs,
    'renter.stake': renter.stakeMicro,
    'renter.friend': renter.friend,
    'job.runner': demand.runner,
    'job.isolation': demand.isolation,
    'job.rail': demand.rail,
    'job.cap': demand.rail === 'free' ? capMicros : undefined,
    'job.duration': demand.limits.maxMs,
    'job.idle': demand.idleMs,
    'job.gpus': demand.minGpus,
    'job.cpu': demand.limits.cpuMilli,
    'job.memory': demand.limits.memMiB * MIB,
    'job.disk': demand.limits.diskMiB * MIB,
    'job.output': demand.limits.outMiB * MIB,
    'job.pids': demand.limits.pids,
    'job.public': demand.visibility === 'public',
  }
  const foreign = (property: string, unit: string): boolean =>
    (property === 'job.cap' && unit !== CREDITS) || (property === 'renter.stake' && unit !== money)
  return {
    value: (property, unit) => (foreign(property, unit ?? money) ? undefined : values[property]),
    parts: () => NONE,
  }
}
