// What the contract's channels have beyond the seam: closing and keeping by both, other tokens, restarts, and events that are taken back.

import type { ChannelEvent } from '@haggle/payment'
import { memoryStore } from '@haggle/store'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { evmChannels, systemCode, systemAddresses } from './mod.ts'
import { unhex } from './_bytes.ts'
import { NO_ANVIL, startTestChain, type TestChain, onAnvil } from './_test_chain.ts'
import { deployDevnet } from './testing.ts'
import { systemClock } from '@haggle/wire'

let test: TestChain
const ROOT = new Uint8Array(32)

async function pair() {
  const [payer, payee] = await Promise.all([1, 2].map(async (n) => await test.channels(await test.account(n))))
  if (!payer || !payee) throw new Error('two accounts were asked for')
  return { payer, payee }
}

describe.skipIf(NO_ANVIL)(onAnvil('evmChannels()'), () => {
  beforeAll(async () => {
    test = await startTestChain()
  })
  afterEach(() => test.reset())
  afterAll(() => test.stop())

  it('coopClose() closes at once with what both signed, and with nothing else', async () => {
    const { payer, payee } = await pair()
    const { id } = await payer.open({ payee: payee.account, deposit: 1_000n })
    const before = await payer.balance()
    const sigs = { payer: payer.signClose(id, 300n), payee: payee.signClose(id, 300n) }
    await expect(payer.coopClose(id, 301n, sigs)).rejects.toMatchObject({ code: 'E_CHANNEL', details: { reason: 'SignatureInvalid()' } })
    await expect(payer.coopClose(id, 300n, { ...sigs, payee: sigs.payer })).rejects.toMatchObject({ code: 'E_CHANNEL' })
    await payee.coopClose(id, 300n, sigs)
    expect(await payer.read(id)).toMatchObject({ closed: true, claimed: 300n })
    expect(await payer.balance()).toBe(before + 700n)
  })

  it('cancelClose() keeps a channel that both want to keep', async () => {
    const { payer, payee } = await pair()
    const { id } = await payer.open({ payee: payee.account, deposit: 1_000n })
    await payer.requestClose(id)
    const { closesAtS } = (await payer.read(id))!
    await payer.cancelClose(id, { payer: payer.signKeep(id, closesAtS!), payee: payee.signKeep(id, closesAtS!) })
    expect(await payer.read(id)).toMatchObject({ closed: false, closesAtS: null })
  })

  it('read() and find() know no channel of another token', async () => {
    const one = await test.account(1)
    const other = await deployDevnet(test.anvil.url, { symbol: 'OTHER', closeDelayS: 600 })
    // The same contract takes any token: it is where the first system has it.
    const init = {
      chain: test.chain(),
      sender: one.sender,
      signer: one.wallet,
      contract: test.deployment.channels,
      store: memoryStore(),
      clock: systemClock(),
    }
    const elsewhere = await evmChannels({ ...init, token: other.token })
    expect(elsewhere.unit).toBe('OTHER')
    const mine = await test.channels(one)
    const payee = new Uint8Array(20).fill(9)
    const { id } = await mine.open({ payee, deposit: 1_000n })
    expect([await elsewhere.read(id), await elsewhere.find(payee)]).toEqual([null, null])
    expect(elsewhere.rail).not.toBe(mine.rail)
    await elsewhere.stop()
  })

  it('throws E_CHAIN_TOKEN where there is no token, no contract, or too few decimals', async () => {
    const { sender, wallet } = await test.account(1)
    const { token, channels: contract, chainId } = test.deployment
    const init = { chain: test.chain(), sender, signer: wallet, token, contract, store: memoryStore(), clock: systemClock() }
    const coarse = await deployDevnet(test.anvil.url, { symbol: 'COARSE', decimals: 2 })
    const nowhere = systemAddresses({ stakeToken: token, closeDelayS: 77 }).channels
    for (const bad of [{ token: coarse.token }, { token: nowhere }, { contract: nowhere }])
      await expect(evmChannels({ ...init, ...bad })).rejects.toMatchObject({ code: 'E_CHAIN_TOKEN' })
    expect([chainId, systemCode({ stakeToken: token }).length > 1000]).toEqual([31337, true])
  })

  it('topUp() twice at once is two, and opens again from its store without the chain', async () => {
    const account = await test.account(1)
    const channels = await test.channels(account)
    const { id } = await channels.open({ payee: new Uint8Array(20).fill(9), deposit: 1_000n })
    await Promise.all([channels.topUp(id, 10n), channels.topUp(id, 10n)])
    expect((await channels.read(id))?.deposit).toBe(1_020n)
    const down = await test.channels(account, test.chain({ url: 'http://127.0.0.1:1' }))
    expect([down.unit, down.rail]).toEqual([channels.unit, channels.rail])
    expect(down.verify({ channel: id, cumulative: 5n, sig: await channels.sign({ channel: id, cumulative: 5n }) }, channels.account)).toBe(
      true,
    )
    await expect(down.read(id)).rejects.toMatchObject({ code: 'E_CHAIN_UNREACHABLE' })
  })

  it('claim() takes more than 25 channels in as many transactions as that needs, and passes over what was closed meanwhile', async () => {
    const payee = await test.channels(await test.account(1))
    const claims = []
    for (let n = 2; n <= 8; n++) {
      const payer = await test.channels(await test.account(n))
      const { id } = await payer.open({ payee: payee.account, deposit: 1_000n })
      const voucher = { channel: id, cumulative: 400n, sig: await payer.sign({ channel: id, cumulative: 400n }) }
      claims.push({ voucher, amount: 400n, receiptRoot: ROOT })
    }
    const [gone] = claims
    await payee.requestClose(gone!.voucher.channel)
    const before = await payee.balance()
    await payee.claim(claims)
    expect((await payee.balance()) - before).toBe(6n * 398n)
    await expect(payee.claim([])).rejects.toMatchObject({ code: 'E_CHANNEL' })
  })
})

describe.skipIf(NO_ANVIL)(onAnvil('follow()'), () => {
  it('tells of an event that a deep reorganisation has taken back, once', async () => {
    const chain = await startTestChain()
    try {
      const account = await chain.account(1)
      const channels = await chain.channels(account)
      const { id } = await channels.open({ payee: new Uint8Array(20).fill(9), deposit: 1_000n })
      const events: ChannelEvent[] = []
      const told = (count: number): Promise<void> =>
        new Promise((resolve) => {
          const stop = channels.follow(() => {
            if (events.length >= count) {
              stop()
              resolve()
            }
          })
        })
      channels.follow((event) => events.push(event))
      const first = told(2)
      await channels.topUp(id, 500n)
      await first
      // One confirmation on a development chain, so that the block with the top-up is replaced after it counted.
      const second = told(3)
      await chain.anvil.reorg(1)
      await second
      expect(events.map(({ kind }) => kind)).toEqual(['opened', 'toppedUp', 'undone'])
      expect(events[2]?.channel.deposit).toBe(1_000n)
      expect(events[2]?.channel.id).toEqual(unhex(`0x${Buffer.from(id).toString('hex')}`))
    } finally {
      await chain.stop()
    }
  })
})
