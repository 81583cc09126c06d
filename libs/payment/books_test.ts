// Both books of one channel, over any interleaving of parallel jobs: what is promised, needed and claimed, and what a restart finds.

import { aheadOf } from '@haggle/contract'
import { freeRate } from '@haggle/offer'
import { memoryStore } from '@haggle/store'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { BookStore } from './_book_store.ts'
import {
  claimableOf,
  claimedAll,
  endPayee,
  type PayeeBook,
  payeeBook,
  type Received,
  receive,
  requiredOf,
  unclaimedOf,
} from './payee_book.ts'
import { endPayer, neededOf, type PayerBook, payerBook, promise, promisedOf } from './payer_book.ts'

const TERMS = { meters: freeRate(3_600_000n).meters, cap: 40_000n, tickMs: 5_000 }
const TICK = 5_000n
const CHANNEL = new Uint8Array(32).fill(1)
const THREADS = ['aa', 'bb', 'cc', 'dd']

/** One step of a world: for which thread, what, and how much of a tick it is about. */
const step = fc.record({
  thread: fc.constantFrom(...THREADS),
  does: fc.constantFrom('pay', 'pay', 'pay', 'deliver', 'deliver', 'deliver', 'finish', 'hear', 'leave', 'stop', 'claim'),
  part: fc.bigInt({ min: 0n, max: 3_750n }),
})
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

/** A payer and a payee with a channel between them, and vouchers of each thread on their way. */
class World {
  payer: PayerBook
  payee: PayeeBook = payeeBook({ id: CHANNEL, claimed: 0n })
  claimed = 0n
  highest = 0n
  readonly refused: string[] = []
  readonly owed = new Map<string, bigint>()
  readonly way = new Map<string, Received[]>(THREADS.map((thread) => [thread, []]))
  /** Receipts that the payee has signed and the payer has not heard of. */
  readonly receipts = new Map<string, bigint>()
  /** How many contracts each thread has had: a new one begins when both have ended the old one. */
  readonly lives = new Map<string, number>()

  constructor(deposit: bigint) {
    this.payer = payerBook({ id: CHANNEL, payee: new Uint8Array(20), deposit })
  }

  do({ thread, does, part }: Step): void {
    const key = this.key(thread)
    const entry = this.payee.entries.get(key)
    const way = this.way.get(thread) ?? []
    switch (does) {
      case 'pay':
        return this.#pay(thread, key, part)
      case 'deliver': {
        const voucher = way.shift()
        if (voucher === undefined || this.payee.entries.get(voucher.thread)?.state === 'ended') return
        const result = receive(this.payee, voucher)
        if ('why' in result) this.refused.push(result.why)
        else this.payee = result.book
        return
      }
      case 'finish': {
        // RESULT, RECEIPT, RECEIPT: the payee is the first who has both.
        if (entry?.state !== 'open' || way.length > 0 || this.payer.entries.get(key)?.state !== 'open') return
        const owed = entry.due + (part < entry.promise - entry.due ? part : entry.promise - entry.due)
        this.payee = endPayee(this.payee, key, { owed, claimed: owed, agreed: true, evidence: CHANNEL })
        this.receipts.set(thread, owed)
        return
      }
      case 'hear': {
        const owed = this.receipts.get(thread)
        if (owed === undefined) return
        this.payer = endPayer(this.payer, key, { owed, agreed: true })
        this.#next(thread)
        return
      }
      case 'leave':
        if (this.receipts.has(thread) || !this.payer.entries.has(key)) return
        this.payer = endPayer(this.payer, key, { owed: this.owed.get(key) ?? 0n, agreed: false })
        if (this.payee.entries.get(key)?.state === 'ended') this.#next(thread)
        return
      case 'stop': {
        if (entry?.state !== 'open') return
        const claimed = entry.due + part
        this.payee = endPayee(this.payee, key, { owed: entry.due, claimed, agreed: false, evidence: CHANNEL })
        if (this.payer.entries.get(key)?.state === 'ended') this.#next(thread)
        return
      }
      case 'claim': {
        const amount = claimableOf(this.payee)
        if (amount <= this.claimed) return
        this.claimed = amount
        this.payee = claimedAll(this.payee, this.payee)
      }
    }
  }

  key(thread: string): string {
    return `${thread}${this.lives.get(thread) ?? 0}`
  }

