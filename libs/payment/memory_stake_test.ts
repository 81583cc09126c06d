import { expect, it } from 'vitest'
import { virtualClock } from '@haggle/wire/testing'
import { memoryVault, testStakeBook } from './testing.ts'

const account = (fill: number): Uint8Array => new Uint8Array(20).fill(fill)

testStakeBook('memoryVault()', {
  it,
  equal: (actual, expected) => expect(actual).toEqual(expected),
  make: async () => {
    const clock = virtualClock()
    const vault = memoryVault({ clock })
    const [mine, other] = [1, 2].map((fill) => vault.book(account(fill), { funds: 1_000_000n }))
    if (mine === undefined || other === undefined) throw new Error('two accounts were asked for')
    return { mine, other, passS: async (seconds) => clock.advance(seconds * 1000) }
  },
})

it('requestUnbond() leaves what is locked, and nothing works while the chain is down', async () => {
  const vault = memoryVault({ clock: virtualClock() })
  const book = vault.book(account(1), { funds: 100n })
  await book.stake(100n)
  vault.lock(account(1), 70n)
  await expect(book.requestUnbond(31n)).rejects.toMatchObject({ code: 'E_STAKE' })
  await book.requestUnbond(30n)
  vault.down = true
  await expect(book.stakeOf()).rejects.toMatchObject({ code: 'E_CHAIN_UNREACHABLE' })
  await expect(book.stake(1n)).rejects.toMatchObject({ code: 'E_CHAIN_UNREACHABLE' })
})
