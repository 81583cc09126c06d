import { portableSuite } from '@haggle/identity'
import { memoryJobHost } from '@haggle/job'
import { toHex } from '@haggle/wire'
import { virtualClock } from '@haggle/wire/testing'
import { expect, it } from 'vitest'
import { KEEP_LEAST_MS } from './_kept_jobs.ts'
import { Capacity } from './capacity.ts'
import { OWN_RECORDS_MIB } from './disk_room.ts'
import { TEST_MACHINE } from './testing.ts'

const LIMITS = { cpuMilli: 1000, memMiB: 1, diskMiB: 1, outMiB: 1, pids: 1, maxMs: 1_000_000_000 }
const SPEC = { runner: 'exec', args: [], env: {}, files: [], inline: [], stdin: false, outputs: [] }

it('what the oldest jobs left makes way once it is old enough, while less than half of the disk is free', async () => {
  const clock = virtualClock()
  const host = memoryJobHost({ clock, sha256: portableSuite().sha256, run: async () => 0 })
  const all = TEST_MACHINE.diskMiB
  const eachMiB = all / 4
  // Each job leaves a quarter of the disk, and something else may take more.
  let othersMiB = 0
  const freeDiskMiB = async (): Promise<number> => OWN_RECORDS_MIB + all - (await host.list()).length * eachMiB - othersMiB
  const capacity = new Capacity({ host, machine: TEST_MACHINE, freeDiskMiB, clock, onChange: () => undefined })
  await capacity.kept.limit(256)
  await capacity.room.start()
  const ids: string[] = []
  for (let n = 0; n < 3; n++) {
    const id = toHex(new Uint8Array(32).fill(n + 1))
    ids.push(id)
    await host.prepare({ id, spec: SPEC, limits: LIMITS, devices: [], isolation: 'memory' })
    await host.start(id)
    await host.wait(id)
    await capacity.kept.take(id)
    await clock.settle(1_000)
  }
  const left = async (): Promise<string[]> => (await host.list()).map(({ id }) => id)
  await clock.settle(KEEP_LEAST_MS / 2)
  expect([await left(), capacity.room.mib]).toEqual([ids, eachMiB])
  await clock.settle(KEEP_LEAST_MS / 2 + 10_000)
  expect([await left(), capacity.room.mib]).toEqual([ids.slice(1), 2 * eachMiB])
  othersMiB = 2 * eachMiB
  await clock.settle(20_000)
  expect([await left(), capacity.room.mib]).toEqual([[], 2 * eachMiB])
  capacity.room.stop()
  capacity.kept.stop()
})
