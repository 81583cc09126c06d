import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { keeperTool, type KeeperRule, keptCommand } from './keeper.ts'
import { noLandlock, titleOf } from './_test_machine.ts'

const why = noLandlock(1)
let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'haggle-landlock-'))
  writeFileSync(join(folder, 'a b'), 'content')
})
afterAll(() => rmSync(folder, { recursive: true }))

it('keeperTool() knows the numbers of both processors, and asks nothing of a kernel that it does not know', () => {
  const perl = '/usr/bin/perl'
  expect(keeperTool(perl, { platform: 'linux', arch: 'arm64' })).toEqual({ perl, landlock: { openat: 56, prctl: 167 } })
  for (const [platform, arch] of [
    ['linux', 'riscv64'],
    ['darwin', 'arm64'],
  ] as const)
    expect(keeperTool(perl, { platform, arch })).toEqual({ perl, landlock: null })
  expect(keeperTool(null, process)).toBe(null)
})

describe.skipIf(why !== null)(titleOf('keptCommand()', why), () => {
  const system: readonly KeeperRule[] = [
    ...['/usr', '/lib', '/lib64', '/bin', '/etc/ld.so.cache'].map((path) => ({ may: 'read' as const, path })),
    { may: 'device', path: '/dev/null' },
  ]
  /** `version`: what the kernel is taken to have, of what it has. */
  const run = (
    rules: readonly KeeperRule[],
    script: string,
    version = 'syscall(444, 0, 0, 1)',
  ): { status: number | null; stdout: string; stderr: string } => {
    const tool = keeperTool('/usr/bin/perl', process)
    if (tool === null) throw new Error('a tool')
    const kept = ['/bin/sh', '-c', script, 'sh', join(folder, 'a b'), '--', "it's"]
    const [command = '', ...args] = keptCommand({ tool, rules: [...system, ...rules] }, kept, { env: false })
    const asked = args.map((one) => one.replace('syscall(444, 0, 0, 1)', version))
    const { status, stdout, stderr } = spawnSync(command, asked, { encoding: 'utf8', cwd: '/' })
    return { status, stdout, stderr }
  }

  it('gives a program its arguments as they are, and what the rules name to read and no more', () => {
    const file = join(folder, 'a b')
    const script = 'cat "$1"; echo "$2 $3"; echo x 2>/dev/null >"$1" || echo kept'
    expect(run([{ may: 'read', path: file }], script)).toEqual({ status: 0, stdout: "content-- it's\nkept\n", stderr: '' })
    expect(run([], script)).toMatchObject({ status: 0, stdout: "-- it's\nkept\n", stderr: expect.stringContaining('Permission denied') })
  })

  it('lets a program write and not start what is in its folder', () => {
    const rules: readonly KeeperRule[] = [{ may: 'write', path: folder }]
    const script = 'cd "${1%/*}" && printf "#!/bin/sh\\necho ran\\n" >new && chmod +x new && cat new && ./new || echo no; rm new'
    expect(run(rules, script)).toMatchObject({ status: 0, stdout: '#!/bin/sh\necho ran\nno\n' })
  })

  it.each(['1', '2', '3', '4', '5'])('keeps a program to its files with version %s of the rules, too', (version) => {
    const script = 'cd "${1%/*}" && echo new >new && mv new old && cat old; rm old; cat /etc/passwd'
    expect(run([{ may: 'write', path: folder }], script, version)).toMatchObject({
      stdout: 'new\n',
      stderr: expect.stringContaining('Permission denied'),
    })
  })

  it('runs a program without rules where the kernel has none', () => {
    expect(run([], 'cat "$1"', '-1')).toEqual({ status: 0, stdout: 'content', stderr: '' })
  })

  it('says what it could not start', () => {
    expect(run([], 'exec /nothing/there').status).toBe(127)
    const tool = keeperTool('/usr/bin/perl', process)
    const [command = '', ...args] = tool === null ? [] : keptCommand({ tool, rules: null }, ['/nothing/there'], { env: false })
    expect(spawnSync(command, args, { encoding: 'utf8' })).toMatchObject({
      status: 127,
      stderr: 'keeper: /nothing/there: No such file or directory\n',
    })
  })

  it('runs nothing when the folder to write is not there, and leaves out other paths that are not', () => {
    const missing = join(folder, 'missing')
    expect(run([{ may: 'write', path: missing }], 'echo ran')).toMatchObject({
      status: 126,
      stdout: '',
      stderr: expect.stringContaining('missing'),
    })
    expect(run([{ may: 'read', path: missing }], 'echo ran')).toEqual({ status: 0, stdout: 'ran\n', stderr: '' })
  })
})
