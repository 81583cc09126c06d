// One job of the launcher: its folder, its process, its kept output and its end.

import { existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ExitStatus, HostJobState, OutputChannel } from '@haggle/job'
import { type Enforcement, LauncherFailure, type LaunchOrder } from './launcher_protocol.ts'
import { askModuleGraph, moduleRefusal, type ModuleRefusal } from './module_graph.ts'
import { OutputLog } from './output_log.ts'
import { removeFolder } from './remove_folder.ts'
import type { Defences } from './runner.ts'
import type { Stub, StubExit, StubOrder } from './stub.ts'
import { watchJob } from './watchdog.ts'

/** Longest time that a timer of Node can wait. */
const MAX_TIMER_MS = 2 ** 31 - 1
/** How long output is waited for once no process of the job is left. */
const DRAIN_MS = 1000
/** What a process needs besides the data that it was promised: code, stacks, the runtime's reserve. */
const DATA_RESERVE_MIB = 512
/** Exit code of a process that met its file size limit: 128 + SIGXFSZ. */
const FILE_SIZE_CODE = 153
const MiB = 1024 * 1024

/** What a job needs of its launcher. */
export interface JobTools {
  readonly takeStub: () => Promise<Stub>
  readonly defences: Defences
  readonly enforces: Enforcement
  /** Takes what the owner should know. */
  readonly log: (line: string) => void
  /** Called when the job is over, after its exit is on disk. */
  readonly onEnd: () => void
}

interface Ended {
  readonly exit: ExitStatus
  readonly startedAt: number | null
  readonly ranMs: number
}

/** A job in `folder`: `order.json`, `started.json`, `exit.json`, `stdout`, `stderr` and the job's own folder `work`. */
export class LaunchedJob {
  readonly order: LaunchOrder
  readonly logs: Readonly<Record<OutputChannel, OutputLog>>
  readonly #folder: string
  readonly #tools: JobTools
  readonly #over = Promise.withResolvers<ExitStatus>()
  /** Resolves when it runs, or is over without having run. */
  readonly #begun = Promise.withResolvers<void>()
  #starting: Promise<void> | null = null
  #stub: Stub | null = null
  #startedAt: number | null = null
  #startedMs = 0
  #ended: Ended | null = null
  /** Why it is being ended; the first reason counts. */
  #reason: ExitStatus | null = null
  #stdinClosed: boolean

  private constructor(folder: string, order: LaunchOrder, tools: JobTools) {
    this.#folder = folder
    this.#tools = tools
    this.order = order
    this.#ended = readJson<Ended>(join(folder, 'exit.json'))
    this.#stdinClosed = !order.stdin
    const ended = this.#ended !== null
    this.logs = { stdout: new OutputLog(join(folder, 'stdout'), { ended }), stderr: new OutputLog(join(folder, 'stderr'), { ended }) }
    if (this.#ended !== null) this.#over.resolve(this.#ended.exit)
  }

  /** Makes the folder of a new job. */
  static prepare(folder: string, order: LaunchOrder, tools: JobTools): LaunchedJob {
    mkdirSync(join(folder, 'work'), { recursive: true, mode: 0o700 })
    writeJson(join(folder, 'order.json'), order)
    return new LaunchedJob(folder, order, tools)
  }

  /** A job that an earlier launcher left: it ended, never started, or was lost with its launcher. Undefined when the folder holds none. */
  static adopt(folder: string, tools: JobTools): LaunchedJob | undefined {
    const order = readJson<LaunchOrder>(join(folder, 'order.json'))
    if (order === null) return undefined
    const started = readJson<{ startedAt: number }>(join(folder, 'started.json'))
    if (started !== null && !existsSync(join(folder, 'exit.json'))) {
      // The least that it ran: until its last output.
      const last = Math.max(...['stdout', 'stderr'].map((name) => statSync(join(folder, name), { throwIfNoEntry: false })?.mtimeMs ?? 0))
      const ended: Ended = {
        exit: { kind: 'lost' },
        startedAt: started.startedAt,
        ranMs: Math.max(0, Math.round(last - started.startedAt)),
      }
      writeJson(join(folder, 'exit.json'), ended)
    }
    return new LaunchedJob(folder, order, tools)
  }

  get running(): boolean {
    return this.#ended === null && this.#starting !== null
  }

  state(): HostJobState {
    const ended = this.#ended
    return {
      id: this.order.id,
      phase: ended !== null ? 'exited' : this.#startedAt === null ? 'staging' : 'running',
      startedAt: ended?.startedAt ?? this.#startedAt,
      ranMs: ended?.ranMs ?? (this.#startedAt === null ? 0 : performance.now() - this.#startedMs),
      exit: ended?.exit ?? null,
      stdoutBytes: this.logs.stdout.length,
      stderrBytes: this.logs.stderr.length,
    }
  }

  wait(): Promise<ExitStatus> {
    return this.#over.promise
  }

  /**
   * Resolves once its process exists, or it is over.
   *
   * @throws LauncherFailure `E_JOB_SPEC` when it imports what is not its own. It is as before then: nothing of it ran.
   */
  start(): Promise<void> {
    this.#starting ??= this.#ended === null ? this.#start() : Promise.resolve()
    return this.#starting
  }

  async #start(): Promise<void> {
    let stub: Stub
    try {
      const refusal = await this.#askModules()
      if (refusal !== null && this.#reason === null) {
        throw new LauncherFailure('E_JOB_SPEC', refusal.message, refusal.next)
      }
      stub = await this.#tools.takeStub()
    } catch (error) {
      if (error instanceof LauncherFailure) {
        this.#starting = null
        throw error
      }
      this.#finish({
        kind: 'killed',
        reason: `the launcher could not start a process: ${wordsOf(error)}`,
      })
      return
    }
    if (this.#ended !== null || this.#reason !== null) {
      void stub.discard()
      this.#finish(this.#reason ?? { kind: 'lost' })
      return
    }
    this.#stub = stub
    try {
      this.#go(stub)
    } catch (error) {
      this.#finish({ kind: 'killed', reason: `the launcher could not start it: ${wordsOf(error)}` })
      return void stub.discard()
    }
    this.#startedMs = performance.now()
    stub.stdout.on('data', (chunk: Buffer) => this.#take('stdout', chunk))
    stub.stderr.on('data', (chunk: Buffer) => this.#take('stderr', chunk))
    this.#begun.resolve()
    this.#watch(stub)
    void this.#end(stub)
  }

  /** Why the modules of this job forbid its start; null when they don't, or nobody wants to know. */
  async #askModules(): Promise<ModuleRefusal | null> {
    const { plan } = this.order
    if (plan.moduleQuery === undefined) return null
    const stub = await this.#tools.takeStub()
    if (this.#reason !== null) {
      await stub.discard()
      return null
    }
    this.#stub = stub
    try {
      const rlimits = this.#limit(stub)
      const graph = await askModuleGraph(stub, { plan: { ...plan, argv: plan.moduleQuery }, stdin: false, rlimits })
      return moduleRefusal(graph, plan.cwd)
    } finally {
      this.#stub = null
    }
  }

