// Jobs that are paid over channels, between members of a memory market and a chain in memory: every sum is counted.

import { type ChannelRail, openChannelRail, type VoucherParts } from '@haggle/payment'
import { type MemoryChain, memoryChain } from '@haggle/payment/testing'
import { type VirtualClock, virtualClock } from '@haggle/wire/testing'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { StartableMarket } from './market_node.ts'
import { type MemberOptions, type MemoryMarket, memoryMarket } from './testing.ts'
import type { Job, Providing } from './types.ts'

/** 3.6 TEST an hour: a millionth for each millisecond. */
const PRICE = '3.6'
const TICK_MS = 5_000
const FUNDS = 100_000_000n

let clock: VirtualClock
let chain: MemoryChain
let market: MemoryMarket & AsyncDisposable
let accounts = 0

beforeEach(async () => {
  clock = virtualClock()
  chain = memoryChain({ clock, closeDelayS: 100 })
  market = await memoryMarket({ clock })
  accounts = 0
})
afterEach(() => market.close())

interface Member {
  readonly node: StartableMarket
  readonly rail: ChannelRail
  readonly account: Uint8Array
}

async function join(
  options: MemberOptions & { readonly funds?: bigint; readonly change?: (rail: ChannelRail) => ChannelRail } = {},
): Promise<Member> {
  const account = new Uint8Array(20).fill(++accounts)
  const channels = chain.channels(account, { funds: options.funds ?? FUNDS })
  let opened: ChannelRail | undefined
  const node = await market.join({
    ...options,
    rails: [
      async (parts) => {
        const rail = await openChannelRail({ channels, ...parts })
        opened = rail
        return options.change?.(rail) ?? rail
      },
    ],
  })
  if (opened === undefined) throw new Error('the rail was not opened')
  return { node, rail: opened, account }
}

/** A job that runs until it is stopped, or for so long. */
const runs =
  (ms: number): NonNullable<MemberOptions['run']> =>
  (job) =>
    new Promise((resolve) => {
      job.write('stdout', 'on\n')
      const cancel = clock.after(ms, () => resolve(0))
      job.signal.addEventListener('abort', () => (cancel(), resolve(1)))
    })

async function provide(ms: number): Promise<Member & { readonly providing: Providing }> {
  const member = await join({ run: runs(ms), funds: 0n })
  return { ...member, providing: await member.node.provide({ price: PRICE, slots: 4 }) }
}

/** Moves time in small steps, so that what both sides say to each other gets there. */
async function pass(ms: number, stepMs = 25): Promise<void> {
  for (let left = ms; left > 0; left -= stepMs) await clock.settle(Math.min(stepMs, left))
}

/** Waits for something that needs time to pass. */
async function when<T>(promise: Promise<T>): Promise<T> {
  let done = false
  const watched = promise.finally(() => (done = true))
  watched.catch(() => undefined)
  for (let turn = 0; turn < 4_000 && !done; turn++) await clock.settle(25)
  return watched
}

const start = (renter: Member, request: Partial<Parameters<StartableMarket['run']>[0]> = {}): Promise<Job> =>
  when(renter.node.run({ command: ['x'], ...request }))

/** Base units that the provider may claim by its own books. */
const claimable = ({ rail }: Member): bigint => rail.exposure().claimable

it('run() pays each tick before it begins, and the claim takes exactly what both have signed', async () => {
  const provider = await provide(12_000)
  const renter = await join()
  const job = await start(renter)
  expect([job.rail, job.unit, job.pricePerHour]).toEqual([renter.rail.name, 'TEST', '3.6'])
  await pass(11_000)
  expect(renter.rail.exposure().promised).toBe(2n * 3_750n + 5_000n)
  expect(provider.providing.status().money[0]).toMatchObject({ unit: 'TEST', isMoney: true, unpaid: '0' })
  const { receipt, owed } = await when(job.done)
  expect(receipt).toMatchObject({ signedBy: 'both', outcome: 'settled', unit: 'TEST' })
  await pass(1_000)
  const due = claimable(provider)
  expect(owed).toBe((Number(due) / 1e6).toString())
  const [claim] = await provider.rail.claim()
  expect(claim?.channels[0]).toMatchObject({ amount: due, contracts: [{ amount: due }] })
  expect(chain.balanceOf(provider.account) + chain.burned).toBe(due)
  expect([renter.rail.exposure().promised, claimable(provider)]).toEqual([0n, 0n])
  const [line] = await renter.rail.lines()
  await renter.rail.closeChannel(line?.channel ?? new Uint8Array(32))
  await pass(100)
  await pass(110_000, 250)
  expect(chain.balanceOf(renter.account)).toBe(FUNDS - due)
})

it('run() writes into the ledger what the rail settled', async () => {
  const provider = await provide(4_000)
  const renter = await join()
  const job = await start(renter)
  await when(job.done)
  await pass(1_000)
  const sum = (Number(claimable(provider)) / 1e6).toString()
  for (const { node } of [provider, renter]) expect((await node.ledger())[0]?.summary).toContain(`settled, 4 s, ${sum} `)
})

