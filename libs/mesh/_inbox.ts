// What has arrived and has not been read: a queue of chunks with water marks, an end and an error. Shared by both kinds of stream.

/** Bytes above which the sender is asked to wait. One yamux window: 256 KiB. */
export const HIGH_WATER_BYTES: number = 256 * 1024

/** What the owner of an inbox is told. */
export interface InboxEvents {
  /** Called once when the queue passes the high-water mark. */
  full?(): void
  /** Called once when it has fallen to half of it again. */
  drained?(): void
}

/** A single-reader queue of byte chunks. */
export class Inbox {
  readonly #queue: Uint8Array[] = []
  readonly #events: InboxEvents
  readonly #highWater: number
  #head = 0
  #bytes = 0
  #full = false
  #ended = false
  #error: Error | undefined
  #wake: (() => void) | undefined

  constructor(events: InboxEvents = {}, highWater: number = HIGH_WATER_BYTES) {
    this.#events = events
    this.#highWater = highWater
  }

  /** Bytes that wait for the reader. */
  get bytes(): number {
    return this.#bytes
  }

  /** True from the high-water mark until half of it has been read. */
  get full(): boolean {
    return this.#full
  }

  push(chunk: Uint8Array): void {
    if (this.#ended || chunk.byteLength === 0) return
    this.#queue.push(chunk)
    this.#bytes += chunk.byteLength
    if (!this.#full && this.#bytes >= this.#highWater) {
      this.#full = true
      this.#events.full?.()
    }
    this.#wakeReader()
  }

  /** No more chunks. With an error the reader sees it after what is queued; `discard` drops the queue first. */
  end(error?: Error, discard: boolean = false): void {
    if (this.#ended) return
    this.#ended = true
    this.#error = error
    if (discard) this.#clear()
    this.#wakeReader()
  }

  /** Reads until the end. A reader may leave the loop and another may go on where it stopped. */
  async *read(): AsyncGenerator<Uint8Array, void, undefined> {
    for (;;) {
      const chunk = this.#queue[this.#head]
      if (chunk !== undefined) {
        this.#take(chunk)
        yield chunk
      } else if (this.#ended) {
        if (this.#error !== undefined) throw this.#error
        return
      } else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
      }
    }
  }

  #take(chunk: Uint8Array): void {
    this.#head += 1
    this.#bytes -= chunk.byteLength
    if (this.#head === this.#queue.length) {
      this.#queue.length = 0
      this.#head = 0
    } else if (this.#head > 1024) {
      this.#queue.splice(0, this.#head)
      this.#head = 0
    }
    if (this.#full && this.#bytes <= this.#highWater / 2) {
      this.#full = false
      this.#events.drained?.()
    }
  }

  #clear(): void {
    this.#queue.length = 0
    this.#head = 0
    this.#bytes = 0
    this.#full = false
  }

  #wakeReader(): void {
    const wake = this.#wake
    this.#wake = undefined
    wake?.()
  }
}
