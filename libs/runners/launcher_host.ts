// The JobHost of production: plans jobs here and has the launcher of the home run them.

import { spawn } from 'node:child_process'
import { mkdirSync, openSync, closeSync, writeFileSync } from 'node:fs'
import { dirname, extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { DeviceAccess } from '@haggle/hardware'
import type { HostJob, HostJobState, JobFiles, JobHost, OutputChannel, ExitStatus } from '@haggle/job'
import { HaggleError } from '@haggle/wire'
import { denoRunner, NO_PACKAGE } from './deno_runner.ts'
import { execRunner } from './exec_runner.ts'
import { folderJobFiles, stageInline } from './job_files.ts'
import { readHostFacts } from './host_facts.ts'
import { LauncherLink } from './launcher_link.ts'
import type { Enforcement, LaunchOrder } from './launcher_protocol.ts'
import { probeSandbox, type SandboxReport } from './probe.ts'
import type { Defences, HostFacts, Isolation, LaunchPlan, Runner } from './runner.ts'

/** A launcher that takes longer than this to say that it listens is not coming. It is up in 0.1 s; jobs that have every processor make it slow. */
const START_TIMEOUT_MS = 30_000
/** How often a call is tried again on a new connection after the launcher went away. */
const RETRIES = 2

/** Octets of stdin in one frame. */
const STDIN_BYTES = 256 * 1024

/** What {@link startLauncher} and {@link connectLauncher} need. */
export interface LauncherHostInit {
  /** The home; the launcher keeps its things in the folder `launcher` below it. */
  readonly home: string
  /** The Deno binary, or a link to it. Without it there is no deno runner. */
  readonly deno?: string
  /** The `bwrap` binary. Default: where systems keep it. */
  readonly bwrap?: string
  /** The way to each device of the offer that jobs may be given. */
  readonly devices?: readonly DeviceAccess[]
  /** Runners. Default: deno and exec. */
  readonly runners?: readonly Runner[]
  /** Node binary for the launcher process. Default: the one of this process. */
  readonly node?: string
  /** Tests switch single defences of the plans off here; nothing else does. */
  readonly defences?: Defences
}

/** A {@link JobHost} whose jobs belong to a process of their own. */
export interface LauncherHost extends JobHost {
  /** Files of the jobs' folders. */
  readonly files: JobFiles
  /** The launcher's process. */
  readonly pid: number
  /** What holds each limit on this machine. */
  readonly enforces: Enforcement
  /** Which runners work here with which isolation, and why not. Measured once. */
  probe(): Promise<SandboxReport>
  /** Ends the connection; jobs go on. */
  close(): Promise<void>
  /** Ends every job and the launcher. */
  shutdown(): Promise<void>
}

/**
 * Connects to the home's launcher, and starts it when none runs. Call it before heavy imports: starting a process from a large one takes long.
 *
 * @throws HaggleError `E_LAUNCHER_START` when it does not come up; its words are in `launcher/launcher.log`.
 */
export async function startLauncher(init: LauncherHostInit): Promise<LauncherHost> {
  return LauncherHostClient.open(init, { start: true })
}

/**
 * Connects to the home's running launcher.
 *
 * @throws HaggleError `E_LAUNCHER_DOWN` when there is none.
 */
export async function connectLauncher(init: LauncherHostInit): Promise<LauncherHost> {
  return LauncherHostClient.open(init, { start: false })
}

interface Connected {
  readonly link: LauncherLink
  readonly hello: { readonly pid: number; readonly enforces: Enforcement }
}

class LauncherHostClient implements LauncherHost {
  readonly files: JobFiles
  readonly #init: LauncherHostInit
  readonly #folder: string
  readonly #mayStart: boolean
  readonly #facts: HostFacts
  readonly #runners: readonly Runner[]
  #link: Promise<Connected> | null = null
  #hello: { pid: number; enforces: Enforcement } = { pid: 0, enforces: { memory: 'watchdog', pids: 'rlimit', cpu: 'none' } }
  #report: Promise<SandboxReport> | null = null
  #closed = false

  private constructor(init: LauncherHostInit, mayStart: boolean) {
    this.#init = init
    this.#mayStart = mayStart
    this.#folder = launcherFolder(init.home)
    this.#runners = init.runners ?? [denoRunner(), execRunner()]
    this.#facts = readHostFacts({ skeleton: join(this.#folder, 'etc'), deno: init.deno, bwrap: init.bwrap })
    this.files = folderJobFiles({ folderOf: (id) => this.folder(id), partsOf: (id) => join(dirname(this.folder(id)), 'parts') })
  }

  static async open(init: LauncherHostInit, { start }: { start: boolean }): Promise<LauncherHostClient> {
    const host = new LauncherHostClient(init, start)
    writeSkeleton(host.#facts.skeleton)
    await host.#connection()
    return host
  }

  get pid(): number {
    return this.#hello.pid
  }

  get enforces(): Enforcement {
    return this.#hello.enforces
  }

  folder(id: string): string {
    checkId(id)
    return join(this.#folder, 'jobs', id, 'work')
  }

  probe(): Promise<SandboxReport> {
    this.#report ??= probeSandbox({ facts: this.#facts, enforces: this.enforces })
    return this.#report
  }

  async runners(): Promise<readonly { readonly runner: string; readonly isolation: Isolation }[]> {
    const { runners } = await this.probe()
    return runners.filter(({ runner }) => this.#runners.some(({ name }) => name === runner))
  }

  async prepare(job: HostJob): Promise<void> {
    const order = this.#order(job)
    const phase = await this.#call((link) => link.call('prepare', { order }))
    if (phase === 'staging') await stageInline(this.folder(job.id), job.spec)
  }

  #order({ id, spec, limits, devices, isolation }: HostJob): LaunchOrder {
    const runner = this.#runners.find(({ name }) => name === spec.runner)
    if (runner === undefined) throw new HaggleError('E_JOB_SPEC', `This host has no runner "${spec.runner}"`)
    if (!isIsolation(isolation) || !runner.isolations.includes(isolation)) {
      throw new HaggleError('E_ISOLATION', `This host does not run ${spec.runner} with isolation ${isolation}`)
    }
    const plan: LaunchPlan = runner.plan({
      spec,
      isolation,
      folder: this.folder(id),
      memMiB: limits.memMiB,
      diskMiB: limits.diskMiB,
      devices: devices.flatMap((device) => this.#access(device)),
      host: this.#facts,
      defences: this.#init.defences ?? {},
    })
    return { id, plan, limits, stdin: spec.stdin }
  }

  #access(id: string): readonly DeviceAccess[] {
    const access = this.#init.devices?.find((device) => device.id === id)
    if (access !== undefined) return [access]
    throw new HaggleError('E_JOB_DEVICE', `This host has no device "${id}"`)
  }

  async start(id: string): Promise<void> {
    await this.#call((link) => link.call('start', { id: checkId(id) }))
  }

  async writeStdin(id: string, chunk: Uint8Array | null): Promise<void> {
    // An empty chunk on the wire means the end of stdin.
    if (chunk?.length === 0) return
    const { link } = await this.#connection()
    if (chunk === null) return link.stdin(checkId(id), null)
    for (let at = 0; at < chunk.length; at += STDIN_BYTES) await link.stdin(checkId(id), chunk.subarray(at, at + STDIN_BYTES))
  }

  async *output(
    id: string,
    channel: OutputChannel,
    offset: number,
    options: { follow?: boolean; signal?: AbortSignal } = {},
  ): AsyncIterable<Uint8Array> {
    let at = offset
    for (let tries = 0; ; tries++) {
      try {
        const { link } = await this.#connection()
        for await (const chunk of link.output({ id: checkId(id), channel, offset: at, follow: options.follow ?? false }, options.signal)) {
          at += chunk.length
          yield chunk
        }
        return
      } catch (error) {
        if (!isLost(error) || tries >= RETRIES || this.#closed) throw error
      }
    }
  }

  wait(id: string, { signal }: { signal?: AbortSignal } = {}): Promise<ExitStatus> {
    return this.#call((link) => link.call('wait', { id: checkId(id) }, signal))
  }

  async kill(id: string, reason: string): Promise<void> {
    await this.#call((link) => link.call('kill', { id: checkId(id), reason }))
  }

  async state(id: string): Promise<HostJobState | undefined> {
    return (await this.#call((link) => link.call('state', { id: checkId(id) }))) ?? undefined
  }

  list(): Promise<readonly HostJobState[]> {
    return this.#call((link) => link.call('list', {}))
  }

  async remove(id: string): Promise<void> {
    await this.#call((link) => link.call('remove', { id: checkId(id) }))
  }

  async close(): Promise<void> {
    this.#closed = true
    const connected = await this.#link?.catch(() => null)
    connected?.link.close()
    await connected?.link.closed
  }

  async shutdown(): Promise<void> {
    const { link } = await this.#connection()
    this.#closed = true
    await link.call('shutdown', {})
    await link.closed
  }

  /** Calls again on a new connection when the launcher went away: all calls but stdin may be repeated. */
  async #call<T>(run: (link: LauncherLink) => Promise<T>): Promise<T> {
    for (let tries = 0; ; tries++) {
      try {
        return await run((await this.#connection()).link)
      } catch (error) {
        if (!isLost(error) || tries >= RETRIES || this.#closed) throw error
      }
    }
  }

  #connection(): Promise<Connected> {
    if (this.#closed) throw new HaggleError('E_LAUNCHER_CLOSED', 'The job host was closed')
    this.#link ??= this.#connect().then(
      (connected) => {
        this.#hello = connected.hello
        const mine = this.#link
        connected.link.onClosed = () => {
          if (this.#link === mine) this.#link = null
        }
        return connected
      },
      (error: unknown) => {
        this.#link = null
        throw error
      },
    )
    return this.#link
  }

  async #connect(): Promise<Connected> {
    const path = join(this.#folder, 'launcher.sock')
    try {
      return await LauncherLink.open(path)
    } catch (error) {
      if (!this.#mayStart || !(error instanceof HaggleError) || error.code !== 'E_LAUNCHER_DOWN') throw error
    }
    await spawnLauncher(this.#folder, this.#init.node ?? process.execPath)
    // Another agent may have started one at the same moment, which is about to listen.
    for (const deadline = performance.now() + START_TIMEOUT_MS; ;) {
      try {
        return await LauncherLink.open(path)
      } catch (error) {
        if (!isLost(error) || performance.now() > deadline) throw error
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
    }
  }
}

/** The launcher's folder in a home. */
export function launcherFolder(home: string): string {
  return join(home, 'launcher')
}

async function spawnLauncher(folder: string, node: string): Promise<void> {
  // A home that is not there yet is made for its owner alone: keys will lie in it. (Only the last folder gets a recursive call's mode.)
  mkdirSync(dirname(folder), { recursive: true, mode: 0o700 })
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const main = fileURLToPath(new URL(`./launcher_main${extname(import.meta.url)}`, import.meta.url))
  const log = openSync(join(folder, 'launcher.log'), 'a', 0o600)
  try {
    const flags = ['--max-semi-space-size=4', '--min-semi-space-size=4', '--v8-pool-size=1', '--no-warnings']
    const child = spawn(node, [...flags, main, folder], {
      detached: true,
      stdio: ['ignore', 'pipe', log],
      cwd: '/',
      env: { PATH: '/usr/bin:/bin:/usr/sbin:/sbin', NODE_COMPILE_CACHE: join(folder, 'code'), MALLOC_ARENA_MAX: '1' },
    })
    await new Promise<void>((resolve, reject) => {
      const fail = (why: string): void => {
        clearTimeout(timer)
        child.kill('SIGKILL')
        const next = `look into ${join(folder, 'launcher.log')}`
        reject(new HaggleError('E_LAUNCHER_START', `The launcher did not start: ${why}`, { next }))
      }
      const timer = setTimeout(() => fail(`it said nothing for ${START_TIMEOUT_MS / 1000} s`), START_TIMEOUT_MS)
      child.once('error', (error) => fail(error.message))
      child.once('exit', (code) => fail(`it left with code ${code}`))
      child.stdout?.once('data', () => {
        clearTimeout(timer)
        resolve()
      })
    })
    child.removeAllListeners('exit')
    child.stdout?.destroy()
    child.unref()
  } finally {
    closeSync(log)
  }
}

/** The few files of /etc that name the job's user. */
function writeSkeleton(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o755 })
  writeFileSync(join(folder, 'passwd'), 'root:x:0:0:root:/:/usr/sbin/nologin\njob:x:65534:65534:job:/work:/bin/sh\n')
  writeFileSync(join(folder, 'group'), 'root:x:0:\njob:x:65534:\n')
  writeFileSync(join(folder, 'hosts'), '127.0.0.1 localhost job\n::1 localhost\n')
  writeFileSync(join(dirname(folder), NO_PACKAGE), '{}\n')
}

function checkId(id: string): string {
  if (/^[0-9a-f]{64}$/.test(id)) return id
  throw new HaggleError('E_JOB_UNKNOWN', `"${id.slice(0, 16)}" is no contract id`)
}

function isIsolation(name: string): name is Isolation {
  return name === 'bubblewrap' || name === 'permissions'
}

function isLost(error: unknown): boolean {
  return error instanceof HaggleError && (error.code === 'E_LAUNCHER_LOST' || error.code === 'E_LAUNCHER_DOWN')
}
