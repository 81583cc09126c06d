// The host's own clock and randomness, for apps: engines and tests are given others.

import type { Clock, Random } from './clock.ts'

/** The few globals used here, which every host has; libraries are compiled without the DOM's and Node's types. */
interface Host {
  readonly performance: { now(): number }
  readonly crypto: { getRandomValues(array: Uint8Array): Uint8Array }
  setTimeout(run: () => void, ms: number): unknown
  clearTimeout(timer: unknown): void
}

/** The longest wait that a host's timer takes; longer ones are waited for in parts. */
const MAX_TIMER_MS = 2 ** 31 - 1
/** The most bytes that one call of getRandomValues gives. */
const MAX_RANDOM_BYTES = 65_536

function host(): Host {
  return globalThis as unknown as Host
}

/** Real time. A waiting `after` keeps a Node process alive until it is called or cancelled. */
export function systemClock(): Clock {
  return {
    now: () => Date.now(),
    monotonicMs: () => host().performance.now(),
    after(ms, run) {
      const dueMs = host().performance.now() + ms
      let timer: unknown
      // A host's timer takes whole milliseconds and may fire a fraction early: a deadline that is not due yet would be missed for good.
      const wait = (): void => {
        const leftMs = dueMs - host().performance.now()
        if (leftMs > 0) timer = host().setTimeout(wait, Math.min(Math.ceil(leftMs), MAX_TIMER_MS))
        else run()
      }
      timer = host().setTimeout(wait, Math.min(Math.max(0, Math.ceil(ms)), MAX_TIMER_MS))
      return () => host().clearTimeout(timer)
    },
  }
}

/** The host's cryptographic randomness. */
export function systemRandom(): Random {
  return (length) => {
    const bytes = new Uint8Array(length)
    for (let at = 0; at < length; at += MAX_RANDOM_BYTES) host().crypto.getRandomValues(bytes.subarray(at, at + MAX_RANDOM_BYTES))
    return bytes
  }
}
