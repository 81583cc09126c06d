// The provider's side of service levels: their cases are opened once a contract is confirmed, counted once drawn, and ended with the contract.

import type { Thread } from '@haggle/negotiate'
import type { Store, Write } from '@haggle/store'
import type { Case } from '@haggle/witness'
import { type Clock, errorCode, fromHex, toHex } from '@haggle/wire'
import type { CourtAccess } from './court_access.ts'
import { type Level, levelOf } from './level_of.ts'

/** Seconds from an opening to its first slot: two slots, within these. The committee should be drawn by then; slots before that are watched by nobody. */
const LEAD_S = { least: 10, most: 120 } as const
/** Between two tries to open or end a case. Ms. */
const RETRY_MS = { least: 1_000, most: 30_000 } as const
/** What is said when a chain, or the renter whose secret is needed, can't be asked now; anything else is an answer. */
const AWAY = /^E_(CHAIN|RPC|SENDER|DIAL|PROTOCOL_UNSUPPORTED|WATCH)/

/** What {@link SoldLevels} needs. */
export interface SoldLevelsInit {
  readonly court: CourtAccess
  readonly clock: Clock
  /** A sub-store of its own: cases whose contracts are over and that are not closed yet. */
  readonly store: Store
  /** This node's key, 32 bytes. */
  readonly self: Uint8Array
}

/** How a contract with a case ended. `lost`: because this node failed, which then does not say that it serves. */
type Over = 'kept' | 'lost'

const OVER: Readonly<Record<Over, Uint8Array>> = { kept: Uint8Array.of(0), lost: Uint8Array.of(1) }

interface Sold {
  readonly level: Level
  readonly thread: Thread
  state: 'opening' | 'open' | 'failed'
  /** The case was drawn when the last METER was made. */
  seen: boolean
}

/** See the file's first line. */
export class SoldLevels {
  readonly #init: SoldLevelsInit
  readonly #sold = new Map<string, Sold>()
  readonly #byThread = new Map<string, Sold>()
  /** Cases, by id, whose contracts are over. */
  readonly #over = new Map<string, Over>()
  readonly #waits = new Set<() => void>()
  #stopped = false

  constructor(init: SoldLevelsInit) {
    this.#init = init
  }

  /** Goes on with what an earlier process had to end. */
  async start(): Promise<void> {
    for await (const [id, [lost]] of this.#init.store.range()) {
      this.#over.set(id, lost === 1 ? 'lost' : 'kept')
      void this.#close(fromHex(id))
    }
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
    const sold: Sold = { level, thread, state: 'opening', seen: false }
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
    return this.#over.get(toHex(id)) !== 'lost'
  }

  stop(): void {
    this.#stopped = true
    for (const wake of this.#waits) wake()
  }

  /** The first slot begins a little later, so that its witnesses are drawn by then. */
  async #open(sold: Sold): Promise<void> {
    const { clock, court } = this.#init
    const { sla, id, contract, renterKey, providerKey } = sold.level
    const { rule, slotS, slots, pricePerSlot, factor, lock, renter } = sla
    while (!this.#stopped && sold.state === 'opening') {
      try {
        const account = await court.opened()
        if ((await account.court.caseOf(id)) === null) {
          const commits = await this.#commits(id, renterKey)
          const nowS = Math.max(Math.floor(clock.now() / 1_000), await account.court.nowS())
          const startsAtS = nowS + Math.min(LEAD_S.most, Math.max(LEAD_S.least, 2 * slotS))
          const level = { rule, slotS, slots, pricePerSlot, factor, lock, renter, terms: contract, renterKey, providerKey, startsAtS }
          await account.court.openSla({ ...level, ...commits })
        }
        await court.watch?.refresh(id)
        sold.state = 'open'
        court.trouble(null)
      } catch (error) {
        court.trouble(error)
        // The court's no is final: the job goes on without a service level, which is then not owed.
        if (!AWAY.test(errorCode(error)) || isOver(sold)) sold.state = 'failed'
        else await this.#pause(RETRY_MS.most)
      }
    }
  }

  /** What both parties commit to, where the court draws with their secrets. */
  async #commits(id: Uint8Array, renterKey: Uint8Array): Promise<Pick<Case, 'renterCommit' | 'providerCommit'>> {
    return (await this.#init.court.watch?.commits(id, renterKey)) ?? { renterCommit: null, providerCommit: null }
  }

  /** The contract is over, and so its case should be. */
  async #end({ thread, level }: Sold): Promise<void> {
    if (this.#over.has(toHex(level.id))) return
    const { outcome, exit } = thread.view()
    const over = (outcome.kind === 'failed' && outcome.by === 'provider') || exit?.kind === 'lost' ? 'lost' : 'kept'
    this.#over.set(toHex(level.id), over)
    await this.#note({ key: toHex(level.id), value: OVER[over] })
    await this.#close(level.id)
  }

  /** Asks the renter to agree that a case is over. Until it does, or the case ends by itself, heartbeats go on. */
  async #close(id: Uint8Array): Promise<void> {
    const { clock, court } = this.#init
    const sold = this.#sold.get(toHex(id))
    while (!this.#stopped && sold?.state !== 'failed') {
      const slotMs = (court.caseOf(id)?.slotS ?? sold?.level.sla.slotS ?? 1) * 1_000
      await this.#pause(Math.min(RETRY_MS.most, Math.max(RETRY_MS.least, slotMs / 2)))
      const one = court.caseOf(id)
      if (one === undefined && sold?.state !== 'opening' && (await this.#isGone(id))) break
      if (one?.state !== 'drawn') continue
      const slots = Math.max(1, Math.floor((clock.now() / 1_000 - one.startsAtS) / one.slotS) + 1)
      if (slots >= one.slots) break
      try {
        if (await court.watch?.end(id, slots)) break
      } catch {
        // The renter is away, or its chain is: it is asked again.
      }
    }
    // Whoever comes back to this home has nothing left to do about it, and may not say either that it serves.
    if (!this.#stopped) await this.#note({ key: toHex(id), value: null })
  }

  /** Whether the court has closed a case, or never had it. A chain that can't be asked says nothing. */
  async #isGone(id: Uint8Array): Promise<boolean> {
    const { court } = this.#init
    try {
      const one = await (await court.opened()).court.caseOf(id)
      return one === null || one.state === 'closed'
    } catch (error) {
      court.trouble(error)
      return false
    }
  }

  /** Keeps what the next process has to know. A disk that refuses is told, and the contract's end is not held up. */
  async #note(write: Write): Promise<void> {
    await this.#init.store.write([write]).catch((error: unknown) => this.#init.court.trouble(error))
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
