// Service levels that are bought: opened with the contract, watched, counted, ended with it; and claimed when the provider is gone. Chain and court in memory.

import { openChannelRail, type StakeBook } from '@haggle/payment'
import { type MemoryChain, memoryChain } from '@haggle/payment/testing'
import { commitTo, localAccount } from '@haggle/witness'
import { type MemoryCourts, memoryCourts } from '@haggle/witness/testing'
import { errorCode, fromHex } from '@haggle/wire'
import { type VirtualClock, virtualClock } from '@haggle/wire/testing'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { StartableMarket } from './market_node.ts'
import type { CourtAccount } from './parts.ts'
import { type MemberOptions, type MemoryHome, memoryHome, type MemoryMarket, memoryMarket } from './testing.ts'
import type { Job } from './types.ts'

const STAKED = 10_000_000n
/** A slot of 10 s; a missed one counts for 0.001 TEST; what opening it costs is 0.02 TEST. */
const SLA = { price: '0.001', fee: '0.02', slotS: 10, factor: 10, rule: 2 } as const
const PARAMETERS = {
  chain: 31_337,
  court: new Uint8Array(20).fill(7),
  witnessStake: 100_000n,
  claimS: 60,
  refuteS: 20,
  drawDelay: 2,
  commitReveal: false,
}

let clock: VirtualClock
let chain: MemoryChain
let courts: MemoryCourts
let market: MemoryMarket & AsyncDisposable
let accounts: number

beforeEach(async () => {
  clock = virtualClock()
  chain = memoryChain({ clock, closeDelayS: 100 })
  courts = memoryCourts({ parameters: PARAMETERS, now: () => clock.now() })
  market = await memoryMarket({ clock })
  accounts = 0
})
afterEach(async () => {
  await when(market.close())
})

interface Member {
  readonly node: StartableMarket
  readonly account: Uint8Array
  /** The same member after a restart. */
  again(): Promise<Member>
  staked(): bigint
}

interface Options extends Pick<MemberOptions, 'run'> {
  readonly witness?: boolean
  readonly change?: (court: CourtAccount) => CourtAccount
}

/** A member with money, stake and its place at the court. */
async function join(options: Options = {}): Promise<Member> {
  const number = ++accounts
  courts.model.vault.stake(localAccount(new Uint8Array(32).fill(number)).account, STAKED)
  return await live(options, { number, home: memoryHome() })
}

/** One life of a member. */
async function live(options: Options, kept: { readonly number: number; readonly home: MemoryHome }): Promise<Member> {
  const { run, witness = false, change = (court) => court } = options
  const signer = localAccount(new Uint8Array(32).fill(kept.number))
  const { account } = signer
  const channels = chain.channels(account, { funds: 100_000_000n })
  const court = courts.court(account)
  const stake = stakeOf(channels.rail, account)
  const node = await market.join({
    home: kept.home,
    ...(run === undefined ? {} : { run }),
    rails: [async (parts) => await openChannelRail({ channels, ...parts })],
    court: async () => change({ rail: channels.rail, court, signer, stake, witness }),
  })
  await clock.settle()
  return { node, account, staked: () => courts.model.vault.stakedOf(account), again: () => live(options, kept) }
}

/** The stake that the court's vault has, as a member sees it. */
function stakeOf(rail: string, account: Uint8Array): StakeBook {
  const { vault } = courts.model
  const refused = async (): Promise<never> => await Promise.reject(new Error('the vault of this test takes no transactions'))
  return {
    rail,
    account,
    unbondingS: 1_000,
    stakeOf: async () => ({ staked: vault.stakedOf(account), locked: vault.lockedOf(account), unbonding: 0n, unbondsAtS: null }),
    stake: refused,
    requestUnbond: refused,
    withdraw: refused,
  }
}

/** A job that runs until it is stopped, or for so long. */
const runs =
  (ms: number): NonNullable<MemberOptions['run']> =>
  (job) =>
    new Promise((resolve) => {
      const cancel = clock.after(ms, () => resolve(0))
      job.signal.addEventListener('abort', () => (cancel(), resolve(1)))
    })

/** Moves time in small steps, and the chain with it. */
async function pass(ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 250) {
    if (left % 1_000 === 0) courts.mine()
    await clock.settle(250)
  }
}

/** Waits for something that needs time to pass. */
async function when<T>(promise: Promise<T>): Promise<T> {
  let done = false
  const watched = promise.finally(() => (done = true))
  watched.catch(() => undefined)
  for (let turn = 0; turn < 2_000 && !done; turn++) await pass(250)
  return await watched
}

