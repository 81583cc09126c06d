// The thin side of the agent's socket: finds the home's agent, starts one when there is none, and makes calls.

import type { Socket } from 'node:net'
import { AGENT_ENV, AGENT_FLAGS, AGENT_STARTER } from './agent_flags.ts'
import type { Boot } from './boot.ts'
import { Call, type CallListener } from './call.ts'
import { Failure } from './failure.ts'
import { type HomePaths, loadConfig, openHome, pathsOf } from './home.ts'

// As in home.ts: what every command runs does not import Node's large modules whole.
const { closeSync, openSync, renameSync, statSync } = process.getBuiltinModule('node:fs')
const { connect } = process.getBuiltinModule('node:net')

/** Longest wait for an agent to become ready. Joining a mesh takes under a second; a slow disk or a first GPU probe may take several. */
const START_MS = 60_000
/** Between an agent's lock and its socket lies the joining of the mesh: one that has not answered by then is no agent. */
const APPEAR_MS = 4000
/** An agent that leaves says goodbye to its peers; this is long for that. */
const LEAVE_MS = 10_000
/** A call that met a leaving agent, or one of another network, is made again this often. */
const MOST_TRIES = 2
/** Between two looks at the socket of an agent that somebody else is starting. */
const LOOK_AGAIN_MS = 40
/** The log is moved aside at start when it is longer. */
const LOG_BYTES = 8 * 1024 * 1024

/** What starts the agent. */
const AGENT: readonly string[] = [AGENT_STARTER, 'agent/main']

/** What a verb needs to reach the agent. */
export interface Reach {
  readonly paths: HomePaths
  readonly boot: Boot
  /** Starts an agent when there is none and resolves once it answers. */
  start(reach: Reach): Promise<void>
}

/** Connects to the home's agent. Undefined when none is running. */
export function dial(paths: HomePaths): Promise<Socket | undefined> {
  return new Promise((done, fail) => {
    const socket = connect(paths.socket)
    socket.once('connect', () => done(socket))
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED' || error.code === 'ECONNRESET') done(undefined)
      else
        fail(
          new Failure('E_AGENT_SOCKET', `Cannot reach the agent at ${paths.socket}: ${error.code ?? error.message}`, {
            next: 'haggle doctor',
            cause: error,
          }),
        )
    })
  })
}

