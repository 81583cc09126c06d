// Standings kept between two looks, and dropped when something that they rest on has changed: so that matching reads no disk.

import { type Clock, errorCode, toHex } from '@haggle/wire'
import type { Facts } from './entry.ts'
import type { Ledger } from './ledger.ts'
import type { Standing } from './score_book.ts'

/** Standings kept: the last ones that were asked for. */
const MAX_KEPT = 4096

/** New entries of the ledger that are looked through for whom they are about; after more of them everything is dropped. */
const MAX_TAIL = 1024

/** A standing is worked out again after this long whatever happened: receipts age. Ms. */
const FRESH_MS = 60 * 60 * 1000

/** What {@link Standings} needs. */
export interface StandingsInit {
  /** The ledgers whose growth counts, the current one last. */
  readonly ledgers: () => readonly Pick<Ledger, 'size' | 'entries'>[]
  /** Changes when something other than a ledger did. */
  readonly version: () => string
  /** True when the words of others count: then one entry may change every score. */
  readonly othersCount: () => Promise<boolean>
  readonly clock: Clock
  /** Works out standings anew. */
  readonly compute: (keys: readonly Uint8Array[], role: Facts['role']) => Promise<Standing[]>
}

/** Standings by peer and role. */
export class Standings {
  readonly #init: StandingsInit
  readonly #kept = new Map<string, Standing>()
  #sizes: number[] | undefined
  #version = ''
  #sinceMs = -Infinity
  /** Grows whenever something was dropped: what was being worked out meanwhile may rest on the old state. */
  #epoch = 0

  constructor(init: StandingsInit) {
    this.#init = init
  }

  /** Standings in the order of `keys`. */
  async of(keys: readonly Uint8Array[], role: Facts['role']): Promise<Standing[]> {
    await this.#drop()
    const names = keys.map((key) => `${role}/${toHex(key)}`)
    const found = names.map((name) => this.#kept.get(name))
    const missing = keys.filter((_, i) => found[i] === undefined)
    if (missing.length === 0) return found as Standing[]
    const epoch = this.#epoch
    const made = await this.#init.compute(missing, role)
    for (let i = 0, next = 0; i < names.length; i++) {
      if (found[i] !== undefined) continue
      found[i] = made[next++]
      if (epoch === this.#epoch) this.#keep(names[i]!, found[i]!)
    }
    return found as Standing[]
  }

  /** Everything is worked out again. */
  clear(): void {
    this.#kept.clear()
    this.#sizes = undefined
    this.#epoch++
  }

  #keep(name: string, standing: Standing): void {
    this.#kept.set(name, standing)
    if (this.#kept.size > MAX_KEPT) this.#kept.delete(this.#kept.keys().next().value!)
  }

  async #drop(): Promise<void> {
    const { version, clock } = this.#init
    const now = clock.monotonicMs()
    if (version() !== this.#version || now - this.#sinceMs > FRESH_MS) {
      this.#version = version()
      this.#sinceMs = now
      this.clear()
    }
    const touched = await this.#touched()
    if (touched.size === 0) return
    this.#epoch++
    if (touched.has('') || (await this.#init.othersCount())) return this.#kept.clear()
    for (const key of touched) {
      this.#kept.delete(`provider/${key}`)
      this.#kept.delete(`renter/${key}`)
    }
  }

  /** Peers (hex) with entries since the last look; the empty text stands for too many to tell. */
  async #touched(): Promise<ReadonlySet<string>> {
    const ledgers = this.#init.ledgers()
    const sizes = ledgers.map(({ size }) => size)
    const before = this.#sizes
    this.#sizes = sizes
    const touched = new Set<string>()
    if (before === undefined) return touched
    for (const [log, ledger] of ledgers.entries()) {
      const [from, to] = [before[log] ?? 0, sizes[log]!]
      if (from === to) continue
      if (!(to - from <= MAX_TAIL)) return new Set([''])
      try {
        for await (const { entry } of ledger.entries({ from, to })) if (entry.peer) touched.add(toHex(entry.peer))
      } catch (error) {
        // An entry that is lost was about somebody: matching goes on with what is here.
        if (errorCode(error) !== 'E_LEDGER_LOST') throw error
        return new Set([''])
      }
    }
    return touched
  }
}
