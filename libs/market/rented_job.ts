// One contract on the renter's side: its output put together, its files sent and fetched, its meters paid, its end waited for.

import type { Exit, ReceiptReason } from '@haggle/contract'
import {
  type ExitStatus,
  type FileRef,
  type Hashing,
  type JobRef,
  listFiles,
  openFetcher,
  openStdin,
  type OutputChannel,
  outputFeed,
  type OutputFeed,
  type PushedOutput,
  putFiles,
  readOutput,
} from '@haggle/job'
import type { Network, PeerTarget } from '@haggle/mesh'
import type { EndFrame, HostEffect, OutputFrame, Thread } from '@haggle/negotiate'
import { type Clock, HaggleError } from '@haggle/wire'
import type { PaymentRail } from '@haggle/payment'
import { ignoreOver, unwatched } from './_ignore_over.ts'
import { paidOf } from './paid.ts'
import { amountOn } from './rails.ts'
import type { CollectedFiles } from './parts.ts'
import type { RunProgress } from './types.ts'

/** A provider out of reach for so long is lost to a job that may go elsewhere: reconnecting has been tried four times by then. Ms. */
export const LOST_MS = 6_000
/** A missing rest of output is asked for after this pause, ms: what is on its way comes first. */
const REFETCH_MS = 200
/** Tries to fetch a rest of output before the job counts as having lost it. */
const REFETCH_TRIES = 10

/** What a rented job needs of its node. */
export interface RentedJobInit {
  readonly network: Network
  readonly hashing: Hashing
  readonly clock: Clock
  readonly collected: CollectedFiles | null
  readonly rail: PaymentRail
  /** False for one more view of a job that is driven elsewhere: it only reads. */
  readonly drives: boolean
  /** True when this process has the contract from its beginning, so that it sees whenever its provider is out of reach. */
  readonly watched: boolean
  readonly onProgress: (progress: RunProgress) => void
  /** Whether the case of a service level that the provider counts is there, as it was bought. */
  readonly stands: (thread: Thread) => Promise<boolean>
  /** Told why a voucher could not be given. */
  readonly onProblem: (error: unknown) => void
}

/** How the contract of a rented job went. */
export type RentedEnd =
  | { readonly kind: 'exited'; readonly exit: ExitStatus }
  /** REJECTED before anything ran. */
  | { readonly kind: 'rejected'; readonly reason: string }
  /** Over without a result: the provider failed, or a side cancelled. */
  | { readonly kind: 'over'; readonly phase: string; readonly by: string | null; readonly reason: string | null }

/** A contract in which this node is the renter. */
export class RentedJob {
  readonly thread: Thread
  readonly provider: PeerTarget
  readonly feeds: Readonly<Record<OutputChannel, OutputFeed>> = { stdout: outputFeed(), stderr: outputFeed() }
  /** Resolves when the provider has confirmed, or the ACCEPT came to nothing: refused, or taken back because nobody answered. */
  readonly confirmed: Promise<RentedEnd | null>
  /** Resolves when the job has exited, or the contract is over without that. */
  readonly ended: Promise<RentedEnd>
  /** Resolves when the provider has been out of reach for {@link LOST_MS}. */
  readonly lost: Promise<void>
  readonly #init: RentedJobInit
  readonly #confirmed = Promise.withResolvers<RentedEnd | null>()
  readonly #ended = Promise.withResolvers<RentedEnd>()
  readonly #lost = Promise.withResolvers<void>()
  readonly #fetching = new Set<OutputChannel>()
  #stdin: ReturnType<typeof openStdin> | undefined
  #hasStarted = false
  #abandoned = false
  #cancelLost: () => void = () => undefined
  #uploaded = false
  #firstOutputAtMs: number | null = null
  #outMs = 0
  #outSinceMs: number | null = null

