// The command and an agent with the local market as real processes, for tests.

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Boot } from '../boot.ts'
import { pathsOf } from '../home.ts'

/** The agent's module with the local market in it. */
export const LOCAL_AGENT: string = fileURLToPath(new URL('./local_agent.ts', import.meta.url))
/** The command's script, which the system can start too. */
export const COMMAND: string = fileURLToPath(new URL('../bin/haggle.js', import.meta.url))
/** How Node is started from sources. */
export const NODE_FLAGS: readonly string[] = ['--conditions=@haggle/source']

/** What `haggle` without network flags asks of an agent. */
export const PLAIN_BOOT: Boot = {
  network: null,
  bootstrap: [],
  pskFile: null,
  passphraseFile: null,
  mdns: true,
  listen: null,
  listenAnywhere: false,
  http: null,
  provide: false,
  chain: null,
  witness: false,
  anchorOthers: false,
  walletPassphraseFile: null,
}

/** A folder that goes away with the test. */
export function temporary(): { folder: string } & Disposable {
  const folder = mkdtempSync(join(tmpdir(), 'haggle-test-'))
  return { folder, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) }
}

/** How a process ended. */
export interface Ended {
  readonly code: number | null
  readonly signal: string | null
  readonly stdout: Buffer
  readonly stderr: string
}

/** A started command. */
export interface Running {
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
  /** Everything on stdout until now, as text. */
  said(): string
  /** Resolves when stderr or stdout has matched. */
  seen(pattern: RegExp): Promise<void>
}

/** Starts `haggle` as a process. Its environment has nothing of ours but PATH. */
export function start(
  argv: readonly string[],
  options: { stdin?: Uint8Array | 'open'; env?: Record<string, string>; cwd?: string } = {},
): Running {
  const child = spawn(process.execPath, [...NODE_FLAGS, '--', COMMAND, ...argv], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: tmpdir(),
      NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] ?? '',
      ...options.env,
    },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  })
  const out: Buffer[] = []
  let text = ''
  let stderr = ''
  const watchers = new Set<() => void>()
  const heard = (part: string): void => {
    text += part
    for (const watcher of watchers) watcher()
  }
  child.stdout?.on('data', (bytes: Buffer) => {
    out.push(bytes)
    heard(bytes.toString('latin1'))
  })
  child.stderr?.setEncoding('utf8').on('data', (part: string) => {
    stderr += part
    heard(part)
  })
  child.stdin?.on('error', () => undefined)
  if (options.stdin !== 'open') child.stdin?.end(options.stdin)
  const ended = new Promise<Ended>((done, fail) => {
    child.on('error', fail)
    child.on('close', (code, signal) => done({ code, signal, stdout: Buffer.concat(out), stderr }))
  })
  const seen = (pattern: RegExp): Promise<void> =>
    new Promise((done, fail) => {
      const look = (): void => {
        if (!pattern.test(text)) return
        watchers.delete(look)
        done()
      }
      watchers.add(look)
      look()
      void ended.then(() => fail(new Error(`ended before ${String(pattern)}: ${text}`)))
    })
  return { child, ended, seen, said: () => Buffer.concat(out).toString() }
}

/** Runs `haggle` to its end. */
export async function haggle(argv: readonly string[], options: Parameters<typeof start>[1] = {}): Promise<Ended> {
  return await start(argv, options).ended
}

/** An agent process with the local market, ready to serve. Killed with the test. */
export async function localAgent(
  home: string,
  options: { boot?: Partial<Boot>; idleMs?: number } = {},
): Promise<{ child: ChildProcess; gone: Promise<void> } & AsyncDisposable> {
  const argv = [...NODE_FLAGS, LOCAL_AGENT, home, ...(options.idleMs === undefined ? [] : [String(options.idleMs)])]
  const child = spawn(process.execPath, argv, { stdio: ['pipe', 'ignore', 'ignore', 'pipe'] })
  child.stdin?.end(JSON.stringify({ ...PLAIN_BOOT, listen: [], ...options.boot }))
  const gone = new Promise<void>((done) => child.on('exit', () => done()))
  const first = await new Promise<string>((done) => (child.stdio[3] as NodeJS.ReadableStream).setEncoding('utf8').once('data', done))
  if (!first.includes('"ready":true')) throw new Error(`the agent did not start: ${first}`)
  return {
    child,
    gone,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await gone
    },
  }
}

/** What the agent's socket answers to an HTTP request. */
export function httpGet(home: string, path: string): Promise<string> {
  return new Promise((done, fail) => {
    const socket = connect(pathsOf(home).socket)
    let text = ''
    socket.setEncoding('utf8').on('data', (part: string) => (text += part))
    socket.on('end', () => done(text)).on('error', fail)
    socket.write(`GET ${path} HTTP/1.1\r\nhost: agent\r\n\r\n`)
  })
}
