// From what a person asks for to a demand: defaults, limits, and the price as a constraint.

import {
  conjunction,
  type Demand,
  type Expr,
  HOUR_MS,
  mentionsGpu,
  microPrice,
  type Offer,
  parseQuery,
  printQuery,
  railOf,
} from '@haggle/offer'
import { HaggleError, parseAmount } from '@haggle/wire'
import type { RunRequest } from './types.ts'

/** What a job gets unless its request says otherwise: enough for a script, little enough that most offers fit. */
const DEFAULTS = { cpuMilli: 1000, memMiB: 512, diskMiB: 256, outMiB: 16, timeoutMs: 10 * 60_000, idleMs: 60_000 } as const
/** Processes and threads of a job. */
const PIDS = 128

/**
 * The demand of a request. Without a budget its cap is `MAX_CAP`: the price of each offer and the time limit bound it, see {@link capFor}.
 *
 * @throws HaggleError `E_RUN_REQUEST` when it is not one job; `E_AMOUNT`, `E_EXPR_*`.
 */
export function demandOf(request: RunRequest): Demand {
  if ((request.deno === undefined) === (request.command === undefined)) {
    throw new HaggleError('E_RUN_REQUEST', 'Cannot run: give either a deno module or a command', {
      next: 'haggle run --deno main.ts, or haggle run -- COMMAND',
    })
  }
  const query = parseQuery(request.where ?? '')
  const where = request.maxPrice === undefined ? query.where : conjunction([query.where, atMost(request.maxPrice)])
  const gpus = mentionsGpu(where)
  return {
    where: printQuery({ ...query, where }),
    runner: request.deno === undefined ? 'exec' : 'deno',
    isolation: [],
    minGpus: gpus ? 1 : 0,
    maxGpus: gpus ? MAX_GPUS : 0,
    rail: 'free',
    cap: request.budget === undefined ? MAX_CAP : parseAmount(request.budget),
    limits: {
      cpuMilli: request.cpuMilli ?? DEFAULTS.cpuMilli,
      memMiB: request.memMiB ?? DEFAULTS.memMiB,
      diskMiB: request.diskMiB ?? DEFAULTS.diskMiB,
      outMiB: request.outMiB ?? DEFAULTS.outMiB,
      pids: PIDS,
      maxMs: request.timeoutMs ?? DEFAULTS.timeoutMs,
    },
    idleMs: request.idleMs ?? DEFAULTS.idleMs,
    visibility: 'private',
  }
}

const MAX_GPUS = 16
/** Stands for "no budget given". */
const MAX_CAP = 2n ** 63n

function atMost(price: string): Expr {
  return { kind: 'compare', property: 'price.hour', op: '<=', value: Number(parseAmount(price)) }
}

/** Most that a job of `demand` can cost at this offer's price: its time limit, or the budget when that is less. Base units. */
export function capFor(demand: Demand, offer: Offer): bigint {
  const meter = railOf(offer.rails, demand.rail)?.meters.find(({ unit }) => unit === 'ms')
  if (meter === undefined) return demand.cap
  // One tick beyond the limit, so that the last METER of a job that is stopped at its limit fits.
  const most = (BigInt(demand.limits.maxMs + offer.timing.tickMs) * meter.price + meter.per - 1n) / meter.per
  return most < demand.cap ? most : demand.cap
}

/** Base units for an hour of an offer, for people; null when it has no price by time. */
export function pricePerHour(offer: Offer, rail = 'free'): bigint | null {
  const found = railOf(offer.rails, rail)
  const micros = found === undefined ? undefined : microPrice(found, 'ms', HOUR_MS)
  return micros === undefined ? null : BigInt(micros)
}
