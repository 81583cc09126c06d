// A launcher in this process for tests, with single defences off where a test wants to see its attack succeed. Not part of the library.

import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ExitStatus, FileRef, JobLimits } from '@haggle/job'
import type { DeviceAccess } from '@haggle/hardware'
import { testDeno } from './_test_machine.ts'
import { createLauncher, type Launcher } from './launcher.ts'
import { connectLauncher, launcherFolder, type LauncherHost } from './launcher_host.ts'
import type { Defences, Isolation } from './runner.ts'

/** How a bench differs from production. */
export interface BenchOptions {
  readonly defences?: Defences
  readonly useCgroups?: boolean
  readonly devices?: readonly DeviceAccess[]
}

/** One job of a bench. */
export interface BenchJob {
  readonly isolation?: Isolation
  readonly limits?: Partial<JobLimits>
  readonly env?: Readonly<Record<string, string>>
  readonly devices?: readonly string[]
  readonly outputs?: readonly string[]
}

/** What a job left. */
export interface BenchResult {
  readonly id: string
  readonly exit: ExitStatus
  readonly stdout: string
  readonly stderr: string
}

const LIMITS: JobLimits = { cpuMilli: 2000, memMiB: 256, diskMiB: 64, outMiB: 4, pids: 32, maxMs: 50_000 }

/** A home with a launcher and a host on it. */
export class Bench {
  readonly home: string
  readonly host: LauncherHost
  readonly #launcher: Launcher
  #made = 0

  private constructor(home: string, launcher: Launcher, host: LauncherHost) {
    this.home = home
    this.#launcher = launcher
    this.host = host
  }

  static async open({ defences = {}, useCgroups = true, devices = [] }: BenchOptions = {}): Promise<Bench> {
    const home = mkdtempSync(join(tmpdir(), 'haggle-bench-'))
    const deno = testDeno()
    const launcher = await createLauncher({ folder: launcherFolder(home), defences, useCgroups })
    const host = await connectLauncher({ home, defences, devices, ...(deno === undefined ? {} : { deno }) })
    return new Bench(home, launcher, host)
  }

  /** Starts a command line. */
  exec(args: readonly string[], job: BenchJob = {}): Promise<string> {
    return this.#start({ runner: 'exec', args }, job, [])
  }

  /** Runs a shell script to its end. */
  async sh(script: string, job: BenchJob = {}): Promise<BenchResult> {
    return this.end(await this.exec(['sh', '-c', script], job))
  }

  /** Runs a module to its end. */
  async deno(source: string, job: BenchJob = {}): Promise<BenchResult> {
    return this.end(await this.#start({ runner: 'deno', args: ['main.ts'] }, job, [['main.ts', source]]))
  }

  /** Waits for a job and reads what it wrote. */
  async end(id: string): Promise<BenchResult> {
    const exit = await this.host.wait(id)
    const text = async (channel: 'stdout' | 'stderr'): Promise<string> => {
      const parts: Uint8Array[] = []
      for await (const chunk of this.host.output(id, channel, 0, { follow: true })) parts.push(chunk)
      return Buffer.concat(parts).toString()
    }
    return { id, exit, stdout: await text('stdout'), stderr: await text('stderr') }
  }

  async #start(
    what: { runner: string; args: readonly string[] },
    job: BenchJob,
    sources: readonly (readonly [string, string])[],
  ): Promise<string> {
    const id = createHash('sha256')
      .update(`bench job ${this.#made++}`)
      .digest('hex')
    const contents = sources.map(([, source]) => Buffer.from(source))
    const files: FileRef[] = sources.map(([path], index) => {
      const content = contents[index] ?? Buffer.alloc(0)
      return { path, size: content.length, sha256: new Uint8Array(createHash('sha256').update(content).digest()), executable: false }
    })
    await this.host.prepare({
      id,
      spec: {
        ...what,
        env: job.env ?? {},
        files,
        inline: contents.map((bytes, file) => ({ file, bytes })),
        stdin: false,
        outputs: job.outputs ?? [],
      },
      limits: { ...LIMITS, ...job.limits },
      devices: job.devices ?? [],
      isolation: job.isolation ?? 'bubblewrap',
    })
    await this.host.start(id)
    return id
  }

  async close(): Promise<void> {
    await this.host.close()
    await this.#launcher.close()
    rmSync(this.home, { recursive: true, force: true })
  }
}

/** Runs `use` on a bench and takes it down whatever happens. */
export async function withBench<T>(options: BenchOptions, use: (bench: Bench) => Promise<T>): Promise<T> {
  const bench = await Bench.open(options)
  try {
    return await use(bench)
  } finally {
    await bench.close()
  }
}
