// The provider's side of a node: its offer, its answers to what is asked, and the jobs of its contracts.

import type { AcceptBody, CancelReason, LedgerEntry, RejectReason, Terms, VoucherBody } from '@haggle/contract'
import { termsFrom } from '@haggle/contract'
import { peerIdOf } from '@haggle/identity'
import { type Authorise, decodeSpec, type JobSpec } from '@haggle/job'
import type { HostEffect, SpecFrame, Thread, Threads } from '@haggle/negotiate'
import { type Demand, devicesFor, type Offer } from '@haggle/offer'
import { equalBytes, HaggleError, type Message, toHex } from '@haggle/wire'
import { Capacity } from './capacity.ts'
import { Earnings } from './earnings.ts'
import { isGranted } from './_granted.ts'
import { ignoreOver, unwatched } from './_ignore_over.ts'
import { KEEP_JOBS } from './_kept_jobs.ts'
import { Specs } from './_specs.ts'
import { ListedFiles } from './listed_files.ts'
import { type Policy, policyOf } from './offer_maker.ts'
import { diskBytes, ProvidedJob, resultWithout } from './provided_job.ts'
import type { ProviderCounts, ProviderEvents, ProviderParts } from './provider_parts.ts'
import { type Refusal, refusalOf } from './refusal.ts'
import { SoldLevels } from './sold_levels.ts'
import { StandingOffer } from './standing_offer.ts'
import { STRANGER, type Trust } from './trust.ts'
import type { ProvideRequest } from './types.ts'

/** How long a quote stays firm in price, ms. */
const QUOTE_VALID_MS = 60_000

/** The provider of one node. Made once; provides between {@link Provider.start} and {@link Provider.stop}. */
export class Provider {
  readonly counts: ProviderCounts = { requests: 0, accepted: 0, refusals: new Map() }
  readonly money: Earnings
  /** The files of the jobs, for this node and for whoever may read them. */
  readonly files: ListedFiles
  /** Service levels that were bought here. */
  readonly levels: SoldLevels
  readonly #parts: ProviderParts
  readonly #threads: Threads
  readonly #standing: StandingOffer
  readonly #capacity: Capacity
  readonly #jobs = new Map<string, ProvidedJob>()
  readonly #specs: Specs
  #policy: Policy | undefined

