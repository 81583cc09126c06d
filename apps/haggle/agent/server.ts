// The agent's socket: one call a connection, HTTP for health and metrics on the same socket, and the idle clock.

import { existsSync, rmSync } from 'node:fs'
import { createServer as createHttpServer, type IncomingMessage, type Server as HttpServer, type ServerResponse } from 'node:http'
import { createServer, type Server, type Socket } from 'node:net'
import { hostPortOf } from '../args.ts'
import { type Boot, differs } from '../boot.ts'
import { Call } from '../call.ts'
import { describe, Failure } from '../failure.ts'
import { type Channel, KIND } from '../frames.ts'
import { makePrivate } from '../home.ts'
import type { Log } from './log.ts'
import { metricsPage } from './metrics.ts'
import type { Caller, Params, Service } from './service.ts'

/** An agent in the background leaves when it had nothing open for this long. */
export const IDLE_MS = 600_000

/** What the server is made of. */
export interface ServerInit {
  readonly socket: string
  readonly boot: Boot
  readonly service: Service
  readonly log: Log
  readonly startedAt: number
  /** Null: never leaves by itself. */
  readonly idleMs: number | null
  /** Called when the idle time is over. */
  readonly leave: () => void
  /** Between two looks whether the socket's file is still there. Default 10 s. */
  readonly lookMs?: number
}

/** The socket's file is looked for this often. */
const LOOK_MS = 10_000
const HTTP_START = 'GET '

/** Serves the home's commands until it is closed. */
export class AgentServer {
  readonly #init: ServerInit
  #server: Server
  #looking: ReturnType<typeof setInterval> | undefined
  readonly #http: HttpServer
  #page: HttpServer | undefined
  readonly #open = new Set<Socket>()
  /** Calls that are not answered yet. */
  #serving = 0
  readonly #calls = new Map<string, number>()
  readonly #failures = new Map<string, number>()
  #idle: ReturnType<typeof setTimeout> | undefined
  #draining = false

  constructor(init: ServerInit) {
    this.#init = init
    this.#http = createHttpServer((request, response) => this.#answer(request, response))
    this.#server = createServer((socket) => this.#accept(socket))
  }

