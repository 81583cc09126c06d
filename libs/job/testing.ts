/**
 * The compliance suite of the JobHost seam (and of JobFiles beside it): what the memory host and the launcher pass, and what a host of
 * yours must pass to be used in their place.
 *
 * @module
 */

import { equalBytes, errorCode, toHex, utf8 } from '@haggle/wire'
import type { JobFiles } from './files.ts'
import type { HostJob, JobHost, JobLimits, OutputChannel } from './host.ts'
import type { FileRef, JobSpec } from './spec.ts'

/**
 * The small programs that the suite runs, as first argument. A host's `spec` turns them into something that it can run.
 *
 * - `say TEXT`: TEXT on stdout, exit 0.
 * - `cat`: stdin to stdout until its end, exit 0.
 * - `fail CODE`: `oops` on stderr, exit CODE.
 * - `forever`: `ready` on stdout, then nothing until it is killed.
 * - `flood BYTES`: BYTES times `x` on stdout, exit 0.
 * - `result TEXT`: TEXT into the file `out/result.txt` and beside it, exit 0.
 * - `show PATH`: the content of a file of its folder on stdout, exit 0.
 */
export type TestProgram = 'say' | 'cat' | 'fail' | 'forever' | 'flood' | 'result' | 'show'

/** One host under test. */
export interface JobHostSetup {
  readonly host: JobHost
  /** The isolation to ask for. */
  readonly isolation: string
  /** What makes the host run a program. `files` and `inline` may be added to; the suite adds `stdin` and `outputs`. */
  readonly spec: (
    program: TestProgram,
    ...args: string[]
  ) => Pick<JobSpec, 'runner' | 'args'> & Partial<Pick<JobSpec, 'files' | 'inline' | 'env'>>
  /** Files of the host's jobs, when it has them: tested too. */
  readonly files?: JobFiles
  /** SHA-256, for the files that the suite sends. */
  readonly sha256: (data: Uint8Array) => Uint8Array
  readonly close: () => Promise<void>
}

/** The parts of a test runner that {@link testJobHost} needs; vitest's and node:test's `it` fit. */
export interface JobHostTestKit {
  it(title: string, run: () => Promise<void>): void
}

const LIMITS: JobLimits = { cpuMilli: 2000, memMiB: 512, diskMiB: 64, outMiB: 4, pids: 64, maxMs: 60_000 }
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

function registerFileTests(test: (title: string, run: (bench: Bench) => Promise<void>) => void): void {
  const refOf = (bench: Bench, path: string, content: Uint8Array): FileRef => ({
    path,
    size: content.length,
    sha256: bench.setup.sha256(content),
    executable: false,
  })

  test('files: inline and staged files are there for the job, and missing() names the others', async (bench) => {
    const { files } = bench.setup
    if (files === undefined) return
    const inline = utf8('inline content')
    const staged = utf8('staged content')
    const refs = [refOf(bench, 'a.txt', inline), refOf(bench, 'in/b.txt', staged)]
    for (const path of ['a.txt', 'in/b.txt']) {
      const job = bench.job('show', [path], { files: refs, inline: [{ file: 0, bytes: inline }] })
      await bench.host.prepare(job)
      const all = bench.filesOf(job)
      const missing = await files.missing(job.id, all)
      same(
        missing.map(({ file }) => all[file]?.path),
        ['in/b.txt'],
      )
      for (const { file, offset } of missing)
        await files.stage(job.id, all[file] ?? fail(), { offset, content: iterate(staged.subarray(offset)) })
      same(await files.missing(job.id, all), [])
      await bench.host.start(job.id)
      same(await bench.text(job.id, 'stdout'), path === 'a.txt' ? 'inline content' : 'staged content')
    }
  })

  test('files: stage() refuses content of another size or hash, and paths out of the folder', async (bench) => {
    const { files } = bench.setup
    if (files === undefined) return
    const good = utf8('right')
    const job = bench.job('say', ['x'], { files: [refOf(bench, 'f', good)] })
    await bench.host.prepare(job)
    const stage = (file: FileRef, content: string): Promise<string> =>
      codeOf(files.stage(job.id, file, { offset: 0, content: iterate(utf8(content)) }))
    same(await stage(refOf(bench, 'f', good), 'wrong'), 'E_JOB_FILE')
    same(await stage(refOf(bench, 'f', good), 'longer than it should be'), 'E_JOB_FILE')
    same(await stage(refOf(bench, 'f', good), 'cut'), 'E_JOB_FILE')
    for (const path of ['../f', '/etc/f', 'a/../../f', '']) same(await stage({ ...refOf(bench, 'f', good), path }, 'right'), 'E_JOB_PATH')
    same(await codeOf(files.open(job.id, 'f', { globs: ['**'], offset: 0 })), 'E_JOB_FILE')
  })

  test('files: list() and open() give what the job left and its globs name, and nothing else', async (bench) => {
    const { files } = bench.setup
    if (files === undefined) return
    const id = await bench.run('result', ['picture'])
    same(await bench.host.wait(id), { kind: 'exit', code: 0 })
    const listed = await files.list(id, ['out/**'])
    same(
      listed.map(({ path, size }) => [path, size]),
      [['out/result.txt', 7]],
    )
    same(equalBytes(listed[0]?.sha256 ?? new Uint8Array(), bench.setup.sha256(utf8('picture'))), true)
    same(await files.list(id, []), [])
    const opened = await files.open(id, 'out/result.txt', { globs: ['out/**'], offset: 3 })
    same([opened.size, decode(await collect(opened.content))], [7, 'ture'])
    same(await codeOf(files.open(id, 'out/result.txt', { globs: ['other/**'], offset: 0 })), 'E_JOB_PATH')
    same(await codeOf(files.open(id, '../stdout', { globs: ['**'], offset: 0 })), 'E_JOB_PATH')
    same(await codeOf(files.open(id, 'out/none', { globs: ['**'], offset: 0 })), 'E_JOB_FILE')
  })
}

