// The market between real processes, when the ones that matter die.

import { afterEach, expect, it } from 'vitest'
import { type Bench, openBench } from './_processes.ts'

let bench: Bench | undefined
afterEach(async () => {
  await bench?.close()
  bench = undefined
})

it('a renter that knew the mesh finds and rents when the relay is dead', async () => {
  bench = await openBench()
  const relay = await bench.relay()
  await bench.provider('one', ['--listen', '/ip4/127.0.0.1/tcp/0', '--bootstrap', relay.address])
  const first = await bench.haggle('renter', ['run', '--bootstrap', relay.address, '--', 'echo', 'one'])
  expect(first).toMatchObject({ code: 0, stdout: 'one\n' })
  await relay.running.kill('SIGKILL')
  expect(await bench.haggle('renter', ['run', '--', 'echo', 'two'])).toMatchObject({ code: 0, stdout: 'two\n' })
  // Not even the agent's memory is needed: what it knew is on disk.
  await bench.haggle('renter', ['down'])
  expect(await bench.haggle('renter', ['run', '--', 'echo', 'three'])).toEqual({ code: 0, stdout: 'three\n', stderr: '' })
}, 90_000)

it('a job goes on and is paid for when the agent of its provider is killed and comes back', async () => {
  bench = await openBench()
  const provider = await bench.provider('provider', ['--listen', '/ip4/127.0.0.1/tcp/0'])
  const address = provider.address ?? expect.fail('the provider has no address')
  const port = /tcp\/(\d+)/.exec(address)?.[1] ?? ''
  const job = await bench.start('renter', [
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
  await bench.provider('provider', ['--listen', `/ip4/127.0.0.1/tcp/${port}`])
  expect(await job.ended).toBe(7)
  expect(job.text().match(/line \d/g)).toEqual(Array.from({ length: 8 }, (_, at) => `line ${at + 1}`))
  const ledger = await bench.haggle('provider', ['ledger', '--json'])
  expect(ledger.stdout).toMatch(/closed/)
  expect(ledger.stdout).toMatch(/settled/)
}, 90_000)

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
