import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { portableSuite } from '@haggle/identity'
import { memoryJobHost } from '@haggle/job'
import { systemClock } from '@haggle/wire'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { joinMarket } from './mod.ts'
import { TEST_MACHINE } from './testing.ts'

let home = ''
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'join-'))
})
afterEach(() => rm(home, { recursive: true, force: true }))

const LOOPBACK = { listen: ['/ip4/127.0.0.1/tcp/0'], network: 'devnet-join' }

it('joinMarket() keeps its key in the home, and its jobs over a restart', async () => {
  const host = memoryJobHost({
    run: async (job) => (job.write('stdout', 'kept\n'), 0),
    clock: systemClock(),
    sha256: portableSuite().sha256,
  })
  await using provider = await joinMarket({ ...LOOPBACK, launcher: host, machine: TEST_MACHINE })
  await provider.provide({ price: '0.01' })
  const first = await joinMarket({ ...LOOPBACK, listen: [], home, peers: provider.addresses() })
  const { peerId } = first
  const job = await first.run({ command: ['x'] })
  await job.done
  await first.close()
  expect((await stat(join(home, 'key'))).mode & 0o777).toBe(0o600)

  await using again = await joinMarket({ ...LOOPBACK, listen: [], home, peers: provider.addresses() })
  expect(again.peerId).toBe(peerId)
  expect(await again.jobs()).toMatchObject([{ contract: job.contract, phase: 'settled', exit: { kind: 'exit', code: 0 } }])
  expect((await again.ledger()).map(({ kind }) => kind)).toEqual(['closed', 'opened'])
  const lines: string[] = []
  for await (const line of (await again.attach(job.contract)).lines()) lines.push(line)
  expect(lines).toEqual(['kept'])
})

it('joinMarket() says in one code what is wrong', async () => {
  await expect(joinMarket({ ...LOOPBACK, psk: new Uint8Array(5) })).rejects.toMatchObject({ code: 'E_PSK' })
  await expect(joinMarket({ ...LOOPBACK, peers: ['/ip4/127.0.0.1/tcp/1'] })).rejects.toMatchObject({ code: 'E_ADDRESS' })
  await using busy = await joinMarket({ ...LOOPBACK, listen: [] })
  await expect(busy.run({ command: ['x'], deno: 'y.ts' })).rejects.toMatchObject({ code: 'E_RUN_REQUEST' })
  await expect(busy.provide({ price: '0.01' })).rejects.toMatchObject({ code: 'E_NO_HOST' })
  await expect(busy.attach('ab'.repeat(32))).rejects.toMatchObject({ code: 'E_JOB_UNKNOWN' })
})
