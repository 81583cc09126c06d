// A node as witness of one case: judges heartbeats, looks from its own side, decides slots, signs one bitmap a window and hands it over.

import { equalBytes } from '@haggle/wire'
import {
  bitmapAtMs,
  bitmapDigest,
  bitmapOf,
  type Case,
  decidesAtMs,
  decideSlot,
  graceMs,
  hear,
  heartbeatDigest,
  receiptDigest,
  signedBy,
  slotBit,
  slotStartMs,
  newWatch,
  RULES,
  type Watch,
  windowOf,
  windowsOf,
} from '@haggle/witness'
import { refusedFor, type WatchAnswer, type WatchQuestions } from './protocol.ts'
import type { Role, RoleParts } from './_role.ts'

/** Slots whose probes are remembered: those that are not decided yet, and no flood of others. */
const MAX_AHEAD = 4

/** See the file's comment. */
export class Witnessing implements Role {
  readonly #parts: RoleParts
  readonly #one: Case
  readonly #index: number
  #watch: Watch
  readonly #probed = new Set<number>()
  readonly #heard = new Map<number, number>()
  readonly #blind = new Set<number>()
  readonly #handed = new Map<number, Set<'provider' | 'renter'>>()
  #handedAtMs = 0

  /** `index`: this node's place in the committee. */
  constructor(parts: RoleParts, one: Case, index: number) {
    this.#parts = parts
    this.#one = one
    this.#index = index
    this.#watch = newWatch({ schedule: one, quorum: RULES[one.rule].q, nowMs: parts.clock.now() })
  }

  step(): void {
    const now = this.#parts.clock.now()
    for (let slot = this.#watch.decided; slot < this.#one.slots && now >= slotStartMs(this.#one, slot + 1); slot++) {
      if (!this.#probed.has(slot)) {
        this.#probed.add(slot)
        if (this.#misses(slot) && slot >= this.#watch.since) this.#parts.run(this.#probe(slot))
      }
      if (slot !== this.#watch.decided || now < decidesAtMs(this.#one, slot)) continue
      this.#watch = decideSlot(this.#watch, slot, { nowMs: now, heardOthers: this.#heard.get(slot) ?? 0, blind: this.#blind.has(slot) })
      for (const memory of [this.#probed, this.#heard, this.#blind]) memory.delete(slot)
    }
    if (now >= this.#handedAtMs) {
      this.#handedAtMs = now + this.#one.slotS * 1_000
      for (let window = 0; window < windowsOf(this.#one) && now >= bitmapAtMs(this.#one, window); window++)
        this.#parts.run(this.#hand(window))
    }
  }

  /** Judges a heartbeat that somebody brought. */
  async beat({ slot, block, blockHash, sig }: WatchQuestions['beat']): Promise<WatchAnswer> {
    const { court, clock, signer } = this.#parts
    const { id, provider } = this.#one
    if (slot > this.#watch.decided + MAX_AHEAD) return refusedFor('early')
    if (!signedBy(provider, heartbeatDigest(court.parameters, { id, slot, block, blockHash }), sig)) return refusedFor('unknown')
    const blockAtS = await court.blockTime(block, blockHash).catch(() => null)
    const { watch, verdict } = hear(this.#watch, { slot, blockAtS, nowMs: clock.now() })
    this.#watch = watch
    if (verdict === 'blind') this.#blind.add(slot)
    if (verdict !== 'up') return refusedFor(verdict)
    return { name: 'receipt', body: { sig: await signer.sign(receiptDigest(court.parameters, { id, slot })) } }
  }

  /** The bitmap of a window, the same bytes to everybody; refused before it is due. */
  async bitmap(window: number): Promise<WatchAnswer> {
    const own = await this.#own(window)
    return own ? { name: 'bitmap', body: own } : refusedFor('none')
  }

  #misses(slot: number): boolean {
    return ((this.#watch.up.get(windowOf(slot)) ?? 0n) & slotBit(slot)) === 0n
  }

  /** From this side: is the provider there after all, and are the others? */
  async #probe(slot: number): Promise<void> {
    const { id, providerKey, committee } = this.#one
    const within = graceMs(this.#one) * 0.8
    const others = committee.filter((_, index) => index !== this.#index)
    const asked = others.map(async ({ peerKey }) => {
      const answer = await this.#parts.ask(peerKey, { name: 'here', body: { id } }, within)
      if (answer.name === 'yes') this.#heard.set(slot, (this.#heard.get(slot) ?? 0) + 1)
    })
    const provider = (async () => {
      const answer = await this.#parts.ask(providerKey, { name: 'alive', body: { id, slot } }, within)
      if (answer.name === 'beat') await this.beat({ id, slot, ...answer.body })
    })()
    await Promise.allSettled([...asked, provider])
  }

  async #own(window: number): Promise<{ readonly down: bigint; readonly sig: Uint8Array } | null> {
    const { evidence, signer, court } = this.#parts
    const { id } = this.#one
    return await evidence.ownBitmap(id, window, async () => {
      const down = window < windowsOf(this.#one) ? bitmapOf(this.#watch, window) : null
      return down === null ? null : { down, sig: await signer.sign(bitmapDigest(court.parameters, { id, window, down })) }
    })
  }

  /** Gives the bitmap to both parties, each until it has it. */
  async #hand(window: number): Promise<void> {
    const own = await this.#own(window)
    const done = this.#handed.get(window) ?? new Set()
    this.#handed.set(window, done)
    if (own === null || done.size === 2) return
    const { id, providerKey, renterKey, slotS } = this.#one
    const give = async (party: 'provider' | 'renter', key: Uint8Array): Promise<void> => {
      if (done.has(party)) return
      const answer = await this.#parts.ask(key, { name: 'said', body: { id, window, ...own } }, slotS * 1_000)
      if (answer.name === 'yes') done.add(party)
    }
    const same = equalBytes(providerKey, renterKey)
    await Promise.allSettled([give('provider', providerKey), same ? undefined : give('renter', renterKey)])
  }
}
