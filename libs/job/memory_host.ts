// A JobHost without processes: each job is an async function of this program. For tests, and for markets in one process.

import { type Clock, HaggleError, utf8 } from '@haggle/wire'
import type { ExitStatus, HostJob, HostJobState, JobHost, OutputChannel } from './host.ts'
import type { JobFiles } from './files.ts'
import { memoryJobFiles } from './_memory_files.ts'

/** A job as its function sees it. */
export interface MemoryJob extends HostJob {
  /** The regular files of its folder, by path. What is set here can be listed and fetched. */
  readonly folder: Map<string, Uint8Array>
  /** What the renter writes, until it closes stdin. Ends at once when the spec has no stdin. */
  readonly stdin: AsyncIterable<Uint8Array>
  /** Aborted when the job is over for another reason than its function's end. */
  readonly signal: AbortSignal
  /** Appends to an output channel. Nothing happens after the job is over. */
  write(channel: OutputChannel, data: Uint8Array | string): void
}

/** What {@link memoryJobHost} needs. */
export interface MemoryJobHostInit {
  /** The job itself: resolves with its exit code; a rejection is exit code 1 with the error on stderr. */
  readonly run: (job: MemoryJob) => Promise<number>
  /** Time of limits and states. */
  readonly clock: Clock
  /** SHA-256, such as a suite's. */
  readonly sha256: (data: Uint8Array) => Uint8Array
  /** What the host says that it can run. Default: `deno` and `exec`, isolation `memory`. */
  readonly runners?: readonly { readonly runner: string; readonly isolation: string }[]
}

/** A {@link JobHost} in memory, with the files of its jobs. */
export interface MemoryJobHost extends JobHost {
  /** The files of its jobs' folders. */
  readonly files: JobFiles
}

interface Entry {
  readonly job: HostJob
  readonly folder: Map<string, Uint8Array>
  readonly output: Record<OutputChannel, Uint8Array[]>
  readonly bytes: Record<OutputChannel, number>
  readonly stdin: Uint8Array[]
  readonly gone: AbortController
  readonly exited: PromiseWithResolvers<ExitStatus>
  /** Those that wait for output, stdin or the end. */
  readonly waiting: Set<() => void>
  stdinClosed: boolean
  startedAt: number | null
  startedMs: number
  ranMs: number
  exit: ExitStatus | null
  cancelTimer: () => void
}

/**
 * A {@link JobHost} whose jobs are calls of `run`. Limits of output and time hold; the others mean nothing here.
 *
 * @example
 * ```ts
 * import { portableSuite } from "@haggle/identity";
 * import { memoryJobHost } from "@haggle/job";
 * import { systemClock } from "@haggle/wire";
 * import { expect } from "vitest";
 *
 * const host = memoryJobHost({
 *   clock: systemClock(),
 *   sha256: portableSuite().sha256,
 *   run: async (job) => {
 *     job.write("stdout", job.spec.args.join(" "));
 *     return 0;
 *   },
 * });
 * await host.prepare({
 *   id: "ab".repeat(32),
 *   spec: { runner: "exec", args: ["hello"], env: {}, files: [], inline: [], stdin: false, outputs: [] },
 *   limits: { cpuMilli: 1000, memMiB: 64, diskMiB: 64, outMiB: 1, pids: 16, maxMs: 60_000 },
 *   devices: [],
 *   isolation: "memory",
 * });
 * await host.start("ab".repeat(32));
 * expect(await host.wait("ab".repeat(32))).toEqual({ kind: "exit", code: 0 });
 * ```
 */
