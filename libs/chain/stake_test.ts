import { testStakeBook } from '@haggle/payment/testing'
import { memoryStore } from '@haggle/store'
import { systemClock } from '@haggle/wire'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { evmStake } from './stake.ts'
import { NO_ANVIL, startTestChain, type TestChain, onAnvil } from './_test_chain.ts'

let test: TestChain
beforeAll(async () => {
  test = await startTestChain()
})
afterAll(async () => await test?.stop())

testStakeBook(onAnvil('evmStake()'), {
  it: NO_ANVIL ? it.skip : it,
  equal: (actual, expected) => expect(actual).toEqual(expected),
  make: async () => {
    const [mine, other] = await Promise.all([1, 2].map(async (n) => await test.stake(await test.account(n))))
    if (!mine || !other) throw new Error('two accounts were asked for')
    return { mine, other, passS: (seconds) => test.anvil.elapse(seconds), stop: () => test.reset() }
  },
})

it.skipIf(NO_ANVIL)(
  onAnvil('evmStake() opens from its store when the chain is down, and throws E_CHAIN_TOKEN where there is no vault'),
  async () => {
    const { sender } = await test.account(1)
    const store = memoryStore()
    const init = { sender, store, clock: systemClock(), contract: test.deployment.vault }
    const { unbondingS } = await evmStake({ ...init, chain: test.chain() })
    const down = test.chain({ url: 'http://127.0.0.1:1' })
    const book = await evmStake({ ...init, chain: down })
    expect(book.unbondingS).toBe(unbondingS)
    await expect(book.stakeOf()).rejects.toMatchObject({ code: 'E_CHAIN_UNREACHABLE' })
    await expect(evmStake({ ...init, chain: test.chain(), contract: sender.address })).rejects.toMatchObject({ code: 'E_CHAIN_TOKEN' })
  },
)
