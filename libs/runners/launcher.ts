// The launcher itself: one unix socket, the jobs behind it, a parked stub for the next one.

import { createHash } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import type { HostJobState } from '@haggle/job'
import { type CgroupBase, Cgroup, closeCgroups, endLeftovers, openCgroups } from './cgroup.ts'
import { Fifos } from './fifos.ts'
import { type JobTools, LaunchedJob } from './launched_job.ts'
import {
  type Enforcement,
  FRAME,
  frame,
  frameCutter,
  jsonFrame,
  LAUNCHER_VERSION,
  type LauncherCalls,
  LauncherFailure,
  type LauncherFrame,
  parseStdin,
  OUTPUT_WINDOW_BYTES,
  type WireFailure,
} from './launcher_protocol.ts'
import { type LauncherLock, lockLauncher } from './launcher_lock.ts'
import { shortSocketPath } from './socket_path.ts'
import type { LogReader, OutputLog } from './output_log.ts'
import { removeFolder } from './remove_folder.ts'
import type { Defences } from './runner.ts'
import { filterArch, seccompFilter } from './seccomp.ts'
import { endStrays, Stub } from './stub.ts'

/** A launcher that nobody talks to and that has nothing to do leaves after this. */
const LINGER_MS = 60_000
/** Waits with making the next stub until a job that just started had the processor. */
const REPARK_MS = 30
/** Octets that may wait in the socket to the agent before its readers are told to wait. */
const SOCKET_HIGH_BYTES = 1024 * 1024

/** How a launcher is made. */
export interface LauncherInit {
  /** Folder of its socket, jobs and their output; made when missing, mode 0700. */
  readonly folder: string
  /** Tests switch single defences off here; nothing else does. */
  readonly defences?: Defences
  /** False in tests: limits without cgroups, as on machines that give none. */
  readonly useCgroups?: boolean
  /** False: nothing is parked ahead. */
  readonly parkAhead?: boolean
  /** Takes what the owner should know. Default: nobody does. */
  readonly log?: (line: string) => void
  /** Milliseconds after which an unused launcher leaves. */
  readonly lingerMs?: number
}

/** A running launcher. */
export interface Launcher {
  readonly socketPath: string
  readonly enforces: Enforcement
  /** Resolves when it has left, for whatever reason. */
  readonly closed: Promise<void>
  /** Ends every job and leaves. */
  close(): Promise<void>
}

/**
 * Starts a launcher in this process. Production starts `launcher_main.ts` instead, so that jobs outlive the agent.
 *
 * @throws An error of code `E_LAUNCHER_BUSY` when the folder has one already.
 */
export async function createLauncher(init: LauncherInit): Promise<Launcher> {
  const server = new LauncherServer(init)
  await server.listen()
  return server
}

class LauncherServer implements Launcher {
  readonly socketPath: string
  readonly enforces: Enforcement
  readonly closed: Promise<void>
  readonly #init: LauncherInit
  readonly #server: Server
  readonly #jobs = new Map<string, LaunchedJob>()
  readonly #fifos: Fifos
  readonly #cgroups: CgroupBase | null
  readonly #filter: string
  readonly #setpriv: string | null
  readonly #connections = new Set<Socket>()
  readonly #left = Promise.withResolvers<void>()
  #parked: Promise<Stub> | null = null
  #reparking: NodeJS.Timeout | null = null
  #linger: NodeJS.Timeout | null = null
  #parks = 0
  #closing: Promise<void> | null = null
  #lock: LauncherLock | null = null

