// Memory between nodes over libp2p: a log shown differently to two counterparties, old backups put back, and a proof that travels as a file.

import { cp, mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { portableSuite } from '@haggle/identity'
import { openKeyFile } from '@haggle/identity/node'
import { memoryJobHost } from '@haggle/job'
import { type JoinOptions, joinMarket, type LogEvent, type Market, type MemoryStatus } from '@haggle/market'
import { TEST_MACHINE } from '@haggle/market/testing'
import { PROOF_BYTES, readEvidence } from '@haggle/reputation'
import { systemClock } from '@haggle/wire'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Bench, openBench } from './_processes.ts'

/** What a backup holds of a home: no sockets and no pipes of jobs. */
const isKept = (path: string): boolean => !/\/launcher|\.sock$|\/LOCK$/.test(path)

/** What needs a few round trips on a machine that others use too is there by then. */
const SOON = { timeout: 30_000, interval: 50 }

describe('over libp2p', () => {
  let folder = ''
  let running: Market[] = []
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'haggle-memory-'))
    running = []
  })
  afterEach(async () => {
    for (const node of running) await node.close()
    await rm(folder, { recursive: true, force: true })
  })

  async function node(name: string, options: JoinOptions = {}): Promise<Market> {
    const market = await joinMarket({ network: 'devnet-memory', listen: ['/ip4/127.0.0.1/tcp/0'], home: join(folder, name), ...options })
    running.push(market)
    return market
  }

  async function provider(name: string, options: JoinOptions = {}): Promise<Market> {
    const launcher = memoryJobHost({ run: async () => 0, clock: systemClock(), sha256: portableSuite().sha256 })
    const market = await node(name, { launcher, machine: TEST_MACHINE, ...options })
    await market.provide({ price: '0.01' })
    return market
  }

  async function leave(market: Market): Promise<void> {
    running = running.filter((each) => each !== market)
    await market.close()
  }

  /** `count` contracts, all of them closed in the provider's ledger. */
  async function deal(renter: Market, seller: Market, count: number): Promise<void> {
    await renter.ping(seller.addresses()[0]!)
    // A provider that was started anew promises nothing of what it promised before: its offer of now is asked for.
    await renter.offers()
    for (let i = 0; i < count; i++) {
      const job = await renter.run({ command: ['true'], providers: [seller.peerId] })
      await job.done
      await expect.poll(async () => (await seller.memory.prove(job.contract)).bothSigned, SOON).toBe(true)
    }
  }

  it('two counterparties find a split view when they meet, keep the evidence, and deal with the liar no more', async () => {
    const [anna, ben] = [await node('anna'), await node('ben')]
    // One key, two homes: each counterparty is shown a history of its own.
    const face = await provider('liar')
    await deal(anna, face, 1)
    expect((await face.memory.checkpoint()).cosigned).toBe(1)
    const liar = face.peerId
    await leave(face)
    await cp(join(folder, 'liar', 'key'), join(folder, 'second-key'))
    await rm(join(folder, 'liar'), { recursive: true })
    const other = await provider('other', { identity: await openKeyFile(join(folder, 'second-key')) })
    expect(other.peerId).toBe(liar)
    await deal(ben, other, 2)
    expect((await other.memory.checkpoint()).cosigned).toBe(1)
    expect(await anna.memory.evidence(liar)).toBeNull()
    expect((await ben.memory.explain(liar)).convicted).toBeNull()
    // They meet, and exchange heads as all do who meet.
    await anna.ping(ben.addresses()[0]!)
    for (const honest of [anna, ben]) {
      await expect.poll(async () => (await honest.memory.status()).convicted, SOON).toBe(1)
      const explained = await honest.memory.explain(liar)
      expect(explained.convicted).toMatch(/two roots for size|leaves out one of size|remembers another root/)
      expect(explained.roles.map(({ score }) => score)).toEqual([0, 0])
    }
    const file = await anna.memory.evidence(liar)
    expect(readEvidence(file!, portableSuite()).kind).toBe('fork')
    await expect(ben.run({ command: ['true'], providers: [liar] })).rejects.toMatchObject({ code: 'E_NOTHING_FITS' })
    // It is remembered.
    await leave(anna)
    const again = await node('anna')
    expect((await again.memory.explain(liar)).roles.map(({ score }) => score)).toEqual([0, 0])
    expect(await again.memory.evidence(liar)).toEqual(file)
  }, 120_000)

  it('a provider on an old backup signs nothing, fetches what it lacks from its counterparties, and goes on', async () => {
    const renter = await node('renter')
    const first = await provider('seller')
    await deal(renter, first, 1)
    await first.memory.checkpoint()
    await leave(first)
    await cp(join(folder, 'seller'), join(folder, 'backup'), { recursive: true })
    const second = await provider('seller')
    await deal(renter, second, 2)
    const { size } = await second.memory.checkpoint()
    await leave(second)
    await rm(join(folder, 'seller'), { recursive: true })
    await cp(join(folder, 'backup'), join(folder, 'seller'), { recursive: true })

    // What the node tells its owner, in order. Heads are signed in state `ok` only.
    const told: LogEvent[] = []
    const restored = await provider('seller', { onMemory: (event) => void told.push(event) })
    await deal(renter, restored, 1)
    await expect.poll(async () => (await restored.memory.status()).state, SOON).toBe('ok')
    const states = told.flatMap((event) => (event.kind === 'state' && event.state !== 'unconfirmed' ? [event] : []))
    expect(states).toMatchObject([{ state: 'behind' }, { state: 'ok' }])
    expect(states[0]!.size).toBeLessThan(size)
    expect(told.find(({ kind }) => kind === 'fetched')).toMatchObject({ entries: expect.any(Number) })
    expect((await restored.memory.status()).size).toBeGreaterThan(size)
    expect(await restored.memory.check()).toMatchObject({ ok: true, lost: [] })
    expect((await restored.memory.checkpoint()).cosigned).toBe(1)
    expect(await renter.memory.evidence(restored.peerId)).toBeNull()
  }, 120_000)
})

