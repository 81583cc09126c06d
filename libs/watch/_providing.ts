// A node as provider of one case: beats in every slot, collects up-receipts live, refutes what is claimed against them.

import {
  type Case,
  type Claim,
  heartbeatDigest,
  type Heartbeat,
  planRefutations,
  receiptDigest,
  RULES,
  type Signed,
  signedBy,
  slotAt,
} from '@haggle/witness'
import { refusedFor, type WatchAnswer } from './protocol.ts'
import { attemptMs, type Role, type RoleParts } from './_role.ts'

/** Slots before the current one whose heartbeat is kept: the grace is at most half a slot. */
const KEPT_SLOTS = 2

/** See the file's comment. */
export class Providing implements Role {
  readonly #parts: RoleParts
  readonly #one: Case
  readonly #serving: () => boolean
  /** By slot: the one being beaten for, and those before it that a witness may still ask for. */
  readonly #beats = new Map<number, Promise<Signed<Heartbeat>>>()
  #slot = -1
  readonly #held = new Set<number>()
  #triedAtMs = 0

  /** `serving`: is the job really served now? A heartbeat says so. */
  constructor(parts: RoleParts, one: Case, serving: () => boolean) {
    this.#parts = parts
    this.#one = one
    this.#serving = serving
  }

  step(): void {
    const now = this.#parts.clock.now()
    const slot = slotAt(this.#one, now)
    if (slot === null || !this.#serving()) return
    if (slot !== this.#slot) {
      this.#slot = slot
      for (const old of this.#beats.keys()) if (old < slot - KEPT_SLOTS) this.#beats.delete(old)
      this.#held.clear()
      this.#triedAtMs = 0
    }
    if (now < this.#triedAtMs || this.#held.size === this.#one.committee.length) return
    this.#triedAtMs = now + attemptMs(this.#one)
    for (const index of this.#one.committee.keys()) if (!this.#held.has(index)) this.#parts.run(this.#tell(slot, index))
  }

  /** The heartbeat of a slot, for a witness that missed it: only what was signed when it was due. */
  async alive(slot: number): Promise<WatchAnswer> {
    const beat = this.#beats.get(slot)
    if (beat === undefined || !this.#serving()) return refusedFor('none')
    const { block, blockHash, sig } = await beat
    return { name: 'beat', body: { block, blockHash, sig } }
  }

  /** Refutes what can be refuted of a claim. Returns how many slots. */
  async refute(claim: Claim): Promise<number> {
    const { court, evidence, signal } = this.#parts
    const rule = RULES[this.#one.rule]
    const left = { window: claim.window, mask: claim.mask & ~claim.refuted }
    const held = new Map<number, Awaited<ReturnType<typeof evidence.receipts>>>()
    for (let slot = claim.window * 60; slot < (claim.window + 1) * 60; slot++) held.set(slot, await evidence.receipts(this.#one.id, slot))
    const plans = planRefutations(rule, left, (slot) => (held.get(slot) ?? []).map(({ index }) => index))
    if (plans.length === 0) return 0
    const refutations = plans.map(({ slot, indices }) => ({
      slot,
      receipts: (held.get(slot) ?? []).filter(({ index }) => indices.includes(index)),
    }))
    await court.refute(claim.number, refutations, { signal })
    return plans.length
  }

  async #tell(slot: number, index: number): Promise<void> {
    const { court, ask, evidence } = this.#parts
    const { id, committee, slotS } = this.#one
    const { account, peerKey } = committee[index] as Case['committee'][number]
    const beat = await this.#sign(slot)
    const answer = await ask(peerKey, { name: 'beat', body: beat }, slotS * 1_000)
    if (answer.name === 'receipt') {
      if (!signedBy(account, receiptDigest(court.parameters, { id, slot }), answer.body.sig)) return
      await evidence.keepReceipt(id, slot, { index, sig: answer.body.sig })
      if (slot === this.#slot) this.#held.add(index)
    } else if (answer.name === 'refused' && (answer.body.reason === 'stale' || answer.body.reason === 'blind') && slot === this.#slot) {
      // Another block, which more of them may know.
      this.#beats.delete(slot)
    }
  }

  /** One heartbeat a slot, as long as nobody objects to its block. */
  #sign(slot: number): Promise<Signed<Heartbeat>> {
    const { court, signer, signal } = this.#parts
    const { id } = this.#one
    const before = this.#beats.get(slot)
    if (before) return before
    const made = (async () => {
      const heartbeat = { id, slot, ...(await court.latestBlock({ signal })) }
      return { ...heartbeat, sig: await signer.sign(heartbeatDigest(court.parameters, heartbeat)) }
    })()
    this.#beats.set(slot, made)
    made.catch(() => this.#beats.delete(slot))
    return made
  }
}
