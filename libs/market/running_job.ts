// A job as its renter holds it: one contract after the other, until one of them brings it to its end.

import type { ExitStatus, FileFetcher, FileRef } from '@haggle/job'
import type { Path } from '@haggle/mesh'
import { errorCode, HaggleError, toHex, utf8 } from '@haggle/wire'
import { allowedListing, outputBytes, resultBytes } from './_allowed_results.ts'
import { caseOf, levelOf } from './level_of.ts'
import type { MarketParts } from './parts.ts'
import { amountOn, hourPrice } from './rails.ts'
import { receiptOf } from './receipt_view.ts'
import type { RentedEnd, RentedJob } from './rented_job.ts'
import type { PreparedRun, Renter } from './renter.ts'
import { transcriptOf } from './transcript_of.ts'
import type { Amount, Job, JobEnd, ReceiptView } from './types.ts'

/** Exit codes that are haggle's own (spec/agent.md). */
const EXIT_TIMEOUT = 124
const EXIT_LOST = 125
const EXIT_CANCELLED = 130
/** A signal's exit code, as shells give it, when its number is not known here. */
const EXIT_SIGNAL = 137
/** Receipts that do not come in this time are not waited for: the threads go on by themselves. Ms. */
const RECEIPT_WAIT_MS = 5_000

/** What {@link RunningJob} needs besides its first contract. */
export interface RunningJobInit {
  readonly parts: MarketParts
  /** Null for a job that was attached to: it does not fail over. */
  readonly run: { readonly renter: Renter; readonly prepared: PreparedRun; readonly lost: Set<string> } | null
  /** Monotonic ms at which the demand was made. */
  readonly demandedAtMs: number
}

/** See the file's first line. */
export class RunningJob implements Job {
  readonly stdout: AsyncIterable<Uint8Array>
  readonly stderr: AsyncIterable<Uint8Array>
  readonly done: Promise<JobEnd>
  readonly #init: RunningJobInit
  readonly #attempts: RentedJob[]
  /** Settles for each attempt with whether another follows. */
  readonly #followed: PromiseWithResolvers<boolean>[] = [Promise.withResolvers<boolean>()]
  #cancelled = false
  /** Octets of output that came of each attempt. */
  readonly #outBytes = new Map<RentedJob, number>()

  constructor(first: RentedJob, init: RunningJobInit) {
    this.#init = init
    this.#attempts = [first]
    this.stdout = this.#channel('stdout')
    this.stderr = this.#channel('stderr')
    this.done = this.#see()
    this.done.catch(() => undefined)
  }

