// The renter's side of a node: what fits, what it would cost, and contracts with those who say yes.

import { type LedgerEntry, type Terms, termsFrom } from '@haggle/contract'
import { peerIdOf } from '@haggle/identity'
import { encodeSpec, inputBytes, type JobSpec, SPEC_SALT_BYTES, specHash } from '@haggle/job'
import type { HostEffect, Thread, Threads } from '@haggle/negotiate'
import { type Demand, devicesFor, FREE_RAIL, type Offer, parseQuery, railOf } from '@haggle/offer'
import type { PaymentRail } from '@haggle/payment'
import { errorCode, HaggleError, toHex } from '@haggle/wire'
import type { BoughtLevels } from './bought_levels.ts'
import { refusalWords } from './refusal_words.ts'
import { capFor, checkJob, demandOf, pricePerHour } from './demand_of.ts'
import { ignoreOver } from './_ignore_over.ts'
import { JobTable } from './job_table.ts'
import { byQuery, type KnownOffer, type OfferSource } from './offer_source.ts'
import type { CollectedFiles, MarketParts } from './parts.ts'
import { endOf, NOTHING_OWED, unboundEnd } from './paid.ts'
import { amountOn, type Rails } from './rails.ts'
import { type RentedEnd, RentedJob, type RentedJobInit } from './rented_job.ts'
import type { RunProgress, RunRequest } from './types.ts'

/** A connection to a candidate that takes longer than this is given up: the next one is asked. Ms. */
const CONNECT_MS = 5_000
/** A job that is over is found by its late output for so long. Ms. */
const KEEP_ENDED_MS = 60_000
/** Codes of a peer that is not there. */
const UNREACHABLE: ReadonlySet<string> = new Set(['E_DIAL', 'E_ABORTED', 'E_STREAM_CLOSED', 'E_CONTROL_STALLED'])
/** The default result files of a job. */
const DEFAULT_OUTPUTS: readonly string[] = ['out/**']

/** A request with all that does not change between its attempts. */
export interface PreparedRun {
  readonly request: RunRequest
  readonly rail: PaymentRail
  readonly demand: Demand
  readonly spec: JobSpec
  readonly collected: CollectedFiles | null
}

/** A provider's answer to a request for a quote. */
export interface Quoted {
  readonly peerId: string
  /** What it would sign; null when it refuses. */
  readonly terms: Terms | null
  readonly refused: string | null
}

/** The renter of one node. */
export class Renter {
  readonly #parts: MarketParts
  readonly #rails: Rails
  readonly #threads: Threads
  readonly #source: OfferSource
  readonly #levels: BoughtLevels
  /** By thread; the first one drives it, the others only look. */
  readonly #jobs = new JobTable<RentedJob>((job) => job.thread.view().contract)
  /** Threads that wait for a quote. */
  readonly #asking = new Map<string, () => void>()

  constructor(parts: MarketParts & { readonly money: Rails; readonly levels: BoughtLevels }, threads: Threads, source: OfferSource) {
    this.#parts = parts
    this.#rails = parts.money
    this.#levels = parts.levels
    this.#threads = threads
    this.#source = source
  }

  /** The jobs of a contract (32 bytes) that this process holds. */
  ofContract(contract: Uint8Array): readonly RentedJob[] {
    return this.#jobs.ofContract(toHex(contract))
  }

  /** How long the provider of a thread was out of reach, ms; null when this process hasn't seen the whole of its contract. */
  outMs(thread: Thread): number | null {
    return this.#jobs.ofThread(thread.id)[0]?.outMs ?? null
  }

  /** The provider of a thread is there again, or gone. */
  reachable(thread: Thread, now: boolean): void {
    for (const job of this.#jobs.ofThread(thread.id)) {
      if (now) job.reachable()
      else job.unreachable()
    }
  }

  /** Reads local files and checks the request: everything that can be wrong before anyone is asked. */
  async prepare(request: RunRequest): Promise<PreparedRun> {
    const rail = this.#rails.pick(request.rail)
    checkJob(request)
    const account = request.sla === true ? await this.#levels.account(rail.name) : null
    const collected = await this.#collect(request)
    const demand = demandOf(request, rail, { account, inputBytes: inputBytes({ files: collected?.files ?? [] }) })
    const args = request.command ?? [collected?.entry ?? '', ...(request.args ?? [])]
    const spec: JobSpec = {
      runner: demand.runner,
      args,
      env: request.env ?? {},
      files: collected?.files ?? [],
      inline: collected?.inline ?? [],
      stdin: request.stdin ?? false,
      outputs: request.outputs ?? DEFAULT_OUTPUTS,
    }
    encodeSpec(spec)
    return { request, rail, demand, spec, collected }
  }

