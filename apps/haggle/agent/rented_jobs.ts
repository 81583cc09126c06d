// The jobs that this home's owner rents elsewhere: held until they end, shown to whichever command asks, their files and receipts kept.

import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { ExitStatus } from '@haggle/job'
import type { Job, JobEnd, Market } from '@haggle/market'
import { describe, Failure } from '../failure.ts'
import { KIND } from '../frames.ts'
import type { Log } from './log.ts'
import type { Caller } from './service.ts'

/** A command that only wants what is there (`logs` without `-f`) leaves when nothing came for this long. */
const QUIET_MS = 400
/** What a job printed last comes right behind its end; after this long it does not come any more. */
const OUTPUT_MS = 30_000
/** Fewest digits of a contract id that a person may type. */
const PREFIX_DIGITS = 4

/** How a job is shown to a command. */
export interface PumpOptions {
  /** Pass the command's stdin on. */
  readonly stdin: boolean
  /** Stay until the job is over. */
  readonly follow: boolean
  /** What the end of the command means for the job. */
  readonly onGone: 'detach' | 'cancel'
  /** Resolves when the job's process has ended. Given, the command is answered then, without the receipt. */
  readonly exited?: Promise<ExitStatus>
}

interface Held {
  readonly job: Job
  readonly ended: Promise<JobEnd & { readonly files: readonly string[]; readonly receiptFile: string }>
}

/** Every rented job that this agent knows to be open. */
export class RentedJobs {
  readonly #market: Market
  readonly #receipts: string
  readonly #log: Log
  readonly #held = new Set<Held>()

  constructor(market: Market, receipts: string, log: Log) {
    this.#market = market
    this.#receipts = receipts
    this.#log = log
  }

  /** Jobs that are not over. */
  get count(): number {
    return this.#held.size
  }

