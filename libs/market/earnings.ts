// How a provider is paid: its contracts on their rails, from the funding of an ACCEPT to what a contract settled.

import type { AcceptBody, LedgerEntry, Terms, VoucherBody } from '@haggle/contract'
import type { Thread } from '@haggle/negotiate'
import type { PaymentRail, RailVerdict } from '@haggle/payment'
import type { Message } from '@haggle/wire'
import { endOf, paidOf } from './paid.ts'
import type { Rails } from './rails.ts'

const NO_RAIL: RailVerdict = { ok: false, why: 'this node does not have that rail' }
const OK: RailVerdict = { ok: true }

/** See the file's first line. */
export class Earnings {
  /** What contracts that ended in this process came to, base units by rail. */
  readonly earned: Map<string, bigint> = new Map<string, bigint>()
  /** By thread: a later end replaces an earlier one. */
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

  /** Tells the rail what METER said. */
  metered(thread: Thread): void {
    const paid = paidOf(thread)
    if (paid !== null) this.#railOf(paid.terms)?.metered(paid, thread.view().metered)
  }

  /**
   * What a contract's end means for its rail. Resolves with what was settled, base units.
   *
   * @throws what the rail's store throws.
   */
  async settle(thread: Thread, entry: LedgerEntry): Promise<bigint> {
    const paid = paidOf(thread)
    const rail = paid === null ? undefined : this.#railOf(paid.terms)
    if (entry.kind !== 'closed' || paid === null || rail === undefined) return 0n
    const { settled } = await rail.settle(paid, endOf(thread, entry.outcome))
    const before = this.#settled.get(thread.id) ?? 0n
    this.#settled.set(thread.id, settled)
    this.earned.set(rail.name, (this.earned.get(rail.name) ?? 0n) + settled - before)
    return settled
  }

  #railOf({ rail }: Pick<Terms, 'rail'>): PaymentRail | undefined {
    return this.#rails.of(rail)
  }
}
