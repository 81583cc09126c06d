// Two members of a memory market: the whole path from demand to receipt, without sockets or processes.

import { verifyTranscript } from '@haggle/contract'
import { portableSuite } from '@haggle/identity'
import { memoryJobHost, type MemoryJobHost } from '@haggle/job'
import { sampleCpu } from '@haggle/offer/testing'
import { memoryStore, type Store, subStore } from '@haggle/store'
import { type Clock, HaggleError, systemClock } from '@haggle/wire'
import { afterEach, expect, it } from 'vitest'
import { memoryHome, type MemoryMarket, memoryMarket, TEST_MACHINE } from './testing.ts'

let market: (MemoryMarket & AsyncDisposable) | undefined
afterEach(async () => {
  await market?.close()
  market = undefined
})

async function textOf(content: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = []
  for await (const part of content) parts.push(part)
  return Buffer.concat(parts).toString()
}

it('run() gives output, exit code and a receipt of both when a provider takes the job', async () => {
  market = await memoryMarket()
  const provider = await market.join({
    run: async (job) => {
      job.write('stdout', `hello ${job.spec.args[1]}\n`)
      job.write('stderr', 'a word\n')
      job.folder.set('out/result', new TextEncoder().encode('42'))
      return 7
    },
  })
  await provider.provide({ price: '0.36' })
  const renter = await market.join()
  const steps: string[] = []
  const job = await renter.run({ command: ['say', 'world'], onProgress: ({ step }) => steps.push(step) })
  expect(await textOf(job.stdout)).toBe('hello world\n')
  expect(await textOf(job.stderr)).toBe('a word\n')
  const end = await job.done
  expect(end).toMatchObject({ exitCode: 7, exit: { kind: 'exit', code: 7 } })
  expect(end.receipt).toMatchObject({ signedBy: 'both', outcome: 'settled', contract: job.contract })
  expect(new TextDecoder().decode(await job.readFile('out/result'))).toBe('42')
  expect(steps).toContain('signed')
  expect(steps.at(-1)).toBe('ended')
  expect((await renter.ledger()).map(({ kind }) => kind)).toEqual(['closed', 'opened'])
})

it('run() goes on to the next provider as soon as it took an ACCEPT back that nobody answered', async () => {
  market = await memoryMarket()
  const inner = memoryStore()
  let isFull = false
  const store: Store = {
    ...inner,
    write: async (batch, options) => {
      if (isFull) throw new HaggleError('E_STORE_WRITE', 'The disk is full')
      await inner.write(batch, options)
    },
    sub(prefix) {
      return subStore(this, prefix)
    },
  }
  const full = await market.join({ run: async () => 0, home: { ...memoryHome(), store } })
  await full.provide({ price: '0.10' })
  const other = await market.join({ run: async () => 0 })
  await other.provide({ price: '0.20' })
  const right = systemClock()
  // Its time runs ten times as fast: the five seconds of an ACCEPT are half a second.
  const fast = { ...right, monotonicMs: () => right.monotonicMs() * 10, after: (ms: number, run: () => void) => right.after(ms / 10, run) }
  const renter = await market.join({ clock: fast })
  isFull = true
  const refused: string[] = []
  const startedMs = right.monotonicMs()
  const job = await renter.run({
    command: ['true'],
    onProgress: (step) => step.step === 'refused' && refused.push(`${step.provider} ${step.reason}`),
  })
  expect(right.monotonicMs() - startedMs).toBeLessThan(5_000)
  expect(refused).toEqual([`${full.peerId} silent`])
  expect(job.provider).toBe(other.peerId)
  expect((await job.done).receipt).toMatchObject({ outcome: 'settled', signedBy: 'both' })
})

it('ping() of a peer that does not answer in time is E_DIAL, and what its caller ends is its caller’s', async () => {
  market = await memoryMarket()
  const [renter, other] = [await market.join(), await market.join()]
  const late = AbortSignal.abort(new DOMException('The operation was aborted due to timeout', 'TimeoutError'))
  await expect(renter.ping(other.peerId, { signal: late })).rejects.toMatchObject({ code: 'E_DIAL' })
  const left = new HaggleError('E_CANCELLED', 'The command is gone')
  await expect(renter.ping(other.peerId, { signal: AbortSignal.abort(left) })).rejects.toBe(left)
})

it('provide() keeps the results of as many ended jobs as its owner says', async () => {
  market = await memoryMarket()
  const provider = await market.join({
    run: async (job) => {
      job.folder.set('out/result', new TextEncoder().encode('42'))
      return 0
    },
  })
  await provider.provide({ price: '0.36', keepJobs: 1 })
  const renter = await market.join()
  const jobs = []
  for (let i = 0; i < 2; i++) {
    const job = await renter.run({ command: ['true'] })
    await job.done
    expect(await job.readFile('out/result')).toHaveLength(2)
    jobs.push(job)
  }
  await expect(jobs[0]?.readFile('out/result')).rejects.toMatchObject({ code: 'E_JOB_RIGHT' })
  expect(await jobs[1]?.readFile('out/result')).toHaveLength(2)
})

