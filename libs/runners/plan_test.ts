import fc from 'fast-check'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { Cgroup, parseCgroups } from './cgroup.ts'
import { denoRunner } from './deno_runner.ts'
import { deviceEnv } from './device_env.ts'
import { execRunner } from './exec_runner.ts'
import { readHostFacts, testHostFacts } from './host_facts.ts'
import { frame, frameCutter, type LauncherFrame, parseStdin, stdinPayload } from './launcher_protocol.ts'
import { envOctets, keeperTool } from './keeper.ts'
import { explain, probeSandbox } from './probe.ts'
import type { HostFacts, LaunchPlan, PlanRequest } from './runner.ts'
import { stubScript } from './stub.ts'
import { noLandlock, testDeno } from './_test_machine.ts'

const request: PlanRequest = {
  spec: { runner: 'exec', args: ['true'], env: {}, files: [], inline: [], stdin: false, outputs: [] },
  isolation: 'bubblewrap',
  folder: '/srv/jobs/1/work',
  memMiB: 256,
  diskMiB: 1024,
  devices: [],
  host: testHostFacts(),
  defences: {},
}
const denoRequest: PlanRequest = { ...request, spec: { ...request.spec, runner: 'deno', args: ['main.ts'] } }
const GPU = {
  id: 'gpu0',
  nodes: ['/dev/nvidia0', '/dev/nvidiactl'],
  readOnly: ['/etc/vulkan/icd.d/nvidia_icd.json'],
  env: { CUDA_VISIBLE_DEVICES: 'GPU-1' },
}

/** Values of an option that may stand there several times. */
function valuesOf(options: readonly string[], name: string): string[] {
  return options.flatMap((option, index) => (option === name ? [options[index + 1] ?? ''] : []))
}