function rotateLog(path: string): void {
  try {
    if (statSync(path).size > LOG_BYTES) renameSync(path, `${path}.1`)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}

/** The agent's first word: ready, or why not. */
interface Report {
  readonly ready?: boolean
  readonly code?: string
  readonly message?: string
  readonly next?: string
}

/** Starts an agent in the background, from the module that `entry` begins with, and resolves once it answers. Throws what the agent said when it could not start. */
export async function startBackground(reach: Reach, entry: readonly string[] = AGENT): Promise<void> {
  openHome(reach.paths.home)
  rotateLog(reach.paths.log)
  const { spawn } = await import('node:child_process')
  const log = openSync(reach.paths.log, 'a', 0o600)
  const child = spawn(process.execPath, [...process.execArgv, ...AGENT_FLAGS, ...entry, reach.paths.home], {
    cwd: reach.paths.home,
    env: { ...process.env, ...AGENT_ENV },
    detached: true,
    stdio: ['pipe', log, log, 'pipe'],
  })
  closeSync(log)
  // Not as an argument: every user of the machine can read those, and a chain's address may hold a key.
  child.stdin?.on('error', () => undefined).end(JSON.stringify(reach.boot))
  const pipe = child.stdio[3] as Socket
  const report = await new Promise<Report>((done) => {
    let text = ''
    const timer = setTimeout(
      () => done({ code: 'E_AGENT_START', message: `The agent did not become ready in ${START_MS / 1000} s` }),
      START_MS,
    )
    const finish = (found: Report): void => {
      clearTimeout(timer)
      done(found)
    }
    pipe.setEncoding('utf8')
    pipe.on('data', (part: string) => {
      text += part
      if (text.includes('\n')) finish(JSON.parse(text.slice(0, text.indexOf('\n'))) as Report)
    })
    pipe.on('error', () => undefined)
    child.on('error', (error) => finish({ code: 'E_AGENT_START', message: `The agent could not be started: ${error.message}` }))
    child.on('exit', (code, signal) =>
      finish({ code: 'E_AGENT_START', message: `The agent ended before it was ready (${signal ?? code ?? 'unknown'})` }),
    )
  })
  pipe.destroy()
  child.unref()
  if (report.ready) return
  if (report.code === 'E_HOME_BUSY' && (await appears(reach.paths))) return
  throw new Failure(report.code ?? 'E_AGENT_START', report.message ?? 'The agent could not be started', {
    next: report.next ?? `its log: ${reach.paths.log}`,
  })
}

/** Another command may be starting the agent at the same time: waits for its socket. */
async function appears(paths: HomePaths): Promise<boolean> {
  for (const until = Date.now() + APPEAR_MS; Date.now() < until;) {
    const socket = await dial(paths)
    if (socket !== undefined) {
      socket.destroy()
      return true
    }
    await new Promise((again) => setTimeout(again, LOOK_AGAIN_MS))
  }
  return false
}

/** The reach of a home: its background agent is started on demand. */
export function reachOf(home: string, boot: Boot): Reach {
  return { paths: pathsOf(home), boot, start: startBackground }
}

/** What a call gives while it runs. */
export interface Talk {
  /** The answer. Rejects with the agent's error, as a Failure. */
  readonly result: Promise<Readonly<Record<string, unknown>>>
  readonly call: Call
}

/** Makes one call on a connected socket. */
export function talk(
  socket: Socket,
  request: { call: string; params: unknown; boot: Boot | null },
  listener: Partial<CallListener> = {},
): Talk {
  let settle: { done: (value: Readonly<Record<string, unknown>>) => void; fail: (error: Failure) => void } | undefined
  const result = new Promise<Readonly<Record<string, unknown>>>((done, fail) => (settle = { done, fail }))
  let heard = false
  const call: Call = new Call(socket, {
    message(message) {
      heard = true
      if ('result' in message) {
        void call.settled().then(() => {
          settle?.done(message['result'] as Readonly<Record<string, unknown>>)
          call.close()
        })
      } else if ('error' in message) {
        const error = message['error'] as {
          code: string
          message: string
          next?: string
          details?: Record<string, string | number | boolean | null>
        }
        void call.settled().then(() => {
          settle?.fail(new Failure(error.code, error.message, { next: error.next, details: error.details }))
          call.close()
        })
      } else listener.message?.(message)
    },
    data: async (channel, bytes) => listener.data?.(channel, bytes),
    end: (channel) => listener.end?.(channel),
    closed() {
      settle?.fail(new Failure('E_AGENT_GONE', 'The agent ended before it answered', { next: 'haggle doctor', details: { heard } }))
      listener.closed?.()
    },
  })
  call.send({ haggle: 1, ...request })
  return { result, call }
}

/** A socket to the home's agent, started when there is none. An agent that was started otherwise (another network, no listening) is replaced when nothing is open in it. */
export async function reachAgent(reach: Reach): Promise<Socket> {
  for (let tries = 0; ; tries++) {
    const socket = await dial(reach.paths)
    if (socket !== undefined) return socket
    if (tries > 0) throw new Failure('E_AGENT_START', 'The agent left as soon as it had started', { next: `its log: ${reach.paths.log}` })
    await reach.start(reach)
  }
}

/** One call from start to answer; `opened` is told of every attempt, so that a caller can send on it. */
export async function ask(
  reach: Reach,
  name: string,
  params: unknown,
  listener: Partial<CallListener> = {},
  opened?: (call: Call) => void,
): Promise<Readonly<Record<string, unknown>>> {
  for (let tries = 0; ; tries++) {
    const { result, call } = talk(await reachAgent(reach), { call: name, params, boot: reach.boot }, listener)
    opened?.(call)
    try {
      return await result
    } catch (error) {
      if (!(error instanceof Failure) || tries >= MOST_TRIES) throw error
      // One that was dying when it was called said nothing, and did nothing: every call that acts says so first.
      if (error.code === 'E_AGENT_LEAVING' || (error.code === 'E_AGENT_GONE' && error.details['heard'] === false)) await gone(reach.paths)
      else if (error.code === 'E_AGENT_BOOT' && error.details['idle'] === true) await stopAgent(reach.paths)
      else throw error
    }
  }
}

/** Resolves once nothing answers on the home's socket. Throws E_AGENT_STUCK. */
async function gone(paths: HomePaths): Promise<void> {
  for (const until = Date.now() + LEAVE_MS; Date.now() < until;) {
    const left = await dial(paths)
    if (left === undefined) return
    left.destroy()
    await new Promise((again) => setTimeout(again, LOOK_AGAIN_MS))
  }
  throw new Failure('E_AGENT_STUCK', 'The agent said that it leaves, and is still there', { next: `its log: ${paths.log}` })
}

/** Asks an agent that has nothing open to leave, and resolves once it has. False when none was running. */
export async function stopAgent(
  paths: HomePaths,
  params: { drain?: boolean; now?: boolean } = {},
): Promise<Readonly<Record<string, unknown>> | undefined> {
  const socket = await dial(paths)
  if (socket === undefined) return undefined
  const answer = await talk(socket, { call: 'stop', params, boot: null }).result
  await gone(paths)
  return answer
}

/** Tells a running agent to read its settings again. False when none runs. */
export async function reloadAgent(paths: HomePaths): Promise<boolean> {
  const socket = await dial(paths)
  if (socket === undefined) return false
  await talk(socket, { call: 'reload', params: loadConfig(paths.config), boot: null }).result
  return true
}
