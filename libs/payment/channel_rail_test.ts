// The rail over channels: the suite of rails, its deposits and refusals, what it claims by itself, and what a crash leaves.

import { aheadOf, type Terms, type VoucherBody } from '@haggle/contract'
import { freeRate } from '@haggle/offer'
import { memoryStore, type Store } from '@haggle/store'
import { sha256 } from '@noble/hashes/sha2.js'
import { type VirtualClock, virtualClock } from '@haggle/wire/testing'
import { expect, it } from 'vitest'
import { type ChannelPolicy, type ChannelRail, openChannelRail } from './channel_rail.ts'
import { encodeFunding } from './funding.ts'
import type { PaidContract } from './rail.ts'
import { receiptRoot } from './receipt_root.ts'
import { type MemoryChain, memoryChain, testPaymentRail } from './testing.ts'

const RENTER = new Uint8Array(20).fill(1)
const PROVIDER = new Uint8Array(20).fill(2)
const FUNDS = 100_000_000n
const DELAY_S = 86_400

const termsOf = (cap: bigint, changes: Partial<Terms> = {}): Terms => ({
  renter: new Uint8Array(32).fill(1),
  provider: new Uint8Array(32).fill(2),
  offerDigest: null,
  devices: [],
  runner: 'deno',
  isolation: 'bubblewrap',
  rail: `evm:31337:0x${'0'.repeat(40)}`,
  meters: freeRate(3_600_000n).meters,
  cap,
  tickMs: 5_000,
  graceMs: 5_000,
  stagingMs: 60_000,
  idleMs: 60_000,
  maxMs: 600_000,
  limits: { cpuMilli: 1000, memMiB: 512, diskMiB: 256, outMiB: 16, pids: 64 },
  net: null,
  sla: null,
  visibility: 'private',
  extends: null,
  ...changes,
})

interface World {
  readonly clock: VirtualClock
  readonly chain: MemoryChain
  readonly problems: unknown[]
  readonly stores: { readonly renter: Store; readonly provider: Store }
  renter: ChannelRail
  provider: ChannelRail
  /** Opens a side again over its store, as a process that starts again. */
  again(side: 'renter' | 'provider', policy?: ChannelPolicy): Promise<void>
}

async function world(policy: ChannelPolicy = {}, options: { readonly confirmations?: number } = {}): Promise<World> {
  const clock = virtualClock()
  const chain = memoryChain({ clock, closeDelayS: DELAY_S, ...options })
  const problems: unknown[] = []
  const stores = { renter: memoryStore(), provider: memoryStore() }
  const open = (side: 'renter' | 'provider', again = policy): Promise<ChannelRail> => {
    const channels = side === 'renter' ? chain.channels(RENTER) : chain.channels(PROVIDER)
    return openChannelRail({ channels, store: stores[side], clock, sha256, onProblem: (error) => problems.push(error), ...again })
  }
  chain.channels(RENTER, { funds: FUNDS })
  const made: World = {
    clock,
    chain,
    problems,
    stores,
    renter: await open('renter'),
    provider: await open('provider'),
    async again(side, changed) {
      await made[side].close()
      made[side] = await open(side, changed)
    },
  }
  return made
}

const evidence = (fill: number): { readonly evidence: Uint8Array } => ({ evidence: new Uint8Array(32).fill(fill) })
const paidOf = (fill: number, terms = termsOf(600_000n)): PaidContract => ({
  thread: new Uint8Array(16).fill(fill),
  contract: new Uint8Array(32).fill(fill),
  terms,
})
const endOf = (owed: bigint, fill = 9): Parameters<ChannelRail['settle']>[1] => ({ owed, claimed: owed, agreed: true, ...evidence(fill) })

async function funded({ renter, provider }: World, paid: PaidContract): Promise<Awaited<ReturnType<ChannelRail['checkFunding']>>> {
  return provider.checkFunding(paid, await renter.fund({ ...paid, payee: PROVIDER }))
}