it('transcript() is what verifyTranscript() finds settled, and open when its tail is cut', async () => {
  market = await memoryMarket()
  const provider = await market.join({ run: async () => 0 })
  await provider.provide({ price: '0.36' })
  const renter = await market.join()
  const job = await renter.run({ command: ['true'] })
  await job.done
  const file = await job.transcript()
  const report = verifyTranscript(file, portableSuite())
  expect(report).toMatchObject({ ok: true, termsHash: job.termsHash, outcome: { kind: 'settled', signedBy: 'both' } })
  expect(verifyTranscript(file.subarray(0, file.length - 1), portableSuite())).toMatchObject({
    ok: true,
    cut: true,
    outcome: { signedBy: 'renter' },
  })
  const flipped = file.slice()
  flipped[file.length - 1] = (flipped[file.length - 1] ?? 0) ^ 1
  expect(verifyTranscript(flipped, portableSuite()).errors).toMatchObject([{ code: 'E_ENVELOPE_SIGNATURE', at: report.messages - 1 }])
})

it('quote() shows what the provider would sign, and leaves nothing open', async () => {
  market = await memoryMarket()
  const provider = await market.join({ run: async () => 0 })
  const providing = await provider.provide({ price: '0.36' })
  const renter = await market.join()
  const view = await renter.quote({ command: ['true'], budget: '0.02' })
  expect(view.quotes).toMatchObject([{ provider: provider.peerId, refused: null, pricePerHour: '0.36', cap: '0.02' }])
  expect(providing.status()).toMatchObject({ requests: 1, accepted: 0 })
  expect((await renter.run({ command: ['true'] })).provider).toBe(provider.peerId)
})

it('quote() would take nobody who refused, and says why in words', async () => {
  market = await memoryMarket()
  const busy = await market.join({ run: async () => await new Promise<number>(() => undefined) })
  await busy.provide({ price: '0.10', slots: 2 })
  const renter = await market.join()
  await renter.run({ command: ['x'] })
  const free = await market.join({ run: async () => 0 })
  await free.provide({ price: '0.36' })
  const view = await renter.quote({ command: ['true'], providers: [busy.peerId, free.peerId] })
  expect(view.best?.provider).toBe(free.peerId)
  const none = await renter.quote({ command: ['true'], providers: [busy.peerId] })
  expect([none.best, none.quotes.every(({ refused, refusal }) => refused !== null && refusal !== null)]).toEqual([null, true])
})

it('run() with a budget of nothing looks for what costs nothing', async () => {
  market = await memoryMarket()
  const paid = await market.join({ run: async () => 0 })
  await paid.provide({ price: '0.36' })
  const renter = await market.join()
  await expect(renter.run({ command: ['x'], budget: '0' })).rejects.toMatchObject({ code: 'E_NOTHING_FITS' })
  const gift = await market.join({ run: async () => 0 })
  await gift.provide({ price: '0' })
  expect((await renter.run({ command: ['x'], budget: '0' })).provider).toBe(gift.peerId)
})

it('run() and offers() say E_CLOCK when three providers agree that this clock is an hour off, and hint at it when one does', async () => {
  const right = systemClock()
  // Its timers run twenty times as fast: nobody waits for the end of a search that finds nothing.
  const hourBehind: Clock = {
    now: () => right.now() - 3_600_000,
    monotonicMs: () => right.monotonicMs(),
    after: (ms, run) => right.after(ms / 20, run),
  }
  for (const providers of [3, 1]) {
    market = await memoryMarket({ clock: right })
    const renter = await market.join({ clock: hourBehind })
    for (let i = 0; i < providers; i++) await (await market.join({ run: async () => 0 })).provide({ price: '0.36' })
    const refused = await renter.run({ command: ['true'] }).then(
      () => null,
      (error: unknown) => error,
    )
    if (providers === 3) {
      expect(refused).toMatchObject({
        code: 'E_CLOCK',
        next: expect.stringContaining('timedatectl'),
        details: { offsetS: expect.any(Number) },
      })
      await expect(renter.offers()).rejects.toMatchObject({ code: 'E_CLOCK' })
    } else {
      expect(refused).toMatchObject({ code: 'E_NO_OFFERS', next: expect.stringMatching(/Set the clock.*3[56]\d\d s off/) })
    }
    await market.close()
  }
}, 30_000)

it('run() goes elsewhere when the first provider refuses', async () => {
  market = await memoryMarket()
  const friendly = await market.join({ run: async () => 0 })
  await friendly.provide({ price: '0.10', accept: 'renter.jobs>=5' })
  const open = await market.join({ run: async () => 0 })
  await open.provide({ price: '0.50' })
  const renter = await market.join()
  const job = await renter.run({ command: ['true'] })
  expect(job.provider).toBe(open.peerId)
  expect((await job.done).exitCode).toBe(0)
})

it('run() throws E_NOTHING_FITS with what to relax when everything is too dear', async () => {
  market = await memoryMarket()
  const provider = await market.join({ run: async () => 0 })
  await provider.provide({ price: '0.36' })
  const renter = await market.join()
  await expect(renter.run({ command: ['true'], maxPrice: '0.10' })).rejects.toMatchObject({ code: 'E_NOTHING_FITS', details: { seen: 1 } })
})

