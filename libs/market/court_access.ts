// A node's court: opened in the background, watched from then on, tried again while its chain can't be asked. The market goes on without it.

import type { Network } from '@haggle/mesh'
import type { Store } from '@haggle/store'
import { startWatch, type WatchEvent, type WatchService } from '@haggle/watch'
import type { Case } from '@haggle/witness'
import { type Clock, equalBytes, errorCode, HaggleError } from '@haggle/wire'
import type { CourtAccount, OpenCourt } from './parts.ts'
import type { CourtStatus } from './types.ts'

/** Between two tries to open a court. Ms. */
const RETRY_MS = 15_000

/** What {@link CourtAccess} needs. */
export interface CourtAccessInit {
  /** Undefined: this node has no court. */
  readonly open: OpenCourt | undefined
  readonly network: Network
  readonly clock: Clock
  /** A sub-store of its own: receipts and bitmaps. */
  readonly store: Store
  /** As provider: is this case's job served now? */
  readonly serving: (id: Uint8Array) => boolean
  /** As renter: may the case end after so many slots? */
  readonly agreesToEnd: (id: Uint8Array, slots: number) => boolean
  readonly onEvent?: (event: WatchEvent) => void
  readonly onProblem?: (error: unknown) => void
}

/** See the file's first line. */
export class CourtAccess {
  readonly #init: CourtAccessInit
  readonly #stopping = new AbortController()
  #account: CourtAccount | undefined
  #watch: WatchService | undefined
  #opening: Promise<CourtAccount> | undefined
  #problem: { readonly code: string; readonly message: string } | null = null
  #seat: 'none' | 'taken' = 'none'
  #cancel: () => void = () => undefined

  constructor(init: CourtAccessInit) {
    this.#init = init
  }

  /** Opens it in the background. */
  start(): void {
    if (this.#init.open === undefined || this.#stopping.signal.aborted) return
    this.opened().catch((error: unknown) => {
      this.#init.onProblem?.(error)
      if (!this.#stopping.signal.aborted) this.#cancel = this.#init.clock.after(RETRY_MS, () => this.start())
    })
  }

  /**
   * The node's account at its court, once it is watched.
   *
   * @throws HaggleError `E_SLA_NONE` when this node has no court; what the chain throws while it can't be asked.
   */
  async opened(): Promise<CourtAccount> {
    if (this.#account !== undefined) return this.#account
    this.#opening ??= this.#open().finally(() => (this.#opening = undefined))
    return await this.#opening
  }

  /** The account, when it is open. */
  get account(): CourtAccount | undefined {
    return this.#account
  }

  /** A case in which this node has a part, as it was last seen; undefined: there is none that is not closed. */
  caseOf(id: Uint8Array): Case | undefined {
    return this.#watch?.cases().find(({ one }) => equalBytes(one.id, id))?.one
  }

  /** The service that watches; undefined before it is there. */
  get watch(): WatchService | undefined {
    return this.#watch
  }

  /** Keeps what is wrong at the court for the status; null: it is over. */
  trouble(error: unknown): void {
    this.#problem = error === null ? null : problemOf(error)
    if (error !== null) this.#init.onProblem?.(error)
  }

  /** Null: this node has no court. */
  status(): CourtStatus | null {
    if (this.#init.open === undefined) return null
    const cases = this.#watch?.cases() ?? []
    const as = (role: 'provider' | 'renter' | 'witness'): number => cases.filter(({ roles }) => roles.includes(role)).length
    return {
      rail: this.#account?.rail ?? null,
      state: this.#watch === undefined ? 'opening' : 'watching',
      seat: this.#seat === 'taken',
      provides: as('provider'),
      rents: as('renter'),
      witnesses: as('witness'),
      problem: this.#problem,
    }
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new HaggleError('E_ABORTED', 'The node stops'))
    this.#cancel()
    await this.#opening?.catch(() => undefined)
    await this.#watch?.stop()
  }

  async #open(): Promise<CourtAccount> {
    const { open, network, clock, store, serving, agreesToEnd, onEvent } = this.#init
    if (open === undefined)
      throw new HaggleError('E_SLA_NONE', 'This node has no court: it neither sells nor buys service levels', {
        next: 'give the node a chain and a wallet: haggle help court',
      })
    try {
      const account = await open()
      const { court, signer } = account
      const watch = await startWatch({
        network,
        court,
        signer,
        clock,
        store,
        serving,
        agreesToEnd,
        ...(onEvent === undefined ? {} : { onEvent }),
      })
      if (this.#stopping.signal.aborted) await watch.stop()
      this.#watch = watch
      this.#account = account
      this.#problem = null
      if (account.witness) void this.#takeSeat(account)
      return account
    } catch (error) {
      this.#problem = problemOf(error)
      throw error
    }
  }

  /** Takes a seat, unless there is one. A stake that is too small is said, and the node goes on without. */
  async #takeSeat({ court }: CourtAccount): Promise<void> {
    try {
      if ((await court.seatOf(court.account)) === null) await court.enroll(this.#init.network.publicKey)
      this.#seat = 'taken'
    } catch (error) {
      this.trouble(error)
    }
  }
}

function problemOf(error: unknown): { readonly code: string; readonly message: string } {
  return { code: errorCode(error), message: error instanceof Error ? error.message : String(error) }
}
