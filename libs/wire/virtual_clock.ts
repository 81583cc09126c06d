// A clock that moves only when it is told to, and a generator that repeats: for tests and simulations.

import { sha256 } from '@noble/hashes/sha2.js'
import { concat, utf8 } from './bytes.ts'
import type { Clock, Random } from './clock.ts'

/** A {@link Clock} under the caller's hand. Timers of one moment run in the order they were set. */
export interface VirtualClock extends Clock {
  /** Moves time by `ms`, running each timer that falls due at its own moment, those set by other timers included. */
  advance(ms: number): void
  /** Like `advance`, but lets promises settle before, between and after timers, so that async code under test keeps pace. */
  settle(ms?: number): Promise<void>
  /** Moves the wall time only, as when a machine's clock is set. Timers and `monotonicMs` do not notice. */
  jump(ms: number): void
  /** Timers that are waiting. */
  readonly pending: number
  /** Monotonic milliseconds of the next timer, or undefined. */
  readonly nextAt: number | undefined
}

interface Timer {
  readonly at: number
  readonly order: number
  readonly run: () => void
}

/**
 * A clock at `startMs` (unix ms, default 2026-01-01) that stands still until it is moved. Its monotonic time starts at 0.
 *
 * @example
 * ```ts
 * import { virtualClock } from "@haggle/wire/testing";
 * import { expect } from "vitest";
 *
 * const clock = virtualClock();
 * let rang = 0;
 * clock.after(1000, () => rang++);
 * clock.advance(999);
 * expect(rang).toBe(0);
 * clock.advance(1);
 * expect(rang).toBe(1);
 * ```
 */
export function virtualClock(startMs: number = Date.UTC(2026, 0, 1)): VirtualClock {
  const timers = new Set<Timer>()
  let wallStart = startMs
  let now = 0
  let order = 0
  function next(until: number): Timer | undefined {
    let first: Timer | undefined
    for (const timer of timers) {
      if (timer.at <= until && (first === undefined || timer.at < first.at || (timer.at === first.at && timer.order < first.order)))
        first = timer
    }
    return first
  }
  function fire(timer: Timer): void {
    timers.delete(timer)
    now = Math.max(now, timer.at)
    timer.run()
  }
  return {
    now: () => wallStart + now,
    monotonicMs: () => now,
    after(ms, run) {
      const timer: Timer = { at: now + Math.max(0, ms), order: order++, run }
      timers.add(timer)
      return () => void timers.delete(timer)
    },
    advance(ms) {
      const until = now + ms
      for (let timer = next(until); timer; timer = next(until)) fire(timer)
      now = until
    },
    async settle(ms = 0) {
      const until = now + ms
      await turn()
      for (let timer = next(until); timer; timer = next(until)) {
        fire(timer)
        await turn()
      }
      now = Math.max(now, until)
    },
    jump(ms) {
      wallStart += ms
    },
    get pending() {
      return timers.size
    },
    get nextAt() {
      return next(Infinity)?.at
    },
  }
}

/** One turn of the host's event loop, which empties the queue of settled promises. */
function turn(): Promise<void> {
  const host = globalThis as unknown as { setTimeout(run: () => void, ms: number): unknown }
  return new Promise((resolve) => void host.setTimeout(resolve, 0))
}

/** The same bytes for the same seed, on every machine: sha256(seed ‖ counter) in a row. Never for keys that matter. */
export function seededRandom(seed: string | number): Random {
  const start = utf8(`haggle-test-random\0${seed}\0`)
  let block = new Uint8Array(0)
  let used = 0
  let counter = 0
  return (length) => {
    const bytes = new Uint8Array(length)
    for (let i = 0; i < length; i++) {
      if (used === block.length) {
        block = new Uint8Array(sha256(concat(start, utf8(String(counter++)))))
        used = 0
      }
      bytes[i] = block[used++] as number
    }
    return bytes
  }
}