  get contract(): string {
    return toHex(this.#now.contract)
  }

  get provider(): string {
    return this.#now.provider.peerId
  }

  get path(): Path {
    return this.#init.parts.network.path(this.provider) ?? { kind: 'direct', address: '' }
  }

  get device(): string {
    const devices = this.#now.thread.view().terms?.devices ?? []
    return devices.length === 0 ? 'cpu' : devices.map(({ model }) => model).join(' + ')
  }

  get isolation(): string {
    return this.#now.thread.view().terms?.isolation ?? ''
  }

  get termsHash(): string {
    const { termsHash } = this.#now.thread.view()
    return termsHash === null ? '' : toHex(termsHash)
  }

  get pricePerHour(): Amount {
    return amountOn(this.#now.rail, hourPrice(this.#now.thread.view().terms ?? undefined) ?? 0n)
  }

  get cap(): Amount {
    return amountOn(this.#now.rail, this.#now.thread.view().terms?.cap ?? 0n)
  }

  get unit(): string {
    return this.#now.rail.unit
  }

  get rail(): string {
    return this.#now.rail.name
  }

  get sla(): string | null {
    return caseOf(levelOf(this.#now.thread, this.#init.parts.identity.publicKey))
  }

  get firstOutputMs(): number | null {
    const at = this.#now.firstOutputAtMs
    return at === null ? null : at - this.#init.demandedAtMs
  }

  async *lines(): AsyncIterable<string> {
    const decoder = new TextDecoder()
    let rest = ''
    for await (const chunk of this.stdout) {
      const parts = (rest + decoder.decode(chunk, { stream: true })).split('\n')
      rest = parts.pop() ?? ''
      yield* parts
    }
    rest += decoder.decode()
    if (rest !== '') yield rest
  }

  write(chunk: Uint8Array | string): Promise<void> {
    return this.#now.write(typeof chunk === 'string' ? utf8(chunk) : chunk)
  }

  closeStdin(): Promise<void> {
    return this.#now.closeStdin()
  }

  async listFiles(): Promise<readonly { readonly path: string; readonly size: number; readonly sha256: string }[]> {
    return (await listOf(this.#now)).map(({ path, size, sha256 }) => ({ path, size, sha256: toHex(sha256) }))
  }

  async readFile(path: string): Promise<Uint8Array> {
    const attempt = this.#now
    const fetcher = await attempt.fetcher()
    try {
      const { size, content } = await fetcher.fetch(path)
      const most = resultBytes(attempt.thread)
      if (size > most)
        throw new HaggleError('E_JOB_FILE', `The provider says that "${path}" has ${size} bytes, and the job's disk is ${most}`)
      const whole = new Uint8Array(size)
      let at = 0
      for await (const chunk of content) {
        whole.set(chunk, at)
        at += chunk.length
      }
      return whole
    } finally {
      await fetcher.close()
    }
  }

  async download(
    folder: string,
    options: { onProgress?: (doneBytes: number, totalBytes: number) => void } = {},
  ): Promise<readonly string[]> {
    const { saveFile } = this.#init.parts
    if (saveFile === undefined) throw new HaggleError('E_DOWNLOAD', 'This node can not write files: use readFile')
    const attempt = this.#now
    const files = await listOf(attempt)
    if (files.length === 0) return []
    const totalBytes = files.reduce((sum, { size }) => sum + size, 0)
    let doneBytes = 0
    const counted = async function* (content: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
      for await (const chunk of content) {
        doneBytes += chunk.length
        options.onProgress?.(doneBytes, totalBytes)
        yield chunk
      }
    }
    const fetcher = await attempt.fetcher()
    try {
      const written: string[] = []
      for (const file of files) written.push(await saveFile(folder, file.path, counted(await contentOf(file, fetcher))))
      return written
    } finally {
      await fetcher.close()
    }
  }

  async cancel(): Promise<void> {
    this.#cancelled = true
    await this.#now.cancel().catch((error: unknown) => {
      // A job that is over already has nothing to cancel.
      if (errorCode(error) !== 'E_CONTRACT_STATE') throw error
    })
  }

  async detach(): Promise<void> {
    // The node goes on answering METERs for as long as it runs; a library user who leaves keeps its node, or lets the job's idle limit end it.
  }

  async transcript(): Promise<Uint8Array> {
    return transcriptOf(this.#now.thread, this.#init.parts.suite)
  }

  get #now(): RentedJob {
    const attempt = this.#attempts.at(-1)
    if (attempt === undefined) throw new HaggleError('E_JOB_LOST', 'The job has no contract')
    return attempt
  }

  /** Follows the job through its contracts. */
  async #see(): Promise<JobEnd> {
    for (let at = 0; ; at++) {
      const attempt = this.#attempts[at]
      if (attempt === undefined) throw new HaggleError('E_JOB_LOST', 'The job has no contract')
      const end = await this.#endOf(attempt)
      const next = await this.#next(attempt, end)
      this.#followed[at]?.resolve(next)
      if (!next) return this.#finish(attempt, end)
    }
  }

  /** How a contract ended; or that it is given up, when the job may go elsewhere and its provider is out of reach. */
  async #endOf(attempt: RentedJob): Promise<RentedEnd> {
    const left = (this.#init.run?.prepared.request.attempts ?? 1) - this.#attempts.length
    if (left <= 0) return attempt.ended
    const end = await Promise.race([attempt.ended, attempt.lost])
    if (end !== undefined) return end
    attempt.abandon()
    return { kind: 'over', phase: 'lost', by: 'provider', reason: 'unreachable' }
  }

  async #next(attempt: RentedJob, end: RentedEnd): Promise<boolean> {
    const { run } = this.#init
    const lost = end.kind === 'exited' ? end.exit.kind === 'lost' || isReclaim(end.exit) : end.kind === 'over' && end.by !== 'renter'
    if (run === null || !lost || this.#cancelled) return false
    const { request } = run.prepared
    if (this.#attempts.length >= (request.attempts ?? 1)) return false
    run.lost.add(attempt.provider.peerId)
    request.onProgress?.({
      step: 'lost',
      provider: attempt.provider.peerId,
      reason: end.kind === 'over' ? (end.reason ?? end.phase) : 'lost',
    })
    try {
      const candidates = await run.renter.candidates(run.prepared, run.lost)
      if (candidates.length === 0) return false
      const job = await run.renter.take(run.prepared, candidates)
      this.#attempts.push(job)
      this.#followed.push(Promise.withResolvers<boolean>())
      return true
    } catch {
      // Nobody else takes it: the job ends as lost, which is what its end says.
      return false
    }
  }

  async #finish(attempt: RentedJob, end: RentedEnd): Promise<JobEnd> {
    const { parts, run } = this.#init
    if (end.kind === 'exited') run?.prepared.request.onProgress?.({ step: 'ended', exit: end.exit })
    await Promise.race([attempt.thread.ended, new Promise<void>((resolve) => void parts.clock.after(RECEIPT_WAIT_MS, resolve))])
    const { outcome, usage } = attempt.thread.view()
    const exit: ExitStatus = end.kind === 'exited' ? end.exit : { kind: 'lost' }
    return {
      exit,
      exitCode: this.#cancelled && end.kind !== 'exited' ? EXIT_CANCELLED : exitCodeOf(exit, end),
      usedMs: Number(outcome.usage[0] ?? usage[0] ?? 0n),
      owed: amountOn(attempt.rail, outcome.owed),
      receipt: this.#receipt(attempt),
    }
  }

  #receipt(attempt: RentedJob): ReceiptView | null {
    return receiptOf(attempt.thread, { self: this.#init.parts.network.peerId, rail: attempt.rail })
  }

  /** A provider keeps no more output than the terms' limit, both channels together: what is over it is none of the job's. */
  #countOutput(attempt: RentedJob, octets: number): void {
    const most = outputBytes(attempt.thread)
    const bytes = (this.#outBytes.get(attempt) ?? 0) + octets
    this.#outBytes.set(attempt, bytes)
    if (bytes > most)
      throw new HaggleError('E_OUTPUT_EXCESS', `The provider sends more output than the ${most} bytes of the contract`, {
        details: { allowed: most },
        next: 'the job is cancelled: take it to another provider',
      })
  }

  async *#channel(channel: 'stdout' | 'stderr'): AsyncIterable<Uint8Array> {
    for (let at = 0; ; at++) {
      const attempt = this.#attempts[at]
      if (attempt === undefined) return
      try {
        for await (const chunk of attempt.feeds[channel].content) {
          this.#countOutput(attempt, chunk.length)
          yield chunk
        }
      } catch (error) {
        // Nobody has to wait for the end of a job to learn that its output has none, nor to pay for more of it.
        const isExcess = errorCode(error) === 'E_OUTPUT_EXCESS'
        if (isExcess) void attempt.cancel().catch(() => undefined)
        if (isExcess || (await this.#followed[at]?.promise) !== true) throw error
        continue
      }
      if ((await this.#followed[at]?.promise) !== true) return
    }
  }
}

/** The result files that exist now, as the contract allows them. */
async function listOf(attempt: RentedJob): Promise<readonly FileRef[]> {
  return await allowedListing(await attempt.list(), attempt.thread)
}

/** The content of a listed file, which has the size that it was listed with. */
async function contentOf({ path, size }: FileRef, fetcher: FileFetcher): Promise<AsyncIterable<Uint8Array>> {
  const fetched = await fetcher.fetch(path)
  if (fetched.size !== size)
    throw new HaggleError('E_JOB_FILE', `The provider lists "${path}" with ${size} bytes and sends it with ${fetched.size}`, {
      details: { path, listed: size, sent: fetched.size },
      next: 'download again when the job is over: it may be writing to the file',
    })
  return fetched.content
}

function isReclaim(exit: ExitStatus): boolean {
  return exit.kind === 'killed' && (exit.reason === 'reclaim' || exit.reason === 'shutdown')
}

function exitCodeOf(exit: ExitStatus, end: RentedEnd): number {
  switch (exit.kind) {
    case 'exit':
      return exit.code
    case 'signal':
      return EXIT_SIGNAL
    case 'limit':
      return exit.limit === 'time' ? EXIT_TIMEOUT : EXIT_SIGNAL
    case 'killed':
      return EXIT_CANCELLED
    case 'lost':
      return end.kind === 'over' && end.by === 'renter' ? EXIT_CANCELLED : EXIT_LOST
  }
}
