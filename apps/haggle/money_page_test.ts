// The pages about money say the unit, what a chain without value is, and the next step.

import { expect, test } from 'vitest'
import { anchorPage, balancePage, chainLine, channelsPage, claimPage, pricePage, shortHex, stakePage, walletPage } from './money_page.ts'
import type { BalanceView, ChainView, ChannelsView } from './money_views.ts'

const ADDRESS = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8'
const CHAIN: ChainView = {
  id: 31337,
  host: '127.0.0.1:8545',
  token: ADDRESS,
  unit: 'TEST',
  decimals: 6,
  confirmations: 1,
  block: 12,
  seenAt: '2026-01-01T00:00:00.000Z',
  problem: null,
}
const RATE = { price: 0.9, currency: 'EUR' }
const screen = { tty: true, colour: false, columns: 160 }
const on = { chain: 31337, unit: 'TEST', address: ADDRESS }

test('walletPage() names the next step of each state', () => {
  expect(walletPage({ address: null, file: '/h/wallet', state: 'none', chain: null, restart: false })).toEqual([
    'wallet    none yet: haggle wallet new',
    'chain     none: credits only.   haggle config set chain-rpc URL',
  ])
  const locked = walletPage({ address: ADDRESS, file: '/h/wallet', state: 'locked', chain: CHAIN, restart: false }).join('\n')
  expect(locked).toContain('haggle wallet unlock')
  expect(locked).toContain('back it up')
})

test('chainLine() says that a devnet is play money, and what is wrong with a chain', () => {
  expect(chainLine(CHAIN)).toBe('31337 (devnet, play money) at 127.0.0.1:8545, paid in TEST: block 12, money counts after 1 block')
  expect(chainLine({ ...CHAIN, id: 10, problem: { code: 'E_CHAIN_UNREACHABLE', message: 'no answer' } })).toBe(
    '10 at 127.0.0.1:8545, paid in TEST: no answer (E_CHAIN_UNREACHABLE)',
  )
})

test('balancePage() warns of an account without gas and hints at what it is worth', () => {
  const view: BalanceView = { ...on, balance: '100', gas: '0', inChannels: '5.5', claimable: '0', staked: '50' }
  const page = balancePage(view, RATE).join('\n')
  expect(page).toContain('balance   100 TEST (≈ 90 EUR)')
  expect(page).toContain('nothing can be sent')
  expect(balancePage({ ...view, gas: '0.5' }).join('\n')).not.toContain('nothing can be sent')
})

test('stakePage() says until when stake stays', () => {
  const view = { ...on, staked: '50', locked: '10', unbonding: '0', unbondsAt: null, unbondingS: 86_400, sent: null }
  expect(stakePage(view).join('\n')).toContain('what is asked back stays 1 d')
  expect(stakePage({ ...view, unbonding: '5', unbondsAt: '2026-01-02T03:04:05.000Z' }).join('\n')).toContain(
    '5 TEST, out from 2026-01-02 03:04:05 UTC on',
  )
})

const CHANNELS: ChannelsView = {
  ...on,
  sent: null,
  channels: [
    {
      id: `0x${'3fa9'.repeat(16)}`,
      role: 'payee',
      other: ADDRESS,
      deposit: '8',
      claimed: '1',
      promised: '3',
      claimable: '2',
      closesAt: '2026-01-02T03:04:05.000Z',
      state: 'closing',
    },
  ],
}

test('channelsPage() shows each channel from this side', () => {
  const page = channelsPage(CHANNELS, { screen }).join('\n')
  expect(page).toMatch(/0x3fa9…3fa9 +is paid by +0x7099…79C8 +8 +3 +1 +2 +closing 2026-01-02 03:04:05 UTC/)
  expect(channelsPage({ ...CHANNELS, channels: [] }, { screen }).join('\n')).toContain('no channels')
})

test('claimPage() says what was claimed, by which transaction, and that a part is burned', () => {
  const one = { transaction: '0xabc', block: 3, gas: '50000', channels: [{ id: '0x1', claimed: '2', contracts: ['ab'] }] }
  expect(claimPage({ ...on, claimed: '2', claims: [one] })).toEqual([
    'sent      0xabc in block 3, 50000 gas',
    'claimed   2 TEST from 1 channel, 0.5 % of it burned',
  ])
  expect(claimPage({ ...on, claimed: '0', claims: [] })).toEqual(['nothing to claim'])
})

test('anchorPage() says what no anchor covers yet', () => {
  const nextAt = '2026-01-01T06:00:00.000Z'
  const view = { chain: 31337, account: ADDRESS, log: 0, size: 5, anchored: null, pending: 5, nextAt, others: null }
  expect(anchorPage(view)).toEqual([
    'ledger    log 0, 5 entries',
    'anchor    not anchored yet',
    'pending   5 entries, anchored by 2026-01-01 06:00:00 UTC: haggle anchor now',
  ])
})

test('anchorPage() of a node that anchors others says of how many logs it has heads', () => {
  const anchored = { size: 7, root: 'ab'.repeat(32), transaction: '0xcd', block: 9 }
  const own = { size: 0, anchored: null, pending: 0, nextAt: null }
  const others = { logs: 3, size: 8, anchored, pending: 1, nextAt: null }
  expect(anchorPage({ chain: 31337, account: ADDRESS, log: 0, ...own, others }).slice(3)).toEqual([
    'others    8 heads of 3 logs',
    'anchor    7 heads under ababab…abab, transaction 0xcd in block 9',
    'pending   1 head: haggle anchor now',
  ])
})

test('pricePage() translates by the rate of its owner only', () => {
  const view = { chain: 31337, unit: 'TEST', token: ADDRESS, decimals: 6, offers: { count: 3, cheapest: '0.1', middle: '0.2' } }
  expect(pricePage(view, { rate: RATE, amount: '0.25' }).join('\n')).toContain('amount    0.25 TEST (≈ 0.225 EUR)')
  expect(pricePage(view, {}).join('\n')).toContain('haggle config set fiat')
})

test('shortHex() leaves short text alone', () => {
  expect(shortHex('0x1234')).toBe('0x1234')
  expect(shortHex(ADDRESS)).toBe('0x7099…79C8')
})
