// The provider's side of service levels: their cases are opened once a contract is confirmed, counted once drawn, and ended with the contract.

import type { Thread } from '@haggle/negotiate'
import { type Clock, errorCode, toHex } from '@haggle/wire'
import type { CourtAccess } from './court_access.ts'
import { type Level, levelOf } from './level_of.ts'

/** Seconds from an opening to its first slot: two slots, within these. The committee should be drawn by then; slots before that are watched by nobody. */
const LEAD_S = { least: 10, most: 120 } as const
/** Between two tries to open or end a case. Ms. */
const RETRY_MS = { least: 1_000, most: 30_000 } as const
/** What a chain says when it can't be asked now; anything else is its answer. */
const CHAIN_AWAY = /^E_(CHAIN|RPC|SENDER)/

/** What {@link SoldLevels} needs. */
export interface SoldLevelsInit {
  readonly court: CourtAccess
  readonly clock: Clock
  /** This node's key, 32 bytes. */
  readonly self: Uint8Array
}

interface Sold {
  readonly level: Level
  readonly thread: Thread
  state: 'opening' | 'open' | 'failed'
  /** The contract is over because this node failed: it does not say that it serves. */
  lost: boolean
  /** The case was drawn when the last METER was made. */
  seen: boolean
}

/** See the file's first line. */
export class SoldLevels {
  readonly #init: SoldLevelsInit
  readonly #sold = new Map<string, Sold>()
  readonly #byThread = new Map<string, Sold>()
  readonly #waits = new Set<() => void>()
  #stopped = false

  constructor(init: SoldLevelsInit) {
    this.#init = init
  }

  /** Stake that no case has, or will have when those that were confirmed are open, base units; null: the chain can't be asked. */
  async free(): Promise<bigint | null> {
    try {
      const { stake } = await this.#init.court.opened()
      const { staked, locked, unbonding } = await stake.stakeOf()
      let free = staked - locked - unbonding
      for (const { state, level } of this.#sold.values()) if (state === 'opening') free -= level.sla.lock
      return free
    } catch (error) {
      this.#init.court.trouble(error)
      return null
    }
  }

  /** A contract is confirmed, or taken up again after a restart: its case is opened unless it is. */
  take(thread: Thread): void {
    const level = levelOf(thread, this.#init.self)
    if (level === null || this.#sold.has(toHex(level.id))) return
    const sold: Sold = { level, thread, state: 'opening', lost: false, seen: false }
    this.#sold.set(toHex(level.id), sold)
    this.#byThread.set(thread.id, sold)
    void this.#open(sold)
    void thread.ended.then(() => this.#end(sold))
  }

  /** Cases opened so far: what a METER says. It waits for one METER more after the draw, which the renter has to see too. */
  counted(thread: Thread, last: boolean): bigint {
    const sold = this.#byThread.get(thread.id)
    if (sold === undefined || !thread.view().ready) return 0n
    const drawn = this.#init.court.caseOf(sold.level.id)?.state === 'drawn'
    const counts = drawn && (sold.seen || last)
    sold.seen ||= drawn
    return counts ? 1n : 0n
  }

  /** Whether a heartbeat may say that the job of a case is served: unless this node failed it. */
  serves(id: Uint8Array): boolean {
    return this.#sold.get(toHex(id))?.lost !== true
  }

  stop(): void {
    this.#stopped = true
    for (const wake of this.#waits) wake()
  }

  /** The first slot begins a little later, so that its witnesses are drawn by then. */
  async #open(sold: Sold): Promise<void> {
    const { clock, court } = this.#init
    const { sla, id, contract, renterKey, providerKey } = sold.level
    const { rule, slotS, slots, pricePerSlot, factor, lock, renter, renterCommit, providerCommit } = sla
    while (!this.#stopped && sold.state === 'opening') {
      try {
        const account = await court.opened()
        if ((await account.court.caseOf(id)) === null) {
          const nowS = Math.max(Math.floor(clock.now() / 1_000), await account.court.nowS())
          const startsAtS = nowS + Math.min(LEAD_S.most, Math.max(LEAD_S.least, 2 * slotS))
          const level = { rule, slotS, slots, pricePerSlot, factor, lock, renter, renterCommit, providerCommit }
          await account.court.openSla({ ...level, terms: contract, renterKey, providerKey, startsAtS })
        }
        await court.watch?.refresh(id)
        sold.state = 'open'
        court.trouble(null)
      } catch (error) {
        court.trouble(error)
        // The court's no is final: the job goes on without a service level, which is then not owed.
        if (!CHAIN_AWAY.test(errorCode(error)) || isOver(sold)) sold.state = 'failed'
        else await this.#pause(RETRY_MS.most)
      }
    }
  }

  /** The contract is over: the renter is asked to agree that its case is, too. Until it does, or the case ends by itself, heartbeats go on. */
  async #end(sold: Sold): Promise<void> {
    const { clock, court } = this.#init
    const { outcome, exit } = sold.thread.view()
    sold.lost = (outcome.kind === 'failed' && outcome.by === 'provider') || exit?.kind === 'lost'
    const { id, sla } = sold.level
    while (!this.#stopped && sold.state !== 'failed') {
      await this.#pause(Math.min(RETRY_MS.most, Math.max(RETRY_MS.least, sla.slotS * 500)))
      const one = court.caseOf(id)
      if (one === undefined && sold.state === 'open') return
      if (one?.state !== 'drawn') continue
      const slots = Math.max(1, Math.floor((clock.now() / 1_000 - one.startsAtS) / one.slotS) + 1)
      if (slots >= one.slots) return
      try {
        if (await court.watch?.end(id, slots)) return
      } catch {
        // The renter is away, or its chain is: it is asked again.
      }
    }
  }

  async #pause(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        cancel()
        this.#waits.delete(wake)
        resolve()
      }
      const cancel = this.#init.clock.after(ms, wake)
      this.#waits.add(wake)
    })
  }
}

function isOver({ thread }: Sold): boolean {
  return thread.view().outcome.kind !== 'open'
}
