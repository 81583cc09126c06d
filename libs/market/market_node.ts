// A node of the market: one renter and at most one provider over the same threads, streams and ledger.

import { type Announcement, clockError, createDiscovery, type Discovery } from '@haggle/discovery'
import { peerIdOf } from '@haggle/identity'
import { serveJobs } from '@haggle/job'
import type { PeerTarget } from '@haggle/mesh'
import { createThreads, type HostEffect, type Thread, type ThreadRecord, type Threads, type ThreadsHandler } from '@haggle/negotiate'
import { FREE_RAIL } from '@haggle/offer'
import { fromHex, HaggleError, type Message, toHex } from '@haggle/wire'
import { BoughtLevels } from './bought_levels.ts'
import { ledgerLineOf } from './closing_entry.ts'
import { CourtAccess } from './court_access.ts'
import { unwatched } from './_ignore_over.ts'
import { pingPeer } from './_ping.ts'
import { offerView } from './offer_view.ts'
import { ownRow } from './own_row.ts'
import { type KnownOffer, OfferSource } from './offer_source.ts'
import type { MarketMemory } from './memory_types.ts'
import type { MarketParts } from './parts.ts'
import { Provider } from './provider.ts'
import { type PreparedRun, Renter } from './renter.ts'
import { moneyRows, providerStatus } from './provider_status.ts'
import { nothingFits } from './nothing_fits.ts'
import { quoteView } from './quote_view.ts'
import { Rails } from './rails.ts'
import { RunningJob } from './running_job.ts'
import { summaryOf } from './summary.ts'
import { targetOfText } from './target.ts'
import type {
  CourtView,
  Job,
  JobSummary,
  Market,
  MoneyRow,
  OfferRow,
  OfferView,
  ProvideRequest,
  Providing,
  QuoteView,
  RunRequest,
} from './types.ts'

/** How long an explanation listens for offers when nothing fits, or when all are asked for. Ms. */
const LOOK_AROUND_MS = 1_500
/** Threads of the past that `jobs` shows. */
const MAX_PAST_JOBS = 100

/** A {@link Market} that can be started; `joinMarket` and the libp2p service start it. */
export interface StartableMarket extends Market {
  start(): Promise<void>
  readonly discovery: Discovery
  /** Peers that this node's owner names: always asked. Connects to each. */
  meet(targets: readonly PeerTarget[], options?: { signal?: AbortSignal }): Promise<void>
}

/** Makes a node of the market from its parts. Nothing happens before `start()`. */
export function createMarket(parts: MarketParts): StartableMarket {
  return new MarketNode(parts)
}

class MarketNode implements StartableMarket {
  readonly discovery: Discovery
  readonly #parts: MarketParts & { readonly money: Rails }
  readonly #named: PeerTarget[] = []
  readonly #source: OfferSource
  readonly #court: CourtAccess
  readonly #levels: BoughtLevels
  #threads: Threads | undefined
  #renter: Renter | undefined
  #provider: Provider | undefined
  #announcement: Announcement | undefined
  #unserve: (() => Promise<void>) | undefined
  #closed: Promise<void> | undefined