export function memoryJobHost(init: MemoryJobHostInit): MemoryJobHost {
  const { clock } = init
  const offered = init.runners ?? [
    { runner: 'deno', isolation: 'memory' },
    { runner: 'exec', isolation: 'memory' },
  ]
  const entries = new Map<string, Entry>()

  const entryOf = (id: string): Entry => {
    const entry = entries.get(id)
    if (entry === undefined) throw new HaggleError('E_JOB_UNKNOWN', `This host has no job ${id.slice(0, 8)}`, { details: { id } })
    return entry
  }
  const wake = (entry: Entry): void => {
    for (const resume of entry.waiting) resume()
  }
  const end = (entry: Entry, exit: ExitStatus): void => {
    if (entry.exit !== null) return
    entry.exit = exit
    if (entry.startedAt !== null) entry.ranMs = clock.monotonicMs() - entry.startedMs
    entry.cancelTimer()
    entry.gone.abort()
    entry.exited.resolve(exit)
    wake(entry)
  }
  const write = (entry: Entry, channel: OutputChannel, data: Uint8Array | string): void => {
    if (entry.exit !== null) return
    const bytes = typeof data === 'string' ? utf8(data) : data.slice()
    const left = entry.job.limits.outMiB * 1024 * 1024 - entry.bytes.stdout - entry.bytes.stderr
    const kept = bytes.subarray(0, Math.max(0, left))
    entry.output[channel].push(kept)
    entry.bytes[channel] += kept.length
    if (kept.length < bytes.length) end(entry, { kind: 'limit', limit: 'output' })
    wake(entry)
  }
  const changed = (entry: Entry, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      const resume = (): void => {
        entry.waiting.delete(resume)
        signal?.removeEventListener('abort', resume)
        resolve()
      }
      entry.waiting.add(resume)
      signal?.addEventListener('abort', resume)
    })

  const stateOf = (entry: Entry): HostJobState => ({
    id: entry.job.id,
    phase: entry.exit !== null ? 'exited' : entry.startedAt === null ? 'staging' : 'running',
    startedAt: entry.startedAt,
    ranMs: entry.startedAt !== null && entry.exit === null ? clock.monotonicMs() - entry.startedMs : entry.ranMs,
    exit: entry.exit,
    stdoutBytes: entry.bytes.stdout,
    stderrBytes: entry.bytes.stderr,
  })

  return {
    files: memoryJobFiles((id) => entryOf(id).folder, init.sha256),
    runners: async () => offered,
    folder: (id) => `/memory/${id}`,

    async prepare(job) {
      if (entries.has(job.id)) return
      if (!offered.some((o) => o.runner === job.spec.runner && o.isolation === job.isolation)) {
        throw new HaggleError('E_ISOLATION', `This host does not run ${job.spec.runner} with isolation ${job.isolation}`)
      }
      const folder = new Map<string, Uint8Array>()
      for (const { file, bytes } of job.spec.inline) folder.set(job.spec.files[file]?.path ?? '', bytes)
      entries.set(job.id, {
        job,
        folder,
        output: { stdout: [], stderr: [] },
        bytes: { stdout: 0, stderr: 0 },
        stdin: [],
        gone: new AbortController(),
        exited: Promise.withResolvers(),
        waiting: new Set(),
        stdinClosed: !job.spec.stdin,
        startedAt: null,
        startedMs: 0,
        ranMs: 0,
        exit: null,
        cancelTimer: () => {},
      })
    },

    async start(id) {
      const entry = entryOf(id)
      if (entry.startedAt !== null || entry.exit !== null) return
      entry.startedAt = clock.now()
      entry.startedMs = clock.monotonicMs()
      entry.cancelTimer = clock.after(entry.job.limits.maxMs, () => end(entry, { kind: 'limit', limit: 'time' }))
      const job: MemoryJob = {
        ...entry.job,
        folder: entry.folder,
        stdin: stdinOf(entry, changed),
        signal: entry.gone.signal,
        write: (channel, data) => write(entry, channel, data),
      }
      void init.run(job).then(
        (code) => end(entry, { kind: 'exit', code }),
        (error: unknown) => {
          write(entry, 'stderr', `${error instanceof Error ? error.message : String(error)}\n`)
          end(entry, { kind: 'exit', code: 1 })
        },
      )
    },

    async writeStdin(id, chunk) {
      const entry = entryOf(id)
      if (entry.exit !== null) return
      if (entry.stdinClosed) {
        if (chunk === null) return
        throw new HaggleError('E_JOB_STDIN', `Job ${id.slice(0, 8)} does not read stdin (any more)`)
      }
      if (chunk === null) entry.stdinClosed = true
      else entry.stdin.push(chunk.slice())
      wake(entry)
    },

    async *output(id, channel, offset, { follow = false, signal } = {}) {
      const entry = entryOf(id)
      let skip = offset
      let index = 0
      for (;;) {
        if (signal?.aborted === true) return
        const chunk = entry.output[channel][index]
        if (chunk === undefined) {
          if (!follow || entry.exit !== null) return
          await changed(entry, signal)
          continue
        }
        index++
        if (skip < chunk.length) yield chunk.slice(skip)
        skip = Math.max(0, skip - chunk.length)
      }
    },

    async wait(id, { signal } = {}) {
      const entry = entryOf(id)
      while (entry.exit === null) {
        signal?.throwIfAborted()
        await changed(entry, signal)
      }
      return entry.exit
    },

    async kill(id, reason) {
      end(entryOf(id), { kind: 'killed', reason })
    },

    async state(id) {
      const entry = entries.get(id)
      return entry === undefined ? undefined : stateOf(entry)
    },

    list: async () => [...entries.values()].map(stateOf),

    async remove(id) {
      const entry = entries.get(id)
      if (entry === undefined) return
      end(entry, { kind: 'killed', reason: 'removed' })
      entries.delete(id)
    },
  }
}

async function* stdinOf(entry: Entry, changed: (entry: Entry) => Promise<void>): AsyncGenerator<Uint8Array, void> {
  for (;;) {
    const chunk = entry.stdin.shift()
    if (chunk !== undefined) yield chunk
    else if (entry.stdinClosed || entry.exit !== null) return
    else await changed(entry)
  }
}