  /** Turns the stub into the job. What is on disk comes first: a job that ran is never found as one that did not. */
  #go(stub: Stub): void {
    const { order } = this
    const rlimits = this.#limit(stub)
    stub.cgroup?.rename(order.id)
    this.#startedAt = Date.now()
    writeJson(join(this.#folder, 'started.json'), { startedAt: this.#startedAt })
    stub.go({ plan: order.plan, stdin: order.stdin, rlimits })
  }

  /** Bounds a stub by the limits of this job: its control group now, and where there is none by what is returned. */
  #limit(stub: Stub): StubOrder['rlimits'] {
    const { defences, enforces } = this.#tools
    const { limits, plan } = this.order
    const memBytes = defences.memory === false ? null : limits.memMiB * MiB
    const pids = defences.pids === false ? null : limits.pids + plan.extraPids
    stub.cgroup?.limit({ memBytes, pids, cpuMilli: limits.cpuMilli })
    return {
      dataMiB: enforces.memory === 'watchdog' && memBytes !== null ? limits.memMiB + DATA_RESERVE_MIB : null,
      fileMiB: defences.disk === false ? null : Math.max(1, limits.diskMiB),
      pids: enforces.pids === 'rlimit' && pids !== null && plan.sandbox !== null && plan.hasShell ? pids : null,
    }
  }

  /** Limits that this process keeps: wall time, disk, and memory where no cgroup does. */
  #watch(stub: Stub): void {
    const { limits } = this.order
    const { defences, enforces } = this.#tools
    const timer =
      defences.time === false
        ? undefined
        : setTimeout(() => this.#stop({ kind: 'limit', limit: 'time' }), Math.min(limits.maxMs, MAX_TIMER_MS))
    const unwatch = watchJob({
      pid: stub.process.pid ?? 0,
      folder: join(this.#folder, 'work'),
      processes: () => stub.cgroup?.processes() ?? null,
      diskBytes: defences.disk === false ? null : limits.diskMiB * MiB,
      memBytes: defences.memory === false || enforces.memory === 'cgroup' ? null : limits.memMiB * MiB,
      pids: defences.pids === false || enforces.pids === 'cgroup' ? null : limits.pids + this.order.plan.extraPids,
      onOver: (limit) => this.#stop({ kind: 'limit', limit }),
    })
    void stub.exited.then(() => {
      clearTimeout(timer)
      unwatch()
    })
  }

  #take(channel: OutputChannel, chunk: Buffer): void {
    if (this.#reason?.kind === 'limit' && this.#reason.limit === 'output') return
    const left =
      this.#tools.defences.output === false
        ? chunk.length
        : this.order.limits.outMiB * MiB - this.logs.stdout.length - this.logs.stderr.length
    try {
      if (left > 0) this.logs[channel].append(left < chunk.length ? chunk.subarray(0, left) : chunk)
    } catch (error) {
      this.#stop({ kind: 'killed', reason: `its output could not be written: ${wordsOf(error)}` })
      return
    }
    if (left < chunk.length) this.#stop({ kind: 'limit', limit: 'output' })
  }

  /** Ends a running job for a reason. */
  #stop(reason: ExitStatus): void {
    this.#reason ??= reason
    this.#stub?.kill()
  }

