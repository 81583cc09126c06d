// The processes of a soak: relays, providers with their launchers, renters; what they say is gathered, what they take is measured.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { AGENT_ENV, AGENT_FLAGS } from 'haggle/agent-flags'
import type { SoakAsked, SoakNodeOptions, SoakSaid } from './soak_node.ts'

export type SoakRole = 'relay' | 'provider' | 'launcher' | 'renter'

/** A process that is measured. A launcher belongs to its provider's home. */
export interface Measured {
  readonly role: SoakRole
  readonly name: string
  readonly pid: number
}

export type SoakJob = Extract<SoakSaid, { event: 'job' }>

/** A running soak. */
export interface SoakWorld extends AsyncDisposable {
  readonly folder: string
  /** Every process, launchers included. */
  readonly processes: readonly Measured[]
  /** Homes of providers and renters: where contracts are kept. */
  readonly homes: readonly string[]
  /** What went wrong outside of any job: ends of processes, problems that nodes tell. */
  readonly problems: readonly string[]
  /** Tells every provider and renter the same. */
  tell(asked: SoakAsked): void
  /** Ends the trading: resolves when no job is under way. A provider that left now would leave no renter waiting for its signature. */
  rest(): Promise<void>
  /** Octets held after a collection, by name. */
  held(): Promise<ReadonlyMap<string, number>>
  /** Ends every process as an owner would, and tells which did not end well. */
  close(): Promise<void>
}

/** How a soak is set up. */
export interface WorldOptions {
  readonly nodes: number
  /** Demands a second, of all renters together. */
  readonly rate: number
  readonly seed: number
  readonly onJob: (job: SoakJob, renter: string) => void
}

/** Nodes that are started at the same time. */
const START_AT_ONCE = 3
const READY_MS = 180_000
const CLOSE_MS = 30_000

const NODE_FLAGS: readonly string[] = ['--conditions=@haggle/source', ...AGENT_FLAGS]

const ROOT = join(import.meta.dirname, '../..')

/** Roles of so many nodes: one relay for each ten, the rest half and half. */
export function rolesOf(nodes: number): { readonly relays: number; readonly providers: number; readonly renters: number } {
  const relays = Math.max(1, Math.floor(nodes / 10))
  const providers = Math.max(1, Math.floor((nodes - relays) / 2))
  return { relays, providers, renters: Math.max(1, nodes - relays - providers) }
}

/** One child process with its lines. */
class Child {
  readonly name: string
  readonly process: ChildProcess
  readonly #hear: (said: Record<string, unknown>) => void
  readonly #waiting = new Map<string, PromiseWithResolvers<Record<string, unknown>>>()
  stderr = ''
  isClosing = false

  constructor(
    name: string,
    [command, args]: readonly [command: string, args: readonly string[]],
    hear: (said: Record<string, unknown>) => void,
    onEnd: (why: string) => void,
  ) {
    this.name = name
    this.#hear = hear
    this.process = spawn(command, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      // Linux shares processors out by session: each node is an owner of its own, and not the twentieth part of one.
      detached: true,
      // The first node that a script finds is this one.
      env: {
        PATH: `${dirname(process.execPath)}:${process.env['PATH']}`,
        HOME: process.env['HOME'],
        NO_COLOR: '1',
        NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
        ...AGENT_ENV,
      },
    })
    this.process.stdin?.on('error', () => undefined)
    this.process.stderr?.setEncoding('utf8').on('data', (text: string) => (this.stderr = (this.stderr + text).slice(-2_000)))
    createInterface({ input: this.process.stdout as NodeJS.ReadableStream }).on('line', (line) => this.#take(line))
    this.process.once('exit', (code, signal) => {
      const why = `${name} ended with ${code ?? signal}: ${this.stderr.slice(-400)}`
      if (!this.isClosing || code !== 0) onEnd(why)
      for (const waiting of this.#waiting.values()) waiting.reject(new Error(why))
    })
  }

  get isOver(): boolean {
    return this.process.exitCode !== null || this.process.signalCode !== null
  }

  tell(asked: SoakAsked): void {
    if (!this.isOver) this.process.stdin?.write(`${asked}\n`)
  }

  async next(event: string, ms: number): Promise<Record<string, unknown>> {
    const waiting = Promise.withResolvers<Record<string, unknown>>()
    this.#waiting.set(event, waiting)
    const timer = setTimeout(() => waiting.reject(new Error(`${this.name} did not say ${event} in ${ms} ms: ${this.stderr}`)), ms)
    try {
      return await waiting.promise
    } finally {
      clearTimeout(timer)
      this.#waiting.delete(event)
    }
  }

  #take(line: string): void {
    const said = JSON.parse(line) as Record<string, unknown>
    const waiting = this.#waiting.get(String(said['event']))
    if (waiting !== undefined) waiting.resolve(said)
    else this.#hear(said)
  }
}

