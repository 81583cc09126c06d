import { expect, it } from 'vitest'
import { memoryAnchors, testChainAnchor } from './testing.ts'

const account = (fill: number): Uint8Array => new Uint8Array(20).fill(fill)

testChainAnchor('memoryAnchors()', {
  it,
  equal: (actual, expected) => expect(actual).toEqual(expected),
  make: async () => {
    const chain = memoryAnchors()
    return { mine: chain.of(account(1)), other: chain.of(account(2)) }
  },
})

it('every call rejects with E_CHAIN_UNREACHABLE while the chain is down', async () => {
  const chain = memoryAnchors()
  const mine = chain.of(account(1))
  chain.down = true
  const head = { log: 0, size: 1, root: new Uint8Array(32) }
  for (const call of [mine.latest(0), mine.anchor(head), mine.check({ account: account(1), ...head })])
    await expect(call).rejects.toMatchObject({ code: 'E_CHAIN_UNREACHABLE' })
})
