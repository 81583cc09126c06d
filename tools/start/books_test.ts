// Books that add up have nothing wrong; one unit more or less anywhere is seen.

import { describe, expect, it } from 'vitest'
import { contradictions, net } from './books.ts'

const ID = `0x${'11'.repeat(32)}` as const
const [renter, provider] = [`0x${'aa'.repeat(20)}`, `0x${'bb'.repeat(20)}`] as const
const GAS = { open: 1, claim: 1 }

/** A channel of 1,000 of which 400 were claimed: 398 went to the payee, 2 wait to be burned. */
const BOOKS = {
  channels: [{ id: ID, payer: renter, payee: provider, deposit: 1000n, claimed: 400n, gas: GAS }],
  balances: [
    { name: 'renter', address: renter, given: 5000n, balance: 4000n },
    { name: 'provider', address: provider, given: 0n, balance: 398n },
  ],
  inChannels: 602n,
  burned: 0n,
}

describe('contradictions()', () => {
  it('finds none in books that add up', () => {
    expect(contradictions(BOOKS)).toEqual([])
  })

  it.each([
    ['a payee has more', { balances: [BOOKS.balances[0]!, { ...BOOKS.balances[1]!, balance: 399n }] }],
    ['a payer has more', { balances: [{ ...BOOKS.balances[0]!, balance: 4001n }, BOOKS.balances[1]!] }],
    ['the contract holds less', { inChannels: 601n }],
    ['more was burned', { burned: 1n }],
    ['a channel paid more than it had', { channels: [{ ...BOOKS.channels[0]!, claimed: 1001n }] }],
  ])('says so when %s', (_, change) => {
    expect(contradictions({ ...BOOKS, ...change })).not.toEqual([])
  })
})

describe('net()', () => {
  it('burns 5 of 1,000, rounded down', () => {
    expect([0n, 199n, 200n, 1000n].map(net)).toEqual([0n, 199n, 199n, 995n])
  })
})
