// Specs on their way: each follows its ACCEPT on the same stream, and is the one whose hash ACCEPT signed.

import { decodeSpec, inputBytes, type JobSpec, specHash } from '@haggle/job'
import type { SpecFrame, Thread } from '@haggle/negotiate'
import { type Clock, equalBytes, HaggleError, type Suite } from '@haggle/wire'

/** A spec that follows its ACCEPT by more than this is not coming, ms. */
const SPEC_WAIT_MS = 3_000

/** A spec that came: as it is run, and as it is kept. */
export interface ArrivedSpec {
  readonly decoded: JobSpec
  readonly bytes: Uint8Array
  readonly salt: Uint8Array
}

/** The specs of threads that wait for one. */
export class Specs {
  readonly #parts: { readonly clock: Clock; readonly suite: Suite }
  readonly #waiting = new Map<string, PromiseWithResolvers<SpecFrame>>()

  constructor(parts: { readonly clock: Clock; readonly suite: Suite }) {
    this.#parts = parts
  }

  /** Takes a spec that came, before or after it is waited for. */
  arrived(thread: Thread, frame: SpecFrame): void {
    this.#of(thread).resolve(frame)
  }

  /**
   * Waits for the spec of the hash that ACCEPT signed. Rejects with `E_SPEC_MISSING` after 3 s, with `E_SPEC_HASH` when it is another, with `E_JOB_SPEC` when its
   * input files have more than `mostInputBytes`.
   */
  async await(thread: Thread, hash: Uint8Array | null, mostInputBytes: number): Promise<ArrivedSpec> {
    const { clock, suite } = this.#parts
    const waiting = this.#of(thread)
    const cancel = clock.after(SPEC_WAIT_MS, () => waiting.reject(new HaggleError('E_SPEC_MISSING', 'The spec did not follow its ACCEPT')))
    try {
      const { spec, salt } = await waiting.promise
      if (hash === null || !equalBytes(specHash(salt, spec, suite), hash))
        throw new HaggleError('E_SPEC_HASH', 'The spec is not the one that ACCEPT signed')
      const decoded = decodeSpec(spec)
      if (inputBytes(decoded) > mostInputBytes)
        throw new HaggleError('E_JOB_SPEC', 'The input files are larger than the disk that the terms give the job')
      return { decoded, bytes: spec, salt }
    } finally {
      cancel()
      this.#waiting.delete(thread.id)
    }
  }

  #of(thread: Thread): PromiseWithResolvers<SpecFrame> {
    const known = this.#waiting.get(thread.id)
    if (known !== undefined) return known
    const waiting = Promise.withResolvers<SpecFrame>()
    waiting.promise.catch(() => undefined)
    this.#waiting.set(thread.id, waiting)
    void thread.ended.then(() => this.#waiting.delete(thread.id))
    return waiting
  }
}
