// A libp2p stream as a ByteStream: the only place that calls `send`, so that waiting for room is done once and right.

import type { Connection, Stream, StreamCloseEvent, StreamMessageEvent } from '@libp2p/interface'
import { concat } from '@haggle/wire'
import { protocolUnsupported, streamClosed, streamReset } from './errors.ts'
import { Inbox } from './_inbox.ts'
import type { ByteStream } from './network.ts'
import type { OptimisticNegotiation } from './_optimistic.ts'

/** A stream that both sides have finished with and the other has not closed is dropped after this many ms. */
const LINGER_MS = 5_000

/** Paused streams buffer what is in flight: one full yamux window of 16 MiB at most, or libp2p resets the stream. */
const MAX_PAUSED_BYTES = 17 * 1024 * 1024

/**
 * Wraps a libp2p stream.
 *
 * `stream.send()` returns false when its buffer is full; the way on is the `drain` *event* or `close`. `stream.onDrain()` never resets after the first
 * drain, so a loop over it buffers without bound. Reading pauses the stream when nobody reads, so a slow reader slows the writer down.
 */
export function libp2pStream(stream: Stream, connection: Connection, options: StreamOptions): ByteStream {
  return new Libp2pByteStream(stream, connection, options)
}

/** What {@link libp2pStream} is told besides. */
export interface StreamOptions {
  readonly remoteKey: Uint8Array
  /** Given for a stream on which nothing has been negotiated yet. */
  readonly negotiation?: OptimisticNegotiation
}

class Libp2pByteStream implements ByteStream {
  readonly remoteKey: Uint8Array
  readonly remotePeerId: string
  readonly protocol: string
  readonly closed: Promise<void>
  readonly #stream: Stream
  readonly #inbox: Inbox
  readonly #negotiation: OptimisticNegotiation | undefined
  #tail: Promise<void> | undefined
  #writeEnded = false
  #gone = false
  #resuming = false
  #cause: Error | undefined