  constructor(parts: ProviderParts, threads: Threads, events: ProviderEvents) {
    this.#parts = parts
    this.files = new ListedFiles(parts.provider.files)
    this.money = new Earnings(parts.money)
    this.levels = new SoldLevels({
      court: parts.access,
      clock: parts.clock,
      store: parts.store.sub('sold'),
      self: parts.identity.publicKey,
    })
    this.#threads = threads
    this.#specs = new Specs(parts)
    const { identity, suite, clock, networkId, onProblem } = parts
    const now = (): Offer | null => (this.#policy === undefined ? null : this.#capacity.offer(this.#policy))
    this.#standing = new StandingOffer({ identity, suite, clock, networkId, now, offered: (message) => events.offered(message) })
    const tell = { onChange: () => this.#standing.changed(), ...(onProblem === undefined ? {} : { onProblem }) }
    this.#capacity = new Capacity({ ...parts.provider, ...tell, clock })
  }

  /** The signed offer of this moment; undefined when this node does not provide. */
  get current(): Message<Offer> | undefined {
    return this.#standing.current
  }

  get policy(): Policy | undefined {
    return this.#policy
  }

  /** MiB of the disk that jobs may have; Infinity where nobody can say. */
  get roomMiB(): number {
    return this.#capacity.room.mib
  }

  /** Jobs of contracts that are not over, by contract id in hex. */
  get jobs(): ReadonlyMap<string, ProvidedJob> {
    return this.#jobs
  }

  /** Starts to offer; changes the offer when it has started already. */
  async start(request: ProvideRequest): Promise<void> {
    const { host, machine } = this.#parts.provider
    // A court that can't be opened sells nothing: the owner is told, and may offer without.
    const court = request.sla === undefined ? {} : { court: await this.#parts.access.opened() }
    this.#policy = policyOf(request, await host.runners(), { machine, rails: this.#parts.money, ...court })
    await this.#capacity.room.start()
    this.#standing.renew()
    await this.#capacity.kept.limit(request.keepJobs ?? KEEP_JOBS)
  }

  /** Takes no new contracts from here on. */
  stop(): void {
    this.#policy = undefined
    this.#capacity.room.stop()
    this.#standing.stop()
  }

  /** After the threads of earlier processes were resumed: what none of them needs is not for ever. */
  adopt(): Promise<void> {
    return this.#capacity.kept.adopt((id) => this.#jobs.has(id))
  }

  /** The node leaves; what runs goes on without it. */
  close(): void {
    this.stop()
    this.levels.stop()
    this.#capacity.kept.stop()
  }

  /** Ends what runs. */
  async cancelAll(reason: CancelReason): Promise<void> {
    await Promise.all([...this.#jobs.values()].map(({ thread }) => thread.command({ do: 'cancel', reason }).catch(() => undefined)))
  }

  /** A peer opened a thread. */
  opened(): void {
    this.counts.requests++
  }

  /** A job of an earlier process: taken up again when its host still has it. */
  async resume(thread: Thread): Promise<void> {
    const { host } = this.#parts.provider
    const { contract, terms } = thread.view()
    const [spec, salt] = [await thread.note('spec'), await thread.note('salt')]
    if (contract === null || terms === null || spec === undefined || salt === undefined) return
    const job = this.#makeJob(thread, { contract, terms, spec: decodeSpec(spec) })
    this.levels.take(thread)
    const state = await host.state(job.job.id)
    // What an earlier process had stored and not yet looked at pays nothing before it is looked at.
    const voucher = thread.chains().theirs.findLast(({ type }) => type === 'voucher')
    if (voucher !== undefined) await this.#checkVoucher(thread, voucher as Message<VoucherBody>)
    // Nobody waits for its end: this node's other jobs, and its start, do not.
    if (state !== undefined && state.phase !== 'staging') this.#behind(job.adopt())
  }

  /** Takes a spec that follows an ACCEPT. */
  spec(thread: Thread, frame: SpecFrame): void {
    this.#specs.arrived(thread, frame)
  }

  /** Takes a message that waits for this side's decision. */
  message(thread: Thread, message: Message): void {
    const decide = this.#decision(thread, message)
    if (decide === undefined) return
    const refuse = (error: unknown): Promise<void> => {
      // A decision that fails is a refusal: the renter must not wait for its deadline.
      this.#count(error instanceof HaggleError ? error.code : 'E_UNKNOWN')
      return thread.command({ do: 'reject', reason: 'unsupported', path: null, fresh: null })
    }
    this.#behind(decide.catch(refuse))
  }

  /** Carries out what the machine asks of a provider. */
  effect(thread: Thread, effect: HostEffect): void {
    switch (effect.kind) {
      case 'capacity':
        if (effect.action === 'release') this.#capacity.release(thread.id)
        else this.#holdAgain(thread)
        return
      case 'job':
        if (effect.action === 'start') this.#behind(this.#startJob(thread, effect.contract))
        else this.#behind(this.#stopJob(thread, effect.contract, effect.reason))
        return
      case 'measure':
        this.#behind(this.#measure(thread))
        return
      default:
        return
    }
  }

  /** What a contract's end means for its rail. Resolves with what was settled, base units. */
  async settle(thread: Thread, entry: LedgerEntry): Promise<bigint> {
    const job = entry.kind === 'void' ? this.#jobs.get(toHex(entry.contract)) : undefined
    return this.money.settle(thread, entry, job === undefined ? null : await job.usage())
  }

  /** The job of a contract for a stream, when its reader may. Contracts of earlier processes count as long as their output is kept. */
  async authorised({ contract, remoteKey, right, capability }: Parameters<Authorise>[0]): ReturnType<Authorise> {
    const id = toHex(contract)
    const job = this.#jobs.get(id)
    const thread = job?.thread ?? (await this.#threads.ofContract(id))
    if (thread === undefined || thread.role !== 'provider') return undefined
    const asked = { contract, remoteKey, right, capability }
    if (!equalBytes(thread.record.peerKey, remoteKey) && !isGranted(this.#parts, thread, asked)) return undefined
    if (job !== undefined) {
      // Files are put into a folder that is there, and beside inline ones that are whole.
      await job.prepare()
      return { id, spec: job.job.spec, mostBytes: diskBytes(job.job.limits) }
    }
    const spec = await thread.note('spec')
    const known = await this.#parts.provider.host.state(id)
    const { terms } = thread.view()
    if (spec === undefined || known === undefined || terms === null) return undefined
    return { id, spec: decodeSpec(spec), mostBytes: diskBytes(terms.limits) }
  }

  /** All input files of a job have come. */
  staged(id: string): void {
    this.#jobs.get(id)?.staged()
  }

  #decision(thread: Thread, message: Message): Promise<void> | undefined {
    switch (message.type) {
      case 'quote-req':
        return this.#answerRequest(thread, (message.body as { demand: Demand }).demand)
      case 'counter':
        return this.#answerCounter(thread)
      case 'voucher':
        return this.#checkVoucher(thread, message as Message<VoucherBody>)
      case 'accept':
        return this.#answerAccept(thread, message as Message<AcceptBody>)
      default:
        return undefined
    }
  }

  async #answerRequest(thread: Thread, demand: Demand): Promise<void> {
    const { current } = this
    if (current === undefined) return this.#reject(thread, { reason: 'capacity', path: null })
    const terms = this.#termsOf(thread, current, demand)
    const refusal = this.#refusal(thread, {
      terms,
      promised: current.body,
      trust: await this.#trustIn(thread),
      stake: await this.#stakeFor(terms),
    })
    if (refusal !== null) return this.#reject(thread, refusal)
    await thread.command({ do: 'quote', terms, holdMs: 0, validMs: QUOTE_VALID_MS })
  }

  async #answerCounter(thread: Thread): Promise<void> {
    const trust = await this.#trustIn(thread)
    const stake = await this.#stakeFor(thread.view().proposed)
    const { proposed } = thread.view()
    const { current } = this
    if (proposed === null || current === undefined) return this.#reject(thread, { reason: 'capacity', path: null })
    const refusal = this.#refusal(thread, { terms: proposed, promised: current.body, trust, stake })
    if (refusal !== null) return this.#reject(thread, refusal)
    await thread.command({ do: 'quote', terms: proposed, holdMs: 0, validMs: QUOTE_VALID_MS })
  }

  async #answerAccept(thread: Thread, message: Message<AcceptBody>): Promise<void> {
    // Looked up first: from here on, what is decided is reserved in the same step.
    const trust = await this.#trustIn(thread)
    const stake = await this.#stakeFor(thread.view().proposed)
    const { proposed: terms, terms: inForce } = thread.view()
    if (terms === null) return this.#reject(thread, { reason: 'expired', path: null })
    if (inForce !== null) return this.#reject(thread, { reason: 'policy', path: null })
    const promised = this.#promisedTo(terms)
    if (promised === undefined) return this.#reject(thread, { reason: 'expired', path: null })
    const refusal = this.#refusal(thread, { terms, promised, trust, stake })
    if (refusal !== null) return this.#reject(thread, refusal)
    this.#hold(thread, terms)
    try {
      const funded = await this.money.funded(thread, message, terms)
      if (!funded.ok) {
        this.#capacity.release(thread.id)
        return await this.#reject(thread, { reason: 'funding', path: null })
      }
      const spec = await this.#specs.await(thread, message.body.specHash, diskBytes(terms.limits))
      const job = this.#makeJob(thread, { contract: message.id, terms, spec: spec.decoded })
      const prepared = job.prepare()
      prepared.catch(() => undefined)
      const { number, write, giveBack } = this.#threads.takeNumber()
      this.counts.accepted++
      await thread.command({ do: 'confirm', number }, { notes: { spec: spec.bytes, salt: spec.salt }, writes: [write] }).finally(giveBack)
      this.levels.take(thread)
      await prepared
    } catch (error) {
      this.#capacity.release(thread.id)
      await this.money.released(thread, terms)
      throw error
    }
  }

  /** A voucher that does not pay ends the contract: what the one before it covers is all that will be paid. */
  async #checkVoucher(thread: Thread, message: Message<VoucherBody>): Promise<void> {
    const verdict = await this.money.vouched(thread, message)
    if (!verdict.ok) await thread.command({ do: 'cancel', reason: 'unpaid' }).catch(ignoreOver)
  }

  #makeJob(thread: Thread, { contract, terms, spec }: { contract: Uint8Array; terms: Terms; spec: JobSpec }): ProvidedJob {
    const { provider, hashing, network, suite, onProblem } = this.#parts
    const id = toHex(contract)
    const { maxMs, limits, isolation } = terms
    const job = new ProvidedJob(
      {
        id,
        spec: { ...spec, runner: terms.runner },
        limits: { ...limits, maxMs },
        devices: terms.devices.map((device) => device.id),
        isolation,
      },
      { thread, contract, renter: { peerId: peerIdOf(thread.record.peerKey) } },
      {
        host: provider.host,
        files: this.files,
        hashing,
        network,
        suite,
        threads: this.#threads,
        levels: (last) => this.levels.counted(thread, last),
        ...(onProblem === undefined ? {} : { onProblem }),
      },
    )
    this.#jobs.set(id, job)
    const forget = (): Promise<void> => {
      this.#jobs.delete(id)
      return this.#capacity.kept.take(id)
    }
    this.#behind(thread.ended.then(forget))
    return job
  }

