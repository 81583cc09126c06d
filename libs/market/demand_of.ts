// From what a person asks for to a demand: defaults, limits, and the price as a constraint.

import {
  conjunction,
  CREDITS,
  type Demand,
  type Expr,
  mentionsGpu,
  nameMoney,
  type Offer,
  parseQuery,
  printQuery,
  railOf,
} from '@haggle/offer'
import type { PaymentRail } from '@haggle/payment'
import { HaggleError, parseAmount } from '@haggle/wire'
import { hourPrice } from './rails.ts'
import type { RunRequest } from './types.ts'

/** What a job gets unless its request says otherwise: enough for a script, little enough that most offers fit. */
const DEFAULTS = { cpuMilli: 1000, memMiB: 512, diskMiB: 256, outMiB: 16, timeoutMs: 10 * 60_000, idleMs: 60_000 } as const
/** Processes and threads of a job. */
const PIDS = 128

/** @throws HaggleError `E_RUN_REQUEST` when a request is not for one job. */
export function checkJob(request: Pick<RunRequest, 'deno' | 'command'>): void {
  if ((request.deno === undefined) !== (request.command === undefined)) return
  throw new HaggleError('E_RUN_REQUEST', 'Cannot run: give either a deno module or a command', {
    next: 'haggle run --deno main.ts, or haggle run -- COMMAND',
  })
}

/**
 * The demand of a request that is paid on `rail`; `account` is the renter's at its court when it buys a service level, `inputBytes` what its files take. Without a budget its cap is `MAX_CAP`: the price of each offer and the time limit bound it, see {@link capFor}.
 *
 * @throws HaggleError `E_RUN_REQUEST` when it is not one job; `E_RUN_FILE` when its files are larger than its disk; `E_AMOUNT`, `E_EXPR_*`.
 */
export function demandOf(
  request: RunRequest,
  rail: Pick<PaymentRail, 'name' | 'unit' | 'decimals'>,
  { account = null, inputBytes = 0 }: { readonly account?: Uint8Array | null; readonly inputBytes?: number } = {},
): Demand {
  checkJob(request)
  const inputMiB = Math.ceil(inputBytes / 2 ** 20)
  if (request.diskMiB !== undefined && inputMiB > request.diskMiB) {
    throw new HaggleError('E_RUN_FILE', `The input files take ${inputMiB} MiB, and the job shall have ${request.diskMiB} MiB of disk`, {
      next: 'ask for more disk, or send less',
    })
  }
  const query = nameMoney(parseQuery(request.where ?? ''), rail.unit)
  const cap = request.budget === undefined ? MAX_CAP : parseAmount(request.budget, rail.decimals)
  // Who will pay nothing looks for what costs nothing.
  const maxPrice = cap === 0n ? '0' : request.maxPrice
  const where = maxPrice === undefined ? query.where : conjunction([query.where, atMost(maxPrice, rail.unit)])
  const gpus = mentionsGpu(where)
  return {
    where: printQuery({ ...query, where }),
    runner: request.deno === undefined ? 'exec' : 'deno',
    isolation: [],
    minGpus: gpus ? 1 : 0,
    maxGpus: gpus ? MAX_GPUS : 0,
    rail: rail.name,
    cap,
    limits: {
      cpuMilli: request.cpuMilli ?? DEFAULTS.cpuMilli,
      memMiB: request.memMiB ?? DEFAULTS.memMiB,
      diskMiB: request.diskMiB ?? DEFAULTS.diskMiB + inputMiB,
      outMiB: request.outMiB ?? DEFAULTS.outMiB,
      pids: PIDS,
      maxMs: request.timeoutMs ?? DEFAULTS.timeoutMs,
    },
    idleMs: request.idleMs ?? DEFAULTS.idleMs,
    visibility: 'private',
    sla: account,
  }
}

const MAX_GPUS = 16
/** Stands for "no budget given". */
const MAX_CAP = 2n ** 127n

function atMost(price: string, unit: string): Expr {
  const micros = Number(parseAmount(price))
  return { kind: 'compare', property: 'price.hour', op: '<=', value: unit === CREDITS ? micros : { micros, unit } }
}

/** Most that a job of `demand` can cost at this offer's price: its time limit and its service level, or the budget when that is less. Base units. */
export function capFor(demand: Demand, offer: Offer): bigint {
  const meter = railOf(offer.rails, demand.rail)?.meters.find(({ unit }) => unit === 'ms')
  if (meter === undefined) return demand.cap
  // One tick beyond the limit, so that the last METER of a job that is stopped at its limit fits.
  const most =
    (BigInt(demand.limits.maxMs + offer.timing.tickMs) * meter.price + meter.per - 1n) / meter.per +
    (demand.sla === null ? 0n : (offer.sla?.fee ?? 0n))
  return most < demand.cap ? most : demand.cap
}

/** Base units of `rail` for an hour of an offer, for people; null when it has no price by time there. */
export function pricePerHour(offer: Offer, rail: string): bigint | null {
  return hourPrice(railOf(offer.rails, rail))
}
