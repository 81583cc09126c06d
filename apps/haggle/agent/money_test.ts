// The calls about money over a chain in memory: what they answer, and what they refuse and why.

import { createIdentity } from '@haggle/identity'
import { nodeSuite } from '@haggle/identity/node'
import { checkpointMessage, openAggregator, openHeadBook } from '@haggle/reputation'
import { memoryAnchors } from '@haggle/reputation/testing'
import { memoryStore } from '@haggle/store'
import { HaggleError, networkId, seal } from '@haggle/wire'
import { virtualClock } from '@haggle/wire/testing'
import { expect, test } from 'vitest'
import type { ChainBoot } from '../boot.ts'
import { describe as describeError } from '../failure.ts'
import type { BalanceView, ChannelsView, ClaimView, StakeView } from '../money_views.ts'
import { moneyWith } from '../testing/local_money.ts'
import { memoryKeystore } from '../testing/memory_keystore.ts'
import { Anchoring } from './anchoring.ts'
import type { Money, MoneyInit } from './money.ts'
import { Wallet } from './wallet.ts'

const CHAIN: ChainBoot = { rpc: ['http://127.0.0.1:8545'], id: null, token: null, deployment: null, confirmations: null, claimAt: '1' }
const PROVIDER = `12D3Koo${'W'.repeat(45)}`

/** Money with an open wallet on a chain in memory, and its calls. */
async function open(
  boot: ChainBoot | null = CHAIN,
  more: Partial<MoneyInit> = {},
): Promise<{ money: Money; call: <T>(name: string, params?: object) => Promise<T> }> {
  const wallet = await Wallet.of(memoryKeystore())
  await wallet.create('correct horse')
  const money = moneyWith(wallet, boot, more)
  return { money, call: async <T>(name: string, params = {}) => (await money.calls[name]?.(params as Record<string, unknown>)) as T }
}

const codeOf = async (run: Promise<unknown>): Promise<string> =>
  await run.then(
    () => 'nothing was thrown',
    (error: unknown) => describeError(error).code,
  )

test('calls about a chain say what is missing: a chain, a wallet, or a restart', async () => {
  const none = await open(null)
  expect(await codeOf(none.call('stake'))).toBe('E_CHAIN_NONE')
  expect(none.money.wallet()).toMatchObject({ state: 'open', chain: null, restart: false })
  const empty = moneyWith(await Wallet.of(memoryKeystore()), CHAIN)
  expect(await codeOf(empty.calls['stake']?.({}) ?? Promise.resolve())).toBe('E_WALLET_NONE')
  await empty.calls['wallet']?.({ do: 'new', passphrase: 'correct horse' })
  expect(empty.wallet().restart).toBe(true)
  expect(await codeOf(empty.calls['stake']?.({}) ?? Promise.resolve())).toBe('E_CHAIN_WALLET')
})

test('wallet balance counts what is free, in channels, claimable and staked', async () => {
  const { call } = await open()
  await call('channel', { do: 'open', which: PROVIDER, amount: '5' })
  await call('stake', { do: 'add', amount: '50' })
  expect(await call<BalanceView>('wallet', { do: 'balance' })).toMatchObject({
    chain: 31337,
    unit: 'TEST',
    balance: '95',
    inChannels: '5',
    claimable: '2',
    staked: '50',
    gas: '1',
  })
})

test('channel opens once, is found by its first digits, is topped up, closed and withdrawn', async () => {
  const { call } = await open()
  const { channels } = await call<ChannelsView>('channel', { do: 'open', which: PROVIDER, amount: '5' })
  expect(channels).toMatchObject([{ role: 'payer', deposit: '5', state: 'open' }])
  expect(await codeOf(call('channel', { do: 'open', which: PROVIDER, amount: '5' }))).toBe('E_CHANNEL')
  const which = channels[0]?.id.slice(0, 10) ?? ''
  expect((await call<ChannelsView>('channel', { do: 'topup', which, amount: '1.5' })).channels).toMatchObject([{ deposit: '6.5' }])
  expect((await call<ChannelsView>('channel', { do: 'close', which })).channels).toMatchObject([{ state: 'closing' }])
  expect((await call<ChannelsView>('channel', { do: 'withdraw', which })).channels).toMatchObject([{ state: 'closed' }])
  const listed = await call<ChannelsView>('channel', { do: 'list' })
  expect(listed.channels.map(({ role }) => role)).toEqual(['payee'])
  expect((await call<ChannelsView>('channel', { do: 'list', all: true })).channels).toHaveLength(2)
})

test.each([
  [{ do: 'topup', which: 'ffff', amount: '1' }, 'E_CHANNEL_UNKNOWN'],
  [{ do: 'topup', which: 'f', amount: '1' }, 'E_CHANNEL_UNKNOWN'],
  [{ do: 'open', which: 'nobody', amount: '1' }, 'E_CHANNEL_PAYEE'],
  [{ do: 'open', which: `0x${'aa'.repeat(20)}`, amount: '0' }, 'E_AMOUNT'],
  [{ do: 'open', which: `0x${'aa'.repeat(20)}`, amount: '1.1234567' }, 'E_AMOUNT'],
  [{ do: 'open', which: `0x${'aa'.repeat(20)}`, amount: '1000' }, 'E_FUNDS'],
])('channel refuses %j', async (params, code) => {
  const { call } = await open()
  expect(await codeOf(call('channel', params))).toBe(code)
})

