// Two ends of one in-memory stream: chunks travel over a lane each way, and `send` waits while the other side has not read.

import { streamClosed, streamReset } from './errors.ts'
import { HIGH_WATER_BYTES, Inbox } from './_inbox.ts'
import type { ByteStream } from './network.ts'

/** Delivers in order, one hop later. */
type Lane = (deliver: () => void) => void

interface End {
  readonly publicKey: Uint8Array
  readonly peerId: string
}

/** The two ends: the opener's and the handler's. */
export function memoryStreamPair(
  opener: End,
  handler: End,
  options: { protocol: string; near: Lane; far: Lane },
): [MemoryStream, MemoryStream] {
  const near = new MemoryStream(handler, { protocol: options.protocol, inbound: false, lane: options.near })
  const far = new MemoryStream(opener, { protocol: options.protocol, inbound: true, lane: options.far })
  near.join(far)
  far.join(near)
  return [near, far]
}

/** One end of a stream between two memory nodes. */
export class MemoryStream implements ByteStream {
  readonly remoteKey: Uint8Array
  readonly remotePeerId: string
  readonly protocol: string
  readonly inbound: boolean
  readonly closed: Promise<void>
  readonly #lane: Lane
  readonly #inbox: Inbox
  readonly #resolveClosed: () => void
  #other: MemoryStream | undefined
  #inFlight = 0
  #writeEnded = false
  #readEnded = false
  #gone = false
  #waiting: { resolve: () => void; reject: (error: Error) => void }[] = []

  constructor(remote: End, options: { protocol: string; inbound: boolean; lane: Lane }) {
    this.remoteKey = remote.publicKey
    this.remotePeerId = remote.peerId
    this.protocol = options.protocol
    this.inbound = options.inbound
    this.#lane = options.lane
    this.#inbox = new Inbox({ drained: () => this.#other?.wake() })
    const { promise, resolve } = Promise.withResolvers<void>()
    this.closed = promise
    this.#resolveClosed = resolve
  }

  join(other: MemoryStream): void {
    this.#other = other
  }

  send(chunk: Uint8Array): Promise<void> {
    if (this.#writeEnded || this.#gone) return Promise.reject(streamClosed(this.remotePeerId, this.protocol))
    const copy = chunk.slice()
    this.#inFlight += copy.byteLength
    this.#lane(() => {
      this.#inFlight -= copy.byteLength
      this.#other?.arrive(copy)
      this.wake()
    })
    if (this.#hasRoom()) return Promise.resolve()
    return new Promise<void>((resolve, reject) => this.#waiting.push({ resolve, reject }))
  }

  async closeWrite(): Promise<void> {
    if (this.#writeEnded || this.#gone) return
    this.#writeEnded = true
    this.#lane(() => this.#other?.remoteEnded())
    this.#settle()
  }

  async close(): Promise<void> {
    await this.closeWrite()
    this.#stopReading()
  }

  abort(reason: Error): void {
    if (this.#gone) return
    this.#inbox.end(reason, true)
    this.#finish(reason)
    this.#lane(() => this.#other?.lose(reason))
  }

  /** The stream is gone from below: the connection went, or the other side aborted. */
  lose(reason: Error): void {
    if (this.#gone) return
    this.#inbox.end(streamReset(this.remotePeerId, this.protocol, reason))
    this.#finish(reason)
  }

  arrive(chunk: Uint8Array): void {
    if (!this.#gone) this.#inbox.push(chunk)
  }

  remoteEnded(): void {
    this.#readEnded = true
    this.#inbox.end()
    this.#settle()
  }

  /** Writers that waited for the other side's reader may go on. */
  wake(): void {
    if (!this.#hasRoom()) return
    for (const { resolve } of this.#waiting.splice(0)) resolve()
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return this.#inbox.read()
  }

  #hasRoom(): boolean {
    const other = this.#other
    return other === undefined || (this.#inFlight < HIGH_WATER_BYTES && !other.#inbox.full)
  }

  #stopReading(): void {
    this.#inbox.end(undefined, true)
    this.#other?.wake()
    this.#settle()
  }

  /** Both directions have ended: the stream is over. */
  #settle(): void {
    if (this.#writeEnded && this.#readEnded) this.#finish(undefined)
  }

  #finish(reason: Error | undefined): void {
    if (this.#gone) return
    this.#gone = true
    this.#writeEnded = true
    const error = streamClosed(this.remotePeerId, this.protocol, reason)
    for (const { reject } of this.#waiting.splice(0)) reject(error)
    this.#resolveClosed()
  }
}