it('attach() gives all output again, also when the job is over', async () => {
  market = await memoryMarket()
  const provider = await market.join({ run: async (job) => (job.write('stdout', 'once\n'), 3) })
  await provider.provide({ price: '0.36' })
  const renter = await market.join()
  const job = await renter.run({ command: ['x'] })
  await job.done
  const again = await renter.attach(job.contract)
  expect(await textOf(again.stdout)).toBe('once\n')
  expect((await again.done).exitCode).toBe(3)
})

it('cancel() ends a running job on both sides', async () => {
  market = await memoryMarket()
  let ended = false
  const provider = await market.join({
    run: (job) =>
      new Promise((resolve) => {
        job.write('stdout', 'on\n')
        job.signal.addEventListener('abort', () => {
          ended = true
          resolve(1)
        })
      }),
  })
  await provider.provide({ price: '0.36' })
  const renter = await market.join()
  const job = await renter.run({ command: ['x'] })
  for await (const _ of job.lines()) {
    await job.cancel()
    break
  }
  expect((await job.done).exitCode).toBe(130)
  expect(ended).toBe(true)
})

it('run() finishes elsewhere soon after its provider is gone', async () => {
  market = await memoryMarket()
  const first = await market.join({
    run: async (job) => {
      job.write('stdout', 'first\n')
      await new Promise(() => undefined)
      return 0
    },
  })
  await first.provide({ price: '0.10' })
  const second = await market.join({ run: async (job) => (job.write('stdout', 'second\n'), 4) })
  await second.provide({ price: '0.50' })
  const renter = await market.join()
  const job = await renter.run({ command: ['x'], attempts: 2 })
  const lines: string[] = []
  for await (const line of job.lines()) {
    lines.push(line)
    if (line === 'first') await market.leave(first)
  }
  expect(lines).toEqual(['first', 'second'])
  expect(await job.done).toMatchObject({ exitCode: 4 })
  expect(job.provider).toBe(second.peerId)
}, 60_000)

const MACHINE = { ...TEST_MACHINE, devices: [0, 1].map((at) => sampleCpu({ id: `cpu${at}`, vendor: 'test', model: 'memory' })) }
const hostOf = (run: Parameters<typeof memoryJobHost>[0]['run']): MemoryJobHost =>
  memoryJobHost({ run, clock: systemClock(), sha256: portableSuite().sha256 })

it('start() waits for no job that outlived the process, and takes up all of them', async () => {
  market = await memoryMarket()
  const finish = Promise.withResolvers<number>()
  const host = hostOf(async (job) => (job.write('stdout', 'begun\n'), await finish.promise))
  const home = memoryHome()
  const offer = { price: '0.36', slots: 2 }
  const first = await market.join({ host, home, machine: MACHINE })
  await first.provide(offer)
  const jobs = []
  for (let i = 0; i < 2; i++) {
    const renter = await market.join()
    const job = await renter.run({ command: ['x'] })
    for await (const line of job.lines()) if (line === 'begun') break
    jobs.push(job)
  }
  await market.leave(first)
  // A join that waited for the jobs would never return.
  const again = await market.join({ host, home, machine: MACHINE })
  await again.provide(offer)
  finish.resolve(3)
  for (const job of jobs) expect(await job.done).toMatchObject({ exitCode: 3, receipt: { signedBy: 'both', outcome: 'settled' } })
}, 60_000)

it('cancel() before a job has started means that it never starts', async () => {
  market = await memoryMarket()
  const [asked, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const inner = hostOf(async () => 0)
  const calls: string[] = []
  const prepared = Promise.withResolvers<void>()
  const host: MemoryJobHost = {
    ...inner,
    async prepare(job) {
      asked.resolve()
      await gate.promise
      await inner.prepare(job)
      prepared.resolve()
    },
    start: async (id) => (calls.push('start'), await inner.start(id)),
  }
  const provider = await market.join({ host })
  await provider.provide({ price: '0.36' })
  const job = await (await market.join()).run({ command: ['x'] })
  await asked.promise
  await job.cancel()
  expect(await job.done).toMatchObject({ exit: { kind: 'killed' } })
  gate.resolve()
  await prepared.promise
  // The next job's whole life: whatever the first one still does, it does meanwhile.
  expect(await (await (await market.join()).run({ command: ['y'] })).done).toMatchObject({ exitCode: 0 })
  expect(calls).toEqual(['start'])
})

it('run() takes the disk that its input files need, and a provider takes no more than its terms give', async () => {
  market = await memoryMarket()
  const provider = await market.join({ run: async (job) => (job.write('stdout', String(job.limits.diskMiB)), 0) })
  await provider.provide({ price: '0.36' })
  const renter = await market.join()
  const files = { large: new Uint8Array(3 * 1024 * 1024 + 1) }
  const job = await renter.run({ command: ['x'], files })
  expect([await textOf(job.stdout), (await job.done).exitCode]).toEqual(['260', 0])
  await expect(renter.run({ command: ['x'], files, diskMiB: 3 })).rejects.toMatchObject({ code: 'E_RUN_FILE' })
})
