// A host under test with what the compliance suite needs around it: jobs with fresh ids, their output as text, comparisons.

import { errorCode } from '@haggle/wire'
import type { JobFiles } from './files.ts'
import type { HostJob, JobHost, JobLimits, OutputChannel } from './host.ts'
import type { FileRef, JobSpec } from './spec.ts'

/**
 * The small programs that the suite runs, as first argument. A host's `spec` turns them into something that it can run.
 *
 * - `say TEXT`: TEXT on stdout, exit 0.
 * - `cat`: stdin to stdout until its end, exit 0.
 * - `fail CODE`: `oops` on stderr, exit CODE.
 * - `forever`: `ready` on stdout, then nothing until it is killed.
 * - `flood BYTES`: BYTES times `x` on stdout, exit 0.
 * - `result TEXT`: TEXT into the file `out/result.txt` and beside it, exit 0.
 * - `show PATH`: the content of a file of its folder on stdout, exit 0.
 */
export type TestProgram = 'say' | 'cat' | 'fail' | 'forever' | 'flood' | 'result' | 'show'

/** One host under test. */
export interface JobHostSetup {
  /** The host itself. */
  readonly host: JobHost
  /** The isolation to ask for. */
  readonly isolation: string
  /** What makes the host run a program. `files` and `inline` may be added to; the suite adds `stdin` and `outputs`. */
  readonly spec: (
    program: TestProgram,
    ...args: string[]
  ) => Pick<JobSpec, 'runner' | 'args'> & Partial<Pick<JobSpec, 'files' | 'inline' | 'env'>>
  /** Files of the host's jobs, when it has them: tested too. */
  readonly files?: JobFiles
  /** SHA-256, for the files that the suite sends. */
  readonly sha256: (data: Uint8Array) => Uint8Array
  /** Ends the host and what belongs to it. */
  readonly close: () => Promise<void>
}

/** Generous limits, for tests of other things. */
export const LIMITS: JobLimits = { cpuMilli: 2000, memMiB: 512, diskMiB: 64, outMiB: 4, pids: 64, maxMs: 60_000 }

/** What a test asks of a job besides its program. */
export interface JobOptions extends Partial<Pick<JobSpec, 'stdin' | 'files' | 'inline'>> {
  readonly limits?: JobLimits
}

/** One host under test and its jobs. */
export class Bench {
  readonly setup: JobHostSetup
  /** The host itself. */
  readonly host: JobHost
  readonly #nextId: () => string

  constructor(setup: JobHostSetup, nextId: () => string) {
    this.setup = setup
    this.host = setup.host
    this.#nextId = nextId
  }

  job(program: TestProgram, args: readonly string[], options: JobOptions = {}): HostJob {
    const given = this.setup.spec(program, ...args)
    const files = [...(given.files ?? []), ...(options.files ?? [])]
    const shift = given.files?.length ?? 0
    const inline = [...(given.inline ?? []), ...(options.inline ?? []).map((i) => ({ ...i, file: i.file + shift }))]
    const spec: JobSpec = { env: {}, outputs: ['out/**'], stdin: options.stdin ?? false, ...given, files, inline }
    return { id: this.#nextId(), spec, limits: options.limits ?? LIMITS, devices: [], isolation: this.setup.isolation }
  }

  filesOf(job: HostJob): readonly FileRef[] {
    return job.spec.files
  }

  async run(program: TestProgram, args: readonly string[], options: JobOptions = {}): Promise<string> {
    const job = this.job(program, args, options)
    await this.host.prepare(job)
    await this.host.start(job.id)
    return job.id
  }

  async text(id: string, channel: OutputChannel, offset = 0, follow = true): Promise<string> {
    return decode(await collect(this.host.output(id, channel, offset, { follow })))
  }

  async octets(id: string, channel: OutputChannel): Promise<number[]> {
    return [...(await collect(this.host.output(id, channel, 0, { follow: true })))]
  }

  async first(id: string, channel: OutputChannel): Promise<void> {
    for await (const _ of this.host.output(id, channel, 0, { follow: true })) return
  }
}

export async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let length = 0
  for await (const part of chunks) {
    parts.push(part)
    length += part.length
  }
  const all = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

export async function* iterate(content: Uint8Array): AsyncGenerator<Uint8Array, void> {
  yield content
}

/** Octets as Latin-1 text, in slices that fit a call. */
export function decode(bytes: Uint8Array | undefined | void): string {
  const all = bytes ?? new Uint8Array()
  const parts: string[] = []
  for (let at = 0; at < all.length; at += 4096) parts.push(String.fromCharCode(...all.subarray(at, at + 4096)))
  return parts.join('')
}

export async function codeOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(() => 'no error', errorCode)
}

export function fail(): never {
  throw new Error('The suite asked for a file that is not in the spec')
}

export function same(actual: unknown, expected: unknown): void {
  const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)]
  if (a !== b) throw new Error(`expected ${b?.slice(0, 300)}, got ${a?.slice(0, 300)}`)
}
