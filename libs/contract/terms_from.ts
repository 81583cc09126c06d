// The terms that a demand and a standing offer come to: one pure function, so that both sides write the same bytes.

import { type Demand, type Meter, type Offer, railOf } from '@haggle/offer'
import { HaggleError, type Message } from '@haggle/wire'
import { encodeSla, MAX_SLOTS, type RuleNumber, type Sla } from '@haggle/witness'
import { MIN_GRACE_MS } from './constants.ts'
import { paysAhead } from './paying.ts'
import type { Terms } from './terms.ts'

const MS_PER_S = 1_000

/** What {@link termsFrom} joins. */
export interface TermsSources {
  /** The standing offer: its id is the digest, its signer the provider. */
  readonly offer: Pick<Message<Offer>, 'id' | 'signer' | 'body'>
  /** What the renter asks for. */
  readonly demand: Demand
  /** 32-byte key. */
  readonly renter: Uint8Array
  /** Ids of the offer's devices that the job gets: `devicesFor` of `@haggle/offer`. */
  readonly devices: readonly string[]
}

/**
 * The terms of taking `offer` for `demand`. Price, rhythm and devices are the offer's; runner, limits, cap, idle time and visibility the demand's. Of
 * several isolations for the runner the first of the demand's list that is offered counts, or the offer's first when the list is empty. See
 * spec/terms.md.
 *
 * @throws `E_TERMS_FROM` when the offer lacks the runner, the isolation, the rail, a device, or the service level that is asked for.
 */
export function termsFrom({ offer, demand, renter, devices }: TermsSources): Terms {
  const { body, id, signer } = offer
  const rail = railOf(body.rails, demand.rail)
  if (rail === undefined) throw lacks(`the rail ${demand.rail}`)
  const offered = body.runners.filter(({ runner }) => runner === demand.runner).map(({ isolation }) => isolation)
  const isolation = demand.isolation.length === 0 ? offered[0] : demand.isolation.find((wanted) => offered.includes(wanted))
  if (isolation === undefined) throw lacks(`the runner ${demand.runner} with that isolation`)
  const { maxMs, ...limits } = demand.limits
  return {
    renter,
    provider: signer,
    offerDigest: id,
    devices: devices.map((wanted) => {
      const device = body.devices.find((other) => other.id === wanted)
      if (device === undefined) throw lacks(`the device ${wanted}`)
      const { kind, model, vramMiB } = device
      return { id: wanted, kind, model, vramMiB }
    }),
    runner: demand.runner,
    isolation,
    rail: demand.rail,
    meters: demand.sla === null ? rail.meters : [...rail.meters, slaMeter(body)],
    cap: demand.cap,
    tickMs: body.timing.tickMs,
    graceMs: paysAhead(demand) ? Math.max(MIN_GRACE_MS, Math.min(body.timing.graceMs, body.timing.tickMs)) : body.timing.graceMs,
    stagingMs: body.timing.stagingMs,
    idleMs: demand.idleMs,
    maxMs,
    limits,
    net: null,
    sla: demand.sla === null ? null : encodeSla(slaFrom(body, demand, demand.sla)),
    visibility: demand.visibility,
    extends: null,
  }
}

/** What a service level costs, as a meter of terms. */
export function slaMeter({ sla }: Offer): Meter {
  return { unit: 'sla', price: sla?.fee ?? 0n, per: 1n }
}

/**
 * The service level that taking `offer` for `demand` buys, for `renter`'s account: as many slots as the job may run, and one more because the first does
 * not begin with it; the lock is the most that can be lost.
 *
 * @throws `E_TERMS_FROM` when the offer sells none on the demand's rail.
 */
export function slaFrom(offer: Offer, demand: Pick<Demand, 'rail' | 'limits'>, renter: Uint8Array): Sla {
  const { sla } = offer
  const provider = railOf(offer.rails, demand.rail)?.account ?? null
  if (sla === null || sla.rail !== demand.rail || provider === null) throw lacks('a service level on that rail')
  const { court, rule, slotS, pricePerSlot, factor, fee } = sla
  const slots = Math.min(MAX_SLOTS, Math.ceil(demand.limits.maxMs / (slotS * MS_PER_S)) + 1)
  return {
    chain: chainOf(demand.rail),
    court,
    rule: rule as RuleNumber,
    slotS,
    slots,
    pricePerSlot,
    factor,
    lock: pricePerSlot * BigInt(factor) * BigInt(slots),
    fee,
    renter,
    provider,
  }
}

/** The chain id in a rail's name. */
function chainOf(rail: string): number {
  const id = Number(/^evm:([1-9][0-9]*):/.exec(rail)?.[1])
  if (!Number.isSafeInteger(id)) throw lacks('a service level on a chain')
  return id
}

function lacks(what: string): HaggleError {
  return new HaggleError('E_TERMS_FROM', `Cannot write terms: the offer does not have ${what}`)
}
