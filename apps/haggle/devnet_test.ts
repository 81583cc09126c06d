// The whole command against a real market: relay, provider, renter and launcher as processes on loopback.

import { createServer, request as requestTo } from 'node:http'
import type { AddressInfo } from 'node:net'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { walletFile } from '@haggle/chain/node'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { pathsOf } from './home.ts'
import { type Ended, haggle, type Running, start, temporary } from './testing/command.ts'

const place = temporary()
let devnet: Running
let env: Record<string, string>
let provider: { peerId: string; home: string; pid: number }

beforeAll(async () => {
  devnet = start(['devnet', '--json', '--providers', '1', '--dir', place.folder])
  await devnet.seen(/\n/)
  const ready = JSON.parse(devnet.said().split('\n')[0] ?? '') as { env: Record<string, string>; providers: (typeof provider)[] }
  env = ready.env
  provider = ready.providers[0] as typeof provider
}, 120_000)

afterAll(async () => {
  await haggle(['down', '--now'], { env })
  devnet.child.kill('SIGINT')
  expect((await devnet.ended).code).toBe(0)
  place[Symbol.dispose]()
}, 60_000)

const run = (argv: readonly string[], options: { stdin?: Uint8Array | 'open'; cwd?: string } = {}): Promise<Ended> =>
  haggle(argv, { ...options, env })
const json = async <T>(argv: readonly string[]): Promise<T> => JSON.parse((await run(argv)).stdout.toString()) as T

test('haggle offers finds the provider through the relay alone', async () => {
  const { rows, seen } = await json<{ rows: { provider: string; seen: string }[]; seen: number }>(['offers', '--json'])
  expect(rows).toMatchObject([{ provider: provider.peerId }])
  expect(seen).toBe(1)
}, 60_000)

test('haggle run passes bytes and codes through a sandboxed stranger', async () => {
  const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, at) => (at * 7) % 256))
  const found = await run(['run', '--', 'sh', '-c', 'cat; echo bad >&2; exit 9'], { stdin: bytes })
  expect(found.stdout.equals(bytes)).toBe(true)
  expect(found.stderr).toContain('bad\n')
  expect(found.code).toBe(9)
}, 60_000)

test('haggle run --deno carries a module, a folder and results', async () => {
  const folder = join(place.folder, 'job')
  mkdirSync(join(folder, 'in'), { recursive: true })
  writeFileSync(join(folder, 'in', 'words.txt'), 'hello')
  writeFileSync(
    join(folder, 'main.ts'),
    'await Deno.mkdir("out", { recursive: true })\nawait Deno.writeTextFile("out/loud.txt", (await Deno.readTextFile("words.txt")).toUpperCase() + Deno.args[0])\n',
  )
  const found = await run(['run', '--in', 'in', '--out', 'results', '--deno', 'main.ts', '!'], { cwd: folder })
  expect(found.stderr).not.toContain('(E_')
  expect(found.code).toBe(0)
  expect(readFileSync(join(folder, 'results', 'out', 'loud.txt'), 'utf8')).toBe('HELLO!')
}, 60_000)

