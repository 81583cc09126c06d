// The JobHost seam: whoever really runs jobs and keeps their output. The launcher process in production, memory in tests.

import type { JobSpec } from './spec.ts'

/** Hard limits of one job. They come from the terms. */
export interface JobLimits {
  /** Thousandths of a core. */
  readonly cpuMilli: number
  /** Main memory, MiB. */
  readonly memMiB: number
  /** The job's folder, MiB. */
  readonly diskMiB: number
  /** stdout and stderr together. */
  readonly outMiB: number
  /** Processes and threads. */
  readonly pids: number
  /** Wall milliseconds from start. */
  readonly maxMs: number
}

/** One job as a host starts it. */
export interface HostJob {
  /** Contract id, 64 hex digits: names the folder, the cgroup and the output files. */
  readonly id: string
  /** What to run. */
  readonly spec: JobSpec
  /** What ends it. */
  readonly limits: JobLimits
  /** Device ids of the offer that the job may use, in the terms' order. Empty: no GPU. */
  readonly devices: readonly string[]
  /** The isolation that the terms name, such as `bubblewrap` or `permissions`. A host that can't give exactly it refuses with `E_ISOLATION`. */
  readonly isolation: string
}

/** How a job ended. `lost`: the launcher died with it. */
export type ExitStatus =
  | { readonly kind: 'exit'; readonly code: number }
  | { readonly kind: 'signal'; readonly signal: string }
  | { readonly kind: 'limit'; readonly limit: 'memory' | 'output' | 'time' | 'disk' | 'pids' }
  | { readonly kind: 'killed'; readonly reason: string }
  | { readonly kind: 'lost' }

/** What a host knows of one job. */
export interface HostJobState {
  /** Contract id, 64 hex digits. */
  readonly id: string
  /** `staging`: prepared, not started. `running`: its process is there. `exited`: `exit` says how. */
  readonly phase: 'staging' | 'running' | 'exited'
  /** Unix ms; null before it started. */
  readonly startedAt: number | null
  /** Milliseconds from start to exit by the host's monotonic clock; live while running. */
  readonly ranMs: number
  /** How it ended; null until then. */
  readonly exit: ExitStatus | null
  /** Octets of stdout that are kept. */
  readonly stdoutBytes: number
  /** Octets of stderr that are kept. */
  readonly stderrBytes: number
}

/** One kept output channel. */
export type OutputChannel = 'stdout' | 'stderr'

/** Whoever runs jobs and keeps their output. Every implementation passes `testJobHost` of `@haggle/job/testing`. */
export interface JobHost {
  /** Runners that work here now, with the isolation each one gives. */
  runners(): Promise<readonly { readonly runner: string; readonly isolation: string }[]>
  /** Makes the job's folder, so that files can be staged into it. Idempotent. */
  prepare(job: HostJob): Promise<void>
  /** Absolute path of the job's folder. Regular files only go in and out. */
  folder(id: string): string
  /** Starts a prepared job; resolves once its process exists. Idempotent by id. */
  start(id: string): Promise<void>
  /** Bytes for stdin; null closes it. Resolves when taken. */
  writeStdin(id: string, chunk: Uint8Array | null): Promise<void>
  /** Output from byte `offset` on. With `follow` it waits for more until the job has exited; without it, it ends at what is there. */
  output(
    id: string,
    channel: OutputChannel,
    offset: number,
    options?: { follow?: boolean; signal?: AbortSignal },
  ): AsyncIterable<Uint8Array>
  /** Resolves with the exit once the job is over. */
  wait(id: string, options?: { signal?: AbortSignal }): Promise<ExitStatus>
  /** Ends every process of the job; resolves when none is left. No error when it is over already. */
  kill(id: string, reason: string): Promise<void>
  /** What is known of one job; undefined when there is none. */
  state(id: string): Promise<HostJobState | undefined>
  /** Every job that this host has not removed. */
  list(): Promise<readonly HostJobState[]>
  /** Forgets the job and deletes its folder and output. */
  remove(id: string): Promise<void>
}