describe('plan()', () => {
  it('plan() shuts an exec job in as the design says', () => {
    const { sandbox } = execRunner().plan(request)
    for (const option of [
      '--unshare-user',
      '--unshare-pid',
      '--unshare-net',
      '--unshare-ipc',
      '--unshare-uts',
      '--disable-userns',
      '--clearenv',
      '--die-with-parent',
      '--new-session',
    ]) {
      expect(sandbox?.options).toContain(option)
    }
    expect(valuesOf(sandbox?.options ?? [], '--uid')).toEqual(['65534'])
    expect(valuesOf(sandbox?.options ?? [], '--cap-drop')).toEqual(['ALL'])
    expect(valuesOf(sandbox?.options ?? [], '--remount-ro')).toContain('/')
    expect(valuesOf(sandbox?.options ?? [], '--bind')).toEqual([request.folder])
    expect(sandbox?.seccomp).toBe(true)
  })

  it('plan() gives a deno job the libraries and its folder, and no program of the system', () => {
    const { sandbox, argv } = denoRunner().plan(denoRequest)
    expect(valuesOf(sandbox?.options ?? [], '--ro-bind').filter((path) => path !== '/dev/null')).toEqual([
      '/usr/lib',
      '/usr/lib64',
      '/opt/deno',
    ])
    for (const flag of [
      '--no-prompt',
      '--no-config',
      '--no-lock',
      '--no-remote',
      '--no-npm',
      '--deny-import',
      '--deny-net',
      '--deny-env',
      '--deny-run',
      '--deny-ffi',
      '--deny-sys',
    ]) {
      expect(argv).toContain(flag)
    }
    expect(argv).toContain('--allow-read=/work')
    expect(argv.at(-1)).toBe('/work/main.ts')
  })

  it('plan() has the modules of a deno job told before its start where there is no sandbox, and only there', () => {
    const { moduleQuery, keeping } = denoRunner().plan({ ...denoRequest, isolation: 'permissions' })
    for (const flag of ['info', '--json', '--no-config', '--no-lock', '--no-remote', '--no-npm', '--deny-import']) {
      expect(moduleQuery).toContain(flag)
    }
    expect(moduleQuery?.at(-1)).toBe(`${request.folder}/main.ts`)
    expect(keeping?.env).toMatchObject({ DENO_DIR: '/dev/null/deno', HOME: '/nonexistent' })
    for (const plan of [denoRunner().plan(denoRequest), execRunner().plan(request)]) expect(plan.moduleQuery).toBe(undefined)
  })

  it('plan() has the kernel keep a deno job without a sandbox to its folder, to its devices and to what the runtime needs', () => {
    const rules = (more: Partial<PlanRequest>): string[] | undefined =>
      denoRunner()
        .plan({ ...denoRequest, isolation: 'permissions', ...more })
        .keeping?.rules?.map(({ may, path }) => `${may}:${path}`)
    expect(rules({})?.filter((one) => !one.startsWith('read:'))).toEqual(['device:/dev/null', `write:${request.folder}`])
    expect(rules({})).toContain('read:/opt/deno')
    expect(rules({ devices: [GPU] })).toEqual(expect.arrayContaining(GPU.nodes.map((node) => `device:${node}`)))
    expect(rules({ defences: { files: false } })).toBe(undefined)
    for (const plan of [denoRunner().plan(denoRequest), execRunner().plan(request)]) expect(plan.keeping).toBe(null)
  })

  it('plan() shows a device to a job that has it, and nothing of it to others', () => {
    for (const [runner, base] of [
      [execRunner(), request],
      [denoRunner(), denoRequest],
    ] as const) {
      const options = (devices: PlanRequest['devices']): readonly string[] => runner.plan({ ...base, devices }).sandbox?.options ?? []
      expect(valuesOf(options([GPU]), '--dev-bind')).toEqual(GPU.nodes)
      expect(valuesOf(options([GPU]), '--setenv')).toContain('CUDA_VISIBLE_DEVICES')
      expect(options([]).join(' ')).not.toMatch(/nvidia|CUDA/)
    }
    expect(valuesOf(execRunner().plan(request).sandbox?.options ?? [], '--tmpfs')).toContain('/usr/share/vulkan')
  })

  it('plan() refuses what can not be given', () => {
    const noBwrap = { ...testHostFacts(), bwrap: null }
    const code = (run: () => unknown): string => {
      try {
        run()
        return 'no error'
      } catch (error) {
        return (error as { code: string }).code
      }
    }
    expect(code(() => execRunner().plan({ ...request, host: noBwrap }))).toBe('E_ISOLATION')
    expect(code(() => execRunner().plan({ ...request, isolation: 'permissions' }))).toBe('E_ISOLATION')
    expect(code(() => denoRunner().plan({ ...denoRequest, host: noBwrap }))).toBe('E_ISOLATION')
    expect(code(() => denoRunner().plan({ ...denoRequest, host: noBwrap, isolation: 'permissions' }))).toBe('no error')
    expect(code(() => denoRunner().plan({ ...denoRequest, host: { ...noBwrap, keeper: null }, isolation: 'permissions' }))).toBe(
      'E_ISOLATION',
    )
    expect(code(() => execRunner().plan(denoRequest))).toBe('E_JOB_SPEC')
  })
})

describe('stubScript()', () => {
  const plan = { sandbox: null, cwd: '/', extraPids: 0, hasShell: true, outOfMemoryCodes: [] }
  const tool = keeperTool('/usr/bin/perl', process)
  const nothing = { dataMiB: null, fileMiB: null, pids: null }
  /** What a stub's shell does with a plan, and with the octets that the launcher writes beside it. */
  const become = (shell: string, order: LaunchPlan): string => {
    const input = order.keeping === null ? new Uint8Array() : envOctets(order.keeping.env)
    const script = stubScript({ plan: order, stdin: true, rlimits: nothing })
    // The variables come by descriptor 4; here from stdin.
    const { stdout, stderr, status } = spawnSync(shell, ['-c', `exec 4<&0\n${script}`], { input, encoding: 'utf8', env: {}, argv0: 'sh' })
    expect([status, stderr]).toEqual([0, ''])
    return stdout
  }

  it('stubScript() gives a program exactly its arguments, whatever is in them, with a keeper and without', () => {
    const text = fc.string({ unit: fc.constantFrom("'", '"', '\\', '$', '`', '\n', ' ', ';', '*', '!', '(', 'a', 'é', '-') })
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 4 }), fc.boolean(), (args, isKept) => {
        const keeping = isKept && tool !== null ? { tool, rules: null, env: {} } : null
        const argv = ['/usr/bin/printf', '%s\\0', ...args, 'END']
        expect(become('/bin/sh', { ...plan, argv, keeping })).toBe(`${[...args, 'END'].join('\0')}\0`)
      }),
      { numRuns: 40 },
    )
  })

  it('stubScript() gives a program its variables and no other, whatever is in them, whatever the shell', () => {
    if (tool === null) throw new Error('Perl')
    const env = {
      VALUE: `'"\\$(id)\`\n=é`,
      EMPTY: '',
      RANDOM: 'a[$(echo run >&2)]',
      SECONDS: 'b[$(echo run >&2)]',
      PERL5OPT: '-Mnone',
      IFS: 'x',
      UID: '7',
    }
    for (const shell of ['/bin/sh', '/bin/bash']) {
      const shown = become(shell, { ...plan, argv: ['/usr/bin/env', '-0'], keeping: { tool, rules: null, env } })
      const got = shown.split('\0').filter((one) => one !== '')
      expect(got.sort(), shell).toEqual(
        Object.entries(env)
          .map(([name, value]) => `${name}=${value}`)
          .sort(),
      )
    }
  })
})

