import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { landlocked, type LandlockRule, landlockTool } from './landlock.ts'
import { noLandlock, titleOf } from './_test_machine.ts'

const why = noLandlock()
let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'haggle-landlock-'))
  writeFileSync(join(folder, 'a b'), 'content')
})
afterAll(() => rmSync(folder, { recursive: true }))

it('landlockTool() knows the numbers of both processors, and none of others', () => {
  expect(landlockTool('/usr/bin/perl', { platform: 'linux', arch: 'arm64' })).toEqual({ perl: '/usr/bin/perl', openat: 56, prctl: 167 })
  for (const [perl, platform, arch] of [
    ['/usr/bin/perl', 'linux', 'riscv64'],
    ['/usr/bin/perl', 'darwin', 'arm64'],
    [null, 'linux', 'x64'],
  ] as const)
    expect(landlockTool(perl, { platform, arch })).toBe(null)
})

describe.skipIf(why !== null)(titleOf('landlocked()', why), () => {
  const system: readonly LandlockRule[] = [
    ...['/usr', '/lib', '/lib64', '/bin', '/etc/ld.so.cache'].map((path) => ({ may: 'read' as const, path })),
    { may: 'device', path: '/dev/null' },
  ]
  const run = (rules: readonly LandlockRule[], script: string): { status: number | null; stdout: string; stderr: string } => {
    const tool = landlockTool('/usr/bin/perl', process)
    if (tool === null) throw new Error('a tool')
    const [command = '', ...args] = landlocked(
      tool,
      [...system, ...rules],
      ['/bin/sh', '-c', script, 'sh', join(folder, 'a b'), '--', "it's"],
    )
    const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', cwd: '/' })
    return { status, stdout, stderr }
  }

  it('gives a program its arguments as they are, and what the rules name to read and no more', () => {
    const file = join(folder, 'a b')
    const script = 'cat "$1"; echo "$2 $3"; echo x 2>/dev/null >"$1" || echo kept'
    expect(run([{ may: 'read', path: file }], script)).toEqual({ status: 0, stdout: "content-- it's\nkept\n", stderr: '' })
    expect(run([], script)).toMatchObject({ status: 0, stdout: "-- it's\nkept\n", stderr: expect.stringContaining('Permission denied') })
  })

  it('lets a program write and not start what is in its folder', () => {
    const rules: readonly LandlockRule[] = [{ may: 'write', path: folder }]
    const script = 'cd "${1%/*}" && printf "#!/bin/sh\\necho ran\\n" >new && chmod +x new && cat new && ./new || echo no; rm new'
    expect(run(rules, script)).toMatchObject({ status: 0, stdout: '#!/bin/sh\necho ran\nno\n' })
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