  async #end(stub: Stub): Promise<void> {
    const exit = await stub.exited
    const events = stub.cgroup?.events()
    const ranMs = performance.now() - this.#startedMs
    await stub.emptied()
    await Promise.race([
      Promise.all([closed(stub.stdout), closed(stub.stderr)]),
      new Promise((resolve) => setTimeout(resolve, DRAIN_MS).unref()),
    ])
    for (const stream of [stub.stdin, stub.stdout, stub.stderr]) stream.destroy()
    this.#finish(this.#reason ?? this.#exitOf(exit, events), ranMs)
  }

  #exitOf({ code, signal, ranProgram }: StubExit, events: { oom: number; pids: number } | undefined): ExitStatus {
    const { plan } = this.order
    if (code === 0) return { kind: 'exit', code }
    if (events !== undefined && events.oom > 0) return { kind: 'limit', limit: 'memory' }
    if (code !== null && plan.outOfMemoryCodes.includes(code)) return { kind: 'limit', limit: 'memory' }
    if (signal === 'SIGTRAP' || (signal === 'SIGABRT' && plan.outOfMemoryCodes.length > 0)) return { kind: 'limit', limit: 'memory' }
    if (code === FILE_SIZE_CODE || signal === 'SIGXFSZ') return { kind: 'limit', limit: 'disk' }
    if (events !== undefined && events.pids > 0) return { kind: 'limit', limit: 'pids' }
    if (plan.sandbox !== null && !ranProgram) return this.#notRun()
    return code === null ? { kind: 'signal', signal: signal ?? 'SIGKILL' } : { kind: 'exit', code }
  }

  /** bubblewrap came to an end without having run the program: it tells why on stderr. A shell's codes for a command that is not there. */
  #notRun(): ExitStatus {
    const words = this.logs.stderr.tail(1024)
    if (/bwrap: execvp .*: No such file or directory/.test(words)) return { kind: 'exit', code: 127 }
    if (/bwrap: execvp .*: (?:Permission denied|Exec format error)/.test(words)) return { kind: 'exit', code: 126 }
    return { kind: 'killed', reason: 'the sandbox did not start; stderr says why' }
  }

  #finish(exit: ExitStatus, ranMs = 0): void {
    if (this.#ended !== null) return
    this.#ended = { exit, startedAt: this.#startedAt, ranMs }
    try {
      writeJson(join(this.#folder, 'exit.json'), this.#ended)
    } catch (error) {
      // A full disk: this launcher knows the exit, the next one will say that the job was lost.
      this.#tools.log(`the exit of job ${this.order.id} could not be written: ${wordsOf(error)}`)
    }
    for (const log of Object.values(this.logs)) log.end()
    this.#begun.resolve()
    this.#over.resolve(exit)
    this.#tools.onEnd()
  }

  async kill(reason: string): Promise<void> {
    if (this.#ended !== null) return
    if (this.#starting === null) return this.#finish({ kind: 'killed', reason })
    this.#stop({ kind: 'killed', reason })
    await this.#over.promise
  }

  /** Resolves when the octets are in the job's pipe or the pipe's queue is below its mark. False when the job takes no stdin. */
  async writeStdin(chunk: Buffer | null): Promise<boolean> {
    if (this.#ended !== null) return true
    if (this.#stdinClosed) return chunk === null
    await this.#begun.promise
    const stub = this.#stub
    if (stub === null || stub.stdin.destroyed) return true
    if (chunk === null) {
      this.#stdinClosed = true
      stub.stdin.end()
      return true
    }
    await new Promise<void>((resolve) => stub.stdin.write(chunk, () => resolve()))
    return true
  }

  /** Deletes everything of it, after its end. */
  async remove(): Promise<void> {
    await this.kill('removed')
    removeFolder(this.#folder)
  }
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function closed(stream: Stub['stdout']): Promise<void> {
  return stream.closed || stream.readableEnded ? Promise.resolve() : new Promise((resolve) => stream.once('close', resolve))
}

function readJson<T>(path: string): T | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as T
  } catch {
    return null // Not written yet, or cut by a crash: the same as not there.
  }
}

/** Whole or not at all, also when this process is killed in the middle. */
function writeJson(path: string, value: unknown): void {
  writeFileSync(`${path}.new`, JSON.stringify(value), { mode: 0o600 })
  renameSync(`${path}.new`, path)
}
