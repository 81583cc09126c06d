// The terms that a demand and a standing offer come to: one pure function, so that both sides write the same bytes.

import { type Demand, type Offer, railOf } from '@haggle/offer'
import { HaggleError, type Message } from '@haggle/wire'
import { MIN_GRACE_MS } from './constants.ts'
import { paysAhead } from './paying.ts'
import type { Terms } from './terms.ts'

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
 * @throws `E_TERMS_FROM` when the offer lacks the runner, the isolation, the rail or a device.
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
    meters: rail.meters,
    cap: demand.cap,
    tickMs: body.timing.tickMs,
    graceMs: paysAhead(demand) ? Math.max(MIN_GRACE_MS, Math.min(body.timing.graceMs, body.timing.tickMs)) : body.timing.graceMs,
    stagingMs: body.timing.stagingMs,
    idleMs: demand.idleMs,
    maxMs,
    limits,
    net: null,
    sla: null,
    visibility: demand.visibility,
    extends: null,
  }
}

function lacks(what: string): HaggleError {
  return new HaggleError('E_TERMS_FROM', `Cannot write terms: the offer does not have ${what}`)
}
