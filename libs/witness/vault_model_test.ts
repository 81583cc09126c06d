import { describe, expect, it } from 'vitest'
import { isRefusal } from './refusal.ts'
import { VaultModel } from './vault_model.ts'

const account = (n: number): Uint8Array => new Uint8Array(20).fill(n)
const lockId = (n: number): Uint8Array => new Uint8Array(32).fill(n)

describe('VaultModel', () => {
  it('lock() refuses when locks would pass the stake', () => {
    const vault = new VaultModel()
    vault.stake(account(1), 100n)
    vault.lock(account(1), lockId(1), 60n)
    expect(() => vault.lock(account(1), lockId(2), 41n)).toThrow(expect.objectContaining({ details: { reason: 'StakeTooSmall' } }))
    vault.unlock(account(1), lockId(1))
    vault.lock(account(1), lockId(2), 100n)
    expect(vault.lockedOf(account(1))).toBe(100n)
  })

  it('slash() takes from its own lock only, gives the victim its part first and burns the rest', () => {
    const vault = new VaultModel()
    vault.stake(account(1), 100n)
    vault.lock(account(1), lockId(1), 30n)
    vault.lock(account(1), lockId(2), 50n)
    expect(vault.slash(account(1), lockId(1), 40n, { account: account(2), most: 10n })).toBe(30n)
    expect([vault.stakedOf(account(1)), vault.lockOf(account(1), lockId(1)), vault.lockOf(account(1), lockId(2))]).toEqual([70n, 0n, 50n])
    expect([vault.creditOf(account(2)), vault.burned]).toEqual([10n, 20n])
  })
})

describe('isRefusal', () => {
  it('isRefusal() knows the names of the contract and no other', () => {
    expect(isRefusal('SlotClaimed')).toBe(true)
    expect(isRefusal('toString')).toBe(false)
  })
})
