// One job on the provider's side: staged, started, its output sent to the renter who is there, metered, and its end turned into a RESULT.

import type { Exit } from '@haggle/contract'
import { type ExitStatus, type HostJob, type JobHost, type OutputChannel, outputDigest, pushOutput, type Hashing } from '@haggle/job'
import type { Network, PeerTarget } from '@haggle/mesh'
import { MAX_RIDING_BYTES, type Thread, type Threads } from '@haggle/negotiate'
import type { MeterUnit } from '@haggle/offer'
import type { Suite } from '@haggle/wire'
import { ignoreOver, unwatched } from './_ignore_over.ts'
import type { ListedFiles } from './listed_files.ts'

const MIB = 1024 * 1024

/** What a provided job needs of its node. */
export interface ProvidedJobInit {
  readonly host: JobHost
  readonly files: ListedFiles
  readonly hashing: Hashing
  readonly network: Network
  readonly suite: Suite
  readonly threads: Threads
  /** Cases of service levels opened for this contract, 0 or 1; `last`: no other METER follows. */
  readonly levels: (last: boolean) => bigint
  /** Told of what went wrong with work that nobody waits for. */
  readonly onProblem?: (error: unknown) => void
}

/** A job of a contract in which this node is the provider. */
export class ProvidedJob {
  readonly job: HostJob
  readonly thread: Thread
  readonly #init: ProvidedJobInit
  readonly #contract: Uint8Array
  readonly #renter: PeerTarget
  readonly #staged = Promise.withResolvers<void>()
  #prepared: Promise<void> | undefined
  #started = false
  /** Why the job was ended before it ran: what is under way towards its start leads nowhere any more. */
  #stopped: string | undefined

  constructor(job: HostJob, options: { thread: Thread; contract: Uint8Array; renter: PeerTarget }, init: ProvidedJobInit) {
    this.job = job
    this.thread = options.thread
    this.#contract = options.contract
    this.#renter = options.renter
    this.#init = init
  }

  /** Says that the last input file has come. */
  staged(): void {
    this.#staged.resolve()
  }

  /** Makes the folder with the inline files, once. May run before the contract binds: nothing of the job runs. */
  prepare(): Promise<void> {
    this.#prepared ??= this.#init.host.prepare(this.job)
    return this.#prepared
  }

