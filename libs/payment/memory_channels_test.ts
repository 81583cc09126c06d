// The chain in memory: it passes the suite of channels, and its blocks do what tests of trouble need.

import { virtualClock } from '@haggle/wire/testing'
import { expect, it } from 'vitest'
import { memoryChain, testChannels } from './testing.ts'

const account = (fill: number): Uint8Array => new Uint8Array(20).fill(fill)

testChannels('memoryChain()', {
  it,
  equal: (actual, expected) => expect(actual).toEqual(expected),
  make: async () => {
    const clock = virtualClock()
    const chain = memoryChain({ clock })
    const [payer, other] = [1, 2].map((fill) => chain.channels(account(fill), { funds: 1_000_000n }))
    if (payer === undefined || other === undefined) throw new Error('two accounts were asked for')
    return { payer, other, payee: chain.channels(account(3)), passS: async (seconds) => clock.advance(seconds * 1000) }
  },
})

it('open() resolves only with enough confirmations, also when a reorg takes its block back', async () => {
  const chain = memoryChain({ clock: virtualClock(), confirmations: 3 })
  const payer = chain.channels(account(1), { funds: 1_000n })
  chain.automine = false
  let opened = false
  const opening = payer.open({ payee: account(3), deposit: 100n }).then(() => (opened = true))
  chain.mine(2)
  await Promise.resolve()
  expect([opened, await payer.find(account(3))]).toEqual([false, null])
  chain.reorg(2)
  chain.mine()
  await opening
  expect((await payer.find(account(3)))?.deposit).toBe(100n)
})

it('reorg() with drop loses what was not confirmed, and only that', async () => {
  const chain = memoryChain({ clock: virtualClock(), confirmations: 3 })
  const payer = chain.channels(account(1), { funds: 1_000n })
  await payer.open({ payee: account(3), deposit: 100n })
  chain.automine = false
  const lost = new AbortController()
  const opening = payer.open({ payee: account(4), deposit: 100n }, { signal: lost.signal })
  chain.mine(2)
  chain.reorg(2, { drop: true })
  chain.mine(5)
  lost.abort()
  await expect(opening).rejects.toMatchObject({ code: 'E_ABORTED' })
  expect((await payer.find(account(3)))?.deposit).toBe(100n)
  expect(await payer.find(account(4))).toBe(null)
})

it('follow() tells each event once, however often its block is taken back', async () => {
  const chain = memoryChain({ clock: virtualClock(), confirmations: 3 })
  const payer = chain.channels(account(1), { funds: 1_000n })
  chain.automine = false
  const seen: string[] = []
  payer.follow(({ kind }) => seen.push(kind))
  const opening = payer.open({ payee: account(3), deposit: 100n })
  chain.mine(2)
  chain.reorg(2)
  chain.reorg(1)
  chain.mine(3)
  await opening
  chain.mine(3)
  expect(seen).toEqual(['opened'])
})

it('every call rejects with E_CHAIN_UNREACHABLE while the chain is down', async () => {
  const chain = memoryChain({ clock: virtualClock() })
  const payer = chain.channels(account(1), { funds: 1_000n })
  chain.down = true
  await expect(payer.find(account(3))).rejects.toMatchObject({ code: 'E_CHAIN_UNREACHABLE' })
  await expect(payer.open({ payee: account(3), deposit: 1n })).rejects.toMatchObject({ code: 'E_CHAIN_UNREACHABLE' })
  chain.down = false
  expect(await payer.find(account(3))).toBe(null)
})