  /** Work that nobody waits for. */
  #behind(work: Promise<unknown>): void {
    unwatched(work, this.#parts.onProblem)
  }

  async #startJob(thread: Thread, contract: Uint8Array): Promise<void> {
    const job = this.#jobs.get(toHex(contract))
    const failed = (word: string): Promise<void> => resultWithout(thread, { kind: 'killed', code: null, word })
    if (job === undefined) return failed('E_SPEC_MISSING')
    await job.run().catch((error: unknown) => failed(error instanceof HaggleError ? error.code : 'E_JOB_START'))
  }

  async #stopJob(thread: Thread, contract: Uint8Array, reason: string): Promise<void> {
    const job = this.#jobs.get(toHex(contract))
    if (job !== undefined) return job.stop(reason)
    await resultWithout(thread, { kind: 'lost', code: null, word: null })
  }

  async #measure(thread: Thread): Promise<void> {
    const { contract } = thread.view()
    const job = contract === null ? undefined : this.#jobs.get(toHex(contract))
    if (job === undefined) return
    await thread.command({ do: 'meter', usage: await job.usage() }).catch(ignoreOver)
    this.money.metered(thread)
  }

  /** How the renter of a thread stands here. */
  async #trustIn(thread: Thread): Promise<Trust> {
    return (await this.#parts.memory.trust([thread.record.peerKey], 'renter'))[0] ?? STRANGER
  }

  /** Stake for a service level that is bought; null without one, and while the chain can't be asked. */
  async #stakeFor(terms: Terms | null): Promise<bigint | null> {
    return terms === null || terms.sla === null ? null : await this.levels.free()
  }

  #refusal(
    thread: Thread,
    { terms, promised, trust, stake }: { terms: Terms; promised: Offer; trust: Trust; stake: bigint | null },
  ): Refusal | null {
    const policy = this.#policy
    if (policy === undefined) return { reason: 'capacity', path: null }
    const { peerKey } = thread.record
    const peerId = peerIdOf(peerKey)
    const renter = { key: peerKey, friend: policy.allow.has(peerId), running: this.#capacity.heldBy(peerId, thread.id), trust }
    return refusalOf({ terms, promised, current: this.#capacity.offer(policy), policy, stake, renter })
  }

  async #reject(thread: Thread, { reason, path }: Refusal): Promise<void> {
    this.#count(path === null ? reason : `${reason} ${path}`)
    await thread.command({ do: 'reject', reason: reason satisfies RejectReason, path, fresh: null })
  }

  #count(reason: string): void {
    this.counts.refusals.set(reason, (this.counts.refusals.get(reason) ?? 0) + 1)
  }

  /** The offer whose price these terms were promised; of now when they were quoted without one. */
  #promisedTo(terms: Terms): Offer | undefined {
    if (terms.offerDigest === null) return this.current?.body
    return this.#standing.promised(terms.offerDigest)
  }

  #termsOf(thread: Thread, offer: Message<Offer>, demand: Demand): Terms {
    const { identity } = this.#parts
    const devices = devicesFor(demand, { provider: identity.publicKey, offer: offer.body })
    return termsFrom({ offer, demand, renter: thread.record.peerKey, devices })
  }

  /** What a thread of an earlier process had reserved is reserved again. */
  #holdAgain(thread: Thread): void {
    const { terms, proposed } = thread.view()
    const held = terms ?? proposed
    if (held !== null && !this.#capacity.holds(thread.id)) this.#hold(thread, held)
  }

  #hold(thread: Thread, terms: Terms): void {
    this.#capacity.hold(thread.id, terms, peerIdOf(thread.record.peerKey))
  }
}