async function voucherFor({ renter }: World, paid: PaidContract, owed: bigint): Promise<VoucherBody> {
  return { contract: paid.contract, contractOwed: owed, ...(await renter.voucher(paid, owed)) }
}

async function paid(world: World, contract: PaidContract, owed: bigint): Promise<Awaited<ReturnType<ChannelRail['checkVoucher']>>> {
  return world.provider.checkVoucher(contract, await voucherFor(world, contract, owed), evidence(7))
}

async function settled(world: World, contract: PaidContract, owed: bigint): Promise<void> {
  await world.renter.settle(contract, endOf(owed))
  await world.provider.settle(contract, endOf(owed))
}

testPaymentRail('openChannelRail()', {
  it,
  equal: (actual, expected) => expect(actual).toEqual(expected),
  make: async (cap) => {
    const { renter, provider } = await world()
    return { renter, provider, terms: termsOf(cap), payee: PROVIDER }
  },
})

it('fund() opens one channel for jobs that start at the same time, with room for all of their caps', async () => {
  const made = await world()
  const jobs = [1, 2, 3, 4, 5, 6].map((fill) => paidOf(fill))
  expect(await Promise.all(jobs.map((job) => funded(made, job)))).toEqual(jobs.map(() => ({ ok: true })))
  const lines = await made.renter.lines()
  expect(lines).toHaveLength(1)
  expect(lines[0]?.running).toBe(6)
  expect(lines[0]?.state?.deposit).toBeGreaterThanOrEqual(6n * 600_000n)
})

it('fund() uses what ended jobs left over before it promises more', async () => {
  const made = await world()
  const tick = aheadOf(paidOf(1).terms, 0n)
  await funded(made, paidOf(1))
  await settled(made, paidOf(1), 0n)
  await funded(made, paidOf(2))
  expect((await made.renter.lines())[0]?.vouched).toBe(tick)
  expect(await paid(made, paidOf(2), 100n)).toEqual({ ok: true })
})

it('fund() rejects with E_FUNDS and a next step when the wallet can not cover the cap', async () => {
  const made = await world()
  await expect(made.renter.fund({ ...paidOf(1, termsOf(FUNDS + 1n)), payee: PROVIDER })).rejects.toMatchObject({
    code: 'E_FUNDS',
    next: expect.stringContaining('wallet'),
  })
})

it('fund() rejects with E_CHANNEL when another home opened the channel, and takes up one that this home was opening', async () => {
  const made = await world()
  await funded(made, paidOf(1))
  const other = await openChannelRail({ channels: made.chain.channels(RENTER), store: memoryStore(), clock: made.clock, sha256 })
  await expect(other.fund({ ...paidOf(2), payee: PROVIDER })).rejects.toMatchObject({ code: 'E_CHANNEL' })
  const crashed = await world()
  crashed.chain.automine = false
  const opening = crashed.renter.fund({ ...paidOf(1), payee: PROVIDER }, { signal: AbortSignal.timeout(1) })
  await expect(opening).rejects.toThrow()
  crashed.chain.automine = true
  await crashed.again('renter')
  expect(await funded(crashed, paidOf(1))).toEqual({ ok: true })
})

it('checkFunding() serves nothing on a channel without enough confirmations', async () => {
  const made = await world({}, { confirmations: 3 })
  const channels = made.chain.channels(RENTER)
  made.chain.automine = false
  const opening = channels.open({ payee: PROVIDER, deposit: 1_000_000n })
  made.chain.mine(1)
  made.chain.mine(1)
  const seen = made.provider.checkFunding(paidOf(1), await forged(made, channels))
  expect(await seen).toMatchObject({ ok: false })
  made.chain.mine(1)
  await opening
  expect(await made.provider.checkFunding(paidOf(1), await forged(made, channels))).toEqual({ ok: true })
})

