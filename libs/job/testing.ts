/**
 * The compliance suite of the JobHost seam (and of JobFiles beside it): what the memory host and the launcher pass, and what a host of
 * yours must pass to be used in their place.
 *
 * @module
 */

import { toHex, utf8 } from '@haggle/wire'
import { Bench, codeOf, decode, type JobHostSetup, LIMITS, same } from './_testing_bench.ts'
import { registerFileTests } from './_testing_files.ts'

export type { JobHostSetup, TestProgram } from './_testing_bench.ts'

/** The parts of a test runner that {@link testJobHost} needs; vitest's and node:test's `it` fit. */
export interface JobHostTestKit {
  /** Registers one test. */
  it(title: string, run: () => Promise<void>): void
}

const MiB = 1024 * 1024

/** Registers every test of the seam against hosts made by `create`, which must give one without jobs each time. */
export function testJobHost(name: string, create: () => Promise<JobHostSetup>, { it }: JobHostTestKit): void {
  let made = 0
  const test = (title: string, run: (bench: Bench) => Promise<void>): void =>
    it(`${name}: ${title}`, async () => {
      const setup = await create()
      try {
        await run(new Bench(setup, () => toHex(utf8(`job ${made++}`.padEnd(32, '.')))))
      } finally {
        await setup.close()
      }
    })

  test('runners() names the isolation that the setup asks for', async ({ setup }) => {
    same(
      (await setup.host.runners()).some((r) => r.isolation === setup.isolation && r.runner === setup.spec('say', 'x').runner),
      true,
    )
  })

  test('start() runs the job and wait() gives its exit', async (bench) => {
    const id = await bench.run('say', ['hello'])
    same(await bench.host.wait(id), { kind: 'exit', code: 0 })
    same(await bench.text(id, 'stdout'), 'hello')
    same(await bench.text(id, 'stderr'), '')
  })

  test('start() gives the job its arguments octet by octet', async (bench) => {
    const odd = 'a\tb\nc "d" \'e\' $f `g` \\h \u001b[31m \u202e \u00e9'
    const id = await bench.run('say', [odd])
    await bench.host.wait(id)
    same(await bench.octets(id, 'stdout'), [...utf8(odd)])
  })

  test('wait() gives the code of a job that fails, and its stderr is kept apart', async (bench) => {
    const id = await bench.run('fail', ['3'])
    same(await bench.host.wait(id), { kind: 'exit', code: 3 })
    same(await bench.text(id, 'stderr'), 'oops')
    same(await bench.text(id, 'stdout'), '')
  })

  test('prepare() and start() do nothing more when they are called again', async (bench) => {
    const job = bench.job('say', ['once'])
    await bench.host.prepare(job)
    await bench.host.prepare(job)
    await Promise.all([bench.host.start(job.id), bench.host.start(job.id)])
    await bench.host.wait(job.id)
    await bench.host.start(job.id)
    same(await bench.text(job.id, 'stdout'), 'once')
  })

  test('prepare() refuses an isolation that the host does not give', async (bench) => {
    same(await codeOf(bench.host.prepare({ ...bench.job('say', ['x']), isolation: 'wishful' })), 'E_ISOLATION')
  })

  test('every call for a job that is not there is refused, but state() is undefined and remove() does nothing', async (bench) => {
    const none = '00'.repeat(32)
    same(await codeOf(bench.host.start(none)), 'E_JOB_UNKNOWN')
    same(await codeOf(bench.host.wait(none)), 'E_JOB_UNKNOWN')
    same(await codeOf(bench.host.kill(none, 'no')), 'E_JOB_UNKNOWN')
    same(await codeOf(bench.host.writeStdin(none, null)), 'E_JOB_UNKNOWN')
    same(await codeOf(bench.text(none, 'stdout')), 'E_JOB_UNKNOWN')
    same(await bench.host.state(none), undefined)
    await bench.host.remove(none)
  })

  test('state() walks staging, running, exited and counts output', async (bench) => {
    const job = bench.job('forever', [])
    await bench.host.prepare(job)
    same((await bench.host.state(job.id))?.phase, 'staging')
    await bench.host.start(job.id)
    await bench.first(job.id, 'stdout')
    const running = await bench.host.state(job.id)
    same([running?.phase, running?.stdoutBytes, running?.exit], ['running', 5, null])
    same(typeof running?.startedAt, 'number')
    await bench.host.kill(job.id, 'enough')
    const over = await bench.host.state(job.id)
    same([over?.phase, over?.exit], ['exited', { kind: 'killed', reason: 'enough' }])
    same((over?.ranMs ?? -1) >= (running?.ranMs ?? 0), true)
    same(
      (await bench.host.list()).map((s) => s.id),
      [job.id],
    )
  })

  test('output() follows what is written until the exit', async (bench) => {
    const job = bench.job('cat', [], { stdin: true })
    await bench.host.prepare(job)
    await bench.host.start(job.id)
    const chunks = bench.host.output(job.id, 'stdout', 0, { follow: true })[Symbol.asyncIterator]()
    await bench.host.writeStdin(job.id, utf8('one '))
    same(decode((await chunks.next()).value), 'one ')
    await bench.host.writeStdin(job.id, utf8('two'))
    same(decode((await chunks.next()).value), 'two')
    await bench.host.writeStdin(job.id, null)
    same((await chunks.next()).done, true)
    same(await bench.host.wait(job.id), { kind: 'exit', code: 0 })
  })

  test('output() starts at any offset, and without follow it ends at what is there', async (bench) => {
    const id = await bench.run('say', ['0123456789'])
    await bench.host.wait(id)
    same(await bench.text(id, 'stdout', 4), '456789')
    same(await bench.text(id, 'stdout', 10), '')
    same(await bench.text(id, 'stdout', 99), '')
    const running = await bench.run('forever', [])
    await bench.first(running, 'stdout')
    same(await bench.text(running, 'stdout', 0, false), 'ready')
    await bench.host.kill(running, 'enough')
  })

  test('output() ends when its signal is aborted, and the job goes on', async (bench) => {
    const id = await bench.run('forever', [])
    const gone = new AbortController()
    const seen: string[] = []
    for await (const chunk of bench.host.output(id, 'stdout', 0, { follow: true, signal: gone.signal })) {
      seen.push(decode(chunk))
      gone.abort()
    }
    same(seen.join(''), 'ready')
    same((await bench.host.state(id))?.phase, 'running')
    await bench.host.kill(id, 'enough')
  })

  test('output() gives every reader every octet, fast or slow', async (bench) => {
    const id = await bench.run('flood', [String(3 * MiB)])
    const slow = (async () => {
      let count = 0
      for await (const chunk of bench.host.output(id, 'stdout', 0, { follow: true })) {
        count += chunk.length
        await Promise.resolve()
      }
      return count
    })()
    same([(await bench.text(id, 'stdout')).length, await slow], [3 * MiB, 3 * MiB])
  })

  test('a reader that stops reading does not stop the job', async (bench) => {
    const id = await bench.run('flood', [String(3 * MiB)])
    const idle = bench.host.output(id, 'stdout', 0, { follow: true })[Symbol.asyncIterator]()
    await idle.next()
    same(await bench.host.wait(id), { kind: 'exit', code: 0 })
    await idle.return?.()
  })

  test('a job that writes more than outMiB ends with limit(output), and what fits is kept', async (bench) => {
    const id = await bench.run('flood', [String(8 * MiB)], { limits: { ...LIMITS, outMiB: 1 } })
    same(await bench.host.wait(id), { kind: 'limit', limit: 'output' })
    same((await bench.text(id, 'stdout')).length, MiB)
  })

  test('a job that runs longer than maxMs ends with limit(time)', async (bench) => {
    const id = await bench.run('forever', [], { limits: { ...LIMITS, maxMs: 300 } })
    same(await bench.host.wait(id), { kind: 'limit', limit: 'time' })
  })

  test('wait() rejects when its signal is aborted, and the job goes on', async (bench) => {
    const id = await bench.run('forever', [])
    const gone = new AbortController()
    const waiting = codeOf(bench.host.wait(id, { signal: gone.signal }))
    gone.abort()
    same(await waiting, 'E_ABORTED')
    same((await bench.host.state(id))?.phase, 'running')
    await bench.host.kill(id, 'enough')
  })

  test('kill() ends the job once: a second one and one after the exit change nothing', async (bench) => {
    const id = await bench.run('forever', [])
    await bench.host.kill(id, 'first')
    await bench.host.kill(id, 'second')
    same(await bench.host.wait(id), { kind: 'killed', reason: 'first' })
    const done = await bench.run('say', ['x'])
    await bench.host.wait(done)
    await bench.host.kill(done, 'late')
    same(await bench.host.wait(done), { kind: 'exit', code: 0 })
  })

  test('kill() of a job that never started ends it', async (bench) => {
    const job = bench.job('say', ['x'])
    await bench.host.prepare(job)
    await bench.host.kill(job.id, 'changed my mind')
    same(await bench.host.wait(job.id), { kind: 'killed', reason: 'changed my mind' })
    await bench.host.start(job.id)
    same(await bench.text(job.id, 'stdout'), '')
  })

  test('remove() forgets the job, running or not', async (bench) => {
    const id = await bench.run('forever', [])
    await bench.host.remove(id)
    same([await bench.host.state(id), await bench.host.list()], [undefined, []])
  })

  test('writeStdin() is refused when the spec has no stdin, and does nothing after the exit', async (bench) => {
    const id = await bench.run('forever', [])
    same(await codeOf(bench.host.writeStdin(id, utf8('x'))), 'E_JOB_STDIN')
    await bench.host.kill(id, 'enough')
    await bench.host.writeStdin(id, utf8('x'))
  })

  test('jobs run side by side and keep their output apart', async (bench) => {
    const ids = await Promise.all(['a', 'b', 'c', 'd'].map((text) => bench.run('say', [text])))
    same(await Promise.all(ids.map((id) => bench.text(id, 'stdout'))), ['a', 'b', 'c', 'd'])
  })

  registerFileTests(test)
}
