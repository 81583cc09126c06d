// A service level between real processes: a renter buys one of a job that ends well, and one of a job whose provider is killed. The first case closes and
// frees its stake; of the second the renter's agent claims what the witnesses saw, and the provider is slashed.

import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chainRpc, evmCourt, evmStake, openChain, openSender, revertReason, type WalletSigner, walletSigner } from '@haggle/chain'
import { walletFile } from '@haggle/chain/node'
import { type Anvil, deployDevnet, type Deployment, findAnvil, fundAccount, startAnvil } from '@haggle/chain/testing'
import { type CourtAccount, joinMarket } from '@haggle/market'
import { memoryStore } from '@haggle/store'
import { systemClock } from '@haggle/wire'
import { afterEach, expect, it } from 'vitest'
import { type Bench, type Finished, openBench } from './_processes.ts'

const clock = systemClock()
/** Compressed: a seat costs one token, a dispute takes three seconds. */
const COURT = { witnessStake: 1_000_000n, claimS: 60, refuteS: 3, drawDelay: 2 }
const PASSPHRASE = randomBytes(16).toString('hex')
/** A job of 24 s at most has so many of them. */
const SLOTS = 13
/** A slot of two seconds counts for 0.01, and costs the provider ten times that. Rule 2: four witnesses. */
const SELLS = ['--sla-price', '0.01', '--sla-fee', '0.02', '--sla-slot', '2s', '--sla-rule', '2']

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close()
}, 60_000)

interface CourtPage {
  readonly cases: readonly {
    readonly id: string
    readonly state: string
    readonly from: string
    readonly slots: number
    readonly slotS: number
    readonly locked: string
    readonly witnesses: number
    readonly claims: readonly { readonly finalized: boolean; readonly slots: number; readonly refuted: number }[]
  }[]
}

/** Asks until what is answered will do. */
async function until<T>(ask: () => Promise<T>, holds: (found: T) => boolean, withinMs = 90_000): Promise<T> {
  for (const endMs = performance.now() + withinMs; ;) {
    const found = await ask()
    if (holds(found)) return found
    if (performance.now() > endMs) expect.fail(`it did not come about in time: ${JSON.stringify(found)}`)
    await new Promise((resolve) => setTimeout(resolve, 1_000))
  }
}

/** The chain that everybody is on. */
interface OnChain {
  readonly anvil: Anvil
  readonly deployment: Deployment
}

/** An account with tokens and gas, and what it has at stake. */
async function accountOf(signer: WalletSigner, { anvil, deployment }: OnChain): Promise<Omit<CourtAccount, 'witness'>> {
  await fundAccount(anvil.url, deployment, signer.address, { tokens: 100_000_000n, coin: 10n ** 20n })
  const store = memoryStore()
  const chain = openChain({ chainId: anvil.chainId, rpc: chainRpc({ urls: [anvil.url], chainId: anvil.chainId, clock }) })
  const sender = await openSender({ chain, wallet: signer, store: store.sub('sender'), clock, reasonOf: revertReason })
  const at = { chain, sender, clock }
  const stake = await evmStake({ ...at, contract: deployment.vault, store: store.sub('stake') })
  const court = await evmCourt({ ...at, contract: deployment.court, store: store.sub('court') })
  closers.push(async () => {
    await court.stop()
    await sender.stop()
  })
  return { rail: stake.rail, court, signer, stake }
}

/** A wallet in a home, with tokens and gas. */
async function walletIn(home: string, on: OnChain): Promise<Omit<CourtAccount, 'witness'>> {
  mkdirSync(home, { recursive: true, mode: 0o700 })
  const file = walletFile(join(home, 'wallet'), { scryptLogN: 14 })
  await file.create(PASSPHRASE)
  return await accountOf(await file.open(PASSPHRASE), on)
}

/** A node of this process that is nothing but a witness. */
async function witness(bench: Bench, relay: string, on: OnChain): Promise<void> {
  const account = await accountOf(walletSigner(new Uint8Array(randomBytes(32))), on)
  await account.stake.stake(COURT.witnessStake)
  const court = async (): Promise<CourtAccount> => ({ ...account, witness: true })
  const market = await joinMarket({ network: bench.network, listen: ['/ip4/127.0.0.1/tcp/0'], bootstrap: [relay], court })
  closers.push(() => market.close())
  await until(async () => market.court()?.status.seat === true, Boolean)
}

/** The case was shortened, and its last slot with its grace is over. */
function isPast({ from, slots, slotS }: CourtPage['cases'][number]): boolean {
  return slots < SLOTS && Date.parse(from) + (slots + 1) * slotS * 1_000 < Date.now()
}

