// A provider whose disk is full: it stays alive and says so, nothing that it signed is lost, and it goes on once there is room.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { type Bench, openBench } from './_processes.ts'

/** Room of the provider's home: what a provider keeps for itself, a few jobs, and no more. */
const HOME_SIZE = '160m'
/** Exit code of a command that no offer fits. */
const NOTHING_FITS = 4

let bench: Bench | undefined
let disk: Disk | undefined
afterEach(async () => {
  await bench?.close()
  await disk?.close()
  ;[bench, disk] = [undefined, undefined]
})

/** A small file system at `path`, in a mount namespace that nobody else sees. */
interface Disk {
  /** Words before a program that is to see it. */
  readonly enter: readonly string[]
  fill(): void
  empty(): void
  close(): Promise<void>
}

/** Null where this process may not mount. */
async function smallDisk(path: string): Promise<Disk | null> {
  mkdirSync(path, { mode: 0o700 })
  const script = 'mount -t tmpfs -o size="$1",mode=700 none "$0" && echo ready && exec sleep 600'
  const holder = spawn('unshare', ['--mount', 'sh', '-c', script, path, HOME_SIZE], { stdio: ['ignore', 'pipe', 'ignore'] })
  const said = await Promise.race([once(holder.stdout, 'data'), once(holder, 'exit').then(() => null)])
  if (said === null) return null
  const filler = `/proc/${holder.pid}/root${path}/filler`
  return {
    enter: ['nsenter', '--mount', '--target', String(holder.pid), '--'],
    fill() {
      const file = openSync(filler, 'w')
      try {
        for (;;) writeSync(file, Buffer.alloc(4_096))
      } catch {
        // Full, which is what was wanted.
      } finally {
        closeSync(file)
      }
    },
    empty: () => rmSync(filler),
    async close() {
      const gone = once(holder, 'exit')
      holder.kill('SIGKILL')
      await gone
    },
  }
}

it('a provider whose disk is full stays alive, says so, and loses nothing once there is room', async ({ skip }) => {
  const folder = mkdtempSync(join(tmpdir(), 'haggle-e2e-'))
  const made = await smallDisk(join(folder, 'provider'))
  skip(made === null, 'mounting a small file system takes root')
  disk = made ?? expect.fail('no disk')
  const market = (bench = await openBench({ folder, through: { provider: disk.enter } }))
  const listen = ['--listen', '/ip4/127.0.0.1/tcp/0', '--slots', '2']
  const provider = await market.provider('provider', listen)
  const job = (...more: string[]): string[] => ['run', '--disk', '4', '--peer', provider.address ?? '', ...more]
  expect(await market.haggle('renter', job('--', 'echo', 'one'))).toMatchObject({ code: 0, stdout: 'one\n' })
  disk.fill()
  await room(market, (mib) => mib === 0)
  // Somebody who never saw its offer: whoever has an older one asks, and is refused while that can be written down.
  const none = await market.haggle('another', job('--', 'echo', 'none'))
  expect([none.code, none.stderr]).toEqual([NOTHING_FITS, expect.stringContaining('limit.disk >= 4MiB')])
  disk.empty()
  await room(market, (mib) => mib > 0)
  // Full again before it looks at its disk the next time: it takes a job that it can't write down.
  disk.fill()
  const refused = market.start('renter', job('--', 'echo', 'two'))
  await Promise.race([
    provider.running.says(/"code":"E_STORE_WRITE"/),
    refused.ended.then(() => expect.fail('the job ended before a write failed')),
  ])
  const status = await market.haggle('provider', ['status', '--json'])
  expect([status.code, provider.running.process.exitCode]).toEqual([0, null])
  // Its job may have been confirmed with the last bytes: whatever becomes of it, there is a slot for another.
  await refused.kill('SIGKILL')
  disk.empty()
  await room(market, (mib) => mib > 0)
  expect(await market.haggle('renter', job('--', 'echo', 'three'))).toMatchObject({ code: 0, stdout: 'three\n' })
  const before = await closings(market)
  expect(before.length).toBeGreaterThanOrEqual(2)
  await provider.running.kill('SIGKILL')
  await market.provider('provider', listen)
  expect(await closings(market)).toEqual(expect.arrayContaining(before))
  expect((await market.haggle('provider', ['ledger', 'check'])).code).toBe(0)
}, 180_000)

/** Waits until the provider says of the MiB that jobs may have what is wanted: it looks at its disk every ten seconds. */
async function room(market: Bench, wanted: (mib: number) => boolean): Promise<void> {
  await expect
    .poll(
      async () => {
        const { stdout } = await market.haggle('provider', ['status', '--json'])
        return wanted((JSON.parse(stdout) as { providing: { roomMiB: number } }).providing.roomMiB)
      },
      { timeout: 60_000, interval: 500 },
    )
    .toBe(true)
}

/** Contracts whose end the provider's ledger has. */
async function closings(market: Bench): Promise<string[]> {
  const { stdout } = await market.haggle('provider', ['ledger', '--json'])
  const { entries } = JSON.parse(stdout) as { entries: readonly { readonly kind: string; readonly summary: string }[] }
  return entries.filter(({ kind }) => kind === 'closed').map(({ summary }) => summary)
}
