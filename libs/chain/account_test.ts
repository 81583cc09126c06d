// One account with everything over it on a real chain, opened and closed as a node does.

import { nodeSuite } from '@haggle/identity/node'
import { memoryStore } from '@haggle/store'
import { systemClock } from '@haggle/wire'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type EvmAccountOptions, evmRail, openEvmAccount } from './account.ts'
import { startTestChain, type TestChain } from './_test_chain.ts'

const { sha256 } = nodeSuite()
const clock = systemClock()

describe('openEvmAccount()', () => {
  let test: TestChain
  beforeAll(async () => {
    test = await startTestChain()
  })
  afterAll(async () => await test?.stop())

  const optionsOf = async (n: number): Promise<EvmAccountOptions> => {
    const { anvil, deployment } = test
    const { wallet, sender } = await test.account(n)
    await sender.stop() // the account opens one of its own
    return { urls: [anvil.url], chainId: anvil.chainId, wallet, addresses: deployment }
  }

  it('pays over a channel, stakes and anchors with one account, and finds its channel again after a restart', async () => {
    const store = memoryStore()
    const payer = await openEvmAccount({ ...(await optionsOf(1)), store, clock, sha256 })
    const payee = await openEvmAccount({ ...(await optionsOf(2)), store: memoryStore(), clock, sha256 })
    const { id } = await payer.channels.open({ payee: payee.channels.account, deposit: 1000n })
    expect((await payee.channels.read(id))?.deposit).toBe(1000n)
    await payer.stake.stake(50n)
    expect((await payer.stake.stakeOf()).staked).toBe(50n)
    await payer.registry.anchor({ log: 0, size: 3, root: new Uint8Array(32).fill(1) })
    await payer.stop()
    await payee.stop()
    const again = await openEvmAccount({ ...(await optionsOf(1)), store, clock, sha256 })
    expect(await again.channels.find(payee.channels.account)).toMatchObject({ id })
    expect(await again.registry.latest(0)).toMatchObject({ size: 3 })
    await again.stop()
  }, 60_000)

  it('claims at the amount that was asked for, in the token’s unit', async () => {
    await expect(openEvmAccount({ ...(await optionsOf(3)), claimAt: 'much', store: memoryStore(), clock, sha256 })).rejects.toMatchObject({
      code: 'E_AMOUNT',
    })
  }, 60_000)

  it('evmRail() is the rail of that account, and closing it ends what is under it', async () => {
    const options = await optionsOf(4)
    const rail = await evmRail(options)({ store: memoryStore(), clock, sha256 })
    expect(rail).toMatchObject({ unit: 'TEST', isMoney: true, paysAhead: true, account: options.wallet.account })
    await rail.close()
    const { channels } = rail as typeof rail & { channels: { open: (to: object) => Promise<unknown> } }
    await expect(channels.open({ payee: new Uint8Array(20).fill(9), deposit: 1n })).rejects.toMatchObject({ code: 'E_SENDER_STOPPED' })
  }, 60_000)
})
