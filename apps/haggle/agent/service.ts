// What the agent does for each call: a table from the call's name to its handler, over one Market.

import { setTimeout as delay } from 'node:timers/promises'
import type { ExitStatus } from '@haggle/job'
import type { Job, Market, MemoryStatus, OfferView, ProvideRequest, Providing, QuoteView, RunProgress, RunRequest } from '@haggle/market'
import { type Boot, PUBLIC } from '../boot.ts'
import { describe, Failure } from '../failure.ts'
import type { Channel } from '../frames.ts'
import type { Found } from '../hardware.ts'
import { isOver } from '../job_end.ts'
import type { Log } from './log.ts'
import { memoryCalls } from './memory_calls.ts'
import type { Money } from './money.ts'
import { checkTarget } from './ping_target.ts'
import { RentedJobs } from './rented_jobs.ts'

/** What a handler may use of its call. */
export interface Caller {
  /** Aborted when the command is gone. */
  readonly signal: AbortSignal
  /** Sends one event. */
  event(event: Readonly<Record<string, unknown>>): void
  /** Sends output; resolves when the command can take more. */
  write(channel: Channel, bytes: Uint8Array): Promise<void>
  finish(channel: Channel): void
  /** What the command sends: its stdin, and `detach` or `cancel`. */
  onStdin(take: (bytes: Uint8Array | null) => Promise<void>): void
  onWord(take: (word: string) => void): void
}

/** Parameters of a call, as they came. Both ends are the same version on the same machine: shapes are checked where a wrong one could do harm. */
export type Params = Readonly<Record<string, unknown>>

/** What the service is made of. */
export interface ServiceInit {
  readonly market: Market
  /** What this machine has; null where the agent can't run jobs of others. */
  readonly hardware: Found | null
  /** The calls about money. */
  readonly money: Money
  readonly boot: Boot
  readonly receipts: string
  readonly log: Log
  readonly version: string
  readonly startedAt: number
  /** Called when the agent is asked to leave. */
  readonly leave: (options: { kill: boolean }) => void
}

/** What `status` shows. Plain JSON. */
export type Snapshot = Readonly<Record<string, unknown>>

/** How long `--peer` and `--bootstrap` addresses are tried before a call goes on without them. */
const PEER_MS = 5000

/** With `--wait`, the market is looked at again after this long. */
const LOOK_AGAIN_MS = 2000
/** What a demand that nobody fits is told. */
const NOTHING: ReadonlySet<string> = new Set(['E_NOTHING_FITS', 'E_NO_OFFERS'])

/** The agent's calls over one market. */
export class Service {
  readonly #init: ServiceInit
  readonly jobs: RentedJobs
  #providing: Providing | null = null
  #terms: ProvideRequest | null = null
  readonly #reached = new Map<string, string>()

  constructor(init: ServiceInit) {
    this.#init = init
    this.jobs = new RentedJobs(init.market, init.receipts, init.log)
  }

  get money(): Money {
    return this.#init.money
  }

  get providing(): Providing | null {
    return this.#providing
  }

  /** True when something would be cut off if the agent left. */
  get busy(): boolean {
    const court = this.#init.market.court()?.status ?? null
    // A case needs its parties and its witnesses until it is closed, whatever became of its job.
    const cases = court === null ? 0 : court.provides + court.rents + court.witnesses
    return this.#providing !== null || this.jobs.count > 0 || cases > 0 || court?.seat === true
  }