/** Starts every process; resolves when all are ready. */
export async function openWorld({ nodes, rate, seed, onJob }: WorldOptions): Promise<SoakWorld> {
  const folder = mkdtempSync(join(tmpdir(), 'haggle-soak-'))
  const network = `devnet-${folder.slice(-6)}`
  const { relays, providers, renters } = rolesOf(nodes)
  const children: Child[] = []
  const traders: Child[] = []
  const processes: Measured[] = []
  const problems: string[] = []
  const homes: string[] = []
  const start = (name: string, run: readonly [command: string, args: readonly string[]]): Child => {
    const hear = (said: Record<string, unknown>): void => {
      if (said['event'] === 'job') onJob(said as unknown as SoakJob, name)
      else if (said['event'] === 'problem') problems.push(`${name}: ${String(said['message'])}`)
    }
    const child = new Child(name, run, hear, (why) => problems.push(why))
    children.push(child)
    return child
  }
  const kill = async (): Promise<void> => {
    await Promise.all(
      children.map(async (child) => {
        if (child.isOver) return
        child.isClosing = true
        const gone = once(child.process, 'exit')
        child.process.kill('SIGKILL')
        await gone
      }),
    )
    for (const { role, pid } of processes) if (role === 'launcher') end(pid)
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
  }
  try {
    const bootstrap: string[] = []
    for (let i = 0; i < relays; i++) {
      const joined = bootstrap.flatMap((address) => ['--bootstrap', address])
      const options = ['--home', join(folder, `relay${i}`), '--network', network, '--listen', '/ip4/127.0.0.1/tcp/0', '--json']
      // As its owner starts it, with the flags of its first line.
      const relay = start(`relay${i}`, [join(ROOT, 'apps/relay/bin/haggle-relay.js'), [...options, ...joined]])
      const { addresses } = (await relay.next('up', READY_MS)) as { addresses: readonly string[] }
      bootstrap.push(addresses[0] ?? '')
      processes.push({ role: 'relay', name: relay.name, pid: relay.process.pid ?? 0 })
    }
    const waiting = Array.from({ length: providers + renters }, (_, at) => at)
    const everyMs = (1_000 * renters) / rate
    const startNext = async (): Promise<void> => {
      for (let at = waiting.shift(); at !== undefined; at = waiting.shift()) {
        const role = at < providers ? 'provider' : 'renter'
        const name = `${role}${at < providers ? at : at - providers}`
        const deno = join(ROOT, 'node_modules/.bin/deno')
        const options: SoakNodeOptions = {
          role,
          home: join(folder, name),
          network,
          bootstrap,
          deno,
          providers,
          everyMs,
          seed: seed * 1_000 + at,
        }
        const child = start(name, [process.execPath, [...NODE_FLAGS, join(import.meta.dirname, 'soak_node.ts'), JSON.stringify(options)]])
        const { launcher } = (await child.next('ready', READY_MS)) as { launcher: number | null }
        traders.push(child)
        homes.push(options.home)
        processes.push({ role, name, pid: child.process.pid ?? 0 })
        if (launcher !== null) processes.push({ role: 'launcher', name: `${name} launcher`, pid: launcher })
      }
    }
    await Promise.all(Array.from({ length: START_AT_ONCE }, startNext))
  } catch (error) {
    await kill()
    throw error
  }
  return {
    folder,
    processes,
    homes,
    problems,
    tell(asked) {
      for (const child of traders) child.tell(asked)
    },
    async rest() {
      // One that is gone is among the problems, and has no job.
      const there = traders.filter((child) => !child.isOver)
      const resting = there.map((child) => child.next('rested', READY_MS))
      for (const child of there) child.tell('rest')
      await Promise.allSettled(resting)
    },
    async held() {
      const all = new Map<string, number>()
      for (const child of traders) {
        if (child.isOver) continue
        const saying = child.next('held', READY_MS)
        child.tell('held')
        all.set(child.name, Number((await saying)['bytes']))
      }
      return all
    },
    async close() {
      for (const child of children) child.isClosing = true
      const leave = async (child: Child): Promise<void> => {
        const gone = once(child.process, 'exit')
        if (traders.includes(child)) child.tell('close')
        else child.process.kill('SIGTERM')
        await Promise.race([gone, new Promise((_, reject) => setTimeout(() => reject(new Error('late')), CLOSE_MS).unref())])
      }
      const open = children.filter((child) => !child.isOver)
      const left = await Promise.allSettled(open.map(leave))
      for (const [at, { status }] of left.entries())
        if (status === 'rejected') problems.push(`${open[at]?.name} did not end when it was told to`)
    },
    [Symbol.asyncDispose]: kill,
  }
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It left with its node.
  }
}
