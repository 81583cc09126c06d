import type { HostJob } from '@haggle/job'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { watch } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createLauncher } from './launcher.ts'
import { connectLauncher, launcherFolder, type LauncherHost } from './launcher_host.ts'
import { keeperTool, type Keeping } from './keeper.ts'
import { moduleRefusal } from './module_graph.ts'

let home = ''
let folder = ''
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'haggle-modules-'))
  folder = join(home, 'work')
  mkdirSync(folder)
  writeFileSync(join(folder, 'main.ts'), '')
  writeFileSync(join(home, 'key'), '')
})
afterEach(() => rmSync(home, { recursive: true }))

function graph(...specifiers: readonly string[]): string {
  return JSON.stringify({ version: 1, roots: [], modules: specifiers.map((specifier) => ({ specifier })), redirects: {} })
}

describe('moduleRefusal()', () => {
  it('moduleRefusal() is null for files of the folder, for those it lacks, and for what is no file', () => {
    const own = ['main.ts', 'missing.ts', 'sub/missing.ts', 'main.ts/x.ts'].map((name) => pathToFileURL(join(folder, name)).href)
    const others = ['node:fs', 'npm:chalk', 'jsr:@std/path', 'https://example.org/m.ts', 'data:text/javascript,1', 'blob:null/1']
    expect(moduleRefusal(graph(...own, ...others), folder)).toBe(null)
    expect(moduleRefusal(graph(`${own[0]}?a=1#b`), folder)).toBe(null)
  })

  it('moduleRefusal() tells of a file elsewhere, whether it is there or not', () => {
    const inside = pathToFileURL(folder).href
    for (const specifier of [
      pathToFileURL(join(home, 'key')).href,
      pathToFileURL(join(home, 'nothing')).href,
      pathToFileURL(`${folder}er/main.ts`).href,
      inside,
      `${inside}/../key`,
      `${inside}/..%2fkey`,
      `${inside}/%2e%2e/key`,
      'file://elsewhere/main.ts',
      'file:////etc/hostname',
    ]) {
      expect(moduleRefusal(graph(specifier), folder)?.message, specifier).toMatch(/not in its folder/)
    }
  })

  it('moduleRefusal() follows links, of the folder itself and in it', () => {
    symlinkSync(join(home, 'key'), join(folder, 'link.ts'))
    symlinkSync(folder, join(home, 'jobs'))
    const jobs = join(home, 'jobs')
    expect(moduleRefusal(graph(pathToFileURL(join(folder, 'link.ts')).href), folder)?.message).toMatch(/not in its folder/)
    expect(moduleRefusal(graph(pathToFileURL(join(jobs, 'main.ts')).href, pathToFileURL(join(folder, 'main.ts')).href), jobs)).toBe(null)
  })

  it('moduleRefusal() refuses what is no graph', () => {
    for (const text of [null, '', '{"modules":[', '[]', '{}', '{"modules":[null]}', '{"modules":[{"specifier":1}]}']) {
      expect(moduleRefusal(text, folder)?.message, String(text)).toMatch(/could not be looked through/)
    }
  })
})

describe('LaunchedJob.start()', () => {
  const job: HostJob = {
    id: 'ab'.repeat(32),
    spec: { runner: 'deno', args: ['main.ts'], env: {}, files: [], inline: [], stdin: false, outputs: [] },
    limits: { cpuMilli: 1000, memMiB: 64, diskMiB: 16, outMiB: 1, pids: 16, maxMs: 10_000 },
    devices: [],
    isolation: 'permissions',
  }

  /** A host whose jobs say "ran", asked for their modules with a shell script. */
  async function withHost(script: string, use: (host: LauncherHost) => Promise<void>, keeping: Keeping | null = null): Promise<void> {
    const launcher = await createLauncher({ folder: launcherFolder(home) })
    const common = { sandbox: null, keeping, extraPids: 0, hasShell: true, outOfMemoryCodes: [] }
    const runner = {
      name: 'deno',
      isolations: ['permissions'],
      plan: ({ folder: cwd }: { folder: string }) => ({
        ...common,
        cwd,
        argv: ['/bin/echo', 'ran'],
        moduleQuery: ['/bin/sh', '-c', script],
      }),
    } as const
    const host = await connectLauncher({ home, runners: [runner] })
    try {
      await host.prepare(job)
      await use(host)
    } finally {
      await host.close()
      await launcher.close()
    }
  }

  it('LaunchedJob.start() starts a job whose modules are its own, once, and keeps nothing of the answer', async () => {
    await withHost(`echo called >> calls; echo '{"modules":[]}'; echo words >&2`, async (host) => {
      await Promise.all([host.start(job.id), host.start(job.id)])
      expect(await host.wait(job.id)).toEqual({ kind: 'exit', code: 0 })
      expect(await host.state(job.id)).toMatchObject({ stdoutBytes: 4, stderrBytes: 0 })
      expect(readFileSync(join(host.folder(job.id), 'calls'), 'utf8')).toBe('called\n')
    })
  })

  it('LaunchedJob.start() refuses a job when the answer has no end, fails, or takes more memory than the job has', async () => {
    for (const script of ['yes', 'exit 1', `echo '{"modules":[]}'; kill -9 $$`, 'exec tail -c 1G /dev/zero']) {
      await withHost(script, async (host) => {
        await expect(host.start(job.id), script).rejects.toMatchObject({ code: 'E_JOB_SPEC' })
        expect(await host.state(job.id)).toMatchObject({ phase: 'staging', startedAt: null })
        await host.remove(job.id)
      })
    }
  })

  it('LaunchedJob.start() says that it is this machine, not the job, where the program can not be kept', async () => {
    const tool = keeperTool('/usr/bin/perl', process)
    if (tool === null) throw new Error('Perl')
    const missing = { tool: { ...tool, perl: '/nothing/there' }, rules: null, env: {} }
    await withHost(
      'exit 0',
      async (host) => {
        for (let twice = 0; twice < 2; twice++) await expect(host.start(job.id)).rejects.toMatchObject({ code: 'E_ISOLATION' })
        expect(await host.state(job.id)).toMatchObject({ phase: 'staging', startedAt: null })
        await host.remove(job.id)
      },
      missing,
    )
    // Whatever the job's own modules make Deno end with is the job's matter.
    await withHost('exit 126', (host) => expect(host.start(job.id)).rejects.toMatchObject({ code: 'E_JOB_SPEC' }))
  })

  it('LaunchedJob.start() ends with the job that is killed while it is asked for its modules', async () => {
    await withHost('echo > asked; exec sleep 60', async (host) => {
      const started = host.start(job.id)
      for await (const { filename } of watch(host.folder(job.id))) if (filename === 'asked') break
      await host.kill(job.id, 'enough')
      await started
      expect(await host.wait(job.id)).toEqual({ kind: 'killed', reason: 'enough' })
    })
  })
})