  /** Fitting offers, best first. */
  async candidates({ request, rail, demand }: PreparedRun, without: ReadonlySet<string>): Promise<KnownOffer[]> {
    const { onProgress, signal, providers, exclude } = request
    const fitting = await this.#source.fitting(demand, {
      rail,
      without: new Set([...without, ...(exclude ?? []), this.#parts.network.peerId]),
      ...(providers === undefined ? {} : { only: providers }),
      ...(signal === undefined ? {} : { signal }),
      onSeen: (seen) => onProgress?.({ step: 'searching', seen }),
    })
    const found = fitting.filter(({ offer }) => this.#isOwnCourt(demand, offer.body))
    return byQuery(found, parseQuery(demand.where), { unit: rail.unit })
  }

  /**
   * Signs a contract with one of `candidates`, the first that says yes, and starts the job there. Offers that their providers know no more, such as of
   * one that was started anew since, are asked for again, once.
   *
   * @throws HaggleError `E_NOBODY_TAKES` with the last reason when every one refuses or can't be reached.
   */
  async take(run: PreparedRun, candidates: readonly KnownOffer[], anew = false): Promise<RentedJob> {
    const say = (progress: RunProgress): void => run.request.onProgress?.(progress)
    let last = 'nobody was asked'
    for (const candidate of candidates) {
      run.request.signal?.throwIfAborted()
      say({ step: 'asking', provider: candidate.peerId })
      const refused = (reason: string): void => {
        last = reason
        this.#source.forget(candidate.peerId)
        say({ step: 'refused', provider: candidate.peerId, reason })
      }
      try {
        await this.#threads.prepare(this.#source.target(candidate.peerId), { signal: AbortSignal.timeout(CONNECT_MS) })
        await this.#parts.memory.introduce(candidate.peerId)
      } catch (error) {
        refused(UNREACHABLE.has(errorCode(error)) ? 'unreachable' : errorCode(error))
        continue
      }
      if (!this.#isOwnCourt(run.demand, candidate.offer.body)) {
        refused('another court')
        continue
      }
      const job = await this.#accept(run, candidate)
      const end = await job.confirmed
      if (end === null || end.kind === 'exited') {
        const terms = job.thread.view().terms
        this.#levels.take(job.thread)
        const perHour = pricePerHour(candidate.offer.body, run.rail.name) ?? 0n
        const cap = amountOn(run.rail, terms?.cap ?? 0n)
        say({ step: 'signed', provider: candidate.peerId, contract: toHex(job.contract), cap, pricePerHour: amountOn(run.rail, perHour) })
        return job
      }
      refused(reasonOf(end))
    }
    if (last === 'expired' && !anew) {
      const fresh = await this.candidates(run, new Set())
      if (fresh.length > 0) return await this.take(run, fresh, true)
    }
    throw new HaggleError('E_NOBODY_TAKES', `Nobody took the job: of ${candidates.length} asked, the last ${refusalWords(last)}`, {
      details: { asked: candidates.length, reason: last },
      next: 'try again in a moment, or ask for less',
    })
  }

  /**
   * Asks one provider for a quote, and takes it no further: what the provider would sign now, or why it would not.
   *
   * @throws HaggleError `E_DIAL` and its like when the provider can't be reached.
   */
  async ask({ demand }: PreparedRun, candidate: KnownOffer): Promise<Quoted> {
    const target = this.#source.target(candidate.peerId)
    await this.#threads.prepare(target, { signal: AbortSignal.timeout(CONNECT_MS) })
    await this.#parts.memory.introduce(candidate.peerId)
    const thread = this.#threads.begin({ ...target, key: candidate.provider })
    const answered = Promise.withResolvers<void>()
    this.#asking.set(thread.id, answered.resolve)
    try {
      await thread.command({ do: 'request', demand: { ...demand, cap: capFor(demand, candidate.offer.body) }, offer: candidate.offer.id })
      await answered.promise
      const { phase, proposed, outcome } = thread.view()
      if (phase !== 'quoted' || proposed === null) return { peerId: candidate.peerId, terms: null, refused: outcome.reason ?? phase }
      await thread.command({ do: 'cancel', reason: 'elsewhere' }).catch(ignoreOver)
      return { peerId: candidate.peerId, terms: proposed, refused: null }
    } finally {
      this.#asking.delete(thread.id)
    }
  }

  /** A thread as a job: of an earlier process, or looked at once more. Its output comes from the first octet. */
  view(thread: Thread): RentedJob {
    const jobs = this.#jobs.ofThread(thread.id)
    const job = new RentedJob(
      thread,
      this.#source.target(peerIdOf(thread.record.peerKey)),
      this.#jobInit(null, { rail: this.#railOf(thread), drives: jobs.length === 0, watched: false }),
    )
    this.#keep(job)
    this.#levels.take(thread)
    job.replay()
    return job
  }

  effect(thread: Thread, effect: HostEffect): void {
    if (effect.kind === 'notify' && effect.phase !== 'asked') this.#asking.get(thread.id)?.()
    for (const job of this.#jobs.ofThread(thread.id)) job.effect(effect)
  }

  /**
   * What a thread's end means for its rail. Resolves with what was settled, base units.
   *
   * @throws what the rail's store throws.
   */
  async settle(thread: Thread, entry: LedgerEntry): Promise<bigint> {
    const { terms, proposed, phase, outcome } = thread.view()
    const paid = terms ?? proposed
    if (entry.kind === 'opened' || paid === null) return 0n
    // Only a provider that said no can't have served the tick that ACCEPT paid for.
    const refused = phase === 'quoted' || outcome.kind === 'rejected'
    const end = entry.kind === 'closed' ? endOf(thread, entry.outcome) : refused ? NOTHING_OWED : unboundEnd(thread, 0n)
    return (await this.#railOf(thread).settle({ thread: thread.record.thread, terms: paid }, end)).settled
  }

  /** The rail of a thread's terms. One that this node had in an earlier life and has no more counts nothing: the free one stands in. */
  #railOf(thread: Thread): PaymentRail {
    const { terms, proposed } = thread.view()
    return this.#rails.of((terms ?? proposed)?.rail ?? FREE_RAIL) ?? this.#rails.pick(FREE_RAIL)
  }

  /** A service level is worth something at the court that this node can ask. */
  #isOwnCourt({ sla }: Demand, offer: Offer): boolean {
    return sla === null || (offer.sla !== null && this.#levels.knows(offer.sla.court))
  }

  #keep(job: RentedJob): void {
    const { thread } = job
    this.#jobs.add(thread.id, job)
    void thread.ended.then(() => this.#parts.clock.after(KEEP_ENDED_MS, () => this.#jobs.delete(thread.id)))
  }

  async #accept(run: PreparedRun, candidate: KnownOffer): Promise<RentedJob> {
    const { random, suite, identity } = this.#parts
    const { demand, spec, rail } = run
    const target = this.#source.target(candidate.peerId)
    const thread = this.#threads.begin({ ...target, key: candidate.provider })
    const job = new RentedJob(
      thread,
      target,
      this.#jobInit(run.collected, { rail, drives: true, watched: true, onProgress: (progress) => run.request.onProgress?.(progress) }),
    )
    this.#keep(job)
    const listing = { provider: candidate.provider, offer: candidate.offer.body }
    const capped = { ...demand, cap: capFor(demand, candidate.offer.body) }
    const terms = termsFrom({
      offer: candidate.offer,
      demand: capped,
      renter: identity.publicKey,
      devices: devicesFor(demand, listing, { unit: rail.unit }),
    })
    const salt = random(SPEC_SALT_BYTES)
    const bytes = encodeSpec(spec)
    const payee = railOf(candidate.offer.body.rails, rail.name)?.account ?? null
    const { signal } = run.request
    const asked = { thread: thread.record.thread, terms, payee }
    const funding = await rail.fund(asked, signal === undefined ? {} : { signal })
    const { number, write, giveBack } = this.#threads.takeNumber()
    const accepted = thread.command(
      { do: 'accept', terms, specHash: specHash(salt, bytes, suite), number, funding },
      {
        notes: { spec: bytes, salt },
        writes: [write],
        beside: [{ kind: 'spec', thread: thread.record.thread, salt, spec: bytes }],
      },
    )
    try {
      await accepted
    } catch (error) {
      // Nothing was signed: what was promised for it is free again.
      await rail.settle(asked, NOTHING_OWED)
      throw error
    } finally {
      giveBack()
    }
    return job
  }

  #jobInit(
    collected: CollectedFiles | null,
    options: Pick<RentedJobInit, 'rail' | 'drives' | 'watched'> & { readonly onProgress?: (progress: RunProgress) => void },
  ): RentedJobInit {
    const { network, hashing, clock } = this.#parts
    return {
      network,
      hashing,
      clock,
      collected,
      ...options,
      onProgress: options.onProgress ?? (() => undefined),
      stands: (thread) => this.#levels.stands(thread),
      onProblem: (error) => this.#parts.onProblem?.(error),
    }
  }

  async #collect(request: RunRequest): Promise<CollectedFiles | null> {
    const { deno, inputs, files } = request
    if (deno === undefined && inputs === undefined && files === undefined) return null
    if (this.#parts.collect === undefined)
      throw new HaggleError('E_RUN_FILE', 'This node can not read local files: give the files in memory')
    return this.#parts.collect({
      ...(deno === undefined ? {} : { entry: deno }),
      ...(inputs === undefined ? {} : { inputs }),
      ...(files === undefined ? {} : { files }),
    })
  }
}

function reasonOf(end: RentedEnd): string {
  if (end.kind === 'rejected') return end.reason
  if (end.kind === 'over') return end.reason ?? end.phase
  return 'exited'
}