  constructor(parts: MarketParts) {
    this.#parts = { ...parts, money: new Rails(parts.rails) }
    const { network, networkId, suite, identity, clock, random } = parts
    this.discovery = createDiscovery({ network, networkId, suite, signer: identity.signer, clock, random })
    this.#source = new OfferSource({ discovery: this.discovery, network, clock, memory: parts.memory, named: this.#named })
    this.#court = new CourtAccess({
      open: parts.court,
      network,
      clock,
      store: parts.store.sub('court'),
      serving: (id) => this.#provider?.levels.serves(id) ?? true,
      agreesToEnd: (id, slots) => this.#levels.agrees(id, slots),
      ...(parts.onCourt === undefined ? {} : { onEvent: parts.onCourt }),
      ...(parts.onProblem === undefined ? {} : { onProblem: parts.onProblem }),
    })
    this.#levels = new BoughtLevels({ court: this.#court, clock, store: parts.store.sub('sla'), self: identity.publicKey })
  }

  get peerId(): string {
    return this.#parts.network.peerId
  }

  get memory(): MarketMemory {
    return this.#parts.memory
  }

  addresses(): string[] {
    return this.#parts.network.addresses()
  }

  async start(): Promise<void> {
    const { provider, network, hashing } = this.#parts
    await this.discovery.start()
    const resumed: Thread[] = []
    const early: (() => void)[] = []
    // Threads of an earlier process speak as soon as they are there: what they say waits until both roles are.
    const handler = this.#handler(early, resumed)
    const { networkId, suite, identity, clock, random, store, memory, onFault } = this.#parts
    this.#threads = await createThreads({
      network,
      networkId,
      suite,
      signer: identity.signer,
      clock,
      random,
      store: store.sub('threads'),
      handler,
      leastNumber: () => memory.nextNumber,
      ...(onFault === undefined ? {} : { onFault }),
    })
    await this.#levels.start()
    this.#court.start()
    this.#renter = new Renter({ ...this.#parts, levels: this.#levels }, this.#threads, this.#source)
    if (provider !== undefined) {
      this.#provider = new Provider({ ...this.#parts, provider, access: this.#court }, this.#threads, {
        offered: () => this.#announcement?.changed(),
      })
    }
    await this.#provider?.levels.start()
    for (const thread of resumed) await this.#resume(thread)
    await this.#provider?.adopt().catch((error: unknown) => this.#parts.onProblem?.(error))
    for (const run of early.splice(0)) run()
    this.#unserve = await serveJobs({
      network,
      ...(provider === undefined
        ? {}
        : {
            provider: {
              host: provider.host,
              files: this.#provider?.files ?? provider.files,
              hashing,
              authorise: async (request) => this.#provider?.authorised(request),
              onStaged: (id) => this.#provider?.staged(id),
            },
          }),
      receive: async (pushed) => {
        const job = this.#renter?.ofContract(pushed.contract)[0]
        if (job?.provider.peerId !== peerIdOf(pushed.remoteKey)) return false
        await job.pushed(pushed)
        return true
      },
    })
  }

  async meet(targets: readonly PeerTarget[], options: { signal?: AbortSignal } = {}): Promise<void> {
    for (const target of targets) {
      if (!this.#named.some(({ peerId }) => peerId === target.peerId)) this.#named.push(target)
    }
    await Promise.all(targets.map((target) => this.#parts.network.connect(target, options)))
  }

  async offers(
    request: { where?: string; rail?: string; signal?: AbortSignal; waitMs?: number; probe?: boolean } = {},
  ): Promise<OfferView> {
    const all = await this.#source.all({
      waitMs: request.waitMs ?? LOOK_AROUND_MS,
      ...(request.signal === undefined ? {} : { signal: request.signal }),
    })
    const others = this.#others(all)
    if (others.length === 0) this.#checkClock()
    const rail = this.#parts.money.pick(request.rail)
    return offerView(others, { where: request.where ?? '', demand: null }, { ...this.#parts, rail })
  }

  async quote(request: RunRequest): Promise<QuoteView> {
    const { renter } = this.#roles()
    const run = await renter.prepare(request)
    const signal = request.signal === undefined ? {} : { signal: request.signal }
    const only = request.providers === undefined ? {} : { only: request.providers }
    const all = this.#others(await this.#source.all({ waitMs: LOOK_AROUND_MS, ...only, ...signal }))
    return await quoteView(renter, run, { offers: all, parts: this.#parts })
  }

  async run(request: RunRequest): Promise<Job> {
    const { renter } = this.#roles()
    const demandedAtMs = this.#parts.clock.monotonicMs()
    const prepared = await renter.prepare(request)
    const lost = new Set<string>()
    const candidates = await renter.candidates(prepared, lost)
    // Nobody answered with a fit in time: whoever can be heard is looked at before the answer is no.
    if (candidates.length === 0) candidates.push(...(await this.#lookAround(prepared, request)))
    request.onProgress?.({ step: 'matched', fits: candidates.length, seen: candidates.length })
    const first = await renter.take(prepared, candidates).catch((error: unknown) => {
      this.#checkClock()
      throw error
    })
    return new RunningJob(first, { parts: this.#parts, run: { renter, prepared, lost }, demandedAtMs })
  }

  async attach(contract: string): Promise<Job> {
    const { renter, threads } = this.#roles()
    const thread = await threads.ofContract(toHex(fromHex(contract, 32)))
    if (thread === undefined || thread.role !== 'renter') {
      throw new HaggleError('E_JOB_UNKNOWN', `This node has not rented ${contract}`, { next: 'haggle ps lists the jobs of this home' })
    }
    return new RunningJob(renter.view(thread), { parts: this.#parts, run: null, demandedAtMs: this.#parts.clock.monotonicMs() })
  }

  async jobs(): Promise<readonly JobSummary[]> {
    const { threads } = this.#roles()
    // The store's order of random ids means nothing. Whole threads are read of the newest only.
    const records: ThreadRecord[] = []
    for await (const record of threads.all()) records.push(record)
    const summaries: JobSummary[] = []
    for (const { thread: id } of records.sort((a, b) => b.startedAt - a.startedAt)) {
      if (summaries.length === MAX_PAST_JOBS) break
      const thread = await threads.get(toHex(id))
      if (thread === undefined || thread.view().contract === null) continue
      summaries.push(await summaryOf(thread, this.#parts.money, this.#parts.identity.publicKey))
    }
    return summaries.sort((a, b) => (a.startedAt ?? 0) - (b.startedAt ?? 0))
  }

  async provide(request: ProvideRequest): Promise<Providing> {
    const provider = this.#provider
    if (provider === undefined) {
      throw new HaggleError('E_NO_HOST', 'This node can not run jobs: it has no job host', { next: 'give joinMarket a home, or a host' })
    }
    await provider.start(request)
    this.#announcement ??= await this.discovery.announce(() => provider.current ?? null)
    this.#announcement.changed()
    return this.#providing(provider, request)
  }

  money(): readonly MoneyRow[] {
    return moneyRows(this.#parts.money, this.#provider?.money.earned ?? new Map())
  }

  readonly addRail: Market['addRail'] = (rail) => this.#parts.money.add(rail)

  court(): CourtView | null {
    const status = this.#court.status()
    return status === null ? null : { status, watch: this.#court.watch ?? null }
  }

  async ping(target: string, options: { signal?: AbortSignal } = {}): ReturnType<Market['ping']> {
    const wanted = targetOfText(target) ?? this.#source.target(target)
    return await pingPeer(wanted, { ...this.#parts, discovery: this.discovery }, options)
  }

  async ledger(options: { limit?: number } = {}): ReturnType<Market['ledger']> {
    return (await this.#parts.memory.list({ limit: options.limit ?? 50 })).map((line) => ({ ...line, peer: peerIdOf(line.peer) }))
  }

  close(): Promise<void> {
    this.#closed ??= this.#stop()
    return this.#closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #stop(): Promise<void> {
    this.#provider?.close()
    await this.#announcement?.stop()
    await this.discovery.stop()
    await this.#unserve?.()
    await this.#threads?.close()
    await this.#court.stop()
    await this.#parts.money.close()
  }

  #roles(): { renter: Renter; threads: Threads; provider: Provider | undefined } {
    if (this.#renter === undefined || this.#threads === undefined) throw new HaggleError('E_NOT_STARTED', 'The market is not started')
    return { renter: this.#renter, threads: this.#threads, provider: this.#provider }
  }

  /** @throws HaggleError `E_CLOCK` when nothing can be had because this machine's clock is wrong. */
  #checkClock(): void {
    const error = clockError(this.discovery.clockSkewS())
    if (error !== undefined) throw error
  }

  #others(offers: readonly KnownOffer[]): KnownOffer[] {
    return offers.filter(({ peerId }) => peerId !== this.peerId)
  }

  #handler(early: (() => void)[], resumed: Thread[]): ThreadsHandler {
    const later = (run: () => void): void => {
      if (this.#renter === undefined) early.push(run)
      else run()
    }
    return {
      opened: () => later(() => this.#provider?.opened()),
      resumed: (thread) => void resumed.push(thread),
      effect: (thread, effect) => {
        if (this.#renter !== undefined) return this.#effect(thread, effect)
        const done = Promise.withResolvers<void>()
        early.push(() => void Promise.resolve(this.#effect(thread, effect)).then(done.resolve, done.reject))
        return done.promise
      },
      message: (thread, message) => later(() => thread.role === 'provider' && this.#answer(thread, message)),
      spec: (thread, frame) => later(() => this.#provider?.spec(thread, frame)),
      output: (frame, peer) => {
        for (const job of this.#renter?.ofContract(frame.contract) ?? []) if (job.provider.peerId === peer.peerId) job.output(frame)
      },
      end: (frame, peer) => {
        for (const job of this.#renter?.ofContract(frame.contract) ?? []) if (job.provider.peerId === peer.peerId) job.end(frame)
      },
      refused: () => undefined,
      failed: (_thread, error) => this.#parts.onProblem?.(error),
      reachable: (thread, now) => {
        this.#renter?.reachable(thread, now)
      },
    }
  }

  #answer(thread: Thread, message: Message): void {
    if (this.#provider !== undefined) return this.#provider.message(thread, message)
    if (!['quote-req', 'counter', 'accept'].includes(message.type)) return
    unwatched(thread.command({ do: 'reject', reason: 'capacity', path: null, fresh: null }), this.#parts.onProblem)
  }

  /** A ledger entry is on disk before its thread is closed: what is lost with the process is told again by the next one. */
  #effect(thread: Thread, effect: HostEffect): Promise<void> | undefined {
    if (thread.role === 'provider') this.#provider?.effect(thread, effect)
    else this.#renter?.effect(thread, effect)
    return effect.kind === 'ledger' ? this.#remember(thread, effect) : undefined
  }

  async #remember(thread: Thread, { entry }: Extract<HostEffect, { kind: 'ledger' }>): Promise<void> {
    // The rail first: what it settles is what the entry says.
    const settled = await (thread.role === 'renter' ? this.#renter : this.#provider)?.settle(thread, entry)
    const rail = this.#parts.money.of(thread.view().terms?.rail ?? '') ?? this.#parts.money.pick(FREE_RAIL)
    const seen = { rail, settled: settled ?? 0n, outMs: this.#renter?.outMs(thread) ?? null }
    await this.#parts.memory.append(ledgerLineOf(thread, entry, seen))
  }

  async #resume(thread: Thread): Promise<void> {
    if (thread.role === 'renter') this.#roles().renter.view(thread)
    // A job that can't be taken up again is over: its thread's deadlines and SYNC settle it.
    else await this.#provider?.resume(thread).catch(() => undefined)
  }

  #providing(provider: Provider, request: ProvideRequest): Providing {
    const parts = this.#parts
    const row = (): OfferRow => ownRow(provider, request.rail, parts)
    return {
      get offer() {
        return row()
      },
      status: () => providerStatus(provider, { rails: parts.money, devices: row().devices, self: parts.identity.publicKey }),
      reprice: async (price) => {
        await provider.start({ ...request, price })
        this.#announcement?.changed()
      },
      stop: async ({ drain = true } = {}) => {
        provider.stop()
        await this.#announcement?.stop()
        this.#announcement = undefined
        if (!drain) await provider.cancelAll('shutdown')
      },
    }
  }

  /**
   * Fitting offers among all that can be heard.
   *
   * @throws HaggleError `E_NO_OFFERS` when nothing is heard, `E_CLOCK` when that is this clock's fault, `E_NOTHING_FITS` with the explanation as its cause.
   */
  async #lookAround({ demand, rail }: PreparedRun, request: RunRequest): Promise<readonly KnownOffer[]> {
    const signal = request.signal === undefined ? {} : { signal: request.signal }
    const only = request.providers === undefined ? {} : { only: request.providers }
    const all = this.#others(await this.#source.all({ waitMs: LOOK_AROUND_MS, ...only, ...signal }))
    const view = offerView(
      all.filter(({ peerId }) => request.exclude?.includes(peerId) !== true),
      { where: demand.where, demand },
      { ...this.#parts, rail },
    )
    if (view.fitting.length > 0) return view.fitting
    if (view.seen === 0) this.#checkClock()
    throw nothingFits(view, { peers: this.#parts.network.peers().length, doubt: clockError(this.discovery.clockSkewS(1)) })
  }
}
