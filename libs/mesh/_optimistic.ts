// Multistream-select without waiting: our side says what it wants and goes on, the answer is checked when it comes. Saves one round trip a stream.

import type { Connection, Stream } from '@libp2p/interface'
import { concat, equalBytes, utf8 } from '@haggle/wire'

const HEADER: Uint8Array = line('/multistream/1.0.0')
const REFUSED: Uint8Array = line('na')

/** One line of multistream-select: varint length, text, newline. */
function line(text: string): Uint8Array {
  const body = utf8(`${text}\n`)
  const length = body.length < 128 ? [body.length] : [(body.length & 0x7f) | 0x80, body.length >> 7]
  return concat(Uint8Array.from(length), body)
}

/** The multiplexer below a libp2p connection, as far as it is used. */
interface Muxer {
  createStream(options?: object): Promise<Stream>
}

/** Opens a stream on which nothing has been negotiated; undefined when this connection's implementation has no way to. */
export async function openBare(connection: Connection, protocol: string): Promise<Stream | undefined> {
  const muxer: unknown = Reflect.get(connection, 'muxer')
  if (typeof muxer !== 'object' || muxer === null || !('createStream' in muxer)) return undefined
  const stream = await (muxer as Muxer).createStream()
  // A transport that negotiates by itself, such as WebRTC's own channels, needs none of this.
  stream.protocol = protocol
  return stream
}

/** One negotiation: what goes before our first bytes, and what must come before theirs. */
export class OptimisticNegotiation {
  #request: Uint8Array | undefined
  readonly #answer: Uint8Array
  #read: Uint8Array = new Uint8Array(0)
  #state: 'waiting' | 'agreed' | 'refused' = 'waiting'
  readonly #settled: PromiseWithResolvers<void> = Promise.withResolvers<void>()
  /** Resolves when the other side has answered. */
  readonly settled: Promise<void> = this.#settled.promise

  constructor(protocol: string) {
    this.#request = concat(HEADER, line(protocol))
    this.#answer = this.#request
  }

  get state(): 'waiting' | 'agreed' | 'refused' {
    return this.#state
  }

  /** What must go out before anything else; undefined when it has gone. */
  takeRequest(): Uint8Array | undefined {
    const request = this.#request
    this.#request = undefined
    return request
  }

  /** Takes what has come in; returns what is left of it for the reader. */
  take(chunk: Uint8Array): Uint8Array {
    if (this.#state === 'agreed') return chunk
    if (this.#state === 'refused') return new Uint8Array(0)
    this.#read = this.#read.length === 0 ? chunk : concat(this.#read, chunk)
    const wanted = this.#answer.subarray(0, this.#read.length)
    if (!equalBytes(this.#read.subarray(0, wanted.length), wanted)) {
      // What is no agreement is a refusal, politely `na` or not. A cut one is waited for.
      const refusal = concat(HEADER, REFUSED)
      if (this.#read.length >= refusal.length || !equalBytes(this.#read, refusal.subarray(0, this.#read.length))) this.#settle('refused')
      return new Uint8Array(0)
    }
    if (this.#read.length < this.#answer.length) return new Uint8Array(0)
    this.#settle('agreed')
    const rest = this.#read.subarray(this.#answer.length)
    this.#read = new Uint8Array(0)
    return rest
  }

  #settle(state: 'agreed' | 'refused'): void {
    this.#state = state
    this.#settled.resolve()
  }
}