describe('as commands', () => {
  let bench: Bench | undefined
  afterEach(async () => {
    await bench?.close()
    bench = undefined
  })

  it('haggle proves a receipt to a stranger, and begins a successor where an old backup lacks what nobody has', async () => {
    bench = await openBench()
    const { haggle, home, provider } = bench
    const json = async <T>(name: string, args: readonly string[]): Promise<T> => {
      const { stdout, stderr } = await haggle(name, [...args, '--json'])
      return (stdout === '' ? expect.fail(stderr) : JSON.parse(stdout)) as T
    }
    const listen = ['--listen', '/ip4/127.0.0.1/tcp/0']
    const rent = async (renter: string, address: string | null): Promise<void> => {
      const ran = await haggle(renter, ['run', '--peer', address ?? expect.fail('no address'), '--', 'echo', renter])
      expect(ran).toMatchObject({ code: 0, stdout: `${renter}\n` })
    }
    const status = async (): Promise<MemoryStatus> => (await json<{ memory: MemoryStatus }>('seller', ['status'])).memory

    const one = await provider('seller', listen)
    await rent('early', one.address)
    await expect.poll(async () => (await status()).size, SOON).toBe(2)
    // As a backup is made of a home in use.
    await cp(home('seller'), home('backup'), { recursive: true, filter: isKept })
    await rent('early', one.address)
    await haggle('early', ['down'])
    await rent('late', one.address)
    const { jobs } = await json<{ jobs: { contract: string }[] }>('late', ['ps', '--all'])
    const contract = jobs.at(-1)!.contract
    const file = join(home('seller'), 'receipt.proof')
    const prove = async (): Promise<string> => (await haggle('seller', ['ledger', 'prove', contract, '--to', file, '--json'])).stdout
    await expect.poll(prove, SOON).toContain('"bothSigned":true')
    expect((await stat(file)).size).toBeLessThan(PROOF_BYTES)
    // Its agent has ended: a proof needs no network.
    expect((await haggle('early', ['verify', file])).stdout).toMatch(/signed +by both parties/)
    expect((await haggle('late', ['ledger', 'import', file, '--json'])).stdout).toContain('"kind":"carried"')
    await one.running.kill()

    // Who is here knows the head, but of the entries under it only those about itself: the early one took the others away.
    await rm(home('seller'), { recursive: true })
    await cp(home('backup'), home('seller'), { recursive: true })
    const two = await provider('seller', listen)
    await rent('late', two.address)
    await expect.poll(status, SOON).toMatchObject({ state: 'behind', size: 4, missing: 6 })
    expect((await haggle('seller', ['status'])).stdout).toMatch(/ledger +.*behind: others have seen up to 6 more[^]*→ haggle ledger fetch/)
    expect((await haggle('seller', ['doctor'])).stdout).toMatch(/✗ ledger .*no head is signed/)
    expect((await haggle('seller', ['ledger', 'checkpoint'])).stderr).toContain('E_HEAD_BEHIND')
    expect(await json('seller', ['ledger', 'succeed'])).toMatchObject({ log: 1, size: 1 })
    await rent('late', two.address)
    await expect.poll(status, SOON).toMatchObject({ state: 'ok', log: 1, size: 3, waiting: 0 })
    expect(await json('seller', ['ledger', 'checkpoint'])).toMatchObject({ size: 3, cosigned: 1 })
  }, 240_000)
})