async function witnesses(): Promise<readonly Member[]> {
  const members: Member[] = []
  for (let n = 0; n < 4; n++) members.push(await join({ witness: true }))
  courts.mine(3)
  return members
}

const caseOf = (job: Job): NonNullable<ReturnType<typeof courts.model.caseOf>> => {
  const one = courts.model.caseOf(fromHex(job.sla ?? '', 32))
  if (one === null) throw new Error('there is no case')
  return one
}

it('run() buys a service level: its case is drawn, its fee is owed once, and it ends and unlocks with the job', async () => {
  await witnesses()
  const provider = await join({ run: runs(40_000) })
  await when(provider.node.provide({ price: '3.6', sla: SLA }))
  const renter = await join()
  const job = await when(renter.node.run({ command: ['x'], sla: true, timeoutMs: 300_000 }))
  await pass(10_000)
  expect(caseOf(job)).toMatchObject({
    state: 'drawn',
    slots: 31,
    slotS: 10,
    lock: 310_000n,
    renter: renter.account,
    provider: provider.account,
  })
  expect(provider.node.court()?.status).toMatchObject({ state: 'watching', provides: 1, problem: null })
  for (const { node } of [renter, provider]) expect(await node.jobs()).toMatchObject([{ contract: job.contract, sla: job.sla }])
  expect(renter.node.court()?.status).toMatchObject({ rents: 1 })
  const { owed, usedMs, receipt } = await when(job.done)
  expect(receipt).toMatchObject({ outcome: 'settled', signedBy: 'both' })
  expect(BigInt(Math.round(Number(owed) * 1e6))).toBe(BigInt(usedMs) + 20_000n)
  await pass(60_000)
  expect(caseOf(job).slots).toBeLessThan(10)
  await pass(100_000)
  expect(caseOf(job)).toMatchObject({ state: 'closed', lockLeft: 0n })
  expect(provider.staked()).toBe(STAKED)
}, 60_000)

it('run() buys a service level also where blocks are not random: both commit, both reveal, and nobody pays for a case that its provider drew alone', async () => {
  courts = memoryCourts({ parameters: { ...PARAMETERS, commitReveal: true }, now: () => clock.now() })
  await witnesses()
  const honest = await join({ run: runs(40_000) })
  await when(honest.node.provide({ price: '3.6', sla: SLA }))
  const renter = await join()
  const job = await when(renter.node.run({ command: ['x'], sla: true, timeoutMs: 300_000 }))
  await pass(10_000)
  expect(caseOf(job)).toMatchObject({ state: 'drawn', renterCommit: { length: 32 }, providerCommit: { length: 32 } })
  const { owed, usedMs, receipt } = await when(job.done)
  expect(receipt).toMatchObject({ outcome: 'settled', signedBy: 'both' })
  expect(BigInt(Math.round(Number(owed) * 1e6))).toBe(BigInt(usedMs) + 20_000n)
  await market.leave(honest.node)

  const mine = new Uint8Array(32).fill(5)
  const commits = { renterCommit: commitTo(mine), providerCommit: commitTo(mine) }
  const liar = await join({
    run: runs(30_000),
    change: (one) => ({ ...one, court: { ...one.court, openSla: (opening) => one.court.openSla({ ...opening, ...commits }) } }),
  })
  await when(liar.node.provide({ price: '3.6', sla: SLA }))
  const cheated = await when(renter.node.run({ command: ['x'], sla: true }))
  await pass(5_000)
  await courts.court(liar.account).drawWitnesses(caseOf(cheated).id, { provider: mine, renter: mine })
  const end = await when(cheated.done)
  expect(caseOf(cheated)).toMatchObject({ state: 'drawn', ...commits })
  expect(end.receipt?.outcome).not.toBe('settled')
  expect(Number(end.owed)).toBeLessThan(0.02)
}, 60_000)

it('run() buys a case of its own for each contract, also where two have the same terms', async () => {
  await witnesses()
  const provider = await join({ run: runs(20_000) })
  await when(provider.node.provide({ price: '3.6', slots: 2, sla: SLA }))
  const renter = await join()
  const buy = (): Promise<Job> => when(renter.node.run({ command: ['x'], sla: true }))
  const [one, two] = await Promise.all([buy(), buy()])
  await pass(8_000)
  expect(one.sla).not.toBe(two.sla)
  expect([caseOf(one).state, caseOf(two).state]).toEqual(['drawn', 'drawn'])
  await when(Promise.all([one.done, two.done]))
}, 60_000)

