// Time and chance as parameters: what a pure engine is given instead of Date, setTimeout and Math.random.

/** Time, injected. Real in apps, virtual in the simulator and in tests. */
export interface Clock {
  /** Wall time, unix milliseconds. May jump. Only for what is signed and shown. */
  now(): number
  /** Milliseconds that only grow. For deadlines and metering. */
  monotonicMs(): number
  /** Calls `run` once after `ms` milliseconds. Returns the cancel function, which may be called at any time. */
  after(ms: number, run: () => void): () => void
}

/** `length` unpredictable bytes (a seeded generator in tests). */
export type Random = (length: number) => Uint8Array
