// Real processes for end-to-end tests: the relay and the command, each with a home of its own below one temporary folder.

import { type ChildProcess, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '..')
const HAGGLE = join(ROOT, 'apps/haggle/bin/haggle.js')
const RELAY = join(ROOT, 'apps/relay/bin/haggle-relay.js')

/** What a finished command left. */
export interface Finished {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** A process that goes on. */
export interface Running {
  readonly process: ChildProcess
  /** Everything on stdout and stderr so far. */
  text(): string
  /** Resolves with the first match in what it prints, or rejects when it ends before. */
  says(pattern: RegExp): Promise<RegExpExecArray>
  readonly ended: Promise<number | null>
  kill(signal?: NodeJS.Signals): Promise<void>
}

/** A folder of homes and the processes in them; `close` ends them all. */
export interface Bench {
  /** Name of its network. */
  readonly network: string
  home(name: string): string
  relay(name?: string, args?: readonly string[]): Promise<{ readonly running: Running; readonly address: string }>
  /** `haggle up --foreground` with this home. */
  provider(name: string, args: readonly string[]): Promise<{ readonly running: Running; readonly address: string | null }>
  /** A command to its end. */
  haggle(name: string, args: readonly string[]): Promise<Finished>
  /** A command that goes on. */
  start(name: string, args: readonly string[]): Running
  close(): Promise<void>
}

/** Ports that Linux gives to nobody by itself: one of them is still free when a node comes back to it. */
const STABLE_PORTS = { from: 20_000, count: 12_000 }

/** A port of this machine that is free, and stays so while nobody asks for it by number. */
export async function stablePort(): Promise<number> {
  for (;;) {
    const port = STABLE_PORTS.from + randomInt(STABLE_PORTS.count)
    const server = createServer()
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false))
      server.listen(port, '127.0.0.1', () => resolve(true))
    })
    if (!isFree) continue
    await new Promise((resolve) => server.close(resolve))
    return port
  }
}

/** How a bench is made. */
export interface BenchOptions {
  /** More variables of every process, such as settings. */
  readonly env?: Readonly<Record<string, string>>
  /** What runs the processes of a home, by its name: words before the program, such as those that enter a mount namespace. */
  readonly through?: Readonly<Record<string, readonly string[]>>
  /** Where the homes are. Default: a temporary folder of its own, which is deleted at the end. */
  readonly folder?: string
}

/** Makes a bench on its own network, so that nothing outside is found. */
export async function openBench(options: BenchOptions = {}): Promise<Bench> {
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'haggle-e2e-')))
  const network = `devnet-${folder.slice(-6)}`
  const children: Running[] = []
  const homes = new Set<string>()

  function run(file: string, name: string, args: readonly string[]): Followed {
    const env = {
      PATH: process.env['PATH'],
      HOME: folder,
      HAGGLE_HOME: join(folder, name),
      HAGGLE_NETWORK: network,
      HAGGLE_MDNS: 'off',
      NO_COLOR: '1',
      NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
      ...options.env,
    }
    const [command, ...words] = [...(options.through?.[name] ?? []), process.execPath, '--conditions=@haggle/source', file, ...args]
    const child = spawn(command as string, words, { env, stdio: ['ignore', 'pipe', 'pipe'] })
    const running = follow(child)
    children.push(running)
    return running
  }

  async function finish(name: string, args: readonly string[]): Promise<Finished> {
    const running = run(HAGGLE, name, args)
    const code = await running.ended
    return { code, stdout: running.stdout(), stderr: running.stderr() }
  }

  return {
    network,
    home: (name) => join(folder, name),
    async relay(name = 'relay', args = []) {
      const running = run(RELAY, name, ['--home', join(folder, name), '--network', network, '--listen', '/ip4/127.0.0.1/tcp/0', ...args])
      const [address] = await running.says(/\/ip4\/127\.0\.0\.1\/tcp\/\d+\/p2p\/\w+/)
      return { running, address }
    },
    async provider(name, args) {
      homes.add(name)
      const running = run(HAGGLE, name, ['up', '--foreground', '--price', '0.36', ...args])
      await running.says(/you earn /)
      return { running, address: /\/ip4\/127\.0\.0\.1\/tcp\/\d+\/p2p\/\w+/.exec(running.text())?.[0] ?? null }
    },
    async haggle(name, args) {
      homes.add(name)
      return finish(name, args)
    },
    start(name, args) {
      homes.add(name)
      return run(HAGGLE, name, args)
    },
    async close() {
      for (const child of children) await child.kill('SIGKILL')
      // Agents that a command started in the background are the home's, not ours.
      for (const name of homes) await finish(name, ['down'])
      await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
    },
  }
}

/** A {@link Running} whose two outputs can be told apart. */
interface Followed extends Running {
  stdout(): string
  stderr(): string
}

function follow(child: ChildProcess): Followed {
  const parts = { stdout: '', stderr: '' }
  const waiting = new Set<() => void>()
  let over = false
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      parts[name] += text
      for (const look of waiting) look()
    })
  }
  const ended = new Promise<number | null>((resolve) => {
    child.on('close', (code) => {
      over = true
      for (const look of waiting) look()
      resolve(code)
    })
  })
  const text = (): string => parts.stdout + parts.stderr
  return {
    process: child,
    text,
    stdout: () => parts.stdout,
    stderr: () => parts.stderr,
    ended,
    says: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const found = pattern.exec(text())
          if (found !== null) {
            waiting.delete(look)
            resolve(found)
          } else if (over) {
            waiting.delete(look)
            reject(new Error(`ended before it said ${String(pattern)}:\n${text()}`))
          }
        }
        waiting.add(look)
        look()
      }),
    async kill(signal = 'SIGTERM') {
      if (!over) child.kill(signal)
      await ended
    },
  }
}
