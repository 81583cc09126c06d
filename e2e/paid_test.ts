// Jobs that are paid with vouchers between nodes over libp2p, and claimed on a real EVM: the sums agree with the chain's balances.

import { findAnvil } from '@haggle/chain/testing'
import type { MemoryJob } from '@haggle/job'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { FUNDS, openPaidMarket, type PaidMarket, type PaidMember } from './_paid_market.ts'

/** A millionth of a token for each millisecond. */
const PRICE = '3.6'
const TICK = 5_000n

let paid: PaidMarket
beforeEach(async ({ skip }) => {
  skip(findAnvil() === undefined, 'anvil has no program for this machine')
  paid = await openPaidMarket()
})
// Not there where the test was skipped.
afterEach(() => (paid as PaidMarket | undefined)?.close())

/** A job that runs for so long, or until it is stopped: without a time only that. */
const runs =
  (ms?: number) =>
  (job: MemoryJob): Promise<number> =>
    new Promise((resolve) => {
      job.write('stdout', 'on\n')
      const timer = ms === undefined ? undefined : setTimeout(() => resolve(0), ms)
      job.signal.addEventListener('abort', () => {
        clearTimeout(timer)
        resolve(1)
      })
    })

async function pair(ms?: number): Promise<{ readonly provider: PaidMember; readonly renter: PaidMember }> {
  const provider = await paid.join({ run: runs(ms) })
  await provider.market.provide({ price: PRICE, slots: 4, also: [{ rail: 'free', price: '0.1' }] })
  return { provider, renter: await paid.join({ peers: provider.market.addresses() }) }
}

const micros = (amount: string): bigint => BigInt(Math.round(Number(amount) * 1e6))

/** Waits until something holds; the chain and the other side have their own pace. */
async function until(holds: () => Promise<boolean> | boolean, withinMs = 20_000): Promise<void> {
  const endMs = performance.now() + withinMs
  while (!(await holds())) {
    if (performance.now() > endMs) expect.fail('it did not come about in time')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

it('a job of several ticks is paid by vouchers, settled by both and claimed in one transaction, and the balances agree', async () => {
  const { provider, renter } = await pair(9_000)
  const promised: bigint[] = []
  const job = await renter.market.run({
    command: ['x'],
    onProgress: ({ step }) => void (step === 'metered' && promised.push(renter.rail.exposure().promised)),
  })
  const { receipt, owed } = await job.done
  expect(receipt).toMatchObject({ signedBy: 'both', outcome: 'settled', unit: 'TEST', rail: renter.rail.name })
  expect(promised.length).toBeGreaterThanOrEqual(2)
  const due = micros(owed)
  expect(due).toBeGreaterThanOrEqual(9_000n)
  await until(() => provider.rail.exposure().claimable === due)
  const [claim] = await provider.rail.claim()
  expect(claim?.gasUsed).toBeGreaterThan(0n)
  expect(claim?.channels).toMatchObject([{ amount: due, contracts: [{ amount: due }] }])
  const state = await renter.channels.find(provider.channels.account)
  expect(state?.claimed).toBe(due)
  // 0.5 % of a claim is burned.
  expect(await provider.channels.balance()).toBe(FUNDS + due - due / 200n)
  expect(await renter.channels.balance()).toBe(FUNDS - (state?.deposit ?? 0n))
  await provider.rail.closeChannel(state?.id ?? new Uint8Array(32))
  expect(await renter.channels.balance()).toBe(FUNDS - due)
  const [entry] = await renter.market.ledger()
  expect(entry?.summary).toContain('settled, 9 s')
}, 90_000)

it('a renter that dies in the middle of a job leaves nothing unpaid, and its provider can claim what was used', async () => {
  const { provider, renter } = await pair()
  await renter.market.run({ command: ['x'] })
  await until(() => provider.rail.exposure().claimable > 0n)
  await renter.market.close()
  await until(async () => (await provider.market.jobs())[0]?.phase !== 'running')
  expect(provider.rail.exposure().unpaid).toBe(0n)
  const [claim] = await provider.rail.claim()
  const taken = claim?.channels[0]?.amount ?? 0n
  expect(taken > 0n && taken <= 2n * TICK + TICK).toBe(true)
}, 90_000)

it('a provider that dies has cost its renter a tick at most, and the rest comes back when the channel closes', async () => {
  const { provider, renter } = await pair()
  await renter.market.run({ command: ['x'] })
  await until(() => provider.rail.exposure().claimable > 0n)
  const used = provider.rail.exposure().claimable
  await provider.market.close()
  const [line] = await renter.rail.lines()
  if (line === undefined) expect.fail('there is a channel')
  expect(line.vouched).toBeLessThanOrEqual(used + TICK)
  await renter.rail.closeChannel(line.channel)
  await paid.anvil.elapse(700)
  await renter.channels.withdraw(line.channel)
  expect(await renter.channels.balance()).toBe(FUNDS)
}, 90_000)

it('jobs at the same time share one channel and one claim, and who has no wallet is served on the free rail', async () => {
  const { provider, renter } = await pair(2_000)
  const jobs = await Promise.all([1, 2, 3].map(() => renter.market.run({ command: ['x'] })))
  const ends = await Promise.all(jobs.map((job) => job.done))
  const due = ends.reduce((sum, { owed }) => sum + micros(owed), 0n)
  await until(() => provider.rail.exposure().claimable === due)
  const claims = await provider.rail.claim()
  expect(claims).toHaveLength(1)
  expect(claims[0]?.channels).toMatchObject([{ amount: due }])
  expect(claims[0]?.channels[0]?.contracts).toHaveLength(3)
  expect(await provider.channels.balance()).toBe(FUNDS + due - due / 200n)
  const poor = await paid.join({ peers: provider.market.addresses(), pays: false })
  const free = await poor.market.run({ command: ['x'] })
  expect((await free.done).receipt).toMatchObject({ unit: 'credits', signedBy: 'both' })
}, 90_000)
