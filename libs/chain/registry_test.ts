import { testChainAnchor } from '@haggle/reputation/testing'
import { memoryStore } from '@haggle/store'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { checkAnchor } from './registry.ts'
import { NO_ANVIL, startTestChain, type TestAccount, type TestChain, onAnvil } from './_test_chain.ts'

let test: TestChain
beforeAll(async () => {
  test = await startTestChain()
})
afterAll(async () => await test?.stop())

const equal = (actual: unknown, expected: unknown): void => expect(actual).toEqual(expected)

testChainAnchor(onAnvil('evmRegistry()'), {
  it: NO_ANVIL ? it.skip : it,
  equal,
  make: async () => {
    const [mine, other] = await Promise.all([1, 2].map(async (n) => test.registry(await test.account(n))))
    if (!mine || !other) throw new Error('two accounts were asked for')
    return { mine, other, stop: () => test.reset() }
  },
})

testChainAnchor(onAnvil('evmRegistry() that remembers nothing'), {
  it: NO_ANVIL ? it.skip : it,
  equal,
  make: async () => {
    // Every read of the store finds nothing, so everything comes from the chain.
    const forgetful = { ...memoryStore(), get: async () => undefined }
    const [mine, other] = await Promise.all(
      [1, 2].map(async (n) => test.registry({ ...(await test.account(n)), store: { ...forgetful, sub: () => forgetful } })),
    )
    if (!mine || !other) throw new Error('two accounts were asked for')
    return { mine, other, stop: () => test.reset() }
  },
})

describe.skipIf(NO_ANVIL)(onAnvil('proveEquivocation()'), () => {
  const peerKey = new Uint8Array(32).fill(9)
  const head = (size: number, fill: number, prevSize = 0, prevFill = 0) => ({
    peerKey,
    log: 0,
    size,
    root: new Uint8Array(32).fill(fill),
    prevSize,
    prevRoot: new Uint8Array(32).fill(prevFill),
  })
  afterEach(() => test.reset())

  it('takes the stake of who signed two histories, whoever shows them', async () => {
    const [liar, witness] = [await own(1), await own(2)]
    const book = await test.stake(liar.made)
    await book.stake(1_000n)
    const [a, b] = [liar.registry.signHead(head(5, 1)), liar.registry.signHead(head(5, 2))]
    await witness.registry.proveEquivocation(a, b)
    expect((await book.stakeOf()).staked).toBe(0n)
  })

  it('rejects with E_ANCHOR what one history can have, and signatures of two', async () => {
    const [one, other] = [await own(1), await own(2)]
    const first = one.registry.signHead(head(5, 1))
    const honest = [first, one.registry.signHead(head(9, 2, 5, 1))] as const
    await expect(other.registry.proveEquivocation(...honest)).rejects.toMatchObject({ code: 'E_ANCHOR' })
    await expect(other.registry.proveEquivocation(first, other.registry.signHead(head(5, 2)))).rejects.toMatchObject({ code: 'E_ANCHOR' })
  })
})

describe.skipIf(NO_ANVIL)(onAnvil('checkAnchor()'), () => {
  it('throws E_CHAIN_UNREACHABLE when the chain can not be asked', async () => {
    const place = { chain: test.chain({ url: 'http://127.0.0.1:1' }), contract: test.deployment.registry }
    const claim = { account: new Uint8Array(20), log: 0, size: 1, root: new Uint8Array(32) }
    await expect(checkAnchor(place, claim)).rejects.toMatchObject({ code: 'E_CHAIN_UNREACHABLE' })
  })
})

async function own(n: number) {
  const made: TestAccount = await test.account(n)
  return { made, account: made.wallet.account, registry: test.registry(made) }
}