describe('probeSandbox()', () => {
  const enforces = { memory: 'watchdog', pids: 'rlimit', cpu: 'none' } as const
  const whyNot = async (changes: Partial<HostFacts>): Promise<string | undefined> => {
    const facts = { ...readHostFacts({ skeleton: '/nonexistent', deno: testDeno() }), ...changes }
    return (await probeSandbox({ facts, enforces })).missing.find(({ isolation }) => isolation === 'permissions')?.reason
  }

  it.skipIf(testDeno() === undefined)('probeSandbox() offers permissions only where Deno starts as jobs start', async () => {
    expect(await whyNot({})).toBe(undefined)
    expect(await whyNot({ deno: null })).toMatch(/Deno binary/)
    expect(await whyNot({ keeper: null })).toMatch(/Perl is not installed/)
    expect(await whyNot({ keeper: { perl: '/nothing/there', landlock: null } })).toMatch(/does not start/)
  })

  it.skipIf(testDeno() === undefined || noLandlock(1) !== null)(
    'probeSandbox() notices a Deno that the rules keep from its libraries',
    async () => {
      expect(await whyNot({ libraries: [] })).toMatch(/does not start/)
    },
  )
})

describe('deviceEnv()', () => {
  it('deviceEnv() joins the lists of several devices and keeps the rest', () => {
    const second = { ...GPU, id: 'gpu1', env: { CUDA_VISIBLE_DEVICES: 'GPU-2', VK_ICD_FILENAMES: '/b', DENO_WEBGPU_BACKEND: 'vulkan' } }
    const first = { ...GPU, env: { ...GPU.env, VK_ICD_FILENAMES: '/a', DENO_WEBGPU_BACKEND: 'vulkan' } }
    expect(deviceEnv([first, second])).toEqual({
      CUDA_VISIBLE_DEVICES: 'GPU-1,GPU-2',
      VK_ICD_FILENAMES: '/a:/b',
      DENO_WEBGPU_BACKEND: 'vulkan',
    })
  })
})

describe('frames', () => {
  it('frameCutter() gives back every frame, however the stream is cut', () => {
    const frames = fc.array(fc.record({ kind: fc.nat(255), number: fc.nat(0xffffffff), payload: fc.uint8Array({ maxLength: 300 }) }), {
      maxLength: 20,
    })
    fc.assert(
      fc.property(frames, fc.array(fc.integer({ min: 1, max: 64 }), { minLength: 1 }), (sent, cuts) => {
        const stream = Buffer.concat(sent.map(({ kind, number, payload }) => frame(kind, number, payload)))
        const got: LauncherFrame[] = []
        const cut = frameCutter((one) => got.push({ ...one, payload: Buffer.from(one.payload) }))
        for (let at = 0, turn = 0; at < stream.length; turn++) {
          const size = cuts[turn % cuts.length] ?? 1
          cut(stream.subarray(at, at + size))
          at += size
        }
        expect(got.map(({ kind, number, payload }) => [kind, number, [...payload]])).toEqual(
          sent.map(({ kind, number, payload }) => [kind, number, [...payload]]),
        )
      }),
    )
  })

  it('frameCutter() refuses a frame that no launcher sends', () => {
    expect(() => frameCutter(() => {})(Buffer.from([0xff, 0xff, 0xff, 0xff]))).toThrow(/frame of 4294967295 bytes/)
  })

  it('parseStdin() tells octets from the end of stdin', () => {
    expect(parseStdin(stdinPayload('ab', Buffer.from('x')))).toEqual({ id: 'ab', chunk: Buffer.from('x') })
    expect(parseStdin(stdinPayload('ab', null))).toEqual({ id: 'ab', chunk: null })
  })
})

