import { expect, it } from 'vitest'
import type { Case } from './court.ts'
import { type Bought, caseOfContract, isAsBought, MAX_LEAD_S } from './opened.ts'
import { caseId } from './statement.ts'

const address = (byte: number): Uint8Array => new Uint8Array(20).fill(byte)
const key = (byte: number): Uint8Array => new Uint8Array(32).fill(byte)
const level = { rule: 2, slotS: 60, slots: 10, pricePerSlot: 5n, factor: 10, lock: 500n, renter: address(2) } as const
const bought: Bought = {
  sla: { ...level, chain: 31_337, court: address(1), fee: 9n, provider: address(3) },
  contract: key(4),
  renterKey: key(5),
  providerKey: key(6),
  renterCommit: null,
}
const opened: Case = {
  ...level,
  terms: key(4),
  renterKey: key(5),
  providerKey: key(6),
  startsAtS: 1_000,
  renterCommit: null,
  providerCommit: null,
  id: caseOfContract(bought),
  state: 'drawn',
  provider: address(3),
  lockLeft: 500n,
  drawBlock: 7,
  committee: [],
  openClaims: 0,
}

it('caseOfContract() is the id that the court gives the case', () => {
  expect(caseOfContract(bought)).toEqual(caseId(bought.sla, { provider: address(3), renter: address(2), terms: key(4) }))
})

it('isAsBought() is true for the case of the terms, drawn or closed', () => {
  expect(isAsBought(opened, bought, 1_000)).toBe(true)
  expect(isAsBought({ ...opened, state: 'closed' }, bought, 1_000)).toBe(true)
})

it.each([
  { state: 'opened' },
  { renter: address(9) },
  { provider: address(9) },
  { terms: key(9) },
  { renterKey: key(9) },
  { providerKey: key(9) },
  { rule: 1 },
  { slotS: 61 },
  { slots: 9 },
  { pricePerSlot: 4n },
  { factor: 9 },
  { lock: 499n },
  { startsAtS: 1_001 + MAX_LEAD_S },
  { renterCommit: key(7) },
] as const)('isAsBought() is false for a case with %o', (change) => {
  expect(isAsBought({ ...opened, ...change }, bought, 1_000)).toBe(false)
})

it('isAsBought() is false where the provider committed in the name of its renter', () => {
  const drawn = { ...opened, renterCommit: key(7), providerCommit: key(8) }
  expect(isAsBought(drawn, { ...bought, renterCommit: key(7) }, 1_000)).toBe(true)
  expect(isAsBought(drawn, { ...bought, renterCommit: key(9) }, 1_000)).toBe(false)
  expect(isAsBought(opened, { ...bought, renterCommit: key(7) }, 1_000)).toBe(false)
})