  /** Binds the socket (whoever holds the home's lock owns its path) and the page when there is one. Throws E_PORT_TAKEN. */
  async listen(): Promise<void> {
    rmSync(this.#init.socket, { force: true })
    // Under this umask the socket is private from the moment it exists, before a chmod could make it so.
    const before = process.umask(0o177)
    try {
      await new Promise<void>((done, fail) => this.#server.once('error', fail).listen(this.#init.socket, done))
    } finally {
      process.umask(before)
    }
    makePrivate(this.#init.socket)
    if (this.#init.boot.http !== null && this.#page === undefined) await this.#serve(this.#init.boot.http)
    this.touch()
    // Cleaners of temporary folders take sockets away, and an agent without one has its home locked and answers nobody.
    this.#looking ??= setInterval(() => {
      if (this.#draining || existsSync(this.#init.socket)) return
      this.#init.log('warn', 'socket_gone', { socket: this.#init.socket })
      this.#server.close()
      this.#server = createServer((socket) => this.#accept(socket))
      this.listen().catch((error: unknown) => this.#init.log('error', 'socket_not_made', { code: describe(error).code, error }))
    }, this.#init.lookMs ?? LOOK_MS).unref()
  }

  async #serve(address: string): Promise<void> {
    const where = hostPortOf(address)
    if (where === undefined) throw new Failure('E_PORT', `--http must be HOST:PORT such as 127.0.0.1:9464, is "${address}"`)
    const page = createHttpServer((request, response) => this.#answer(request, response))
    await new Promise<void>((done, fail) => {
      page.once('error', (cause: NodeJS.ErrnoException) => {
        const taken = cause.code === 'EADDRINUSE'
        fail(
          new Failure(
            taken ? 'E_PORT_TAKEN' : 'E_PORT',
            `Cannot serve health and metrics on ${address}: ${taken ? 'the port is taken' : cause.message}`,
            { next: 'choose another with --http HOST:PORT', cause },
          ),
        )
      })
      page.listen(where.port, where.host, done)
    })
    this.#page = page
  }

  /** Starts the idle clock again. */
  touch(): void {
    clearTimeout(this.#idle)
    if (this.#init.idleMs === null) return
    this.#idle = setTimeout(() => {
      if (this.#open.size === 0 && !this.#init.service.busy) this.#init.leave()
      else this.touch()
    }, this.#init.idleMs).unref()
  }

  /** Takes no more calls: they are told that the agent leaves. */
  refuse(): void {
    this.#draining = true
    clearTimeout(this.#idle)
    clearInterval(this.#looking)
  }

  /** Closes the socket and resolves when the open ones are over, or after `graceMs`. */
  async close(graceMs: number): Promise<void> {
    this.refuse()
    const gone = new Promise<void>((done) => this.#server.close(() => done()))
    this.#page?.close()
    const timer = setTimeout(() => {
      for (const socket of this.#open) socket.destroy()
    }, graceMs)
    await gone
    // The system's close has taken the file away at once. Nothing here may do it later: it could be the next agent's by now.
    clearTimeout(timer)
  }

  #accept(socket: Socket): void {
    this.#open.add(socket)
    socket.on('close', () => {
      this.#open.delete(socket)
      this.touch()
    })
    // The call's own error listener comes with the first bytes; a client may go away before.
    socket.on('error', () => undefined)
    socket.once('data', (chunk: Buffer) => {
      if (chunk.toString('latin1', 0, HTTP_START.length) === HTTP_START) this.#http.emit('connection', socket)
      else this.#call(socket)
      socket.pause()
      socket.unshift(chunk)
      socket.resume()
    })
  }

  #call(socket: Socket): void {
    const gone = new AbortController()
    let started = false
    let takeStdin: ((bytes: Uint8Array | null) => Promise<void>) | undefined
    let takeWord: ((word: string) => void) | undefined
    const held: (() => void)[] = []
    const ready = (): Promise<void> => (takeStdin === undefined ? new Promise((done) => held.push(done)) : Promise.resolve())
    const call: Call = new Call(socket, {
      message: (message) => {
        if (typeof message['do'] === 'string') return takeWord?.(message['do'])
        if (started) return
        started = true
        void this.#serveCall(call, message, caller)
      },
      data: async (channel, bytes) => {
        if (channel !== KIND.stdin) return
        await ready()
        await takeStdin?.(bytes)
      },
      end: (channel) => {
        if (channel === KIND.stdin) void ready().then(() => takeStdin?.(null))
      },
      closed: () => gone.abort(new Failure('E_CANCELLED', 'The command is gone')),
    })
    const caller: Caller = {
      signal: gone.signal,
      event: (event) => call.send(event),
      write: (channel: Channel, bytes) => call.write(channel, bytes),
      finish: (channel: Channel) => call.finish(channel),
      onStdin: (take) => {
        takeStdin = take
        for (const wake of held.splice(0)) wake()
      },
      onWord: (take) => (takeWord = take),
    }
  }

  async #serveCall(call: Call, message: Readonly<Record<string, unknown>>, caller: Caller): Promise<void> {
    const name = String(message['call'])
    this.#calls.set(name, (this.#calls.get(name) ?? 0) + 1)
    this.#serving++
    try {
      if (this.#draining) throw new Failure('E_AGENT_LEAVING', 'The agent is on its way out', { next: 'try again in a moment' })
      if (message['haggle'] !== 1)
        throw new Failure('E_AGENT_CALL', 'The command speaks another version of the local protocol', { next: 'haggle down' })
      const boot = message['boot'] as Boot | null
      const other = boot === null ? null : differs(this.#init.boot, boot)
      if (other !== null) {
        const idle = !this.#init.service.busy && this.#serving === 1
        throw new Failure('E_AGENT_BOOT', `The running agent was started with another ${other}`, {
          next: 'haggle down, then again',
          details: { differs: other, idle },
        })
      }
      call.send({ result: (await this.#init.service.serve(name, (message['params'] ?? {}) as Params, caller)) ?? {} })
    } catch (error) {
      const { code, message: text, next, details } = describe(error)
      this.#failures.set(code, (this.#failures.get(code) ?? 0) + 1)
      this.#init.log(code === 'E_UNKNOWN' ? 'error' : 'info', 'call_failed', {
        call: name,
        code,
        message: text,
        ...(code === 'E_UNKNOWN' && error instanceof Error ? { stack: error.stack } : {}),
      })
      call.send({ error: { code, message: text, next, details } })
    } finally {
      this.#serving--
    }
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const say = (status: number, type: string, body: string): void => {
      response
        .writeHead(status, { 'content-type': type, 'cache-control': 'no-store', 'x-content-type-options': 'nosniff', connection: 'close' })
        .end(body)
    }
    const { service, startedAt } = this.#init
    if (request.url === '/healthz') return say(200, 'text/plain; charset=utf-8', 'ok\n')
    if (request.url === '/readyz')
      return this.#draining ? say(503, 'text/plain; charset=utf-8', 'leaving\n') : say(200, 'text/plain; charset=utf-8', 'ready\n')
    if (request.url === '/metrics') {
      const figures = {
        uptimeS: (Date.now() - startedAt) / 1000,
        openCalls: this.#open.size,
        calls: this.#calls,
        failures: this.#failures,
        renting: service.jobs.count,
        provider: service.providing?.status() ?? null,
        peers: null,
        residentBytes: process.memoryUsage.rss(),
        money: service.money.status(),
      }
      return void service.memory().then(
        (memory) => say(200, 'text/plain; version=0.0.4; charset=utf-8', metricsPage({ ...figures, memory })),
        (error: unknown) => say(503, 'text/plain; charset=utf-8', `${describe(error).message}\n`),
      )
    }
    say(404, 'text/plain; charset=utf-8', 'not found: try /healthz, /readyz or /metrics\n')
  }
}