it('a renter that is gone leaves nothing unpaid: its provider stops within what is paid for', async () => {
  const provider = await provide(60_000)
  const renter = await join()
  await start(renter)
  await pass(9_000)
  await market.leave(renter.node)
  await pass(TICK_MS)
  expect(provider.providing.status().running.filter(({ phase }) => phase === 'running')).toEqual([])
  const [row] = provider.providing.status().money
  expect(row?.unpaid).toBe('0')
  await pass(70_000, 250)
  const due = claimable(provider)
  expect(due > 7_500n && due <= 7_500n + 5_000n).toBe(true)
  await provider.rail.claim()
  expect(chain.balanceOf(provider.account) + chain.burned).toBe(due)
})

it('a provider that is gone has cost its renter a tick at most', async () => {
  const provider = await provide(60_000)
  const renter = await join()
  const job = await start(renter)
  await pass(9_000)
  await market.leave(provider.node)
  await when(job.done)
  const [line] = await renter.rail.lines()
  expect(line?.vouched).toBe(7_500n + 5_000n)
})

it('jobs at the same time share one channel, and the claim is for all of them', async () => {
  const provider = await provide(8_000)
  const renter = await join()
  const jobs = await Promise.all([1, 2, 3].map(() => start(renter)))
  expect(await renter.rail.lines()).toMatchObject([{ running: 3 }])
  const ends = await Promise.all(jobs.map((job) => when(job.done)))
  await pass(1_000)
  const owed = ends.reduce((sum, end) => sum + Math.round(Number(end.owed) * 1e6), 0)
  const [claim] = await provider.rail.claim()
  expect(claim?.channels).toMatchObject([{ amount: BigInt(owed) }])
  expect(claim?.channels[0]?.contracts).toHaveLength(3)
})

it('renters that come under new names and never pay a second time have nothing unpaid', async () => {
  let used = 0
  const provider = await join({
    funds: 0n,
    run: async (job) => {
      const startedMs = clock.monotonicMs()
      const code = await runs(60_000)(job)
      used += clock.monotonicMs() - startedMs
      return code
    },
  })
  await provider.node.provide({ price: PRICE, slots: 4 })
  for (const staysMs of [100, 3_700, 12_000]) {
    const thief = await join({
      change: (rail) =>
        new Proxy(rail, {
          get(target, key) {
            // It funds its ACCEPT and never gives a voucher.
            if (key === 'voucher') return () => Promise.reject(new Error('no'))
            const value: unknown = Reflect.get(target, key, target)
            return typeof value === 'function' ? value.bind(target) : value
          },
        }),
    })
    await start(thief)
    await pass(staysMs)
    await market.leave(thief.node)
    await pass(80_000, 250)
  }
  // A millionth for each millisecond: all that was used is paid for, whoever was asked to.
  expect(used).toBeGreaterThan(5_000)
  expect(Number(claimable(provider))).toBeGreaterThanOrEqual(used)
  expect(provider.rail.exposure().unpaid).toBe(0n)
})

it('a voucher with a broken signature stops the job at once', async () => {
  const provider = await provide(60_000)
  const renter = await join({
    change: (rail) =>
      new Proxy(rail, {
        get(target, key) {
          if (key === 'voucher')
            return async (...asked: Parameters<ChannelRail['voucher']>): Promise<VoucherParts> => ({
              ...(await target.voucher(...asked)),
              evmSig: new Uint8Array(65),
            })
          const value: unknown = Reflect.get(target, key, target)
          return typeof value === 'function' ? value.bind(target) : value
        },
      }),
  })
  const job = await start(renter)
  await when(job.done)
  expect(job.firstOutputMs).not.toBe(null)
  expect((await provider.node.jobs())[0]?.phase).toBe('failed')
})

it('run() rejects with E_FUNDS when the wallet can not pay, and asks nobody', async () => {
  const provider = await provide(1_000)
  const renter = await join({ funds: 10n })
  await expect(start(renter)).rejects.toMatchObject({ code: 'E_FUNDS' })
  expect(provider.providing.status().accepted).toBe(0)
})

it('run() picks one of the rails that a provider offers, each at its own price', async () => {
  const provider = await join({ run: runs(100), funds: 0n })
  await provider.node.provide({ price: PRICE, also: [{ rail: 'free', price: '0.5' }] })
  const renter = await join()
  const view = await when(renter.node.offers({ where: 'price.hour>=3' }))
  expect(view.rows[0]).toMatchObject({ unit: 'TEST', pricePerHour: '3.6' })
  expect(view.rows[0]?.prices.map(({ unit, pricePerHour }) => `${pricePerHour} ${unit}`)).toEqual(['3.6 TEST', '0.5 credits'])
  const free = await start(renter, { rail: 'free', where: 'price.hour<=0.5' })
  expect([free.unit, free.pricePerHour]).toEqual(['credits', '0.5'])
  await when(free.done)
  await expect(start(renter, { where: 'price.hour<=0.5' })).rejects.toMatchObject({ code: 'E_NOTHING_FITS' })
  const broke = await market.join()
  expect((await when(broke.run({ command: ['x'] }))).unit).toBe('credits')
})
