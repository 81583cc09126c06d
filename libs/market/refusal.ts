// Why a provider would refuse these terms from this renter now: one pure decision, in the closed list of reasons.

import { paysAhead, type RejectReason, slaFrom, slaMeter, type Terms } from '@haggle/contract'
import { acceptVerdict, type Demand, isUnknown, type Meter, type Offer, railOf } from '@haggle/offer'
import type { Policy } from './offer_maker.ts'
import { decodeSla, encodeSla, type Sla } from '@haggle/witness'
import { equalBytes } from '@haggle/wire'
import type { Trust } from './trust.ts'

/** A refusal as REJECTED says it. */
export interface Refusal {
  readonly reason: RejectReason
  /** The property that failed, when `reason` is `constraint`. */
  readonly path: string | null
}

/** What the decision looks at. */
export interface Proposal {
  readonly terms: Terms
  /** The offer as it was when its price was promised. */
  readonly promised: Offer
  /** The offer of now: what is free. */
  readonly current: Offer
  readonly policy: Policy
  /** Stake that no case has, base units; null: the chain can't be asked. Looked at when a service level is bought. */
  readonly stake: bigint | null
  readonly renter: {
    readonly key: Uint8Array
    readonly friend: boolean
    /** Jobs of this renter that run here now. */
    readonly running: number
    /** How it stands with this node. */
    readonly trust: Trust
  }
}

/** Isolation that a stranger's job gets only when the owner said so: the job could read what the agent can. */
const WEAK_ISOLATION = 'permissions'

/** Longest tick that a stranger is served on a rail that pays ahead: what is at stake before the next voucher. Ms. */
const STRANGER_TICK_MS = 5_000

/** The first reason against a proposal, or null: it may be confirmed. */
export function refusalOf(proposal: Proposal): Refusal | null {
  const { terms, promised } = proposal
  // First: what follows reads it.
  if (terms.sla !== null && soldAs(terms, promised) === undefined) return { reason: 'unsupported', path: null }
  return refuseRenter(proposal) ?? refuseTerms(proposal) ?? refuseCapacity(proposal)
}

function refuseRenter({ terms, promised, policy, renter }: Proposal): Refusal | null {
  if (policy.serves === 'friends' && !renter.friend) return { reason: 'trust', path: null }
  // Only evidence makes a score 0. Whom the owner named stays the owner's business.
  if (!renter.friend && renter.trust.scoreMicro === 0) return { reason: 'trust', path: null }
  // Whoever pays ahead may have as many jobs as there are slots.
  if (!renter.friend && renter.running >= 1 && !paysAhead(terms)) return { reason: 'policy', path: null }
  if (!renter.friend && terms.isolation === WEAK_ISOLATION && !policy.acceptWeakIsolation) return { reason: 'trust', path: null }
  const who = { key: renter.key, friend: renter.friend, ...renter.trust }
  const verdict = acceptVerdict({ provider: terms.provider, offer: promised }, { renter: who, demand: demandOf(terms) })
  if (verdict === true) return null
  return { reason: 'constraint', path: isUnknown(verdict) ? (verdict.unknown[0] ?? 'accept') : 'accept' }
}

/** What of the terms would let a stranger use more than it has paid for: a voucher covers one tick. */
function riskOf(terms: Terms): string | null {
  if (!paysAhead(terms)) return null
  if (terms.graceMs > terms.tickMs) return 'graceMs'
  return terms.tickMs > STRANGER_TICK_MS ? 'tickMs' : null
}

function refuseTerms({ terms, promised, renter }: Proposal): Refusal | null {
  const rail = railOf(promised.rails, terms.rail)
  if (rail === undefined) return { reason: 'unsupported', path: null }
  const risk = renter.friend ? null : riskOf(terms)
  if (risk !== null) return { reason: 'constraint', path: risk }
  if (terms.net !== null) return { reason: 'unsupported', path: null }
  if (!promised.runners.some(({ runner, isolation }) => runner === terms.runner && isolation === terms.isolation))
    return { reason: 'unsupported', path: null }
  if (!pays(terms.meters, terms.sla === null ? rail.meters : [...rail.meters, slaMeter(promised)])) return { reason: 'price', path: null }
  if (terms.cap === 0n && terms.meters.some(({ price }) => price > 0n)) return { reason: 'price', path: null }
  const { limits, timing } = promised
  for (const name of ['cpuMilli', 'memMiB', 'diskMiB', 'outMiB', 'pids'] as const) {
    if (terms.limits[name] > limits[name]) return { reason: 'constraint', path: `limits.${name}` }
  }
  if (terms.maxMs > limits.maxMs) return { reason: 'constraint', path: 'maxMs' }
  if (terms.idleMs > timing.idleMs) return { reason: 'constraint', path: 'idleMs' }
  if (terms.stagingMs > timing.stagingMs) return { reason: 'constraint', path: 'stagingMs' }
  if (terms.tickMs < timing.tickMs) return { reason: 'constraint', path: 'tickMs' }
  if (terms.graceMs > timing.graceMs) return { reason: 'constraint', path: 'graceMs' }
  for (const { id, kind, model, vramMiB } of terms.devices) {
    const device = promised.devices.find((other) => other.id === id)
    if (device === undefined || device.kind !== kind || device.model !== model || device.vramMiB !== vramMiB)
      return { reason: 'constraint', path: 'devices' }
  }
  return null
}

/** The service level of the terms, when it is to the byte the one that the offer sells; undefined when it is another. */
function soldAs(terms: Terms, promised: Offer): Sla | undefined {
  try {
    const asked = decodeSla(terms.sla ?? new Uint8Array())
    const sold = slaFrom(promised, { rail: terms.rail, limits: { ...terms.limits, maxMs: terms.maxMs } }, asked.renter)
    return equalBytes(encodeSla(sold), terms.sla ?? new Uint8Array()) ? sold : undefined
  } catch {
    // Not a service level, or the offer sells none on this rail.
    return undefined
  }
}

function refuseCapacity({ terms, current, stake }: Proposal): Refusal | null {
  if (current.freeSlots < 1 || terms.limits.diskMiB > current.limits.diskMiB) return { reason: 'capacity', path: null }
  if (terms.sla !== null && (stake === null || decodeSla(terms.sla).lock > stake)) return { reason: 'capacity', path: null }
  for (const { id } of terms.devices) {
    if (current.devices.find((device) => device.id === id)?.free !== true) return { reason: 'capacity', path: null }
  }
  return null
}

/** True when `given` counts what `asked` counts and pays at least as much for it. */
function pays(given: readonly Meter[], asked: readonly Meter[]): boolean {
  if (given.length !== asked.length) return false
  return asked.every((meter) => given.some((other) => other.unit === meter.unit && other.price * meter.per >= meter.price * other.per))
}

/** What a provider's `accept` may ask about: the demand, as the terms show it. */
function demandOf(terms: Terms): Demand {
  return {
    where: '',
    runner: terms.runner,
    isolation: [terms.isolation],
    minGpus: terms.devices.filter(({ kind }) => kind === 'gpu').length,
    maxGpus: terms.devices.filter(({ kind }) => kind === 'gpu').length,
    rail: terms.rail,
    cap: terms.cap,
    limits: { ...terms.limits, maxMs: terms.maxMs },
    idleMs: terms.idleMs,
    visibility: terms.visibility,
    sla: terms.sla === null ? null : decodeSla(terms.sla).renter,
  }
}