interface JobOptions extends Partial<Pick<JobSpec, 'stdin' | 'files' | 'inline'>> {
  readonly limits?: JobLimits
}

class Bench {
  readonly setup: JobHostSetup
  readonly host: JobHost
  readonly #nextId: () => string

  constructor(setup: JobHostSetup, nextId: () => string) {
    this.setup = setup
    this.host = setup.host
    this.#nextId = nextId
  }

  job(program: TestProgram, args: readonly string[], options: JobOptions = {}): HostJob {
    const given = this.setup.spec(program, ...args)
    const files = [...(given.files ?? []), ...(options.files ?? [])]
    const shift = given.files?.length ?? 0
    const inline = [...(given.inline ?? []), ...(options.inline ?? []).map((i) => ({ ...i, file: i.file + shift }))]
    const spec: JobSpec = { env: {}, outputs: ['out/**'], stdin: options.stdin ?? false, ...given, files, inline }
    return { id: this.#nextId(), spec, limits: options.limits ?? LIMITS, devices: [], isolation: this.setup.isolation }
  }

  filesOf(job: HostJob): readonly FileRef[] {
    return job.spec.files
  }

  async run(program: TestProgram, args: readonly string[], options: JobOptions = {}): Promise<string> {
    const job = this.job(program, args, options)
    await this.host.prepare(job)
    await this.host.start(job.id)
    return job.id
  }

  async text(id: string, channel: OutputChannel, offset = 0, follow = true): Promise<string> {
    return decode(await collect(this.host.output(id, channel, offset, { follow })))
  }

  async first(id: string, channel: OutputChannel): Promise<void> {
    for await (const _ of this.host.output(id, channel, 0, { follow: true })) return
  }
}

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let length = 0
  for await (const part of chunks) {
    parts.push(part)
    length += part.length
  }
  const all = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

async function* iterate(content: Uint8Array): AsyncGenerator<Uint8Array, void> {
  yield content
}

/** Octets as Latin-1 text, in slices that fit a call. */
function decode(bytes: Uint8Array | undefined | void): string {
  const all = bytes ?? new Uint8Array()
  const parts: string[] = []
  for (let at = 0; at < all.length; at += 4096) parts.push(String.fromCharCode(...all.subarray(at, at + 4096)))
  return parts.join('')
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(() => 'no error', errorCode)
}

function fail(): never {
  throw new Error('The suite asked for a file that is not in the spec')
}

function same(actual: unknown, expected: unknown): void {
  const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)]
  if (a !== b) throw new Error(`expected ${b?.slice(0, 300)}, got ${a?.slice(0, 300)}`)
}
