import { afterAll, beforeAll, expect, it } from 'vitest'
import { testChannels } from '@haggle/payment/testing'
import { NO_ANVIL, startTestChain, type TestChain, onAnvil } from './_test_chain.ts'

let test: TestChain
beforeAll(async () => {
  test = await startTestChain()
})
afterAll(async () => await test?.stop())

testChannels(onAnvil('evmChannels()'), {
  it: NO_ANVIL ? it.skip : it,
  equal: (actual, expected) => expect(actual).toEqual(expected),
  make: async () => {
    const [payer, payee, other] = await Promise.all([1, 2, 3].map(async (n) => await test.channels(await test.account(n))))
    if (!payer || !payee || !other) throw new Error('three accounts were asked for')
    return { payer, payee, other, passS: (seconds) => test.anvil.elapse(seconds), stop: () => test.reset() }
  },
})
