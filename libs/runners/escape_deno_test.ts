// What a hostile deno job tries: Deno's permissions and bubblewrap are shown to stop it each alone, and it is shown to work when both are off.

import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type Bench, type BenchResult, withBench } from './_test_bench.ts'
import { noLandlock, noSandbox, testDeno, titleOf } from './_test_machine.ts'
import type { Defences } from './runner.ts'

const whyDeno = testDeno() === undefined ? 'deno is not installed' : null
const why = noSandbox() ?? whyDeno
const whyFiles = whyDeno ?? noLandlock(1)
const whyTcp = whyDeno ?? noLandlock(4)
const MARK = 'haggle-escape-mark'
/** Milliseconds in which a defence that looks now and then must have looked; it ends the job long before. */
const HOLD_MS = 15_000

/** An attack on two layers. */
interface Attack {
  readonly name: string
  readonly attempt: (bench: Bench, isolation: 'bubblewrap' | 'permissions') => Promise<BenchResult>
  /** The defence of bubblewrap that stops it; null where the processor of the attack is inside anyway. */
  readonly outer: Defences | null
}

async function withServer<T>(use: (port: number) => Promise<T>): Promise<T> {
  const server: Server = createServer((_, response) => {
    response.setHeader('content-type', 'application/javascript')
    response.end(`export const mark = '${MARK}'`)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  try {
    const address = server.address()
    return await use(typeof address === 'object' && address !== null ? address.port : 0)
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

function keyFile(bench: Bench): string {
  const folder = join(bench.home, 'keys')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  writeFileSync(join(folder, 'identity.key'), MARK, { mode: 0o600 })
  return join(folder, 'identity.key')
}

const ATTACKS: readonly Attack[] = [
  {
    name: "fetching from the provider's loopback",
    attempt: (bench, isolation) =>
      withServer((port) => bench.deno(`console.log(await (await fetch('http://127.0.0.1:${port}/')).text())`, { isolation })),
    outer: { network: false },
  },
  {
    name: "connecting to the provider's loopback",
    attempt: (bench, isolation) =>
      withServer((port) =>
        bench.deno(
          `const c = await Deno.connect({ hostname: '127.0.0.1', port: ${port} })
await c.write(new TextEncoder().encode('GET / HTTP/1.0\\r\\n\\r\\n')); for await (const chunk of c.readable) console.log(new TextDecoder().decode(chunk))`,
          { isolation },
        ),
      ),
    outer: { network: false },
  },
  {
    name: 'importing a module from the network',
    attempt: (bench, isolation) =>
      withServer((port) => bench.deno(`import { mark } from 'http://127.0.0.1:${port}/m.js'; console.log(mark)`, { isolation })),
    outer: { network: false },
  },
  {
    name: "reading the node's key",
    attempt: (bench, isolation) => bench.deno(`console.log(await Deno.readTextFile('${keyFile(bench)}'))`, { isolation }),
    outer: { files: false },
  },
  {
    name: "reading the node's key over a link in its folder",
    attempt: (bench, isolation) =>
      bench.deno(`await Deno.symlink('${keyFile(bench)}', 'link'); console.log(await Deno.readTextFile('link'))`, { isolation }),
    outer: { files: false },
  },
  {
    name: "reading the launcher's environment",
    attempt: (bench, isolation) => bench.deno(`console.log(Deno.env.get('VITEST') === undefined ? '' : '${MARK}')`, { isolation }),
    outer: { environment: false },
  },
  {
    name: 'running a program',
    attempt: (bench, isolation) =>
      bench.deno(`console.log(new TextDecoder().decode((await new Deno.Command('/bin/echo', { args: ['${MARK}'] }).output()).stdout))`, {
        isolation,
      }),
    outer: { files: false },
  },
]

/** A file that is no module of the job: text of one line that is JSON and JavaScript, too. */
function hostFile(bench: Bench, name: string): string {
  const path = join(bench.home, name)
  writeFileSync(path, name.endsWith('.cjs') ? `exports['${MARK}'] = 1` : `"${MARK}"`, { mode: 0o600 })
  return path
}

/** What Deno would load before the job's first line, without asking for a permission. */
const IMPORTS: readonly { readonly name: string; readonly source: (bench: Bench) => string }[] = [
  {
    name: 'importing a file as text',
    source: (bench) => `import text from '${hostFile(bench, 'key')}' with { type: 'text' }; console.log(text)`,
  },
  {
    name: 'importing a file as JSON',
    source: (bench) => `import json from '${hostFile(bench, 'key.json')}' with { type: 'json' }; console.log(json)`,
  },
  {
    name: 'importing a file when it runs, by a name that is written out',
    source: (bench) => `console.log((await import('${hostFile(bench, 'key')}', { with: { type: 'text' } })).default)`,
  },
  {
    name: 'importing a file over a slash that is no slash in a URL',
    source: (bench) =>
      `import json from './${'..%2f'.repeat(12)}${hostFile(bench, 'key.json').slice(1)}' with { type: 'json' }; console.log(json)`,
  },
  {
    name: 'requiring a module',
    source: (bench) =>
      `import module from 'data:text/javascript,export { default } from "file://${hostFile(bench, 'key.cjs')}"'; console.log(module)`,
  },
]

describe.skipIf(why !== null)(titleOf('deno escapes in bubblewrap', why), { timeout: 60_000 }, () => {
  for (const { name, attempt, outer } of ATTACKS) {
    it(`deno stops a job from ${name}, by either layer alone`, async () => {
      for (const defences of [{}, outer ?? {}, { permissions: false }]) {
        const { stdout } = await withBench({ defences }, (bench) => attempt(bench, 'bubblewrap'))
        expect(stdout, JSON.stringify(defences)).not.toContain(MARK)
      }
    })

    it(`deno does not stop a job from ${name} when both layers are off`, async () => {
      const { stdout, stderr } = await withBench({ defences: { permissions: false, ...outer } }, (bench) => attempt(bench, 'bubblewrap'))
      expect(stdout, stderr).toContain(MARK)
    })
  }

  for (const { name, source } of IMPORTS) {
    it(`deno stops a job from ${name}, by bubblewrap alone`, async () => {
      for (const defences of [{}, { permissions: false }]) {
        const { stdout } = await withBench({ defences }, (bench) => bench.deno(source(bench)))
        expect(stdout, JSON.stringify(defences)).not.toContain(MARK)
      }
    })

    it(`deno does not stop a job from ${name} when files are off`, async () => {
      const { stdout, stderr } = await withBench({ defences: { files: false } }, (bench) => bench.deno(source(bench)))
      expect(stdout, stderr).toContain(MARK)
    })
  }

  /** Holds what it took until a defence that looks now and then must have looked, however busy the machine. */
  const hold = (ms: number): string => `await new Promise((r) => setTimeout(r, ${ms}))`
  const grow = (holdMs: number): string =>
    `const held = []; for (let i = 0; i < 12; i++) held.push(new Uint8Array(50_000_000).fill(1)); ${hold(holdMs)}; console.log('${MARK}', held.length)`
  it('deno stops a job from holding more memory than it may in typed arrays', async () => {
    const result = await withBench({}, (bench) => bench.deno(grow(HOLD_MS), { limits: { memMiB: 256 } }))
    expect(result.stdout).toBe('')
    expectMemoryEnd(result)
  })
  it('deno stops a job from holding more memory than it may in typed arrays, where there are no cgroups', async () => {
    const result = await withBench({ useCgroups: false }, (bench) => bench.deno(grow(HOLD_MS), { limits: { memMiB: 256 } }))
    expect(result.stdout).toBe('')
    expectMemoryEnd(result)
  })
  it('deno does not stop a job from holding more memory than it may in typed arrays when memory is off', async () => {
    const result = await withBench({ defences: { memory: false } }, (bench) => bench.deno(grow(0), { limits: { memMiB: 256 } }))
    expect(result.stdout).toContain(MARK)
  })

  it('deno ends a job whose heap is full with limit(memory)', async () => {
    const result = await withBench({}, (bench) =>
      bench.deno(`const held = []; for (;;) held.push({ a: Math.random(), b: [1, 2, 3] })`, { limits: { memMiB: 128 } }),
    )
    expect(result.exit).toEqual({ kind: 'limit', limit: 'memory' })
  })

  it('deno ends a job that fills the disk, and does not when disk is off', async () => {
    const fill = (holdMs: number): string =>
      `for (let i = 0; i < 6; i++) await Deno.writeFile('big' + i, new Uint8Array(4_000_000)); ${hold(holdMs)}; console.log('${MARK}')`
    const job = { limits: { diskMiB: 8 } }
    const stopped = await withBench({}, (bench) => bench.deno(fill(HOLD_MS), job))
    expect([stopped.stdout, stopped.exit]).toEqual(['', { kind: 'limit', limit: 'disk' }])
    expect((await withBench({ defences: { disk: false } }, (bench) => bench.deno(fill(0), job))).stdout).toContain(MARK)
  })

  it('deno shows a job the variables of its spec and no other', async () => {
    const source = `console.log(Deno.env.get('KEY')); try { console.log(Deno.env.get('HOME')) } catch (error) { console.log(error.name) }`
    const { stdout } = await withBench({}, (bench) => bench.deno(source, { env: { KEY: 'value' } }))
    expect(stdout).toBe('value\nNotCapable\n')
  })

  it('deno refuses a job that sets variables of the runtime', async () => {
    await withBench({}, async (bench) => {
      for (const name of [
        'LD_PRELOAD',
        'OTEL_DENO',
        'OTEL_EXPORTER_OTLP_ENDPOINT',
        'DENO_DIR',
        'NODE_OPTIONS',
        'VK_ICD_FILENAMES',
        'PATH',
      ]) {
        await expect(bench.deno('', { env: { [name]: 'x' } })).rejects.toMatchObject({ code: 'E_JOB_SPEC' })
      }
    })
  })

  it('deno has no WebGPU adapter without a device', async () => {
    const source = `console.log(await navigator.gpu.requestAdapter())`
    for (const isolation of ['bubblewrap', 'permissions'] as const) {
      expect((await withBench({}, (bench) => bench.deno(source, { isolation }))).stdout).toBe('null\n')
    }
  })
})

describe.skipIf(whyDeno !== null)(titleOf('deno escapes with permissions only', whyDeno), { timeout: 60_000 }, () => {
  for (const { name, attempt } of ATTACKS) {
    it(`deno stops a job from ${name} with isolation permissions`, async () => {
      const { stdout, stderr } = await withBench({}, (bench) => attempt(bench, 'permissions'))
      expect(stdout).not.toContain(MARK)
      expect(stderr).toMatch(/NotCapable|Requires|remote specifier|npm/i)
    })

    it(`deno does not stop a job from ${name} with isolation permissions when permissions are off`, async () => {
      // Without a cache Deno loads nothing from the network: disk is off for that.
      const defences = { permissions: false, environment: false, disk: false, files: false }
      const { stdout, stderr } = await withBench({ defences }, (bench) => attempt(bench, 'permissions'))
      expect(stdout, stderr).toContain(MARK)
    })
  }

  for (const { name, source } of IMPORTS) {
    it(`deno stops a job from ${name} with isolation permissions`, async () => {
      await withBench({}, async (bench) => {
        const started = bench.deno(source(bench), { isolation: 'permissions' })
        await expect(started).rejects.toMatchObject({ code: 'E_JOB_SPEC', message: expect.stringContaining('not in its folder') })
        expect(await bench.host.list()).toMatchObject([{ phase: 'staging', stdoutBytes: 0, stderrBytes: 0 }])
      })
    })

    it(`deno does not stop a job from ${name} with isolation permissions when modules and files are off`, async () => {
      const { stdout, stderr } = await withBench({ defences: { modules: false, files: false } }, (bench) =>
        bench.deno(source(bench), { isolation: 'permissions' }),
      )
      expect(stdout, stderr).toContain(MARK)
    })
  }

  it('deno refuses a job with isolation permissions the same for a file of the host that is not there', async () => {
    await withBench({}, async (bench) => {
      const started = bench.deno(`import '${join(bench.home, 'nothing.ts')}'`, { isolation: 'permissions' })
      await expect(started).rejects.toMatchObject({ code: 'E_JOB_SPEC', message: expect.stringContaining('not in its folder') })
    })
  })

  it('deno keeps a job with isolation permissions from importing a file of the host by a name that it computes', async () => {
    const source = (bench: Bench): string => `const folder = '${bench.home}/'
const tries = [['key', 'text'], ['key.json', 'json']]
Deno.writeTextFileSync('later.ts', 'import text from "' + folder + 'key" with { type: "text" }; console.log(text); self.postMessage?.(0)')
for (const [name, type] of tries) await import(folder + name, { with: { type } }).then(console.log, (e) => console.log(e.message))
await import('./later.ts').then(console.log, (e) => console.log(e.message))
const worker = new Worker(new URL('./later.ts', import.meta.url), { type: 'module' })
worker.onmessage = () => worker.terminate()
worker.onerror = (e) => { e.preventDefault(); console.log(e.message); worker.terminate() }`
    const attempt = (bench: Bench): Promise<BenchResult> => {
      for (const name of ['key', 'key.json']) hostFile(bench, name)
      return bench.deno(source(bench), { isolation: 'permissions' })
    }
    const stopped = await withBench({}, attempt)
    expect(stopped.stdout + stopped.stderr).not.toContain(MARK)
    expect(stopped.stdout.match(/Requires read access/g), stopped.stderr).toHaveLength(4)
    const { stdout, stderr } = await withBench({ defences: { permissions: false, files: false } }, attempt)
    expect(stdout.split(MARK), stderr).toHaveLength(5)
  })

  it('deno refuses a job with isolation permissions whose modules take more memory to look through than it has', async ({ skip }) => {
    const { memory } = await withBench({}, async (bench) => bench.host.enforces)
    skip(memory !== 'cgroup', 'no control group counts memory here, and the watchdog is for jobs that run')
    const source = `const held = [${'[{ a: 1 }],'.repeat(50_000)}]; console.log('${MARK}')`
    const attempt = (bench: Bench): Promise<BenchResult> => bench.deno(source, { isolation: 'permissions', limits: { memMiB: 32 } })
    await expect(withBench({}, attempt)).rejects.toMatchObject({ code: 'E_JOB_SPEC' })
    expect((await withBench({ defences: { memory: false } }, attempt)).stdout).toContain(MARK)
  })

  it('deno leaves it to a job with isolation permissions to fail over what its own folder lacks', async () => {
    for (const [source, words] of [
      [`import './missing.ts'`, /Module not found/],
      [`const = 1`, /SyntaxError/],
      [`import 'bare'`, /"bare" not a dependency/],
    ] as const) {
      const { exit, stderr } = await withBench({}, (bench) => bench.deno(source, { isolation: 'permissions' }))
      expect([exit, stderr]).toEqual([{ kind: 'exit', code: 1 }, expect.stringMatching(words)])
    }
  })

  it('deno keeps a job with isolation permissions from filling the disk without a permission, and does not when disk is off', async () => {
    const source = `for (const keep of [
  async () => (await caches.open('a')).put('http://a/', new Response(new Uint8Array(8_000_000))),
  async () => localStorage.setItem('a', 'b'.repeat(1_000_000)),
]) await keep().then(() => console.log('${MARK}'), () => console.log('refused'))`
    const job = { isolation: 'permissions', limits: { diskMiB: 4 } } as const
    await withBench({}, async (bench) => {
      const { id, stdout, stderr } = await bench.deno(source, job)
      expect(stdout, stderr).toBe('refused\nrefused\n')
      expect(readdirSync(dirname(bench.host.folder(id)))).toHaveLength(6)
    })
    const defences = { disk: false, files: false }
    expect((await withBench({ defences }, (bench) => bench.deno(source, job))).stdout).toBe(`${MARK}\n${MARK}\n`)
  })

  it('deno keeps a job with isolation permissions from foreign functions and from facts about the machine', async () => {
    const tries = [
      'Deno.dlopen("libc.so.6", {})',
      'Deno.hostname()',
      'Deno.osRelease()',
      'Deno.systemMemoryInfo()',
      'Deno.readDirSync("/").next()',
      'Deno.kill(1)',
    ]
    const source = tries
      .map((one) => `try { ${one}; console.log('${MARK}', ${JSON.stringify(one)}) } catch (error) { console.log(error.name) }`)
      .join('\n')
    const { stdout } = await withBench({}, (bench) => bench.deno(source, { isolation: 'permissions' }))
    expect(stdout).toBe(`${'NotCapable\n'.repeat(tries.length)}`)
  })

  it('deno ends a job with isolation permissions that holds too much memory, with and without cgroups', async () => {
    const source = `const held = []; for (;;) { held.push(new Uint8Array(30_000_000).fill(1)); await new Promise((r) => setTimeout(r, 20)) }`
    for (const useCgroups of [true, false]) {
      expectMemoryEnd(await withBench({ useCgroups }, (bench) => bench.deno(source, { isolation: 'permissions', limits: { memMiB: 256 } })))
    }
  })
})

/** A job whose uncaught error is, by the map that it brings, of a line of `file`: 0 is the first. */
function failingAt(bench: Bench, file: string, line: number): Promise<BenchResult> {
  const map = { version: 3, sources: [`file://${file}`], names: [], mappings: line === 0 ? 'AAAA' : 'AACA' }
  const url = `data:application/json;base64,${Buffer.from(JSON.stringify(map)).toString('base64')}`
  return bench.deno(`throw new Error('on purpose')\n//# sourceMappingURL=${url}`, { isolation: 'permissions' })
}

describe.skipIf(whyFiles !== null)(titleOf("deno escapes and the kernel's rules", whyFiles), { timeout: 60_000 }, () => {
  for (const { name, attempt, outer } of ATTACKS.filter((one) => one.outer?.environment === undefined)) {
    const why = outer?.network === false ? whyTcp : null
    it.skipIf(why !== null)(titleOf(`the kernel alone stops a deno job from ${name}`, why), async () => {
      const defences = { permissions: false, disk: false }
      const { stdout, stderr } = await withBench({ defences }, (bench) => attempt(bench, 'permissions'))
      expect(stdout).not.toContain(MARK)
      expect(stderr).toMatch(/denied|not permitted|EACCES/i)
      expect(stderr).not.toContain('keeper:')
    })
  }

  for (const { name, source } of IMPORTS) {
    it(`the kernel alone stops a deno job from ${name}`, async () => {
      const defences = { permissions: false, modules: false }
      const { stdout, stderr } = await withBench({ defences }, (bench) => bench.deno(source(bench), { isolation: 'permissions' }))
      expect(stdout + stderr).not.toContain(MARK)
      expect(stderr).toMatch(/denied|not permitted|EACCES|not found|cannot find/i)
      expect(stderr).not.toContain('keeper:')
    })
  }

  it('the kernel keeps Deno from showing a line of a host file that a source map names, and Deno shows it when files are off', async () => {
    const attempt = (bench: Bench): Promise<BenchResult> => failingAt(bench, hostFile(bench, 'key'), 0)
    const { stdout, stderr, exit } = await withBench({}, attempt)
    expect([stdout + stderr, exit]).toEqual([expect.not.stringContaining(MARK), { kind: 'exit', code: 1 }])
    expect(stderr).toContain('on purpose')
    expect((await withBench({ defences: { files: false } }, attempt)).stderr).toContain(MARK)
  })

  it("the kernel keeps Deno from showing the provider's connections, and Deno shows them when files are off", async () => {
    const attempt = (bench: Bench): Promise<BenchResult> => withServer(() => failingAt(bench, '/proc/self/net/tcp', 1))
    const connection = /\d: [0-9A-F]{8}:/
    const { stderr } = await withBench({}, attempt)
    expect(stderr).toContain('on purpose')
    expect(stderr).not.toMatch(connection)
    expect((await withBench({ defences: { files: false } }, attempt)).stderr).toMatch(connection)
  })

  it('the kernel lets a deno job do in its folder what it may', async () => {
    const source = `await Deno.mkdir('out/deep', { recursive: true }); await Deno.writeTextFile('out/a', 'text'); await Deno.rename('out/a', 'out/b')
console.log(await Deno.readTextFile('out/b')); await Deno.remove('out', { recursive: true })
console.log(new Date(0).toLocaleTimeString('en', { timeZone: 'Asia/Tokyo' }), Deno.env.get('WHO'), Deno.memoryUsage().rss > 1e6)
const worker = new Worker(URL.createObjectURL(new Blob(['self.postMessage("worker")'])), { type: 'module' })
console.log(await new Promise((resolve) => { worker.onmessage = (e) => { worker.terminate(); resolve(e.data) } }))`
    const { stdout, stderr } = await withBench({}, (bench) =>
      bench.deno(source, { isolation: 'permissions', env: { WHO: 'me', LC_ALL: 'xx_XX', PERL5OPT: '-Mnone' } }),
    )
    expect([stdout, stderr]).toEqual(['text\n9:00:00 AM me true\nworker\n', ''])
  })

  it('a deno job requires its own modules where the provider keeps a package.json above', async () => {
    const source = `import { createRequire } from 'node:module'
Deno.writeTextFileSync('b.cjs', 'module.exports = "own"'); console.log(createRequire(import.meta.url)('./b.cjs'))
Deno.writeTextFileSync('c.js', 'module.exports = "own"'); console.log(createRequire(import.meta.url)('./c.js'))`
    const { stdout, stderr } = await withBench({}, (bench) => {
      writeFileSync(join(bench.home, 'package.json'), '{}')
      return bench.deno(source, { isolation: 'permissions' })
    })
    expect(stdout, stderr).toBe('own\nown\n')
  })

  it('deno shows a job without a sandbox the variables of its spec and no other', async () => {
    const source = `console.log(Object.keys(Deno.env.toObject()).filter((name) => !/^(DENO_|VK_|HOME$)/.test(name)).sort().join())`
    const defences = { permissions: false }
    const { stdout } = await withBench({ defences }, (bench) =>
      bench.deno(source, { isolation: 'permissions', env: { WHO: 'me', RANDOM: '1' } }),
    )
    expect(stdout).toBe('RANDOM,WHO\n')
  })
})

/** Without cgroups the watchdog ends the job, unless the limit of the process makes an allocation fail before. */
function expectMemoryEnd({ exit, stderr }: BenchResult): void {
  if (exit.kind === 'exit') expect([exit.code, stderr]).toEqual([1, expect.stringContaining('allocation failed')])
  else expect(exit).toEqual({ kind: 'limit', limit: 'memory' })
}
