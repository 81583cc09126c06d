// One connection to a launcher: numbered calls, and output that comes by itself within a window.

import { createConnection, type Socket } from 'node:net'
import { HaggleError } from '@haggle/wire'
import {
  FRAME,
  frame,
  frameCutter,
  jsonFrame,
  LAUNCHER_VERSION,
  type LauncherCalls,
  type LauncherFrame,
  OUTPUT_WINDOW_BYTES,
  stdinPayload,
  type WireFailure,
} from './launcher_protocol.ts'
import { shortSocketPath } from './socket_path.ts'

/** Octets taken by a reader before the launcher is told: a quarter of the window. */
const CREDIT_STEP_BYTES = OUTPUT_WINDOW_BYTES / 4

/** What waits for frames of one number. */
interface Waiter {
  frame(kind: number, payload: Buffer): void
  lost(error: Error): void
}

/** A live connection. */
export class LauncherLink {
  readonly closed: Promise<void>
  /** Called at once when the connection is gone, before those that wait are told: they may try again on a new one. */
  onClosed: () => void = () => {}
  readonly #socket: Socket
  readonly #waiters = new Map<number, Waiter>()
  #next = 1

  private constructor(socket: Socket) {
    this.#socket = socket
    const cut = frameCutter((received) => this.#take(received))
    socket.on('data', (chunk: Buffer) => {
      try {
        cut(chunk)
      } catch (error) {
        socket.destroy(error as Error)
      }
    })
    socket.on('error', () => {}) // 'close' follows and tells those that wait.
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.onClosed()
        const error = lost()
        for (const waiter of [...this.#waiters.values()]) waiter.lost(error)
        this.#waiters.clear()
        resolve()
      })
    })
  }

  /**
   * Connects to the launcher of a socket.
   *
   * @throws HaggleError `E_LAUNCHER_DOWN` when none listens, `E_LAUNCHER_VERSION` when it speaks another version.
   */
  static async open(path: string): Promise<{ link: LauncherLink; hello: LauncherCalls['hello']['answer'] }> {
    const socket = await connect(path)
    const link = new LauncherLink(socket)
    const hello = await link.call('hello', {})
    if (hello.version !== LAUNCHER_VERSION) {
      link.close()
      const next = 'end its jobs with `haggle down`, then try again'
      throw new HaggleError(
        'E_LAUNCHER_VERSION',
        `The running launcher speaks version ${hello.version}, this program ${LAUNCHER_VERSION}`,
        { next },
      )
    }
    return { link, hello }
  }

  call<K extends Exclude<keyof LauncherCalls, 'output'>>(
    op: K,
    ask: LauncherCalls[K]['ask'],
    signal?: AbortSignal,
  ): Promise<LauncherCalls[K]['answer']> {
    return this.#exchange((number) => jsonFrame(FRAME.request, number, { op, ...ask }), signal) as Promise<LauncherCalls[K]['answer']>
  }

  /** Resolves when the launcher has passed the octets on. */
  async stdin(id: string, chunk: Uint8Array | null): Promise<void> {
    await this.#exchange((number) => frame(FRAME.stdin, number, stdinPayload(id, chunk)))
  }

  #exchange(build: (number: number) => Buffer, signal?: AbortSignal): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) return reject(abortOf(signal))
      if (this.#socket.destroyed) return reject(lost())
      const number = this.#next++
      const end = (): void => {
        this.#waiters.delete(number)
        signal?.removeEventListener('abort', aborted)
      }
      const aborted = (): void => {
        end()
        reject(abortOf(signal))
      }
      signal?.addEventListener('abort', aborted)
      this.#waiters.set(number, {
        frame(kind, payload) {
          end()
          const value: unknown = JSON.parse(payload.toString())
          if (kind === FRAME.reply) resolve(value)
          else reject(errorOf(value as WireFailure))
        },
        lost(error) {
          end()
          reject(error)
        },
      })
      this.#write(build(number))
    })
  }

  /** Output from `ask.offset` on. Ends when the launcher says so, or quietly when `signal` is aborted. */
  async *output(ask: LauncherCalls['output']['ask'], signal?: AbortSignal): AsyncGenerator<Buffer, void> {
    const number = this.#next++
    const chunks: Buffer[] = []
    let over = false
    let failure: Error | null = null
    let wake = (): void => {}
    const end = (error: Error | null): void => {
      over = true
      failure = error
      wake()
    }
    this.#waiters.set(number, {
      frame: (kind, payload) => {
        if (kind === FRAME.output) chunks.push(payload)
        else return end(kind === FRAME.end ? null : errorOf(JSON.parse(payload.toString()) as WireFailure))
        wake()
      },
      lost: end,
    })
    const aborted = (): void => {
      chunks.length = 0
      end(null)
    }
    signal?.addEventListener('abort', aborted)
    let taken = 0
    try {
      if (signal?.aborted === true) return
      if (this.#socket.destroyed) throw lost()
      this.#write(jsonFrame(FRAME.request, number, { op: 'output', ...ask }))
      for (;;) {
        const chunk = chunks.shift()
        if (chunk !== undefined) {
          yield chunk
          taken += chunk.length
          if (taken >= CREDIT_STEP_BYTES && !over) {
            const credit = Buffer.alloc(4)
            credit.writeUInt32BE(taken)
            taken = 0
            this.#write(frame(FRAME.credit, number, credit))
          }
          continue
        }
        if (over) break
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
      if (failure !== null) throw failure as Error
    } finally {
      signal?.removeEventListener('abort', aborted)
      if (this.#waiters.delete(number) && !this.#socket.destroyed) this.#write(frame(FRAME.unsubscribe, number))
    }
  }

  #write(bytes: Buffer): void {
    this.#socket.write(bytes)
  }

  #take({ kind, number, payload }: LauncherFrame): void {
    this.#waiters.get(number)?.frame(kind, payload)
  }

  /** Lets this process end although the connection is open. */
  unref(): void {
    this.#socket.unref()
  }

  ref(): void {
    this.#socket.ref()
  }

  close(): void {
    this.#socket.destroySoon()
  }
}

async function connect(path: string): Promise<Socket> {
  const address = shortSocketPathOrNull(path)
  if (address === null) throw down(path)
  try {
    return await new Promise((resolve, reject) => {
      const socket = createConnection(address.path)
      socket.once('connect', () => {
        socket.off('error', reject)
        resolve(socket)
      })
      socket.once('error', reject)
    })
  } catch (cause) {
    throw down(path, cause)
  } finally {
    address.close()
  }
}

function shortSocketPathOrNull(path: string): ReturnType<typeof shortSocketPath> | null {
  try {
    return shortSocketPath(path)
  } catch {
    return null // The folder is not there: nobody listens in it.
  }
}

function down(path: string, cause?: unknown): HaggleError {
  return new HaggleError('E_LAUNCHER_DOWN', `No launcher listens on ${path}`, cause === undefined ? {} : { cause })
}

function lost(): HaggleError {
  return new HaggleError('E_LAUNCHER_LOST', 'The connection to the launcher broke')
}

function errorOf({ code, message, next }: WireFailure): HaggleError {
  return new HaggleError(code, message, next === null ? {} : { next })
}

function abortOf(signal: AbortSignal | undefined): Error {
  const reason: unknown = signal?.reason
  return reason instanceof Error ? reason : new DOMException('This operation was aborted', 'AbortError')
}