/** A funding proof that a renter makes by hand for its first channel. */
async function forged(made: World, channels: ReturnType<MemoryChain['channels']>): Promise<Uint8Array> {
  const other = memoryChain({ clock: made.clock })
  const { id } = await other.channels(RENTER, { funds: 1_000_000n }).open({ payee: PROVIDER, deposit: 1_000n })
  const voucher = { channel: id, cumulative: 5_000n }
  return encodeFunding({ ...voucher, sig: await channels.sign(voucher) })
}

it('checkFunding() refuses a voucher of a stranger that spends the surplus of a renter', async () => {
  const made = await world()
  const first = await made.renter.fund({ ...paidOf(1), payee: PROVIDER })
  expect(await made.provider.checkFunding(paidOf(1), first)).toEqual({ ok: true })
  await settled(made, paidOf(1), 0n)
  const thief = paidOf(2, termsOf(600_000n, { renter: new Uint8Array(32).fill(66) }))
  expect(await made.provider.checkFunding(thief, first)).toMatchObject({ ok: false, why: expect.stringContaining('another renter') })
  expect(await made.provider.checkFunding(paidOf(3), first)).toEqual({ ok: true })
})

it('checkVoucher() refuses a voucher that covers one of two running jobs', async () => {
  const made = await world()
  for (const job of [paidOf(1), paidOf(2)]) expect(await funded(made, job)).toEqual({ ok: true })
  const voucher = await voucherFor(made, paidOf(1), 1_000n)
  const { channel, channelCumulative } = voucher
  if (channel === null || channelCumulative === null) throw new Error('it has a channel')
  const short = { channel, cumulative: channelCumulative - 1n }
  const evmSig = await made.chain.channels(RENTER).sign(short)
  const given = { ...voucher, channelCumulative: short.cumulative, evmSig }
  expect(await made.provider.checkVoucher(paidOf(1), given, evidence(7))).toMatchObject({ ok: false })
  expect(await made.provider.checkVoucher(paidOf(1), voucher, evidence(7))).toEqual({ ok: true })
})

it('checkVoucher() refuses a broken signature', async () => {
  const made = await world()
  await funded(made, paidOf(1))
  const voucher = await voucherFor(made, paidOf(1), 1_000n)
  expect(await made.provider.checkVoucher(paidOf(1), { ...voucher, evmSig: new Uint8Array(65) }, evidence(7))).toMatchObject({ ok: false })
})

it('settle() takes what was used and promised when a renter leaves without a word, and nothing beyond', async () => {
  const made = await world()
  const job = paidOf(1)
  const tick = aheadOf(job.terms, 0n)
  await funded(made, job)
  const left = { owed: 0n, claimed: tick - 1_000n, agreed: false, ...evidence(7) }
  expect(await made.provider.settle(job, left)).toEqual({ settled: tick - 1_000n, lost: 0n })
  expect(await made.provider.settle(job, { ...left, claimed: tick + 5n })).toEqual({ settled: tick, lost: 5n })
  expect(await made.provider.settle(job, { ...left, owed: 10n, agreed: true })).toMatchObject({ settled: 10n })
})

it('claims by itself at the threshold: exactly what is owed, with the root of its receipts', async () => {
  const made = await world({ claimAt: 8_000n })
  for (const fill of [1, 2]) {
    await funded(made, paidOf(fill))
    await settled(made, paidOf(fill), 4_000n)
    await made.clock.settle()
  }
  const [claim] = await made.provider.claims()
  expect(claim?.channels).toMatchObject([{ amount: 8_000n, contracts: [{ amount: 4_000n }, { amount: 4_000n }] }])
  const receipts = [1, 2].map((fill) => ({ contract: paidOf(fill).contract, evidence: evidence(9).evidence }))
  expect(claim?.channels[0]?.receiptRoot).toEqual(receiptRoot(receipts, sha256))
  expect(made.chain.balanceOf(PROVIDER) + made.chain.burned).toBe(8_000n)
  expect(made.provider.exposure()).toMatchObject({ claimable: 0n })
  expect(made.renter.exposure()).toMatchObject({ promised: 0n })
})