test('claim takes what vouchers earned, once', async () => {
  const { call } = await open()
  expect((await call<ChannelsView>('channel', { do: 'list', claimable: true })).channels).toMatchObject([{ claimable: '2' }])
  expect(await call<ClaimView>('claim')).toMatchObject({ claimed: '2', claims: [{ channels: [{ claimed: '2' }] }] })
  expect(await call<ClaimView>('claim')).toMatchObject({ claimed: '0', claims: [] })
  expect((await call<ChannelsView>('channel', { do: 'list', claimable: true })).channels).toEqual([])
})

test('stake is added, asked back and shown with its time', async () => {
  const { call } = await open()
  expect(await call<StakeView>('stake', { do: 'add', amount: '10' })).toMatchObject({
    staked: '10',
    unbondsAt: null,
    sent: { gas: '50000' },
  })
  expect(await call<StakeView>('stake', { do: 'unbond', amount: '4' })).toMatchObject({
    unbonding: '4',
    unbondsAt: '2027-01-15T08:00:00.000Z',
  })
  expect(await codeOf(call('stake', { do: 'unbond', amount: '7' }))).toBe('E_STAKE')
})

test('anchor puts the head on chain once, and says what waits', async () => {
  const { call } = await open()
  expect(await call('anchor', { do: 'show' })).toMatchObject({ size: 2, anchored: null, pending: 2 })
  expect(await call('anchor', { do: 'now' })).toMatchObject({ size: 2, anchored: { size: 2, block: 7 }, pending: 0, nextAt: null })
})

test('anchor of a node that anchors others puts their heads on chain besides, also when its own ledger may not sign', async () => {
  const [suite, network, clock] = [nodeSuite(), networkId('devnet-money'), virtualClock()]
  const book = openHeadBook({ store: memoryStore(), suite, network })
  const { signer } = createIdentity(new Uint8Array(32).fill(1))
  const root = new Uint8Array(32).fill(3)
  const body = { log: 0, size: 3, root, prevSize: 0, prevRoot: root, block: null, reason: 'asked' as const }
  const header = { network, audience: null, thread: null, seq: 1, prev: null, ack: null, iat: 1, exp: 2 }
  await book.consider(seal(checkpointMessage, { ...header, body }, signer, suite).bytes)
  const anchors = memoryAnchors().of(new Uint8Array(20).fill(9))
  const aggregator = await openAggregator({ ...{ book, suite, network, clock, anchors }, store: memoryStore(), chain: 31337 })
  const others = { aggregator, anchoring: new Anchoring({ heads: aggregator, anchors: aggregator.anchors, clock }) }
  const { call } = await open(CHAIN, { others })
  expect(await call('anchor', { do: 'show' })).toMatchObject({ size: 2, others: { logs: 1, size: 1, anchored: null, pending: 1 } })
  const anchored = { size: 1, block: 1 }
  expect(await call('anchor', { do: 'now' })).toMatchObject({ anchored: { size: 2 }, others: { anchored, pending: 0, nextAt: null } })
  await aggregator.bring(seal(checkpointMessage, { ...header, body: { ...body, size: 4, prevSize: 3 } }, signer, suite).bytes)
  const sign = async (): Promise<never> => await Promise.reject(new HaggleError('E_HEAD_BEHIND', 'it lacks entries'))
  const heads = { now: async () => ({ log: 0, size: 9 }), sign, entryAtMs: async () => 0 }
  const behind = await open(CHAIN, { others, anchoring: new Anchoring({ heads, anchors, clock }) })
  expect(await codeOf(behind.call('anchor', { do: 'now' }))).toBe('E_HEAD_BEHIND')
  expect(await behind.call('anchor')).toMatchObject({ size: 9, anchored: null, others: { logs: 1, size: 2, anchored: { size: 2 } } })
})

test('price takes an amount of the token only', async () => {
  const { call } = await open()
  expect(await codeOf(call('price', { amount: 'abc' }))).toBe('E_AMOUNT')
  expect(await call('price', { amount: '0.25' })).toMatchObject({ unit: 'TEST' })
})

test('channel says how many digits name one', async () => {
  const { call } = await open()
  await call('channel', { do: 'open', which: PROVIDER, amount: '5' })
  const said = await call('channel', { do: 'close', which: '0x47' }).catch((error: unknown) => describeError(error))
  expect(said).toMatchObject({
    code: 'E_CHANNEL_UNKNOWN',
    message: expect.stringContaining('give at least the first 4 hex digits') as string,
  })
})

test('price gives the cheapest and the middle of what offers ask', async () => {
  const { call } = await open()
  expect(await call('price')).toMatchObject({ unit: 'TEST', offers: { count: 3, cheapest: '0.1', middle: '0.2' } })
})

test('status shows what stands open on each rail, and asks no chain', async () => {
  const { money } = await open()
  expect(money.status()).toMatchObject({ state: 'open', rails: [{ unit: 'credits' }, { unit: 'TEST', unpaid: '0.0003', promised: '0.5' }] })
})
