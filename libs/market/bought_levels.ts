// The renter's side of service levels: what was bought is compared with what was opened before it is paid, and a case ends with its contract.

import type { Thread } from '@haggle/negotiate'
import type { Store } from '@haggle/store'
import { type Case, isAsBought } from '@haggle/witness'
import { type Clock, equalBytes, HaggleError, toHex, utf8 } from '@haggle/wire'
import type { CourtAccess } from './court_access.ts'
import { type Level, levelOf } from './level_of.ts'

/** How long a case that METER counts may be missing here: a node that this one asks may be some blocks behind. Ms. */
const PATIENCE_MS = 3_000
/** Between two looks. Ms. */
const LOOK_MS = 250

/** What {@link BoughtLevels} needs. */
export interface BoughtLevelsInit {
  readonly court: CourtAccess
  readonly clock: Clock
  /** A sub-store of its own: when contracts ended. */
  readonly store: Store
  /** This node's key, 32 bytes. */
  readonly self: Uint8Array
}

/** See the file's first line. */
export class BoughtLevels {
  readonly #init: BoughtLevelsInit
  /** Unix ms at which the contract of a case was over; null: it is not. */
  readonly #ended = new Map<string, number | null>()
  readonly #stands = new Set<string>()

  constructor(init: BoughtLevelsInit) {
    this.#init = init
  }

  /** Reads what an earlier process knew. */
  async start(): Promise<void> {
    for await (const [id, at] of this.#init.store.range()) this.#ended.set(id, Number(new TextDecoder().decode(at)))
  }

  /** This node's account at its court, which is `rail`'s. @throws HaggleError `E_SLA_NONE`, and what the chain throws while it can't be asked. */
  async account(rail: string): Promise<Uint8Array> {
    const { court, rail: own } = await this.#init.court.opened()
    if (own !== rail)
      throw new HaggleError('E_SLA_NONE', `No service level can be bought on "${rail}": this node's court is that of ${own}`, {
        next: 'name that rail with --rail',
      })
    return court.account
  }

  /** Whether an offer's court is this node's: another one could say anything. */
  knows(court: Uint8Array): boolean {
    const own = this.#init.court.account?.court.parameters.court
    return own !== undefined && equalBytes(own, court)
  }

  /** A contract is confirmed, or taken up again: its case may end when it is over. */
  take(thread: Thread): void {
    const level = levelOf(thread, this.#init.self)
    if (level === null || this.#ended.has(toHex(level.id))) return
    const key = toHex(level.id)
    this.#ended.set(key, null)
    void thread.ended.then(async () => {
      const atMs = this.#init.clock.now()
      this.#ended.set(key, atMs)
      await this.#init.store.write([{ key, value: utf8(String(atMs)) }]).catch((error: unknown) => this.#init.court.trouble(error))
    })
  }

  /** Whether a case may end after so many slots: all of them up to the end of its contract. */
  agrees(id: Uint8Array, slots: number): boolean {
    const endedAtMs = this.#ended.get(toHex(id)) ?? null
    const one = this.#init.court.caseOf(id)
    return endedAtMs !== null && one !== undefined && (one.startsAtS + slots * one.slotS) * 1_000 >= endedAtMs
  }

  /** Whether the case that a provider counts is there, as it was bought. A chain that can't be asked accuses nobody. */
  async stands(thread: Thread): Promise<boolean> {
    const level = levelOf(thread, this.#init.self)
    if (level === null) return false
    const key = toHex(level.id)
    if (this.#stands.has(key)) return true
    const { clock, court } = this.#init
    // What the watch has seen needs no question to the chain: a voucher waits for this answer.
    const seen = court.caseOf(level.id)
    if (seen !== undefined && (await this.#isAsBought(seen, level))) {
      this.#stands.add(key)
      return true
    }
    const untilMs = clock.monotonicMs() + PATIENCE_MS
    for (;;) {
      const found = await this.#look(level)
      if (found === 'as bought') this.#stands.add(key)
      if (found !== 'missing' || clock.monotonicMs() >= untilMs) return found !== 'missing'
      await new Promise<void>((resolve) => void clock.after(LOOK_MS, resolve))
    }
  }

  async #isAsBought(one: Case, level: Level): Promise<boolean> {
    const renterCommit = (await this.#init.court.watch?.commit(level.id)) ?? null
    return isAsBought(one, { ...level, renterCommit }, Math.floor(this.#init.clock.now() / 1_000))
  }

  async #look(level: Level): Promise<'as bought' | 'missing' | 'unknown'> {
    try {
      const { court } = await this.#init.court.opened()
      const one = await court.caseOf(level.id)
      return one !== null && (await this.#isAsBought(one, level)) ? 'as bought' : 'missing'
    } catch (error) {
      this.#init.court.trouble(error)
      return 'unknown'
    }
  }
}
