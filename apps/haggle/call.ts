// One call over the agent's socket, seen from either end: control messages, and byte channels that never hold more than a window.

import { type Channel, creditFrame, DATA_BYTES, FrameReader, frame, jsonFrame, KIND, readCredit, WINDOW_BYTES } from './frames.ts'

/** What a connection must be able to do: a node socket, or a pair in memory. */
export interface Wire {
  write(bytes: Uint8Array): unknown
  end(): unknown
  destroy(error?: Error): unknown
  on(event: 'data', listener: (chunk: Uint8Array) => void): unknown
  on(event: 'close', listener: () => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
}

/** What a side of a call does with what arrives. */
export interface CallListener {
  message(message: Readonly<Record<string, unknown>>): void
  /** Bytes of a channel. The sender gets new credit when the promise resolves. */
  data?(channel: Channel, bytes: Uint8Array): Promise<void>
  end?(channel: Channel): void
  /** The connection is gone. Called once. */
  closed(): void
}

/** Opens for writing one side of a call. */
export class Call {
  readonly #wire: Wire
  readonly #listener: CallListener
  readonly #credit = new Map<number, number>([
    [KIND.stdin, WINDOW_BYTES],
    [KIND.stdout, WINDOW_BYTES],
    [KIND.stderr, WINDOW_BYTES],
  ])
  readonly #inbox = new Map<number, Promise<void>>()
  #waiting: (() => void)[] = []
  #closed = false

  constructor(wire: Wire, listener: CallListener) {
    this.#wire = wire
    this.#listener = listener
    const reader = new FrameReader()
    wire.on('data', (chunk) => {
      try {
        for (const { kind, payload } of reader.push(chunk)) this.#take(kind, payload)
      } catch (error) {
        wire.destroy(error instanceof Error ? error : new Error(String(error)))
      }
    })
    // The close that follows every error is what ends the call; without a listener the error would end the process.
    wire.on('error', () => undefined)
    wire.on('close', () => {
      if (this.#closed) return
      this.#closed = true
      this.#wake()
      listener.closed()
    })
  }

  get closed(): boolean {
    return this.#closed
  }

  /** Sends one control message. They overtake channels that wait for credit. */
  send(message: unknown): void {
    if (!this.#closed) this.#wire.write(jsonFrame(message))
  }

  /** Sends bytes on a channel; resolves once all of them are under way. Resolves at once when the call is closed. */
  async write(channel: Channel, bytes: Uint8Array): Promise<void> {
    let at = 0
    while (at < bytes.length) {
      if (this.#closed) return
      const credit = this.#credit.get(channel) ?? 0
      if (credit === 0) {
        await new Promise<void>((wake) => this.#waiting.push(wake))
        continue
      }
      const part = bytes.subarray(at, at + Math.min(credit, DATA_BYTES))
      this.#credit.set(channel, credit - part.length)
      this.#wire.write(frame(channel, part))
      at += part.length
    }
  }

  /** Says that no more bytes come on a channel. */
  finish(channel: Channel): void {
    if (!this.#closed) this.#wire.write(frame(KIND.end, Uint8Array.of(channel)))
  }

  /** Resolves when all bytes that have arrived were taken by the listener. */
  async settled(): Promise<void> {
    await Promise.all(this.#inbox.values())
  }

  /** Ends the connection once everything sent has left. */
  close(): void {
    if (!this.#closed) this.#wire.end()
  }

  #wake(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const wake of waiting) wake()
  }

  #take(kind: number, payload: Uint8Array): void {
    if (kind === KIND.json) {
      const message: unknown = JSON.parse(new TextDecoder().decode(payload))
      if (typeof message !== 'object' || message === null) throw new TypeError('a control message must be an object')
      this.#listener.message(message as Record<string, unknown>)
    } else if (kind === KIND.credit) {
      const { channel, bytes } = readCredit(payload)
      this.#credit.set(channel, (this.#credit.get(channel) ?? 0) + bytes)
      this.#wake()
    } else if (kind === KIND.end) {
      const channel = payload[0] as Channel
      this.#queue(channel, async () => this.#listener.end?.(channel))
    } else {
      const channel = kind as Channel
      this.#queue(channel, async () => {
        await this.#listener.data?.(channel, payload)
        if (!this.#closed) this.#wire.write(creditFrame(channel, payload.length))
      })
    }
  }

  #queue(channel: Channel, take: () => Promise<void>): void {
    const next = (this.#inbox.get(channel) ?? Promise.resolve()).then(take)
    // A listener that fails has lost its reader (a closed pipe): the call goes on, and its window stays shut.
    this.#inbox.set(
      channel,
      next.catch(() => undefined),
    )
  }
}