  constructor(stream: Stream, connection: Connection, options: StreamOptions) {
    this.#stream = stream
    this.remoteKey = options.remoteKey
    this.#negotiation = options.negotiation
    this.remotePeerId = connection.remotePeer.toString()
    this.protocol = stream.protocol
    stream.maxReadBufferLength = Math.max(stream.maxReadBufferLength, MAX_PAUSED_BYTES)
    this.#inbox = new Inbox({ full: () => this.#pause(), drained: () => this.#resume() })
    // A connection that goes away closes its streams without an error: only `remoteCloseWrite` says that the other side had said everything.
    let isWhole = stream.remoteWriteStatus === 'closed' && stream.status === 'open'
    const endReading = (error?: Error): void => {
      const isBroken = error !== undefined || !isWhole || this.#negotiation?.state === 'waiting'
      this.#inbox.end(isBroken ? streamReset(this.remotePeerId, this.protocol, error) : undefined)
    }
    // libp2p may say `end` while bytes that it read ahead of the protocol's negotiation are still to come.
    const endWhenEmpty = (): void => {
      if ((stream.readableEnded || this.#gone) && stream.readBufferLength === 0) endReading()
    }
    stream.addEventListener('remoteCloseWrite', () => {
      isWhole = true
    })
    this.closed = new Promise<void>((resolve) => {
      stream.addEventListener('close', (event: StreamCloseEvent) => {
        this.#gone = true
        this.#writeEnded = true
        this.#cause = event.error
        if (event.error === undefined) endWhenEmpty()
        else endReading(event.error)
        resolve()
      })
      if (stream.status !== 'open' && stream.status !== 'closing') {
        this.#gone = true
        this.#writeEnded = true
        resolve()
      }
    })
    // A reset says `end` before it says `close` with the error.
    stream.addEventListener('end', () => {
      if (stream.status !== 'reset' && stream.status !== 'aborted') endWhenEmpty()
    })
    stream.addEventListener('message', (event: StreamMessageEvent) => {
      for (const part of event.data instanceof Uint8Array ? [event.data] : event.data)
        this.#inbox.push(this.#negotiation?.take(part) ?? part)
      if (this.#negotiation?.state === 'refused') this.#refused()
      endWhenEmpty()
    })
    endWhenEmpty()
    // The other side gives up on a stream that says nothing for seconds: a caller that takes its time is not waited for.
    if (this.#negotiation !== undefined) setTimeout(() => this.#negotiate(), 0)
  }

  send(chunk: Uint8Array): Promise<void> {
    if (this.#writeEnded) return Promise.reject(streamClosed(this.remotePeerId, this.protocol, this.#cause))
    const write = (): Promise<void> => {
      if (this.#gone) return Promise.reject(streamClosed(this.remotePeerId, this.protocol, this.#cause))
      try {
        const request = this.#negotiation?.takeRequest()
        if (this.#stream.send(request === undefined ? chunk : concat(request, chunk))) return Promise.resolve()
      } catch (cause) {
        return Promise.reject(streamClosed(this.remotePeerId, this.protocol, cause))
      }
      return this.#drained()
    }
    if (this.#tail === undefined) {
      const written = write()
      if (this.#stream.writableNeedsDrain) this.#follow(written)
      return written
    }
    const written = this.#tail.then(write)
    this.#follow(written)
    return written
  }

  async closeWrite(): Promise<void> {
    if (this.#writeEnded) return
    this.#writeEnded = true
    await this.#tail
    this.#negotiate()
    // A js-libp2p that reads our end together with the first bytes drops both: the end waits for the answer to the protocol.
    if (this.#negotiation?.state === 'waiting') await Promise.race([this.#negotiation.settled, this.closed])
    // `close` may reject with a bare Event when the stream goes first: then it is closed, which is what was asked for.
    await this.#stream.close().catch(() => undefined)
  }

  async close(): Promise<void> {
    const ended = this.closeWrite().then(() => this.#dropReading())
    // Who closes does not wait for an answer to the protocol; what comes besides it is dropped.
    if (this.#negotiation?.state === 'waiting') this.#inbox.end(undefined, true)
    else await ended
    if (this.#gone) return
    const timer = setTimeout(() => this.#stream.abort(new Error('the other side did not close the stream')), LINGER_MS)
    if (typeof timer === 'object') timer.unref()
    void this.closed.then(() => clearTimeout(timer))
  }

  abort(reason: Error): void {
    this.#writeEnded = true
    this.#inbox.end(reason, true)
    this.#stream.abort(reason)
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return this.#inbox.read()
  }

  /** Says what protocol this is, unless that went with the first bytes. */
  #negotiate(): void {
    const request = this.#negotiation?.takeRequest()
    if (request === undefined || this.#gone) return
    try {
      this.#stream.send(request)
    } catch {
      // The stream went first, and says so to readers and writers.
    }
  }

  #refused(): void {
    const error = protocolUnsupported(this.remotePeerId, this.protocol)
    this.#writeEnded = true
    this.#cause = error
    this.#inbox.end(error, true)
    this.#stream.abort(error)
  }

  /** Later writes wait for this one, whether it works or not. */
  #follow(written: Promise<void>): void {
    const tail = written.catch(() => undefined)
    this.#tail = tail
    void tail.then(() => {
      if (this.#tail === tail) this.#tail = undefined
    })
  }

  /** Resolves when libp2p has passed on everything it was given; rejects when the stream goes first. */
  #drained(): Promise<void> {
    const stream = this.#stream
    return new Promise<void>((resolve, reject) => {
      const done = (): void => {
        stream.removeEventListener('drain', onDrain)
        stream.removeEventListener('close', onClose)
      }
      const onClose = (): void => {
        done()
        reject(streamClosed(this.remotePeerId, this.protocol, this.#cause))
      }
      const onDrain = (): void => {
        // libp2p sends what it has buffered in a microtask of its own after this event, and may be full again afterwards.
        queueMicrotask(() => {
          if (stream.writableNeedsDrain && stream.writeStatus !== 'closed') return
          done()
          resolve()
        })
      }
      stream.addEventListener('drain', onDrain)
      stream.addEventListener('close', onClose)
      if (this.#gone) onClose()
    })
  }

  #pause(): void {
    if (!this.#resuming && this.#stream.readStatus === 'readable') this.#stream.pause()
  }

  #resume(): void {
    if (this.#stream.readStatus === 'paused') {
      // `resume` hands out what was buffered and only then opens the window: pausing in between would leave the window open for good.
      this.#resuming = true
      try {
        this.#stream.resume()
      } catch {
        // The muxer below is gone: what was buffered has been emitted before it noticed.
      } finally {
        this.#resuming = false
      }
      if (this.#inbox.full) this.#pause()
    }
  }

  /** Nobody will read any more: what still comes is thrown away, so that the other side can end. */
  #dropReading(): void {
    this.#inbox.end(undefined, true)
    if (this.#gone) return
    this.#resume()
    void this.#stream.closeRead().catch(() => undefined)
  }
}