  constructor(init: LauncherInit) {
    const { folder } = init
    this.#init = init
    mkdirSync(join(folder, 'jobs'), { recursive: true, mode: 0o700 })
    chmodSync(folder, 0o700)
    this.socketPath = join(folder, 'launcher.sock')
    this.closed = this.#left.promise
    this.#fifos = new Fifos(join(folder, 'pipes'))
    this.#filter = join(folder, 'seccomp.bpf')
    this.#setpriv = ['/usr/bin/setpriv', '/bin/setpriv'].find((path) => existsSync(path)) ?? null
    const tag = createHash('sha256').update(folder).digest('hex').slice(0, 12)
    this.#cgroups = init.useCgroups === false ? null : openCgroups(`haggle-${tag}`)
    const has = (name: 'memory' | 'pids' | 'cpu'): boolean => this.#cgroups?.folders[name] !== undefined
    this.enforces = {
      memory: has('memory') ? 'cgroup' : 'watchdog',
      pids: has('pids') ? 'cgroup' : 'rlimit',
      cpu: has('cpu') ? 'cgroup' : 'none',
    }
    const arch = filterArch(process.arch)
    const segments = this.enforces.memory === 'cgroup' ? 'any' : 'small'
    // Empty where there is none: bubblewrap refuses an empty filter, so no sandbox starts without one.
    writeFileSync(this.#filter, arch === null ? '' : seccompFilter(arch, { segments }), { mode: 0o600 })
    this.#server = createServer((socket) => this.#serve(socket))
  }

  async listen(): Promise<void> {
    this.#lock = await lockLauncher(this.#init.folder, this.socketPath)
    this.#fifos.reset()
    if (this.#cgroups !== null) await endLeftovers(this.#cgroups)
    endStrays(join(this.#init.folder, 'pipes'))
    const jobs = join(this.#init.folder, 'jobs')
    for (const id of readdirSync(jobs)) {
      const job = LaunchedJob.adopt(join(jobs, id), this.#tools())
      if (job !== undefined) this.#jobs.set(id, job)
      else this.#removeRest(join(jobs, id))
    }
    rmSync(this.socketPath, { force: true })
    const address = shortSocketPath(this.socketPath)
    await new Promise<void>((resolve, reject) => this.#server.once('error', reject).listen(address.path, resolve))
    address.close()
    chmodSync(this.socketPath, 0o600)
    this.#park()
    this.#lingerIfIdle()
  }

  /** What stays of a job that is none any more keeps nobody from the others. */
  #removeRest(folder: string): void {
    try {
      removeFolder(folder)
    } catch (error) {
      this.#init.log?.(`${folder} could not be deleted: ${error instanceof Error ? error.message : String(error)}`)
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#server.close()
    if (this.#linger !== null) clearTimeout(this.#linger)
    if (this.#reparking !== null) clearTimeout(this.#reparking)
    await Promise.all([...this.#jobs.values()].filter((job) => job.running).map((job) => job.kill('the launcher was stopped')))
    const stub = await this.#parked?.catch(() => null)
    await stub?.discard()
    for (const socket of this.#connections) socket.destroySoon()
    if (this.#cgroups !== null) closeCgroups(this.#cgroups)
    rmSync(this.socketPath, { force: true })
    this.#lock?.release()
    this.#left.resolve()
  }

  #tools(): JobTools {
    return {
      takeStub: () => this.#takeStub(),
      defences: this.#init.defences ?? {},
      enforces: this.enforces,
      log: this.#init.log ?? (() => {}),
      onEnd: () => this.#lingerIfIdle(),
    }
  }

  /** Gives the parked stub, or a new one, and parks the next a little later. */
  async #takeStub(): Promise<Stub> {
    const parked = this.#parked
    this.#parked = null
    if (this.#init.parkAhead !== false && this.#reparking === null && this.#closing === null) {
      this.#reparking = setTimeout(() => {
        this.#reparking = null
        this.#park()
      }, REPARK_MS)
    }
    const stub = await parked?.catch(() => null)
    if (stub?.process.exitCode === null && stub.process.signalCode === null) return stub
    return this.#newStub()
  }

  #newStub(): Promise<Stub> {
    const cgroup = this.#cgroups === null ? null : new Cgroup(this.#cgroups, `parked-${this.#parks++}`)
    return Stub.park({
      fifos: this.#fifos,
      filter: this.#filter,
      cgroup,
      clearEnv: this.#init.defences?.environment !== false,
      setpriv: this.#setpriv,
    })
  }

  #park(): void {
    if (this.#init.parkAhead === false || this.#parked !== null || this.#closing !== null) return
    this.#parked = this.#newStub()
    this.#parked.catch(() => {}) // Whoever takes it tries again and gets the error.
  }

  #lingerIfIdle(): void {
    if (this.#linger !== null) clearTimeout(this.#linger)
    this.#linger = null
    if (this.#connections.size > 0 || [...this.#jobs.values()].some((job) => job.running)) return
    this.#linger = setTimeout(() => void this.close(), this.#init.lingerMs ?? LINGER_MS)
  }

  #serve(socket: Socket): void {
    this.#connections.add(socket)
    this.#lingerIfIdle()
    const readers = new Map<number, { log: OutputLog; reader: LogReader }>()
    const cut = frameCutter((received) => this.#take(socket, readers, received))
    socket.on('data', (chunk: Buffer) => {
      try {
        cut(chunk)
      } catch {
        socket.destroy() // Not our protocol: nothing can be answered.
      }
    })
    socket.on('drain', () => {
      try {
        for (const { log, reader } of [...readers.values()]) log.resume(reader, 0)
      } catch {
        socket.destroy() // Its output can't be read: whoever reads asks again and is told.
      }
    })
    socket.on('error', () => {}) // 'close' follows.
    socket.on('close', () => {
      this.#connections.delete(socket)
      for (const { log, reader } of readers.values()) log.unsubscribe(reader)
      this.#lingerIfIdle()
    })
  }

  #take(socket: Socket, readers: Map<number, { log: OutputLog; reader: LogReader }>, { kind, number, payload }: LauncherFrame): void {
    if (kind === FRAME.credit) {
      const found = readers.get(number)
      found?.log.resume(found.reader, payload.readUInt32BE(0))
      return
    }
    if (kind === FRAME.unsubscribe) {
      const found = readers.get(number)
      readers.delete(number)
      found?.log.unsubscribe(found.reader)
      return
    }
    const answer = (promise: Promise<unknown>): void => {
      promise.then(
        (value) => socket.write(jsonFrame(FRAME.reply, number, value ?? null)),
        (error: unknown) => socket.write(jsonFrame(FRAME.failure, number, failureOf(error))),
      )
    }
    if (kind === FRAME.stdin) return answer(this.#stdin(payload))
    if (kind !== FRAME.request) return
    const { op, ...ask } = JSON.parse(payload.toString()) as { op: keyof LauncherCalls }
    if (op === 'output') {
      try {
        this.#subscribe(socket, readers, number, ask as LauncherCalls['output']['ask'])
      } catch (error) {
        socket.write(jsonFrame(FRAME.failure, number, failureOf(error)))
      }
      return
    }
    const call = this.#calls[op] as ((ask: unknown) => Promise<unknown>) | undefined
    if (call === undefined) return answer(Promise.reject(new LauncherFailure('E_LAUNCHER_VERSION', `This launcher has no "${op}"`)))
    // Async, so that what a call throws is an answer too.
    answer((async () => call(ask))())
  }

  readonly #calls: {
    [K in Exclude<keyof LauncherCalls, 'output'>]: (ask: LauncherCalls[K]['ask']) => Promise<LauncherCalls[K]['answer']>
  } = {
    hello: async () => ({ version: LAUNCHER_VERSION, pid: process.pid, enforces: this.enforces }),
    prepare: async ({ order }) => {
      const job = this.#jobs.get(order.id) ?? LaunchedJob.prepare(join(this.#init.folder, 'jobs', order.id), order, this.#tools())
      this.#jobs.set(order.id, job)
      return job.state().phase
    },
    start: async ({ id }) => {
      const starting = this.#job(id).start()
      this.#lingerIfIdle()
      await starting
      return null
    },
    wait: ({ id }) => this.#job(id).wait(),
    kill: async ({ id, reason }) => {
      await this.#job(id).kill(reason)
      return null
    },
    state: async ({ id }) => this.#jobs.get(id)?.state() ?? null,
    list: async (): Promise<HostJobState[]> => [...this.#jobs.values()].map((job) => job.state()),
    remove: async ({ id }) => {
      await this.#jobs.get(id)?.remove()
      this.#jobs.delete(id)
      return null
    },
    shutdown: async () => {
      setImmediate(() => void this.close())
      return null
    },
  }

  #job(id: string): LaunchedJob {
    const job = this.#jobs.get(id)
    if (job === undefined) throw new LauncherFailure('E_JOB_UNKNOWN', `This host has no job ${id.slice(0, 8)}`)
    return job
  }

  async #stdin(payload: Buffer): Promise<void> {
    const { id, chunk } = parseStdin(payload)
    if (await this.#job(id).writeStdin(chunk)) return
    throw new LauncherFailure('E_JOB_STDIN', `Job ${id.slice(0, 8)} does not read stdin (any more)`)
  }

  #subscribe(
    socket: Socket,
    readers: Map<number, { log: OutputLog; reader: LogReader }>,
    number: number,
    ask: LauncherCalls['output']['ask'],
  ): void {
    const log = this.#job(ask.id).logs[ask.channel]
    const sink = {
      send: (chunk: Uint8Array): boolean => {
        socket.write(frame(FRAME.output, number, chunk))
        return socket.writableLength < SOCKET_HIGH_BYTES
      },
      end: (): void => {
        readers.delete(number)
        socket.write(frame(FRAME.end, number))
      },
    }
    const reader = log.subscribe(sink, { offset: ask.offset, follow: ask.follow, credit: OUTPUT_WINDOW_BYTES })
    if (!reader.over) readers.set(number, { log, reader })
  }
}

function failureOf(error: unknown): WireFailure {
  const { code, message, next } = error as Partial<WireFailure>
  return { code: code?.startsWith('E_') === true ? code : 'E_LAUNCHER', message: message ?? String(error), next: next ?? null }
}
