// Jobs that are over and whose renters may still fetch what they left: the newest ones, for a day. What is older, or in the way, is deleted from the host.

import type { JobHost } from '@haggle/job'
import type { Clock } from '@haggle/wire'

/** What a job left is kept this long after its end. Ms. */
export const KEEP_MS = 86_400_000
/** However little room there is, what a job left stays so long after its end: its renter may be fetching it. Ms. */
export const KEEP_LEAST_MS = 600_000
/** What could not be deleted is tried again after this: whatever was in the way may be gone then. Ms. */
export const RETRY_MS = 600_000
/** Jobs that are kept when the owner says nothing: each holds at most what its terms allow it on disk. */
export const KEEP_JOBS = 256

/** What {@link KeptJobs} needs. */
export interface KeptJobsInit {
  readonly host: Pick<JobHost, 'list' | 'state' | 'kill' | 'wait' | 'remove'>
  readonly clock: Clock
  /** Told when the host does not do what it is asked; the jobs stay with it. */
  readonly onProblem?: (error: unknown) => void
}

/** The shelf of one provider. A job is on it from the end of its thread until it is deleted. */
export class KeptJobs {
  readonly #init: KeptJobsInit
  /** When each may go, clock ms, in the order of their ends. */
  readonly #until = new Map<string, number>()
  /** Those that are being deleted, and when what could not be is tried again, clock ms. */
  readonly #leaving = new Map<string, number>()
  #most = KEEP_JOBS
  #cancel: () => void = () => undefined
  #stopped = false

  constructor(init: KeptJobsInit) {
    this.#init = init
  }

  /** Jobs on the shelf, those included that could not be deleted yet. */
  get size(): number {
    return this.#until.size + this.#leaving.size
  }

  /** Keeps at most so many from now on. */
  async limit(most: number): Promise<void> {
    this.#most = most
    await this.#trim()
  }

  /** Takes a job whose contract is over. One that still runs is ended; one that never ran has left nothing. */
  async take(id: string): Promise<void> {
    const { host, clock, onProblem } = this.#init
    try {
      const state = await host.state(id)
      if (state === undefined || this.#until.has(id) || this.#leaving.has(id)) return
      if (state.phase === 'staging') {
        await this.#remove(id)
        return this.#arm()
      }
      if (state.phase === 'running') await host.kill(id, 'its contract is over')
      const ended = state.exit === null || state.startedAt === null ? clock.now() : state.startedAt + state.ranMs
      this.#until.set(id, Math.min(ended, clock.now()) + KEEP_MS)
      await this.#trim()
    } catch (error) {
      onProblem?.(error)
    }
  }

  /** Deletes what the oldest left until there is room enough; never what ended less than {@link KEEP_LEAST_MS} ago. */
  async giveUp(isEnough: () => Promise<boolean>): Promise<void> {
    const { clock, onProblem } = this.#init
    try {
      for (const [id, until] of this.#until) {
        if (until - KEEP_MS + KEEP_LEAST_MS > clock.now() || this.#stopped || (await isEnough())) return
        await this.#remove(id)
      }
    } catch (error) {
      onProblem?.(error)
    } finally {
      this.#arm()
    }
  }

  /** Takes every job of the host that no open contract needs: an earlier process left them. */
  async adopt(isNeeded: (id: string) => boolean): Promise<void> {
    const left = (await this.#init.host.list()).filter(({ id }) => !isNeeded(id))
    for (const { id } of left.sort((a, b) => (a.startedAt ?? 0) - (b.startedAt ?? 0))) await this.take(id)
  }

  /** Deletes nothing any more. */
  stop(): void {
    this.#stopped = true
    this.#cancel()
  }

  async #trim(): Promise<void> {
    const { clock } = this.#init
    this.#cancel()
    for (const [id, until] of this.#until) {
      if (this.#stopped || (this.#until.size <= this.#most && until > clock.now())) break
      await this.#remove(id)
    }
    for (const [id, again] of this.#leaving) if (again <= clock.now() && !this.#stopped) await this.#remove(id)
    this.#arm()
  }

  /** Deletes one, and forgets it once it is gone. Never rejects: what stays is tried again, and keeps no other from being deleted. */
  async #remove(id: string): Promise<void> {
    const { host, clock, onProblem } = this.#init
    this.#until.delete(id)
    this.#leaving.set(id, Infinity)
    try {
      await host.remove(id)
      this.#leaving.delete(id)
    } catch (error) {
      this.#leaving.set(id, clock.now() + RETRY_MS)
      onProblem?.(error)
    }
  }

  /** One timer, for whatever is next; jobs end side by side, and each of their trims sets it anew. */
  #arm(): void {
    const { clock, onProblem } = this.#init
    this.#cancel()
    const next = Math.min(this.#until.values().next().value ?? Infinity, ...this.#leaving.values())
    if (next === Infinity || this.#stopped) return
    this.#cancel = clock.after(Math.max(0, next - clock.now()), () => void this.#trim().catch((error) => onProblem?.(error)))
  }
}