describe('parseCgroups()', () => {
  it('parseCgroups() finds the own groups of a hybrid machine', () => {
    const mounts = [
      '31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755',
      '32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu',
      '35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory',
      '41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw',
    ].join('\n')
    expect(parseCgroups(mounts, '4:memory:/jobs/7\n1:cpu:/\n0::/\n')).toEqual([
      { version: 1, controllers: ['cpu'], folder: '/sys/fs/cgroup/cpu' },
      { version: 1, controllers: ['memory'], folder: '/sys/fs/cgroup/memory/jobs/7' },
      { version: 2, controllers: [], folder: '/sys/fs/cgroup/unified' },
    ])
  })

  it('parseCgroups() finds the own group of a unified machine, and of a container that shows only its part', () => {
    const line = (root: string): string => `29 23 0:26 ${root} /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate`
    expect(parseCgroups(line('/'), '0::/user.slice/user-1000.slice\n')).toEqual([
      { version: 2, controllers: [], folder: '/sys/fs/cgroup/user.slice/user-1000.slice' },
    ])
    expect(parseCgroups(line('/docker/ab'), '0::/docker/ab\n')).toEqual([{ version: 2, controllers: [], folder: '/sys/fs/cgroup' }])
  })
})

describe('Cgroup', () => {
  it.each([
    [1, { 'memory.limit_in_bytes': '1048576', 'pids.max': '7', 'cpu.cfs_quota_us': '150000' }],
    [2, { 'memory.max': '1048576', 'memory.swap.max': '0', 'memory.oom.group': '1', 'pids.max': '7', 'cpu.max': '150000 100000' }],
  ] as const)('Cgroup.limit() writes the knobs of version %i', (version, knobs) => {
    const folder = mkdtempSync(join(tmpdir(), 'haggle-cgroup-'))
    try {
      const group = new Cgroup({ version, folders: { memory: folder, pids: folder, cpu: folder } }, 'parked')
      group.limit({ memBytes: 1048576, pids: 7, cpuMilli: 1500 })
      group.rename('job')
      expect(group.name).toBe(version === 1 ? 'job' : 'parked')
      for (const [knob, value] of Object.entries(knobs)) expect(readFileSync(join(folder, group.name, knob), 'utf8')).toBe(value)
      writeFileSync(
        join(folder, group.name, version === 1 ? 'memory.oom_control' : 'memory.events'),
        'oom_kill_disable 0\nunder_oom 0\noom 1\noom_kill 2\n',
      )
      writeFileSync(join(folder, group.name, 'pids.events'), 'max 3\n')
      expect(group.events()).toEqual({ oom: 2, pids: 3 })
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})

describe('explain()', () => {
  it.each([
    ['bwrap: Unknown option --disable-userns', /older than 0.8/],
    [
      'bwrap: No permissions to create new namespace, likely because the kernel does not allow non-privileged user namespaces.',
      /forbids user namespaces/,
    ],
    ['bwrap: setting up uid map: Permission denied', /forbids user namespaces/],
    ['bwrap: loopback: Failed RTM_NEWADDR: Operation not permitted', /forbids user namespaces/],
    ["bwrap: Can't mount proc on /newroot/proc: Operation not permitted", /container/],
    ['bwrap: something new', /bubblewrap fails: bwrap: something new/],
  ])('explain() says what "%s" means', (stderr, reason) => {
    expect(explain(stderr).reason).toMatch(reason)
  })
})