  /** Runs the job from its start to its RESULT. */
  async run(): Promise<void> {
    const { host, files, onProblem } = this.#init
    const { id, spec } = this.job
    await this.prepare()
    if (spec.files.length > spec.inline.length && (await files.missing(id, spec.files)).length > 0) await this.#staged.promise
    if (this.#stopped !== undefined) return
    await host.start(id)
    this.#started = true
    // Its RESULT was signed while it was being started: nothing of it is anybody's any more.
    if (this.#stopped !== undefined) return await host.kill(id, this.#stopped)
    void this.#pump('stdout')
    void this.#pump('stderr')
    unwatched(this.thread.command({ do: 'ready' }), onProblem)
    await this.#finish()
  }

  /** Takes a job up again that an earlier process of this node started. */
  async adopt(): Promise<void> {
    this.#started = true
    await this.#finish()
  }

  /** Ends the job; its RESULT follows by itself. A job that never started has one at once. */
  async stop(reason: string): Promise<void> {
    if (this.#started) return this.#init.host.kill(this.job.id, reason)
    this.#stopped = reason
    this.#staged.resolve()
    const usage = this.#usage(0, true)
    await this.thread.command({ do: 'result', exit: { kind: 'killed', code: null, word: reason }, usage, output: null }).catch(ignoreOver)
  }

  /** Cumulative usage now, in the order of the terms' meters. */
  async usage(): Promise<readonly bigint[]> {
    const state = await this.#init.host.state(this.job.id)
    return this.#usage(state?.ranMs ?? 0, false)
  }

  #usage(ranMs: number, last: boolean): readonly bigint[] {
    const { terms, usage } = this.thread.view()
    const counted = (unit: MeterUnit): bigint => (unit === 'ms' ? BigInt(Math.ceil(ranMs)) : unit === 'sla' ? this.#init.levels(last) : 0n)
    // What was counted stays counted, whatever a restart has forgotten.
    return (terms?.meters ?? []).map(({ unit }, at) => (unit === 'sla' ? max(counted(unit), usage[at] ?? 0n) : counted(unit)))
  }

  async #finish(): Promise<void> {
    const { host, threads } = this.#init
    const { id } = this.job
    const exit = await host.wait(id)
    const state = await host.state(id)
    const end = {
      kind: 'end',
      contract: this.#contract,
      stdoutBytes: state?.stdoutBytes ?? 0,
      stderrBytes: state?.stderrBytes ?? 0,
    } as const
    const digest = exit.kind === 'lost' || state === undefined ? null : this.#digest(end).catch(() => null)
    // A renter that is away learns the lengths when it opens the channels itself.
    await threads.post(this.#renter, [end]).catch(() => undefined)
    const output = await digest
    await this.thread
      .command({ do: 'result', exit: signedExit(exit), usage: this.#usage(state?.ranMs ?? 0, true), output })
      .catch(ignoreOver)
  }

  /** What RESULT signs of the kept output, so many octets of each channel. */
  async #digest({ stdoutBytes, stderrBytes }: { stdoutBytes: number; stderrBytes: number }): Promise<Uint8Array> {
    const { files, suite } = this.#init
    const { id, spec, limits } = this.job
    const [stdout, stderr, listed] = await Promise.all([
      this.#hash('stdout', stdoutBytes),
      this.#hash('stderr', stderrBytes),
      spec.outputs.length === 0 ? undefined : files.listLast(id, spec.outputs, { mostBytes: diskBytes(limits) }),
    ])
    return outputDigest({ stdout, stderr, files: listed?.files ?? [] }, suite)
  }

  async #hash(channel: OutputChannel, octets: number): Promise<Uint8Array> {
    const hasher = this.#init.hashing()
    // The host is another process: it is not asked for nothing.
    if (octets > 0) for await (const chunk of this.#init.host.output(this.job.id, channel, 0)) hasher.update(chunk)
    return hasher.digest()
  }

  /** Sends a channel to the renter while it is there: the first octets behind CONFIRM, the rest on a stream. What it misses it fetches itself. */
  async #pump(channel: OutputChannel): Promise<void> {
    const { host, network, threads } = this.#init
    const { id } = this.job
    let offset = 0
    try {
      for await (const chunk of host.output(id, channel, 0, { follow: true })) {
        if (offset + chunk.length > MAX_RIDING_BYTES) {
          const content = host.output(id, channel, offset, { follow: true })
          await pushOutput(this.#renter, { contract: this.#contract, channel, offset, content }, { network })
          return
        }
        await threads.post(this.#renter, [{ kind: 'output', contract: this.#contract, channel, offset, bytes: chunk }])
        offset += chunk.length
      }
    } catch {
      // The renter is away: output stays in its file until it asks.
    }
  }
}

/** Octets that a job may have on the disk: of input that is taken, and of results that are listed. */
export function diskBytes({ diskMiB }: { readonly diskMiB: number }): number {
  return diskMiB * MIB
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b
}

/** The RESULT of a job that did not run here, with what was counted of it before. */
export async function resultWithout(thread: Thread, exit: Exit): Promise<void> {
  await thread.command({ do: 'result', exit, usage: thread.view().usage, output: null }).catch(ignoreOver)
}

/** An exit as RESULT carries it. */
export function signedExit(exit: ExitStatus): Exit {
  switch (exit.kind) {
    case 'exit':
      return { kind: 'exit', code: exit.code & 0xff, word: null }
    case 'signal':
      return { kind: 'signal', code: null, word: exit.signal }
    case 'limit':
      return { kind: 'limit', code: null, word: exit.limit }
    case 'killed':
      // The terms' own ends are limits, whoever kept them: the machine stops a job at its time or its cap, too.
      return { kind: exit.reason === 'time' || exit.reason === 'cap' ? 'limit' : 'killed', code: null, word: exit.reason.slice(0, 64) }
    case 'lost':
      return { kind: 'lost', code: null, word: null }
  }
}