  constructor(thread: Thread, provider: PeerTarget, init: RentedJobInit) {
    this.thread = thread
    this.provider = provider
    this.#init = init
    this.confirmed = this.#confirmed.promise
    this.ended = this.#ended.promise
    this.lost = this.#lost.promise
    void this.ended.then(() => this.#cancelLost())
  }

  /** Contract id; throws before ACCEPT. */
  get contract(): Uint8Array {
    const { contract } = this.thread.view()
    if (contract === null) throw new HaggleError('E_CONTRACT_STATE', 'There is no contract yet')
    return contract
  }

  /** Monotonic ms at which the first octet of output came, or null. */
  get firstOutputAtMs(): number | null {
    return this.#firstOutputAtMs
  }

  /** How it is paid. */
  get rail(): PaymentRail {
    return this.#init.rail
  }

  /** How long the provider was out of reach since CONFIRM, ms; null when nobody looked all the time. */
  get outMs(): number | null {
    if (!this.#init.watched) return null
    return this.#outMs + (this.#outSinceMs === null ? 0 : this.#init.clock.monotonicMs() - this.#outSinceMs)
  }

  get ref(): JobRef {
    return { provider: this.provider, contract: this.contract }
  }

  /** Carries out what the machine asks of a renter. */
  effect(effect: HostEffect): void {
    switch (effect.kind) {
      case 'pay':
        if (this.#init.drives) unwatched(this.#pay(effect), this.#init.onProblem)
        return
      case 'notify':
        this.#notify(effect.phase)
        return
      default:
        return
    }
  }

  /** Takes octets that rode on the control stream. */
  output({ channel, offset, bytes }: OutputFrame): void {
    this.#firstOutput()
    this.feeds[channel].push(offset, bytes).catch(() => this.#refetch(channel))
  }

  /** Takes a stream that the provider opened. */
  async pushed({ channel, offset, content }: PushedOutput): Promise<void> {
    await this.#drain(channel, offset, content)
  }

  end({ stdoutBytes, stderrBytes }: EndFrame): void {
    this.feeds.stdout.end(stdoutBytes)
    this.feeds.stderr.end(stderrBytes)
    for (const channel of ['stdout', 'stderr'] as const) if (!this.feeds[channel].complete) this.#refetch(channel)
  }

  /** The connection to the provider is gone. It may come back; after a while the job counts as lost for whoever can go elsewhere. */
  unreachable(): void {
    this.#cancelLost()
    this.#outSinceMs ??= this.#init.clock.monotonicMs()
    this.#cancelLost = this.#init.clock.after(LOST_MS, () => this.#lost.resolve())
  }

  /** The job goes on elsewhere: if this provider is there again, it is told to stop. */
  abandon(): void {
    this.#abandoned = true
    for (const feed of Object.values(this.feeds)) feed.fail(new HaggleError('E_JOB_LOST', `${this.provider.peerId} is out of reach`))
  }

  /** The connection to the provider is there again: what was missed is fetched. */
  reachable(): void {
    this.#cancelLost()
    if (this.#outSinceMs !== null) this.#outMs += this.#init.clock.monotonicMs() - this.#outSinceMs
    this.#outSinceMs = null
    if (this.#abandoned) return unwatched(this.cancel(), this.#init.onProblem)
    if (!this.#hasStarted) return
    for (const channel of ['stdout', 'stderr'] as const) if (!this.feeds[channel].complete) this.#refetch(channel)
  }

  /** Takes the contract as it stands, and its output from the first octet. */
  replay(): void {
    this.#notify(this.thread.view().phase)
    for (const channel of ['stdout', 'stderr'] as const) this.#refetch(channel)
  }

  async write(chunk: Uint8Array): Promise<void> {
    await this.#started()
    this.#stdin ??= openStdin(this.ref, this.#init)
    await (await this.#stdin).write(chunk)
  }

  async closeStdin(): Promise<void> {
    await this.#started()
    this.#stdin ??= openStdin(this.ref, this.#init)
    await (await this.#stdin).end()
  }

  list(): Promise<readonly FileRef[]> {
    return listFiles(this.ref, this.#init)
  }

  /** Opens the stream over which result files are fetched. */
  fetcher(): ReturnType<typeof openFetcher> {
    return openFetcher(this.ref, this.#init)
  }

  async cancel(): Promise<void> {
    await this.thread.command({ do: 'cancel', reason: 'user' })
  }

  #notify(phase: string): void {
    const { outcome, exit, ready } = this.thread.view()
    if (phase === 'staging' || phase === 'running') {
      this.#confirmed.resolve(null)
      if (!this.#uploaded && this.#init.drives) void this.#upload()
    }
    if (ready && !this.#hasStarted) this.#begun()
    if (phase === 'closing' && exit !== null) {
      this.#confirmed.resolve(null)
      this.#ended.resolve({ kind: 'exited', exit: exitStatusOf(exit) })
      if (this.#init.drives) unwatched(this.#receipt(null), this.#init.onProblem)
    }
    // An ACCEPT that was taken back binds nobody, whatever is on its way: whoever can go elsewhere does not wait until the provider has heard of it.
    if (phase === 'cancelling') this.#confirmed.resolve({ kind: 'over', phase, by: 'provider', reason: 'silent' })
    if (!END_PHASES.has(phase)) return
    const over: RentedEnd =
      exit !== null
        ? { kind: 'exited', exit: exitStatusOf(exit) }
        : phase === 'rejected'
          ? { kind: 'rejected', reason: outcome.reason ?? 'capacity' }
          : { kind: 'over', phase, by: outcome.by, reason: outcome.reason }
    this.#confirmed.resolve(over)
    this.#ended.resolve(over)
    if (exit === null && !this.#hasStarted)
      for (const feed of Object.values(this.feeds)) feed.fail(new HaggleError('E_JOB_LOST', `The job is over: ${phase}`))
  }

  /** CONFIRM says that the provider takes the job; its process may need files first. */
  async #upload(): Promise<void> {
    this.#uploaded = true
    const { collected, onProgress } = this.#init
    const missing = collected === null ? 0 : collected.files.length - collected.inline.length
    try {
      if (collected !== null && missing > 0) {
        await putFiles(this.ref, collected.files, {
          ...this.#init,
          read: (file, offset) => collected.read(file, offset),
          onProgress: (sentBytes, totalBytes) => onProgress({ step: 'upload', sentBytes, totalBytes }),
        })
      }
      await this.thread.command({ do: 'staged' })
    } catch {
      // The provider's staging deadline, or the machine's, ends a contract whose files did not arrive.
    }
  }

  async #pay({ n, owed }: { readonly n: number; readonly owed: bigint }): Promise<void> {
    const { usage } = this.thread.view()
    const { rail, onProgress, onProblem } = this.#init
    if (n > 0) onProgress({ step: 'metered', usedMs: Number(usage[0] ?? 0n), owed: amountOn(rail, owed) })
    const paid = paidOf(this.thread)
    if (paid === null) return
    if (!(await this.#levelStands())) return void (await this.thread.command({ do: 'cancel', reason: 'meter' }).catch(ignoreOver))
    try {
      const parts = await rail.voucher(paid, owed)
      await this.thread.command({ do: 'voucher', owed, ...parts }).catch(ignoreOver)
    } catch (error) {
      // Without a voucher the provider stops the job after its grace: the owner should know why.
      onProblem(error)
    }
  }

  async #receipt(reason: ReceiptReason | null): Promise<void> {
    const said = reason === null && !(await this.#levelStands()) ? 'meter' : reason
    await this.thread.command({ do: 'receipt', reason: said }).catch(ignoreOver)
  }

  /** Nobody pays for a service level that was not opened: true as long as none is counted. */
  async #levelStands(): Promise<boolean> {
    const { terms, usage } = this.thread.view()
    const at = terms?.meters.findIndex(({ unit }) => unit === 'sla') ?? -1
    return at < 0 || (usage[at] ?? 0n) === 0n || (await this.#init.stands(this.thread))
  }

  #begun(): void {
    this.#hasStarted = true
    this.#init.onProgress({ step: 'started', provider: this.provider.peerId })
  }

  #started(): Promise<void> {
    // Output, READY or RESULT: all of them mean that the process exists. stdin may be written from CONFIRM on, its host holds it.
    return this.confirmed.then((end) => {
      if (end !== null) throw new HaggleError('E_JOB_LOST', 'The job did not start')
    })
  }

  #firstOutput(): void {
    this.#firstOutputAtMs ??= this.#init.clock.monotonicMs()
  }

  async #drain(channel: OutputChannel, offset: number, content: AsyncIterable<Uint8Array>): Promise<void> {
    let at = offset
    for await (const chunk of content) {
      this.#firstOutput()
      await this.feeds[channel].push(at, chunk)
      at += chunk.length
    }
  }

  /** Fetches what is missing of a channel, once at a time, a few times. */
  #refetch(channel: OutputChannel, attempt = 0): void {
    if (this.#fetching.has(channel)) return
    this.#fetching.add(channel)
    const feed = this.feeds[channel]
    this.#init.clock.after(attempt === 0 ? REFETCH_MS : REFETCH_MS * 5, () => {
      void this.#fetch(channel).then((done) => {
        this.#fetching.delete(channel)
        if (done || feed.complete) return
        if (attempt + 1 < REFETCH_TRIES) this.#refetch(channel, attempt + 1)
        else feed.fail(new HaggleError('E_OUTPUT_LOST', `The rest of ${channel} can't be fetched from ${this.provider.peerId}`))
      })
    })
  }

  async #fetch(channel: OutputChannel): Promise<boolean> {
    const offset = this.feeds[channel].nextOffset
    if (this.feeds[channel].complete) return true
    try {
      await this.#drain(channel, offset, readOutput(this.ref, channel, { ...this.#init, offset }))
      this.feeds[channel].end(this.feeds[channel].nextOffset)
      return true
    } catch {
      return false
    }
  }
}

const END_PHASES: ReadonlySet<string> = new Set(['settled', 'disputed', 'rejected', 'expired', 'cancelled', 'failed'])

/** An exit as RESULT carried it. */
export function exitStatusOf({ kind, code, word }: Exit): ExitStatus {
  switch (kind) {
    case 'exit':
      return { kind, code: code ?? 0 }
    case 'signal':
      return { kind, signal: word ?? 'SIGKILL' }
    case 'limit':
      return { kind, limit: (word ?? 'time') as Extract<ExitStatus, { kind: 'limit' }>['limit'] }
    case 'killed':
      return { kind, reason: word ?? 'user' }
    case 'lost':
      return { kind }
  }
}