  /** Serves one call. Rejects with a Failure or a HaggleError. */
  async serve(name: string, params: Params, caller: Caller): Promise<unknown> {
    const handler = [this.#handlers, this.#init.money.calls].find((table) => Object.hasOwn(table, name))?.[name]
    if (handler === undefined)
      throw new Failure('E_AGENT_CALL', `The agent does not know the call "${name}"`, {
        next: 'it may be older than the command: haggle down',
      })
    try {
      return await handler(params, caller)
    } catch (error) {
      const { code, message, next, details } = describe(error)
      const source = expressionOf(params)
      if (!code.startsWith('E_EXPR') || source === undefined) throw error
      throw new Failure(code, message, { next, details: { ...(details as Record<string, string | number>), source }, cause: error })
    }
  }

  readonly #handlers: Readonly<Record<string, (params: Params, caller: Caller) => Promise<unknown>>> = {
    offers: async (params, { signal }) => {
      const providers = await this.#reach(params)
      const { where, rail, probe, waitMs } = params as { where?: string; rail?: string; probe?: boolean; waitMs?: number }
      const view = await this.#init.market.offers({
        signal,
        ...(where === undefined ? {} : { where }),
        ...(rail === undefined ? {} : { rail }),
        ...(probe === undefined ? {} : { probe }),
        ...(waitMs === undefined ? {} : { waitMs }),
      })
      return offersOf(providers.length === 0 ? view : { ...view, rows: view.rows.filter((row) => providers.includes(row.provider)) })
    },
    quote: async (params, { signal }) => quoteOf(await this.#init.market.quote({ ...(await this.#request(params)), signal })),
    run: async (params, caller) => await this.#run(params, caller),
    attach: async (params, caller) => {
      const contract = await this.jobs.find(String(params['contract']))
      return await this.jobs.follow(contract, caller, {
        stdin: params['stdin'] === true,
        follow: params['follow'] !== false,
        onGone: 'detach',
      })
    },
    jobs: async () => ({ jobs: await this.#init.market.jobs() }),
    cancel: async (params) => await this.#cancel(String(params['contract'])),
    transcript: async (params, caller) => {
      const contract = await this.jobs.find(String(params['contract']))
      const bytes = await this.jobs.transcript(contract)
      await caller.write(2, bytes)
      caller.finish(2)
      return { contract, bytes: bytes.length }
    },
    ping: async (params, { signal }) => await this.#ping(String(params['target']), signal),
    ledger: async (params) => ({
      entries: await this.#init.market.ledger(typeof params['limit'] === 'number' ? { limit: params['limit'] } : {}),
    }),
    ...memoryCalls({ memory: () => this.#init.market.memory, find: (typed) => this.jobs.find(typed) }),
    hardware: async () => this.#init.hardware,
    up: async (params) => await this.#up(params),
    status: async () => await this.snapshot(),
    reload: async (params) => {
      await this.reload(params)
      return { ok: true }
    },
    stop: async (params) => await this.#stop(params),
  }

  /** How the node's log stands. */
  memory(): Promise<MemoryStatus> {
    return this.#init.market.memory.status()
  }

  /** Everything `status` shows. */
  async snapshot(): Promise<Snapshot> {
    const { market, boot, version, startedAt } = this.#init
    return {
      version,
      pid: process.pid,
      peerId: market.peerId,
      network: boot.network ?? PUBLIC,
      private: boot.pskFile !== null,
      addresses: market.addresses(),
      startedAt,
      uptimeMs: Date.now() - startedAt,
      jobs: await market.jobs(),
      peers: null,
      ledger: (await market.ledger({ limit: 1 }))[0]?.index ?? null,
      memory: await this.memory(),
      money: this.#init.money.status(),
      providing: this.#providing === null ? null : { terms: this.#terms, offer: this.#providing.offer, ...this.#providing.status() },
    }
  }

  /** Takes over what changed in the settings while running: the price. */
  async reload(params: Params): Promise<void> {
    const price = params['price']
    if (this.#providing === null || typeof price !== 'string' || price === this.#terms?.price) return
    await this.#providing.reprice(price)
    this.#terms = { ...(this.#terms as ProvideRequest), price }
    this.#init.log('info', 'repriced', { price })
  }

  /** Leaves the market politely. With `drain`, jobs of others end first. */
  async close(options: { drain: boolean }): Promise<void> {
    const providing = this.#providing
    this.#providing = null
    await providing?.stop({ drain: options.drain })
    await this.jobs.detachAll()
  }

  /** Dials what `--peer` and `--bootstrap` name; resolves with the PeerIds of `--peer`. */
  async #reach(params: Params): Promise<string[]> {
    const peers = (params['peers'] ?? []) as readonly string[]
    const bootstrap = ((params['bootstrap'] ?? []) as readonly string[]).filter((address) => !this.#init.boot.bootstrap.includes(address))
    const dial = async (target: string): Promise<string> => {
      const known = this.#reached.get(target)
      if (known !== undefined) return known
      const { peerId } = await this.#ping(target, AbortSignal.timeout(PEER_MS))
      this.#reached.set(target, peerId)
      return peerId
    }
    // A dead relay is no reason to fail: others, or the peers known from before, may do.
    const others = Promise.all(
      bootstrap.map((address) =>
        dial(address).catch((error: unknown) => this.#init.log('warn', 'bootstrap_unreachable', { address, error })),
      ),
    )
    const found = await Promise.all(peers.map((peer) => (peer.startsWith('/') ? dial(peer) : peer)))
    await others
    return found
  }

  /** Throws E_PEER_ID and E_ADDRESS for what can be no other node, E_DIAL for one that can't be reached. */
  async #ping(target: string, signal: AbortSignal): ReturnType<Market['ping']> {
    checkTarget(target, this.#init.market.peerId)
    return await this.#init.market.ping(target, { signal })
  }

  /** Ends a job, and says how one had ended that is over: there is nothing to cancel then. */
  async #cancel(typed: string): Promise<unknown> {
    const contract = await this.jobs.find(typed)
    const known = (await this.#init.market.jobs()).find((job) => job.contract === contract)
    if (known !== undefined && isOver(known)) return { contract, ended: { phase: known.phase, exit: known.exit } }
    await this.jobs.cancel(contract)
    return { contract, ended: null }
  }

  async #request(params: Params): Promise<RunRequest> {
    const providers = await this.#reach(params)
    const request = params['request'] as RunRequest
    return providers.length === 0 ? request : { ...request, providers }
  }

  async #run(params: Params, caller: Caller): Promise<unknown> {
    const stopped = new AbortController()
    const wantsDetach = params['detach'] === true
    const onGone = params['onGone'] === 'cancel' ? 'cancel' : 'detach'
    // Until the job exists, any word and the command's own end mean: don't start it.
    caller.onWord(() => stopped.abort(new Failure('E_CANCELLED', 'Cancelled before any contract was signed')))
    const request = await this.#request(params)
    const signal = AbortSignal.any([stopped.signal, caller.signal])
    const exited = Promise.withResolvers<ExitStatus>()
    const onProgress = (progress: RunProgress): void => {
      caller.event({ event: 'progress', progress })
      if (progress.step === 'ended') exited.resolve(progress.exit)
    }
    const waitMs = typeof params['waitMs'] === 'number' ? params['waitMs'] : 0
    const job = await this.#rent({ ...request, signal, onProgress }, caller, waitMs)
    this.jobs.hold(job, typeof params['out'] === 'string' ? params['out'] : null)
    caller.event({ event: 'job', ...jobView(job) })
    if (wantsDetach) {
      await job.detach()
      return { detached: true, ...jobView(job) }
    }
    return await this.jobs.pump(job, caller, {
      stdin: request.stdin === true,
      follow: true,
      onGone,
      // A command that shows no bill need not wait for the receipt: the agent does.
      ...(params['bill'] === true || typeof params['out'] === 'string' ? {} : { exited: exited.promise }),
    })
  }

  /** Rents what fits; while nothing does, looks again until the wait is over, then tells the command why. */
  async #rent(request: RunRequest & { signal: AbortSignal }, caller: Caller, waitMs: number): Promise<Job> {
    for (const until = performance.now() + waitMs; ;) {
      try {
        return await this.#init.market.run(request)
      } catch (error) {
        if (!NOTHING.has(describe(error).code)) throw error
        if (performance.now() >= until) {
          caller.event({ event: 'explain', view: offersOf(await this.#init.market.quote(request)) })
          throw error
        }
        await delay(LOOK_AGAIN_MS, undefined, { signal: request.signal })
      }
    }
  }

  async #up(params: Params): Promise<unknown> {
    await this.#reach(params)
    const request = params['provide'] as ProvideRequest
    const same = this.#terms !== null && JSON.stringify({ ...this.#terms, price: '' }) === JSON.stringify({ ...request, price: '' })
    if (this.#providing !== null && same) await this.reload({ price: request.price })
    else {
      const before = this.#providing
      this.#providing = null
      this.#terms = null
      await before?.stop()
      this.#providing = await this.#init.market.provide(request)
      this.#terms = request
      this.#init.log('info', 'providing', { price: request.price, for: request.for ?? 'anyone' })
    }
    return await this.snapshot()
  }

  async #stop(params: Params): Promise<unknown> {
    const running = this.#providing?.status().running ?? []
    const renting = this.jobs.count
    if (running.length > 0 && params['now'] !== true && params['drain'] !== true) {
      throw new Failure('E_AGENT_BUSY', `${running.length} ${running.length === 1 ? 'job' : 'jobs'} of others run here`, {
        next: 'haggle down --drain waits for them, haggle down --now ends them',
        details: { running: running.length },
      })
    }
    if (params['drain'] === true) await this.#providing?.stop({ drain: true })
    this.#providing = params['drain'] === true ? null : this.#providing
    this.#init.leave({ kill: params['now'] === true })
    return { stopped: true, pid: process.pid, ran: running.length, renting }
  }
}

/** What a command is told of a job. */
export function jobView(job: Job): Readonly<Record<string, unknown>> {
  const { contract, provider, path, device, isolation, termsHash, pricePerHour, cap, unit, sla } = job
  return { contract, provider, path, device, isolation, termsHash, pricePerHour, cap, unit, sla }
}

/** The expression that a call carries, for the caret under it. */
function expressionOf(params: Params): string | undefined {
  const { where, request, provide } = params as { where?: string; request?: RunRequest; provide?: ProvideRequest }
  return where ?? request?.where ?? provide?.accept
}

/** The part of a view that travels to a command: what the interface names, whatever else the market keeps in it. */
function offersOf({ rows, seen, failures, unknown }: OfferView): OfferView {
  return { rows, seen, failures, unknown }
}

function quoteOf(view: QuoteView): QuoteView {
  const { quotes, best, cap, pricePerHour, unit, rail } = view
  return { ...offersOf(view), quotes, best, cap, pricePerHour, unit, rail }
}