  /** Keeps a job until it is over: then fetches its files into `out` and writes its receipt. */
  hold(job: Job, out: string | null): Held {
    const ended = job.done.then(async (end) => {
      const files = out === null ? [] : await job.download(out)
      return { ...end, files, receiptFile: this.#receiptOf(job) }
    })
    const held = { job, ended }
    this.#held.add(held)
    // The command is not kept waiting for its receipt's file: only this record of the job is.
    void ended
      .catch((error: unknown) => this.#log('warn', 'job_ended_badly', { contract: job.contract, code: describe(error).code, error }))
      .then(async () => await this.#keepReceipt(job))
      .finally(() => this.#held.delete(held))
    return held
  }

  /** A job's contract changes when it fails over: so jobs are found by the one they have now. */
  #heldAs(contract: string): Held | undefined {
    for (const held of this.#held) if (held.job.contract === contract) return held
    return undefined
  }

  #receiptOf(job: Job): string {
    return join(this.#receipts, `${job.contract.slice(0, 16)}.haggle`)
  }

  async #keepReceipt(job: Job): Promise<void> {
    try {
      const bytes = await job.transcript()
      await mkdir(this.#receipts, { recursive: true, mode: 0o700 })
      await writeFile(this.#receiptOf(job), bytes, { mode: 0o600 })
    } catch (error) {
      // The job itself is over and its evidence is still in the store: `ledger export` can try again.
      this.#log('warn', 'receipt_not_written', { contract: job.contract, error })
    }
  }

  /** The contract that a person means by the first digits of its id. Throws E_JOB_UNKNOWN or E_JOB_AMBIGUOUS. */
  async find(typed: string): Promise<string> {
    if (!/^[0-9a-f]+$/.test(typed) || typed.length < PREFIX_DIGITS) {
      throw new Failure('E_JOB_UNKNOWN', `"${typed}" is no contract id: give at least its first ${PREFIX_DIGITS} hex digits`, {
        next: 'haggle ps',
      })
    }
    if (typed.length === 64) return typed
    const known = new Set(
      [...[...this.#held].map(({ job }) => job.contract), ...(await this.#market.jobs()).map((job) => job.contract)].filter((contract) =>
        contract.startsWith(typed),
      ),
    )
    const [only] = known
    if (only === undefined)
      throw new Failure('E_JOB_UNKNOWN', `No job here has a contract that begins with ${typed}`, { next: 'haggle ps' })
    if (known.size > 1) throw new Failure('E_JOB_AMBIGUOUS', `${known.size} contracts begin with ${typed}`, { next: 'give more digits' })
    return only
  }

  /** Ends a job; what was used is owed. */
  async cancel(typed: string): Promise<string> {
    const contract = await this.find(typed)
    const job = this.#heldAs(contract)?.job ?? (await this.#market.attach(contract))
    await job.cancel()
    return contract
  }

  /** The evidence of a contract, as a file's content. */
  async transcript(contract: string): Promise<Uint8Array> {
    return await (this.#heldAs(contract)?.job ?? (await this.#market.attach(contract))).transcript()
  }

  /** Shows a job from its first byte on, held or not. */
  async follow(contract: string, caller: Caller, options: PumpOptions): Promise<unknown> {
    const job = await this.#market.attach(contract, { signal: caller.signal })
    caller.event({
      event: 'job',
      contract: job.contract,
      provider: job.provider,
      path: job.path,
      device: job.device,
      isolation: job.isolation,
      pricePerHour: job.pricePerHour,
      cap: job.cap,
      unit: job.unit,
    })
    return await this.pump(job, caller, options)
  }

  /** Passes a job's output to a command, and its input to the job, until the job is over, the command leaves, or it says `detach` or `cancel`. */
  async pump(job: Job, caller: Caller, options: PumpOptions): Promise<unknown> {
    let left: ((how: 'detached' | 'gone' | 'quiet') => void) | undefined
    const leaving = new Promise<'detached' | 'gone' | 'quiet'>((done) => (left = done))
    let lastAt = Date.now()
    /** Writes that wait for the command: its reader may be a pager. */
    let taking = 0
    caller.onWord((word) => {
      if (word === 'cancel') job.cancel().catch((error: unknown) => this.#log('warn', 'cancel_failed', { contract: job.contract, error }))
      else if (word === 'detach') left?.('detached')
    })
    const gone = (): void => left?.('gone')
    if (caller.signal.aborted) gone()
    else caller.signal.addEventListener('abort', gone, { once: true })
    const pass = async (source: AsyncIterable<Uint8Array>, channel: typeof KIND.stdout | typeof KIND.stderr): Promise<void> => {
      for await (const bytes of source) {
        taking++
        await caller.write(channel, bytes)
        taking--
        lastAt = Date.now()
      }
      caller.finish(channel)
    }
    if (options.stdin) {
      caller.onStdin(async (bytes) => {
        try {
          await (bytes === null ? job.closeStdin() : job.write(bytes))
        } catch (error) {
          // The job no longer reads, as a closed pipe: its output and end still matter.
          this.#log('debug', 'stdin_refused', { contract: job.contract, error })
        }
      })
    }
    const quiet = options.follow
      ? undefined
      : setInterval(() => {
          if (taking === 0 && Date.now() - lastAt > QUIET_MS) left?.('quiet')
        }, QUIET_MS / 4)
    const held = this.#heldAs(job.contract)
    const whole = async (): Promise<object> => await (held?.ended ?? job.done)
    // Resolves when the job is over and nothing has come for a while that the command could take: the rest is lost with its provider.
    const stalled = async (): Promise<void> => {
      await whole().catch(() => undefined)
      do await delay(OUTPUT_MS, undefined, { ref: false })
      while (taking > 0 || Date.now() - lastAt < OUTPUT_MS)
    }
    const output = Promise.race([Promise.all([pass(job.stdout, KIND.stdout), pass(job.stderr, KIND.stderr)]), stalled()])
    const finished = output.then(
      async () => await (options.exited === undefined ? whole() : Promise.race([whole(), early(options.exited)])),
    )
    try {
      const first = await Promise.race([finished, leaving])
      if (typeof first !== 'string') return { ...first, contract: job.contract }
      finished.catch(() => undefined)
      if (first === 'gone' && options.onGone === 'cancel') await job.cancel()
      else if (first !== 'quiet' && held !== undefined) await job.detach()
      return {
        detached: true,
        contract: job.contract,
        provider: job.provider,
        pricePerHour: job.pricePerHour,
        cap: job.cap,
        unit: job.unit,
      }
    } finally {
      clearInterval(quiet)
      caller.signal.removeEventListener('abort', gone)
    }
  }

  /** Leaves every job running without this agent, until its idle limit. */
  async detachAll(): Promise<void> {
    await Promise.allSettled([...this.#held].map(({ job }) => job.detach()))
  }
}

/** The answer at the end of a job that ended by itself; every other end needs the market's own account. */
async function early(exited: Promise<ExitStatus>): Promise<object> {
  const exit = await exited
  return exit.kind === 'exit' ? { exit, exitCode: exit.code } : await new Promise<never>(() => undefined)
}