/** Slots that fell for good. */
function missedIn({ claims }: CourtPage['cases'][number]): number {
  return claims.filter(({ finalized }) => finalized).reduce((sum, { slots, refuted }) => sum + slots - refuted, 0)
}

const parsed = <T>({ code, stdout, stderr }: Finished): T => {
  expect(code, stderr).toBe(0)
  return JSON.parse(stdout) as T
}

it('a service level that is bought closes when its job ends well, and costs its provider stake when it is killed', async ({ skip }) => {
  skip(findAnvil() === undefined, 'anvil has no program for this machine')
  const folder = mkdtempSync(join(tmpdir(), 'haggle-sla-'))
  closers.push(() => rmSync(folder, { recursive: true, force: true }))
  const anvil = await startAnvil({ blockTimeS: 1 })
  closers.push(() => anvil.stop())
  const deployment = await deployDevnet(anvil.url, { unbondDelayS: 600, court: COURT })
  const files = { deployment: join(folder, 'deployment.json'), passphrase: join(folder, 'passphrase') }
  writeFileSync(files.deployment, JSON.stringify(deployment))
  writeFileSync(files.passphrase, PASSPHRASE, { mode: 0o600 })
  const chain = ['--chain-rpc', anvil.url, '--chain-deployment', files.deployment, '--wallet-passphrase-file', files.passphrase]
  const bench = await openBench({
    env: {
      HAGGLE_CHAIN_RPC: anvil.url,
      HAGGLE_CHAIN_DEPLOYMENT: files.deployment,
      HAGGLE_WALLET_PASSPHRASE_FILE: files.passphrase,
      HAGGLE_RAIL: 'TEST',
    },
  })
  closers.push(() => bench.close())
  const on: OnChain = { anvil, deployment }
  for (const name of ['relay', 'renter']) await walletIn(bench.home(name), on)
  const seller = await walletIn(bench.home('provider'), on)
  await seller.stake.stake(20_000_000n)

  const relay = await bench.relay('relay', ['--witness', '--json', ...chain])
  const joined = ['--bootstrap', relay.address]
  const [provider] = await Promise.all([
    bench.provider('provider', ['--listen', '/ip4/127.0.0.1/tcp/0', '--slots', '2', ...SELLS, ...joined]),
    // Its agent is there when it rents.
    bench.haggle('renter', ['court', ...joined]),
    relay.running.says(/"event":"seat"/),
    ...[1, 2, 3].map(() => witness(bench, relay.address, on)),
  ])

  const buy = ['run', '--sla', '--timeout', '24s', '--wait', '60s', ...joined]
  const well = bench.start('renter', [...buy, '--', 'sh', '-c', 'echo on; sleep 6'])
  await well.says(/^on$/m)
  const lost = bench.start('renter', [...buy, '--', 'sh', '-c', 'echo on; sleep 60'])
  await lost.says(/^on$/m)
  const court = async (): Promise<CourtPage> => parsed(await bench.haggle('renter', ['court', '--json']))
  expect(await well.ended, well.text()).toBe(0)
  // Both drawn, the first shortened by agreement: now the provider dies in the middle of the other.
  const drawn = await until(court, ({ cases }) => cases.length === 2 && cases.every((one) => one.state === 'drawn') && cases.some(isPast))
  expect(drawn.cases.map(({ witnesses }) => witnesses)).toEqual([4, 4])
  await provider.running.kill('SIGKILL')

  const claimed = await until(court, ({ cases }) => cases.some(({ claims }) => claims.some(({ finalized }) => finalized)))
  const slashed = claimed.cases.find(({ claims }) => claims.length > 0) ?? expect.fail('there is no claim')
  expect(missedIn(slashed)).toBeGreaterThan(0)
  expect(Math.round(Number(slashed.locked) * 100)).toBe(SLOTS * 10 - 10 * missedIn(slashed))

  await anvil.elapse(2 * COURT.claimS)
  // What was left of the lock is free again, and what was taken is gone.
  const closed = await until(court, ({ cases }) => cases.every(({ state }) => state === 'closed'))
  expect(closed.cases.map(({ locked }) => locked)).toEqual(['0', '0'])
  const good = closed.cases.find(({ id }) => id !== slashed.id)
  expect(good?.claims).toEqual([])
  const { staked, locked } = await seller.stake.stakeOf()
  // Slots that were claimed later than the first ones have fallen since, too.
  const missed = closed.cases.reduce((sum, one) => sum + missedIn(one), 0)
  expect(missed).toBeGreaterThanOrEqual(missedIn(slashed))
  expect([staked, locked]).toEqual([20_000_000n - 100_000n * BigInt(missed), 0n])
}, 240_000)
