import { portableSuite } from '@haggle/identity'
import { type MemoryJobHost, memoryJobHost } from '@haggle/job'
import { toHex } from '@haggle/wire'
import { type VirtualClock, virtualClock } from '@haggle/wire/testing'
import { beforeEach, describe, expect, it } from 'vitest'
import { KEEP_JOBS, KEEP_LEAST_MS, KEEP_MS, KeptJobs, RETRY_MS } from './_kept_jobs.ts'

const idOf = (n: number): string => toHex(Uint8Array.from({ length: 32 }, (_, at) => (at === 31 ? n & 0xff : n >> 8)))
const LIMITS = { cpuMilli: 1000, memMiB: 1, diskMiB: 1, outMiB: 1, pids: 1, maxMs: 1_000_000_000 }

let clock: VirtualClock
let host: MemoryJobHost
let kept: KeptJobs
let problems: unknown[]

beforeEach(() => {
  clock = virtualClock()
  problems = []
  const { sha256 } = portableSuite()
  host = memoryJobHost({
    clock,
    sha256,
    run: (job) => (job.spec.args[0] === 'forever' ? new Promise(() => undefined) : Promise.resolve(0)),
  })
  kept = new KeptJobs({ host, clock, onProblem: (error) => problems.push(error) })
})

async function prepare(n: number, args: readonly string[] = []): Promise<string> {
  const spec = { runner: 'exec', args, env: {}, files: [], inline: [], stdin: false, outputs: [] }
  await host.prepare({ id: idOf(n), spec, limits: LIMITS, devices: [], isolation: 'memory' })
  return idOf(n)
}

async function done(n: number): Promise<string> {
  const id = await prepare(n)
  await host.start(id)
  await host.wait(id)
  return id
}

const onHost = async (): Promise<string[]> => (await host.list()).map(({ id }) => id)

describe('KeptJobs', () => {
  it('take() keeps a job for a day after its end and deletes it then', async () => {
    await kept.take(await done(1))
    await clock.settle(KEEP_MS - 1)
    expect(await onHost()).toEqual([idOf(1)])
    await clock.settle(1)
    expect(await onHost()).toEqual([])
    expect(kept.size).toBe(0)
  })

  it('take() deletes the oldest when there are more than it may keep', async () => {
    await kept.limit(2)
    for (const n of [1, 2, 3]) await kept.take(await done(n))
    expect(await onHost()).toEqual([idOf(2), idOf(3)])
    await kept.limit(1)
    expect(await onHost()).toEqual([idOf(3)])
  })

  it('a provider that is told nothing keeps a bounded number', async () => {
    for (let n = 0; n < KEEP_JOBS + 5; n++) await kept.take(await done(n))
    expect((await onHost()).length).toBe(KEEP_JOBS)
  })

  it('giveUp() deletes the oldest until there is room enough, and nothing that has just ended', async () => {
    for (const n of [1, 2, 3, 4]) {
      await kept.take(await done(n))
      await clock.settle(KEEP_LEAST_MS / 4)
    }
    const shortFor = (times: number) => async (): Promise<boolean> => times-- <= 0
    await kept.giveUp(shortFor(Infinity))
    expect(await onHost()).toEqual([idOf(2), idOf(3), idOf(4)])
    await clock.settle(KEEP_LEAST_MS)
    await kept.giveUp(shortFor(2))
    expect(await onHost()).toEqual([idOf(4)])
    await clock.settle(KEEP_MS)
    expect([await onHost(), kept.size]).toEqual([[], 0])
  })

  it('take() has one timer, however many jobs end at the same time', async () => {
    await kept.limit(2)
    const ids: string[] = []
    for (let n = 0; n < 8; n++) ids.push(await done(n))
    const before = clock.pending
    await Promise.all(ids.map((id) => kept.take(id)))
    expect((await onHost()).length).toBe(2)
    expect(clock.pending - before).toBe(1)
    kept.stop()
    expect(clock.pending).toBe(before)
  })

  it('take() deletes a job that never ran, and ends one that still does', async () => {
    await kept.take(await prepare(1))
    const id = await prepare(2, ['forever'])
    await host.start(id)
    await kept.take(id)
    expect(await onHost()).toEqual([id])
    expect(await host.wait(id)).toEqual({ kind: 'killed', reason: 'its contract is over' })
  })

  it('adopt() takes what no open contract needs, the oldest first', async () => {
    for (const n of [1, 2, 3]) {
      await done(n)
      await clock.settle(1_000)
    }
    await prepare(4)
    await kept.limit(1)
    await kept.adopt((id) => id === idOf(1))
    expect(await onHost()).toEqual([idOf(1), idOf(3)])
  })

  it('take() tells when the host fails, and goes on', async () => {
    const failing = new KeptJobs({
      host: { ...host, remove: () => Promise.reject(new Error('disk')) },
      clock,
      onProblem: (error) => problems.push(error),
    })
    await failing.limit(0)
    await failing.take(await done(1))
    expect(problems).toEqual([new Error('disk')])
  })

  it('take() tries again what could not be deleted, and deletes the others meanwhile', async () => {
    let stuck = true
    const tried: string[] = []
    const failing = new KeptJobs({
      host: {
        ...host,
        remove: async (id) => {
          tried.push(id)
          if (stuck && id === idOf(1)) throw new Error('disk')
          await host.remove(id)
        },
      },
      clock,
      onProblem: (error) => problems.push(error),
    })
    for (const n of [1, 2]) await failing.take(await done(n))
    await failing.take(await prepare(3))
    await clock.settle(KEEP_MS)
    expect([await onHost(), failing.size, problems]).toEqual([[idOf(1)], 1, [new Error('disk')]])
    await failing.take(idOf(1))
    await failing.take(await done(4))
    await clock.settle(RETRY_MS)
    expect([tried.filter((id) => id === idOf(1)).length, problems.length]).toEqual([2, 2])
    stuck = false
    await clock.settle(RETRY_MS)
    expect([await onHost(), failing.size]).toEqual([[idOf(4)], 1])
    await clock.settle(KEEP_MS)
    expect([await onHost(), failing.size]).toEqual([[], 0])
  })

  it('take() tries again to delete a job that never ran, and giveUp() what it could not delete', async () => {
    let stuck = true
    const remove = (id: string): Promise<void> => (stuck ? Promise.reject(new Error('disk')) : host.remove(id))
    const failing = new KeptJobs({ host: { ...host, remove }, clock, onProblem: (error) => problems.push(error) })
    await failing.take(await prepare(1))
    for (const n of [2, 3]) await failing.take(await done(n))
    await clock.settle(KEEP_LEAST_MS - 1)
    await failing.giveUp(() => Promise.resolve(false))
    await clock.settle(1)
    stuck = false
    await failing.giveUp(() => Promise.resolve(false))
    await clock.settle(RETRY_MS)
    expect([await onHost(), failing.size]).toEqual([[], 0])
  })

  it('stop() leaves what is there', async () => {
    await kept.take(await done(1))
    kept.stop()
    await clock.settle(KEEP_MS * 2)
    expect(await onHost()).toEqual([idOf(1)])
  })
})