it('claims by itself at half of the delay when the payer closes while a job runs', async () => {
  const made = await world()
  await funded(made, paidOf(1))
  await paid(made, paidOf(1), 6_000n)
  const [line] = await made.renter.lines()
  if (line === undefined) throw new Error('there is a channel')
  await made.renter.closeChannel(line.channel)
  await made.clock.settle((DELAY_S / 2 - 10) * 1000)
  expect(made.chain.balanceOf(PROVIDER)).toBe(0n)
  await made.clock.settle(700_000)
  expect(made.chain.balanceOf(PROVIDER) + made.chain.burned).toBe(6_000n)
})

it('claims at once when the payer closes and nothing runs, and the payer gets the rest back by itself', async () => {
  const made = await world()
  await funded(made, paidOf(1))
  await settled(made, paidOf(1), 4_000n)
  const [line] = await made.renter.lines()
  if (line === undefined) throw new Error('there is a channel')
  await made.renter.closeChannel(line.channel)
  await made.clock.settle()
  expect(made.chain.balanceOf(PROVIDER) + made.chain.burned).toBe(4_000n)
  await made.clock.settle((DELAY_S + 700) * 1000)
  expect(made.chain.balanceOf(RENTER)).toBe(FUNDS - 4_000n)
  expect(await made.renter.lines()).toEqual([])
  expect(await funded(made, paidOf(2))).toEqual({ ok: true })
})

it('closeChannel() as payee claims first and gives the rest back at once', async () => {
  const made = await world()
  await funded(made, paidOf(1))
  await settled(made, paidOf(1), 4_000n)
  const [line] = await made.provider.lines()
  if (line === undefined) throw new Error('there is a channel')
  await made.provider.closeChannel(line.channel)
  expect(made.chain.balanceOf(RENTER)).toBe(FUNDS - 4_000n)
})

it('claims again after the chain was down, and says what was wrong meanwhile', async () => {
  const made = await world({ claimAt: 1_000n })
  await funded(made, paidOf(1))
  made.chain.down = true
  await settled(made, paidOf(1), 4_000n)
  await made.clock.settle(60_000)
  expect(made.problems).toContainEqual(expect.objectContaining({ code: 'E_CHAIN_UNREACHABLE' }))
  expect(await made.provider.checkFunding({ ...paidOf(2) }, new Uint8Array(3))).toMatchObject({ ok: false })
  made.chain.down = false
  await made.clock.settle(700_000)
  expect(made.chain.balanceOf(PROVIDER) + made.chain.burned).toBe(4_000n)
})

it('goes on after both sides start again in the middle of a job', async () => {
  const made = await world()
  await funded(made, paidOf(1))
  await paid(made, paidOf(1), 6_000n)
  await made.again('renter')
  await made.again('provider')
  expect(await paid(made, paidOf(1), 9_000n)).toEqual({ ok: true })
  await settled(made, paidOf(1), 9_500n)
  expect((await made.provider.claim()).map(({ channels }) => channels[0]?.amount)).toEqual([9_500n])
})

it('voucher() signs nothing when its book can not be written', async () => {
  const made = await world()
  const store = memoryStore()
  let broken = false
  const failing: Store = {
    ...store,
    write: (batch, options) => (broken ? Promise.reject(new Error('disk full')) : store.write(batch, options)),
    sub: () => failing,
  }
  let signed = 0
  const channels = made.chain.channels(RENTER)
  const counting = new Proxy(channels, {
    get(target, key) {
      if (key === 'sign') signed++
      const value: unknown = Reflect.get(target, key, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  const rail = await openChannelRail({ channels: counting, store: failing, clock: made.clock, sha256 })
  await rail.fund({ ...paidOf(1), payee: PROVIDER })
  expect(signed).toBe(1)
  broken = true
  await expect(rail.voucher(paidOf(1), 10n)).rejects.toThrow('disk full')
  expect(signed).toBe(1)
})