  #pay(thread: string, key: string, part: bigint): void {
    const before = this.payer.entries.get(key)
    if (before !== undefined && before.state !== 'open') return
    if (this.receipts.has(thread) || this.payee.entries.get(key)?.state === 'ended') return
    const at = before === undefined ? 0n : before.owed + part
    const owed = at > TERMS.cap ? TERMS.cap : at
    try {
      this.payer = promise(this.payer, { thread: key, owed, ahead: aheadOf(TERMS, owed), cap: TERMS.cap })
    } catch {
      // The deposit does not hold it: nothing is signed.
      return
    }
    this.owed.set(key, owed)
    this.highest = this.highest > promisedOf(this.payer) ? this.highest : promisedOf(this.payer)
    const voucher = { channel: CHANNEL, cumulative: this.payer.signed, sig: new Uint8Array(65) }
    const contract = new Uint8Array(32).fill(thread.charCodeAt(0) + (this.lives.get(thread) ?? 0))
    const renter = new Uint8Array(32)
    this.way
      .get(thread)
      ?.push({ thread: key, contract, renter, voucher, owed, ahead: aheadOf(TERMS, owed), cap: TERMS.cap, evidence: contract })
  }

  #next(thread: string): void {
    this.receipts.delete(thread)
    this.way.set(thread, [])
    this.lives.set(thread, (this.lives.get(thread) ?? 0) + 1)
  }
}

const run = (deposit: bigint, steps: readonly Step[], check: (world: World) => void): World => {
  const world = new World(deposit)
  for (const one of steps) {
    world.do(one)
    check(world)
  }
  return world
}
const deposits = fc.constantFrom(4_000n, 22_000n, 1_000_000n)
const steps = fc.array(step, { maxLength: 120, size: 'max' })

it('promise() never promises more than the deposit, never less than before, and never more than it needs', () => {
  fc.assert(
    fc.property(deposits, steps, (deposit, all) => {
      let last = 0n
      run(deposit, all, ({ payer, highest }) => {
        expect(payer.signed <= deposit && payer.signed >= last).toBe(true)
        expect(payer.signed).toBe(highest)
        last = payer.signed
      })
    }),
  )
})

it('promise() is ahead of what was acknowledged by a tick for each contract at most', () => {
  fc.assert(
    fc.property(deposits, steps, (deposit, all) => {
      run(deposit, all, ({ payer }) => {
        for (const { promise: promised, owed } of payer.entries.values()) expect(promised - owed <= TICK).toBe(true)
      })
    }),
  )
})

it('receive() takes every voucher of an honest payer, in any interleaving, and the payee is never behind', () => {
  fc.assert(
    fc.property(deposits, steps, (deposit, all) => {
      run(deposit, all, ({ payee, refused }) => {
        expect(refused).toEqual([])
        const open = [...payee.entries.values()]
        if (open.length > 0) expect((payee.best?.cumulative ?? 0n) >= requiredOf(payee)).toBe(true)
      })
    }),
  )
})

it('claimableOf() is never above what the payer counts as promised, nor below what was claimed', () => {
  fc.assert(
    fc.property(deposits, steps, (deposit, all) => {
      run(deposit, all, ({ payee, payer, claimed }) => {
        expect(claimableOf(payee) <= promisedOf(payer) && claimableOf(payee) >= claimed).toBe(true)
      })
    }),
  )
})

it('both books come to the same sum when every contract has ended with both signatures', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (all) => {
      const quiet = all.filter(({ does }) => does !== 'leave' && does !== 'stop')
      const world = run(1_000_000n, quiet, () => undefined)
      for (const thread of THREADS) {
        for (let left = world.way.get(thread)?.length ?? 0; left > 0; left--) world.do({ thread, does: 'deliver', part: 0n })
        world.do({ thread, does: 'finish', part: 100n })
        world.do({ thread, does: 'hear', part: 0n })
      }
      expect(promisedOf(world.payer)).toBe(world.payer.settled)
      expect(claimableOf(world.payee)).toBe(world.payer.settled)
      expect(neededOf(world.payer)).toBe(world.payer.settled)
    }),
  )
})

it('claimedAll() leaves what became due while the claim was on its way', () => {
  const world = new World(1_000_000n)
  world.do({ thread: 'aa', does: 'pay', part: 0n })
  world.do({ thread: 'aa', does: 'deliver', part: 0n })
  const pay = (): void => {
    world.do({ thread: 'aa', does: 'pay', part: 1_000n })
    world.do({ thread: 'aa', does: 'deliver', part: 0n })
  }
  pay()
  const then = world.payee
  pay()
  const after = claimedAll(world.payee, then)
  expect(unclaimedOf(after)).toMatchObject([{ due: 2_000n, claimed: 1_000n }])
})

it('BookStore gives back after a restart exactly what was written, at any point', async () => {
  await fc.assert(
    fc.asyncProperty(deposits, fc.array(step, { maxLength: 40, size: 'max' }), async (deposit, all) => {
      const store = new BookStore(memoryStore())
      const world = new World(deposit)
      let [payer, payee]: [PayerBook | undefined, PayeeBook | undefined] = [undefined, undefined]
      for (const one of all) {
        world.do(one)
        await store.putPayer(world.payer, payer)
        await store.putPayee(world.payee, payee)
        ;[payer, payee] = [world.payer, world.payee]
      }
      if (payer === undefined || payee === undefined) return
      const { deposit: _, ...kept } = payer
      expect(await store.payers()).toEqual([kept])
      expect(await store.payees()).toEqual([payee])
    }),
    { numRuns: 30 },
  )
})