it('a case ends with its contract also when both sides were restarted before they had agreed about it', async () => {
  await witnesses()
  const provider = await join({ run: runs(20_000) })
  await when(provider.node.provide({ price: '3.6', sla: SLA }))
  const renter = await join()
  const job = await when(renter.node.run({ command: ['x'], sla: true, timeoutMs: 300_000 }))
  await when(job.done)
  for (const { node } of [renter, provider]) await market.leave(node)
  expect(caseOf(job)).toMatchObject({ state: 'drawn', slots: 31 })
  await provider.again()
  await renter.again()
  await pass(150_000)
  expect(caseOf(job)).toMatchObject({ state: 'closed', lockLeft: 0n })
  expect(caseOf(job).slots).toBeLessThan(10)
  expect(provider.staked()).toBe(STAKED)
}, 60_000)

it('run() without asking touches no court, also where one is sold', async () => {
  const provider = await join({ run: runs(2_000) })
  await when(provider.node.provide({ price: '3.6', sla: SLA }))
  const renter = await join()
  const job = await when(renter.node.run({ command: ['x'] }))
  const { owed, usedMs } = await when(job.done)
  expect(job.sla).toBeNull()
  expect(Math.round(Number(owed) * 1e6)).toBe(usedMs)
  expect(courts.model.cases(provider.account)).toEqual([])
}, 60_000)

it('a provider that is gone loses stake: its renter claims by itself', async () => {
  await witnesses()
  const provider = await join({ run: runs(600_000) })
  await when(provider.node.provide({ price: '3.6', sla: SLA }))
  const renter = await join()
  const job = await when(renter.node.run({ command: ['x'], sla: true, timeoutMs: 60_000 }))
  await pass(22_000)
  await market.leave(provider.node)
  await pass(150_000)
  expect(provider.staked()).toBeLessThan(STAKED)
  expect(courts.model.vault.creditOf(renter.account)).toBeGreaterThan(0n)
  await when(job.done)
}, 60_000)

it('run() fails with E_NOTHING_FITS or E_NO_OFFERS when nobody sells a service level', async () => {
  const provider = await join({ run: runs(1_000) })
  await when(provider.node.provide({ price: '3.6' }))
  const renter = await join()
  const code = await when(renter.node.run({ command: ['x'], sla: true }).then(() => 'ran', errorCode))
  expect(code).toBe('E_NOTHING_FITS')
}, 60_000)

it('a chain in trouble at CONFIRM breaks no job: no case, no fee, and the status says why', async () => {
  const down = async (): Promise<never> => {
    throw Object.assign(new Error('no answer'), { code: 'E_CHAIN_UNREACHABLE' })
  }
  await witnesses()
  const provider = await join({ run: runs(8_000), change: (one) => ({ ...one, court: { ...one.court, openSla: down } }) })
  await when(provider.node.provide({ price: '3.6', sla: SLA }))
  const renter = await join()
  const job = await when(renter.node.run({ command: ['x'], sla: true }))
  const { owed, usedMs, exitCode } = await when(job.done)
  expect([exitCode, Math.round(Number(owed) * 1e6)]).toEqual([0, usedMs])
  expect(provider.node.court()?.status.problem).toMatchObject({ message: 'no answer' })
  expect(courts.model.cases(provider.account)).toEqual([])
}, 60_000)

it('a renter does not pay for a case that was not opened as it was bought', async () => {
  await witnesses()
  const provider = await join({
    run: runs(30_000),
    change: (one) => ({ ...one, court: { ...one.court, openSla: (opening) => one.court.openSla({ ...opening, lock: 1n, slots: 1 }) } }),
  })
  await when(provider.node.provide({ price: '3.6', sla: SLA }))
  const renter = await join()
  const job = await when(renter.node.run({ command: ['x'], sla: true }))
  const { owed, receipt } = await when(job.done)
  expect(receipt?.outcome).not.toBe('settled')
  expect(Number(owed)).toBeLessThan(0.02)
}, 60_000)

it('an ACCEPT for which the provider has too little stake is refused for capacity', async () => {
  const provider = await join({
    run: runs(1_000),
    change: (one) => ({
      ...one,
      stake: { ...one.stake, stakeOf: async () => ({ staked: 10n, locked: 0n, unbonding: 0n, unbondsAtS: null }) },
    }),
  })
  await when(provider.node.provide({ price: '3.6', sla: SLA }))
  const renter = await join()
  await expect(when(renter.node.run({ command: ['x'], sla: true }))).rejects.toMatchObject({ details: { reason: 'capacity' } })
}, 60_000)