test('haggle run leaves a receipt that haggle verify accepts, and refuses when a byte is flipped', async () => {
  const contract = (await run(['run', '--detach', '--', 'true'])).stdout.toString().trim()
  const file = join(pathsOf(env['HAGGLE_HOME'] ?? '').receipts, `${contract.slice(0, 16)}.haggle`)
  await expect.poll(() => existsSync(file), { timeout: 10_000 }).toBe(true)
  const verdict = JSON.parse((await haggle(['verify', '--json', file])).stdout.toString()) as {
    ok: boolean
    outcome: string
    contract: string
  }
  expect(verdict).toMatchObject({ ok: true, outcome: 'settled', signedBy: 'both', contract })
  const bytes = readFileSync(file)
  const at = Math.floor(bytes.length / 2)
  bytes[at] = (bytes[at] ?? 0) ^ 1
  writeFileSync(file, bytes)
  const broken = await haggle(['verify', file])
  expect(broken.code).toBe(1)
  expect(broken.stderr).toMatch(/does not check: .*\(E_/)
}, 60_000)

test('haggle run cancels at Ctrl-C and is gone from the provider', async () => {
  const running = start(['run', '--', 'sh', '-c', 'echo started; exec sleep 600'], { env, stdin: 'open' })
  await running.seen(/started/)
  running.child.kill('SIGINT')
  expect((await running.ended).code).toBe(130)
  await expect
    .poll(async () => (await json<{ jobs: unknown[] }>(['ps', '--json', '--home', provider.home])).jobs, { timeout: 10_000 })
    .toEqual([])
}, 60_000)

test('a job outlives its command and the kill -9 of its agent; attach has all of its output', async () => {
  const contract = (await run(['run', '--detach', '--', 'sh', '-c', 'echo first; sleep 3; echo last; exit 5'])).stdout.toString().trim()
  expect(contract).toMatch(/^[0-9a-f]{64}$/)
  const { pid } = await json<{ pid: number }>(['status', '--json'])
  process.kill(pid, 'SIGKILL')
  const attached = await run(['attach', '-n', contract.slice(0, 10)])
  expect(attached.stdout.toString()).toBe('first\nlast\n')
  expect(attached.code).toBe(5)
}, 60_000)

test('haggle run exits 124 when the time is over and 4 when nothing fits', async () => {
  expect((await run(['run', '--timeout', '1s', '--', 'sleep', '60'])).code).toBe(124)
  const nothing = await run(['run', '--where', 'price.hour<=0.000001', '--', 'true'])
  expect(nothing.code).toBe(4)
  expect(nothing.stderr).toMatch(/nothing fits: 0 of 1 offer\b/)
}, 60_000)

test('haggle run gives its own line and caret for a bad expression', async () => {
  const found = await run(['run', '--where', 'price.hour <=', '--', 'true'])
  expect(found.code).toBe(2)
  expect(found.stderr).toMatch(/\n {2}price\.hour <=\n +\^\n/)
}, 60_000)

test('haggle up says when its port is taken', async () => {
  const { addresses } = await json<{ addresses: string[] }>(['status', '--json', '--home', provider.home])
  const port = /tcp\/(\d+)/.exec(addresses[0] ?? '')?.[1] ?? ''
  const found = await haggle([
    'up',
    '--home',
    join(place.folder, 'second'),
    '--listen',
    `/ip4/127.0.0.1/tcp/${port}`,
    '--price',
    '1',
    '--mdns',
    'off',
  ])
  expect(found.code).toBe(3)
  expect(found.stderr).toContain('E_PORT_TAKEN')
}, 60_000)

test('haggle --foreground refuses a home that an agent has', async () => {
  const found = await run(['status', '--foreground'])
  expect(found.code).toBe(3)
  expect(found.stderr).toContain('E_HOME_BUSY')
}, 60_000)

test('haggle run --rail pays a stranger in test money, which it claims on the chain', async () => {
  const balance = async (home: string): Promise<{ balance: string; claimable: string }> =>
    await json(['wallet', 'balance', '--json', '--home', home])
  const found = await run(['run', '--rail', 'TEST', '--', 'sh', '-c', 'sleep 1; echo paid'])
  expect(found.stderr).not.toContain('(E_')
  expect(found.stdout.toString()).toBe('paid\n')
  const { channels } = await json<{ channels: { role: string; state: string; promised: string }[] }>(['channel', '--json'])
  expect(channels).toMatchObject([{ role: 'payer', state: 'open' }])
  expect(Number(channels[0]?.promised)).toBeGreaterThan(0)
  await expect.poll(async () => Number((await balance(provider.home)).claimable), { timeout: 30_000 }).toBeGreaterThan(0)
  const { claimed } = await json<{ claimed: string }>(['claim', '--all', '--json', '--home', provider.home])
  expect(Number((await balance(provider.home)).balance)).toBe(Number(claimed))
  const { anchored } = await json<{ anchored: { size: number } }>(['anchor', 'now', '--json', '--home', provider.home])
  expect(anchored.size).toBeGreaterThan(0)
}, 120_000)

test('haggle anchor get has a ledger anchored by a provider, and haggle verify finds it on the chain', async () => {
  const get = ['anchor', 'get', '--from', provider.peerId]
  // Brings the head. Whether an older one is anchored already depends on what was signed in the tests above.
  await run(get)
  const { others } = await json<{ others: object }>(['anchor', 'now', '--json', '--home', provider.home])
  expect(others).toMatchObject({ logs: 1, pending: 0 })
  const found = await run(get)
  expect([found.code, found.stderr]).toEqual([0, expect.stringContaining('on chain 31337')])
  const verdict = await run(['verify', '--json', '-'], { stdin: found.stdout })
  expect(JSON.parse(verdict.stdout.toString())).toMatchObject({ ok: true, kind: 'anchor', chain: { state: 'anchored' } })
}, 60_000)

test('haggle status, doctor and price know the wallet and the chain', async () => {
  const status = await run(['status'])
  expect(status.stdout.toString()).toMatch(/\nmoney {5}0x\w{4}…\w{4} open · TEST: exposure /)
  expect(status.stdout.toString()).toContain('31337 (devnet, play money)')
  const { checks } = await json<{ checks: { name: string; state: string }[] }>(['doctor', '--json'])
  expect(checks.filter(({ name }) => name === 'wallet' || name === 'chain').map(({ state }) => state)).toEqual(['ok', 'ok'])
  expect(await json(['price', '--json'])).toMatchObject({ unit: 'TEST', offers: { count: 1 } })
}, 60_000)

test('an agent whose chain was away when it started deals in its money once that is back, without a restart', async () => {
  const node = env['HAGGLE_CHAIN_RPC'] ?? ''
  let isAway = true
  const front = createServer((request, response) => {
    if (isAway) return void request.socket.destroy()
    const onward = requestTo(node, { method: 'POST', headers: request.headers }, (answer) => void answer.pipe(response))
    request.pipe(onward)
  })
  await new Promise<void>((done) => void front.listen(0, '127.0.0.1', done))
  const home = join(place.folder, 'late')
  const late = { ...env, HAGGLE_HOME: home, HAGGLE_CHAIN_RPC: `http://127.0.0.1:${(front.address() as AddressInfo).port}` }
  const own = async (argv: readonly string[]): Promise<Ended> => await haggle(argv, { env: late })
  try {
    mkdirSync(home, { mode: 0o700 })
    const passphrase = readFileSync(env['HAGGLE_WALLET_PASSPHRASE_FILE'] ?? '', 'utf8')
    await walletFile(join(home, 'wallet'), { scryptLogN: 14 }).create(passphrase)
    const before = await own(['wallet', 'balance', '--json'])
    expect([before.code, before.stdout.toString()]).toEqual([expect.any(Number), expect.stringContaining('E_CHAIN_UNREACHABLE')])
    const { pid, money } = JSON.parse((await own(['status', '--json'])).stdout.toString()) as { pid: number; money: { rails: unknown } }
    expect(money.rails).toMatchObject([{ rail: 'free' }])
    isAway = false
    await expect.poll(async () => (await own(['wallet', 'balance', '--json'])).code, { timeout: 60_000, interval: 1_000 }).toBe(0)
    const after = JSON.parse((await own(['status', '--json'])).stdout.toString()) as { pid: number; money: { rails: unknown } }
    expect(after.pid).toBe(pid)
    expect(after.money.rails).toMatchObject([{ rail: 'free' }, { unit: 'TEST' }])
    const bought = await own(['run', '--dry-run', '--rail', 'TEST', '--', 'true'])
    expect([bought.code, bought.stderr]).toEqual([0, expect.not.stringContaining('(E_')])
  } finally {
    await own(['down', '--now'])
    front.close()
    front.closeAllConnections()
  }
}, 120_000)

test('haggle doctor finds this machine fit, or says what is missing', async () => {
  const { checks } = await json<{ checks: { name: string; state: string; fix?: string }[] }>(['doctor', '--json'])
  expect(checks.find(({ name }) => name === 'agent')?.state).toBe('ok')
  expect(checks.find(({ name }) => name === 'relay')?.state).toBe('ok')
  expect(checks.filter(({ state }) => state === 'bad').every(({ fix }) => fix !== undefined)).toBe(true)
}, 60_000)
