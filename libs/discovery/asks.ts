// The providers of one search: each is asked once, some at a time, and the answers are queued.

import type { PeerTarget } from '@haggle/mesh'
import type { FetchedOffer } from './protocols.ts'

/** Providers asked at the same time. */
const PARALLEL_ASKS = 16

/** See the file's first line. */
export class Asks {
  readonly #ask: (target: PeerTarget) => Promise<FetchedOffer>
  readonly #suits: ((found: FetchedOffer) => boolean) | undefined
  readonly #seen: Set<string>
  readonly #waiting: PeerTarget[] = []
  readonly #answers: FetchedOffer[] = []
  #running = 0
  #answered = 0
  #suited = false
  #searching = true
  #wake: () => void = () => undefined
  #wakeIdle: () => void = () => undefined

  constructor(ask: (target: PeerTarget) => Promise<FetchedOffer>, own: string, suits: ((found: FetchedOffer) => boolean) | undefined) {
    this.#ask = ask
    this.#suits = suits
    this.#seen = new Set([own])
  }

  add(target: PeerTarget): void {
    if (this.#seen.has(target.peerId)) return
    this.#seen.add(target.peerId)
    this.#waiting.push(target)
    this.#next()
  }

  /** Providers that have answered. */
  get answered(): number {
    return this.#answered
  }

  /** True when one of the answers will do. */
  get suited(): boolean {
    return this.#suited
  }

  /** Resolves when everyone that was added has been asked and has answered, or with the signal. */
  async idle(signal: AbortSignal): Promise<void> {
    while (this.#running > 0 && !signal.aborted) {
      const woken = new Promise<void>((resolve) => {
        this.#wakeIdle = resolve
      })
      await orAborted(woken, signal)
    }
  }

  /** Resolves when somebody has answered, or with the signal. */
  async firstAnswer(signal: AbortSignal): Promise<void> {
    while (this.#answered === 0 && !signal.aborted) {
      const woken = new Promise<void>((resolve) => {
        this.#wakeIdle = resolve
      })
      await orAborted(woken, signal)
    }
  }

  sourcesDone(): void {
    this.#searching = false
    this.#wake()
  }

  async *results(signal: AbortSignal): AsyncGenerator<FetchedOffer, void, undefined> {
    const onAbort = (): void => this.#wake()
    signal.addEventListener('abort', onAbort)
    try {
      for (;;) {
        const answer = this.#answers.shift()
        if (answer !== undefined) {
          yield answer
        } else if (signal.aborted || (!this.#searching && this.#running === 0 && this.#waiting.length === 0)) {
          return
        } else {
          await new Promise<void>((resolve) => {
            this.#wake = resolve
          })
        }
      }
    } finally {
      signal.removeEventListener('abort', onAbort)
      this.#waiting.length = 0
    }
  }

  #next(): void {
    while (this.#running < PARALLEL_ASKS) {
      const target = this.#waiting.shift()
      if (target === undefined) return
      this.#running += 1
      this.#ask(target)
        .then(
          (answer) => {
            this.#answered += 1
            this.#suited ||= this.#suits?.(answer) === true
            this.#answers.push(answer)
          },
          // Who does not answer is left out of the answers: `ask` has noted it in the book.
          () => undefined,
        )
        .finally(() => {
          this.#running -= 1
          this.#next()
          this.#wake()
          this.#wakeIdle()
        })
    }
  }
}

/** Resolves when `work` has ended somehow, or with the signal. */
export async function orAborted(work: Promise<unknown>, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  const { promise: aborted, resolve } = Promise.withResolvers<void>()
  const onAbort = (): void => resolve()
  signal.addEventListener('abort', onAbort)
  try {
    await Promise.race([work, aborted])
  } catch {
    // How the work ended is for who started it.
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
