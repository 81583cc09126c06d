// How a provider is paid: its contracts on their rails, from the funding of an ACCEPT to what a contract settled.

import { type AcceptBody, type LedgerEntry, owedFor, type Terms, type VoucherBody } from '@haggle/contract'
import type { Thread } from '@haggle/negotiate'
import type { PaymentRail, RailVerdict } from '@haggle/payment'
import type { Message } from '@haggle/wire'
import { endOf, NOTHING_OWED, paidOf, unboundEnd } from './paid.ts'
import type { Rails } from './rails.ts'

const NO_RAIL: RailVerdict = { ok: false, why: 'this node does not have that rail' }
const OK: RailVerdict = { ok: true }

/** Threads whose settled amount is remembered. Only an end that is told anew needs it, and that happens within the minutes in which receipts may be late. */
export const MAX_SETTLED = 1_024

/** See the file's first line. */
export class Earnings {
  /** What contracts that ended in this process came to, base units by rail. */
  readonly earned: Map<string, bigint> = new Map<string, bigint>()
  /** By thread, the last {@link MAX_SETTLED}: a later end replaces an earlier one. */
  readonly #settled = new Map<string, bigint>()
  readonly #rails: Rails

  constructor(rails: Rails) {
    this.#rails = rails
  }

  /** Whether an ACCEPT of `terms` pays its first tick. */
  async funded(thread: Thread, { id, body }: Message<AcceptBody>, terms: Terms): Promise<RailVerdict> {
    const paid = { thread: thread.record.thread, contract: id, terms }
    return (await this.#railOf(terms)?.checkFunding(paid, body.funding)) ?? NO_RAIL
  }

  /** Whether a VOUCHER pays what it owes. */
  async vouched(thread: Thread, { id, body }: Message<VoucherBody>): Promise<RailVerdict> {
    const paid = paidOf(thread)
    if (paid === null) return OK
    return (await this.#railOf(paid.terms)?.checkVoucher(paid, body, { evidence: id })) ?? NO_RAIL
  }

  /** An ACCEPT that was funded comes to nothing. */
  async released(thread: Thread, terms: Terms): Promise<void> {
    await this.#railOf(terms)?.settle({ thread: thread.record.thread, terms }, NOTHING_OWED)
  }

  /** Tells the rail what METER said. */
  metered(thread: Thread): void {
    const paid = paidOf(thread)
    if (paid !== null) this.#railOf(paid.terms)?.metered(paid, thread.view().metered)
  }

  /**
   * What a contract's end means for its rail; `usage` is what a job used that never bound its renter. Resolves with what was settled, base units.
   *
   * @throws what the rail's store throws.
   */
  async settle(thread: Thread, entry: LedgerEntry, usage: readonly bigint[] | null): Promise<bigint> {
    const { terms, proposed } = thread.view()
    const agreed = terms ?? proposed
    const rail = agreed === null ? undefined : this.#railOf(agreed)
    if (entry.kind === 'opened' || agreed === null || rail === undefined) return 0n
    // What ran before anybody was bound owes nothing. Where the first tick was paid ahead, what was used of it stays paid.
    const used = usage === null || !rail.paysAhead ? 0n : owedFor(agreed, usage)
    const end = entry.kind === 'closed' ? endOf(thread, entry.outcome) : used === 0n ? NOTHING_OWED : unboundEnd(thread, used)
    const { settled } = await rail.settle({ thread: thread.record.thread, terms: agreed }, end)
    const before = this.#settled.get(thread.id) ?? 0n
    this.#settled.delete(thread.id)
    this.#settled.set(thread.id, settled)
    const oldest = this.#settled.keys().next()
    if (this.#settled.size > MAX_SETTLED && oldest.done !== true) this.#settled.delete(oldest.value)
    this.earned.set(rail.name, (this.earned.get(rail.name) ?? 0n) + settled - before)
    return settled
  }

  /** Threads whose settled amount is remembered now. */
  get remembered(): number {
    return this.#settled.size
  }

  #railOf({ rail }: Pick<Terms, 'rail'>): PaymentRail | undefined {
    return this.#rails.of(rail)
  }
}
