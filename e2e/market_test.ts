// The market between real processes, when the ones that matter die.

import { readFileSync } from 'node:fs'
import { afterEach, expect, it } from 'vitest'
import { type Bench, openBench, type Running, stablePort } from './_processes.ts'

/** On any port of this machine alone. */
const LISTEN: readonly string[] = ['--listen', '/ip4/127.0.0.1/tcp/0']

let bench: Bench | undefined
afterEach(async () => {
  await bench?.close()
  bench = undefined
})

it('nodes that knew each other find each other and rent when the relay is dead for good, after all of them were restarted', async () => {
  bench = await openBench()
  const relay = await bench.relay()
  const join = ['--bootstrap', relay.address]
  const homes = ['one', 'two'] as const
  const ports = { one: await stablePort(), two: await stablePort() }
  const up = async (name: (typeof homes)[number]): Promise<Running> =>
    (await (bench ?? expect.fail('no bench')).provider(name, ['--listen', `/ip4/127.0.0.1/tcp/${ports[name]}`, ...join])).running
  const before = [await up('one'), await up('two')]
  const first = await bench.haggle('renter', ['run', ...join, '--', 'echo', 'one'])
  expect(first).toMatchObject({ code: 0, stdout: 'one\n' })
  // Both are heard of before the relay goes.
  const seen = async (): Promise<number> =>
    (JSON.parse((await bench?.haggle('renter', ['offers', '--json']))?.stdout ?? '') as { rows: [] }).rows.length
  while ((await seen()) < homes.length);
  await relay.running.kill('SIGKILL')
  expect(await bench.haggle('renter', ['run', '--', 'echo', 'two'])).toMatchObject({ code: 0, stdout: 'two\n' })
  // No process of the mesh is left: what they knew is on disk.
  await bench.haggle('renter', ['down'])
  for (const one of before) await one.kill()
  for (const name of homes) await up(name)
  expect(await bench.haggle('renter', ['run', '--', 'echo', 'three'])).toEqual({ code: 0, stdout: 'three\n', stderr: '' })
  expect(await seen()).toBe(homes.length)
}, 300_000)

it('a job goes on and is paid for when the agent of its provider is killed and comes back', async () => {
  bench = await openBench()
  const listen = ['--listen', `/ip4/127.0.0.1/tcp/${await stablePort()}`]
  const provider = await bench.provider('provider', listen)
  // An agent inside its command has an agent's heap: the process that was started is the one that serves.
  expect(readFileSync(`/proc/${provider.running.process.pid}/cmdline`, 'utf8')).toContain('--max-semi-space-size=4')
  const address = provider.address ?? expect.fail('the provider has no address')
  const job = bench.start('renter', [
    'run',
    '--peer',
    address,
    '--',
    'sh',
    '-c',
    'for i in 1 2 3 4 5 6 7 8; do echo line $i; sleep 1; done; exit 7',
  ])
  await job.says(/line 2/)
  await provider.running.kill('SIGKILL')
  await bench.provider('provider', listen)
  expect(await job.ended).toBe(7)
  expect(job.text().match(/line \d/g)).toEqual(Array.from({ length: 8 }, (_, at) => `line ${at + 1}`))
  const ledger = await bench.haggle('provider', ['ledger', '--json'])
  expect(ledger.stdout).toMatch(/closed/)
  expect(ledger.stdout).toMatch(/settled/)
}, 90_000)

it('run --retry finishes elsewhere when the provider that took the job is killed for good', async () => {
  bench = await openBench()
  const providers = [await bench.provider('one', LISTEN), await bench.provider('two', LISTEN)]
  const peers = providers.flatMap(({ address }) => ['--peer', address ?? expect.fail('a provider has no address')])
  const job = bench.start('renter', ['run', '--retry', '2', ...peers, '--', 'sh', '-c', 'echo begun; sleep 5; echo done'])
  await job.says(/begun/)
  const ps = await bench.haggle('renter', ['ps', '--json'])
  const took = providers.find(({ address }) => ps.stdout.includes(address?.split('/p2p/')[1] ?? 'no address'))
  await took?.running.kill('SIGKILL')
  expect(await job.ended).toBe(0)
  // The second provider's job starts anew: what the first one said is not taken back.
  expect(job.text().match(/^(begun|done)$/gm)).toEqual(['begun', 'begun', 'done'])
}, 180_000)

it('a job of a renter whose agent was killed is there again, with all its output', async () => {
  bench = await openBench()
  const provider = await bench.provider('provider', ['--listen', '/ip4/127.0.0.1/tcp/0'])
  const address = provider.address ?? expect.fail('the provider has no address')
  const started = await bench.haggle('renter', [
    'run',
    '--detach',
    '--peer',
    address,
    '--',
    'sh',
    '-c',
    'echo first; sleep 4; echo last; exit 3',
  ])
  const contract = /[0-9a-f]{64}/.exec(started.stdout)?.[0] ?? expect.fail(started.stderr)
  const status = await bench.haggle('renter', ['status', '--json'])
  const pid = Number(/"pid":\s*(\d+)/.exec(status.stdout)?.[1])
  process.kill(pid, 'SIGKILL')
  const attached = await bench.haggle('renter', ['attach', contract])
  expect(attached).toEqual({ code: 3, stdout: 'first\nlast\n', stderr: '' })
}, 90_000)
